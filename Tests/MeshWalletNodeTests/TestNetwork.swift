import EdDSA
import EventLoop
import Kernel
import Mesh
import MeshNode
import MeshWalletNode
import Service
import TestSupport
import Testing
import Vault

/// Four validators in this process over real QUIC and real disks, and wallets of theirs.
actor TestNetwork {
  nonisolated let genesis: Genesis
  /// Alice, with 10,000; Bob with nothing.
  nonisolated let seeds: [SecretBytes]
  private nonisolated let places: [TemporaryDirectory]
  private nonisolated let keys: [PublicKey]
  private var nodes: [Int: ValidatorNode] = [:]
  private var addresses: [Int: SocketAddress] = [:]

  init() async throws {
    var made: [(PublicKey, TemporaryDirectory)] = []
    for _ in 0..<4 {
      let place = TemporaryDirectory()
      made.append((try ValidatorDirectory(place.path).initialize(), place))
    }
    made.sort { $0.0 < $1.0 }
    keys = made.map(\.0)
    places = made.map(\.1)
    seeds = [.random(32), .random(32)]
    let alice = try #require(MasterSeed(seeds[0])).account(0).account
    genesis = try Genesis(
      name: "wallet-test",
      createdMs: 1,
      fees: .init(base: Amount(1), perOutput: Amount(2)),
      asset: .init(id: Genesis.assetID, decimals: 2, symbol: "TST", supply: Amount(10_000)),
      validators: ValidatorSet(epoch: .zero, keys: keys),
      allocations: [.init(account: alice, asset: Genesis.assetID, amount: Amount(10_000))]
    )
    // The last first: of two the first calls the second.
    for index in keys.indices.reversed() { try await start(index) }
  }

  nonisolated func account(_ owner: Int) -> AccountKeys {
    guard let master = MasterSeed(seeds[owner]) else { fatalError("32 bytes") }
    return master.account(0)
  }

  nonisolated func address(_ owner: Int) -> String {
    account(owner).address(on: genesis).description
  }

  func start(_ index: Int) async throws {
    var configuration = ValidatorConfiguration(dataDirectory: places[index].path, genesis: genesis)
    if let address = addresses[index] { configuration.listen = address }
    configuration.peers = addresses.sorted { $0.key < $1.key }.map { index, address in
      ValidatorPlace(key: keys[index], host: HostPort(host: "127.0.0.1", port: address.port))
    }
    let node = try await ValidatorNode(configuration, log: Log(level: .error))
    addresses[index] = node.meshAddress
    nodes[index] = node
  }

  func stop(_ index: Int) async {
    await nodes.removeValue(forKey: index)?.stop()
  }

  func stopAll() async {
    for index in nodes.keys.sorted() { await stop(index) }
  }

  func configuration(_ directory: String, timeout: Duration = .seconds(20)) -> WalletConfiguration {
    var hosts: [ValidatorIndex: HostPort] = [:]
    for (index, address) in addresses {
      hosts[ValidatorIndex(UInt16(index))] = HostPort(host: "127.0.0.1", port: address.port)
    }
    return WalletConfiguration(
      directory: directory,
      genesis: genesis,
      validators: hosts,
      timeout: timeout
    )
  }

  /// A wallet at work in a directory.
  func wallet(
    _ keys: WalletKeys,
    in directory: TemporaryDirectory,
    timeout: Duration = .seconds(20)
  ) async throws -> MeshWalletService {
    try await wallet(keys, at: directory.path, timeout: timeout)
  }

  func wallet(
    _ keys: WalletKeys,
    at directory: String,
    timeout: Duration = .seconds(20)
  ) async throws -> MeshWalletService {
    let service = try MeshWalletService(
      configuration(directory, timeout: timeout),
      keys: keys,
      log: Log(level: .error)
    )
    try await service.start()
    return service
  }

  /// One of the two, with keys made just now.
  func owner(_ number: Int, in directory: TemporaryDirectory) async throws -> MeshWalletService {
    if !(directory.has("wallet.key")) {
      let file = try WalletFile(seed: seeds[number], password: .text("p"), cost: .least)
      try WalletDirectory.write(file, in: directory.path, isFresh: true)
    }
    return try await wallet(.spending(account(number)), in: directory)
  }
}

extension MeshWalletService {
  func pay(_ address: String, _ units: UInt64, memo: String? = nil) async throws -> JSON {
    try await perform(
      .send(to: address, amount: Amount(units), memo: memo, wantsReceipt: true)
    )
  }
}
