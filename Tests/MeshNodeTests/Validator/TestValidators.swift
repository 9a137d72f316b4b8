import EventLoop
import Kernel
import Mesh
import MeshNode
import Service
import TestSupport
import Testing

/// Validators in one process, each with a directory of its own, over real sockets.
actor TestValidators {
  nonisolated let net: TestNet
  private nonisolated let places: [TemporaryDirectory]
  private nonisolated let disks: [Int: SmallDisk]
  private(set) var nodes: [Int: ValidatorNode] = [:]
  private(set) var addresses: [ValidatorIndex: SocketAddress] = [:]

  /// Makes and starts them all, the last first: of two the first calls the second.
  init(_ net: TestNet, on disks: [Int: SmallDisk] = [:]) async throws {
    self.net = net
    self.disks = disks
    places = net.validators.map { _ in TemporaryDirectory() }
    for index in net.validators.indices.reversed() {
      let directory = ValidatorDirectory(path(index))
      _ = try directory.initialize()
      try PrivateFile.write(net.validatorSeeds[index], to: directory.keyPath)
      try await start(index)
    }
  }

  nonisolated func path(_ index: Int) -> String { disks[index]?.path ?? places[index].path }

  nonisolated func configuration(
    _ index: Int,
    _ addresses: [ValidatorIndex: SocketAddress] = [:]
  ) -> ValidatorConfiguration {
    var configuration = ValidatorConfiguration(dataDirectory: path(index), genesis: net.genesis)
    let own = ValidatorIndex(UInt16(index))
    if let address = addresses[own] { configuration.listen = address }
    configuration.peers = addresses.sorted { $0.key < $1.key }.map { index, address in
      ValidatorPlace(
        key: net.validators[Int(index.number)].publicKey,
        host: HostPort(host: "127.0.0.1", port: address.port)
      )
    }
    return configuration
  }

  func start(_ index: Int, follows: Bool = false) async throws {
    var configuration = configuration(index, addresses)
    configuration.follows = follows
    let node = try await ValidatorNode(configuration, log: Log(level: .error))
    addresses[ValidatorIndex(UInt16(index))] = node.meshAddress
    nodes[index] = node
  }

  func stop(_ index: Int) async {
    await nodes.removeValue(forKey: index)?.stop()
  }

  func stopAll() async {
    for index in nodes.keys.sorted() { await stop(index) }
  }

  /// Waits until all that run have applied so many certificates, and returns their digests.
  func digests(after count: UInt64) async throws -> Set<Bytes32> {
    var digests: Set<Bytes32> = []
    for index in nodes.keys.sorted() {
      guard let node = nodes[index] else { continue }
      while true {
        guard case .audit(let isIntact, let digest) = try await node.driver.submit(.audit) else {
          break
        }
        #expect(isIntact)
        guard digest.logCount < count else {
          digests.insert(digest.digest)
          break
        }
        await Task.yield()
      }
    }
    return digests
  }
}
