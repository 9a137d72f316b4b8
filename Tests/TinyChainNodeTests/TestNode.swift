import EventLoop
import HTTP
import Kernel
import Mining
import Service
import Testing
import TinyChain
import TinyChainPeers

@testable import TinyChainNode

/// A node in this process, on a port that the system chose.
struct TestNode {
  let node: MinedNode
  let place: Place

  init(mines: Bool = false, peers: [MinedNode] = [], in place: Place? = nil) async throws {
    let place = try place ?? Place()
    self.place = place
    let parameters = NetworkParameters.minedDev
    var configuration = NodeConfiguration(parameters, try #require(parameters.work))
    if mines { configuration.producer = NetworkParameters.faucet }
    configuration.peers = peers.map { HostPort(host: "127.0.0.1", port: $0.address.port) }
    node = try await MinedNode(
      configuration,
      NodePlace(place.file("data"), isFixed: true),
      log: Log(level: .error)
    )
  }

  func tip() async -> Header { await node.driver.inspect { $0.chain.tip.header } }

  func wait(until isReached: @Sendable (PeerMachine) -> Bool) async {
    while await !node.driver.inspect(isReached) { await Task.yield() }
  }

  /// A block upon the tip, changed before its work is searched for.
  func block(_ change: (inout Header) -> Void = { _ in }) async throws -> Block {
    let draft = try await node.driver.submit(.draft(producer: NetworkParameters.faucet))
    guard case .draft(var block) = draft else { throw Refused() }
    change(&block.header)
    return try Self.mined(block)
  }

  static func mined(_ block: Block) throws -> Block {
    var block = block
    let target = try #require(UInt256(compact: block.header.bits)).bigEndianBytes
    let found = NonceSearch(hash: .sha256d)
      .search(header: block.header.bytes, target: target, nonces: 0..<1 << 32)
    block.header.nonce = try #require(found)
    return block
  }

  struct Refused: Error {}

  /// What the node says to a block from outside.
  func give(_ block: Block) async throws -> Rejection? {
    switch try await node.driver.submit(.mined(block)) {
    case .rejected(let rejection): rejection
    default: nil
    }
  }

  func stop() async {
    await node.stop()
    place.remove()
  }
}

/// Somebody who speaks to a node as a peer does, and cannot be called back.
struct Stranger {
  let number: UInt64
  let client: HTTPClient
  private let loop: EventLoop

  init(_ number: UInt64, to node: MinedNode) throws {
    self.number = number
    loop = try EventLoop(name: "stranger")
    client = HTTPClient(to: node.address, on: loop)
  }

  func send(_ request: PeerRequest) async throws -> HTTPResponse {
    try await send(request.path.rawValue, request.body)
  }

  func send(_ path: String, _ body: [UInt8]) async throws -> HTTPResponse {
    try await client.send(
      .post,
      "/p2p/\(path)",
      fields: ["tinychain-node": number.littleEndianBytes.hex],
      body: body
    )
  }

  func hello(_ genesis: Bytes32 = NetworkParameters.minedDev.genesis.id) async throws
    -> HTTPResponse
  {
    let hello = Hello(genesis: genesis, nonce: number, port: 0, tip: genesis, work: .zero)
    return try await send(.hello(hello))
  }

  func close() async {
    await client.close()
    await loop.shutdown()
  }
}
