import EdDSA
import EventLoop
import Kernel
import Service
import SmallNano
import Synchronization
import Testing
import Transport

@testable import SmallNanoNode

/// What reaches the rest of the node.
private final class RecordingSink: Sendable {
  struct State: Sendable {
    var connected: [PublicKey] = []
    var disconnected: [PeerID] = []
    var delivered = 0
    var waiting: [(isMet: @Sendable (State) -> Bool, CheckedContinuation<Void, Never>)] = []
  }

  let state = Mutex(State())

  var sink: PeerSink {
    PeerSink(
      connected: { _, node in self.change { $0.connected.append(node) } },
      disconnected: { peer in self.change { $0.disconnected.append(peer) } },
      deliver: { _, _, _ in
        self.change { $0.delivered += 1 }
        return .taken
      },
      answer: { _ in nil },
      totals: { LedgerTotals() }
    )
  }

  func wait(until isMet: @escaping @Sendable (State) -> Bool) async {
    await withCheckedContinuation { continuation in
      let isThere = state.withLock { state in
        if isMet(state) { return true }
        state.waiting.append((isMet, continuation))
        return false
      }
      if isThere { continuation.resume() }
    }
  }

  private func change(_ body: (inout State) -> Void) {
    let woken = state.withLock { state in
      body(&state)
      let now = state
      let woken = now.waiting.filter { $0.isMet(now) }
      state.waiting.removeAll { $0.isMet(now) }
      return woken
    }
    for (_, continuation) in woken { continuation.resume() }
  }
}

/// A listening network and a loop for its peers.
private struct NetworkFixture: Sendable {
  let loop: EventLoop
  let peersLoop: EventLoop
  let workers: Workers
  let network: PeerNetwork
  let sink = RecordingSink()
  let address: SocketAddress
  let key: SecretKey

  static func key(_ byte: UInt8) -> SecretKey {
    guard let key = SecretKey(seed: SecretBytes(count: 32) { $0[0] = byte }) else {
      preconditionFailure("a seed has 32 bytes")
    }
    return key
  }

  init(peersMax: Int = 50, handshakeTimeout: Duration = .seconds(60)) async throws {
    struct NotListening: Error {}
    loop = try EventLoop(name: "network")
    peersLoop = try EventLoop(name: "peers")
    workers = try Workers(count: 1, queueMax: 4)
    key = Self.key(1)
    var settings = PeerNetwork.Settings(
      parameters: .dev,
      key: key,
      listen: SocketAddress(.loopbackV4, port: 0),
      external: nil,
      peersMax: peersMax,
      bytesPerSecond: 10_000_000,
      version: "test",
      startedAt: SystemClock.now,
      pruningDepth: 0
    )
    settings.handshakeTimeout = handshakeTimeout
    network = PeerNetwork(
      settings,
      book: [],
      on: loop,
      checkWorkers: workers,
      log: Log(level: .error),
      metrics: Metrics()
    )
    guard let address = try await network.start(sink.sink) else { throw NotListening() }
    self.address = address
  }

  func peer() async throws -> RawPeer {
    let peer = RawPeer(on: peersLoop)
    try await peer.connect(to: address)
    return peer
  }

  func greetedPeer(_ byte: UInt8 = 2) async throws -> RawPeer {
    let peer = try await peer()
    try await peer.greet(as: Self.key(byte))
    await sink.wait { $0.connected.contains(Self.key(byte).publicKey) }
    return peer
  }

  func end() async {
    await network.stop()
    await peersLoop.shutdown()
    await workers.shutdown()
    await loop.shutdown()
  }
}

@Suite("Peers that misbehave", .timeLimit(.minutes(1)))
struct PeerNetworkTests {
  private static func header(
    magic: [UInt8] = Array("SN".utf8),
    network: UInt8 = 0xff,
    version: UInt8 = 2,
    type: UInt8 = 1,
    flags: UInt8 = 0,
    length: UInt16 = 64
  ) -> [UInt8] {
    magic + [network, version, type, flags, UInt8(length & 0xff), UInt8(length >> 8)]
  }

  private static let hello = WireMessage.handshake(
    HandshakeHello(cookie: Bytes32(words: (1, 1, 1, 1)), chain: NetworkParameters.dev.chainID)
  ).frame(on: .dev)

  static let openings: [(name: String, bytes: [UInt8])] = [
    ("another protocol", Array("GET / HTTP/1.1\r\n\r\n".utf8)),
    ("wrong magic", header(magic: Array("XN".utf8))),
    ("another network", header(network: 0x01)),
    ("another version", header(version: 1)),
    ("an unknown type", header(type: 99)),
    ("unknown flags", header(flags: 0x80)),
    ("an oversized body", header(type: 1, length: 65_535)),
    ("a body too short for its type", header(type: 4, length: 10)),
    ("zeros", [UInt8](repeating: 0, count: 4096)),
    ("a message before the handshake", WireMessage.telemetryRequest.frame(on: .dev)),
    ("two greetings", hello + hello),
  ]

  @Test("Nonsense ends its own connection, and no other", arguments: openings)
  func nonsense(_ name: String, _ bytes: [UInt8]) async throws {
    let fixture = try await NetworkFixture()
    let good = try await fixture.greetedPeer()
    let bad = try await fixture.peer()
    await bad.send(bytes)
    await bad.closed()
    #expect(await !good.isClosed)
    #expect(await fixture.network.greetedCount == 1)
    #expect(fixture.sink.state.withLock { $0.disconnected.isEmpty })
    await fixture.end()
  }

  @Test("A frame cut off by the end of its connection leaves nothing behind")
  func truncated() async throws {
    let fixture = try await NetworkFixture()
    let peer = try await fixture.greetedPeer()
    await peer.send(Array(WireMessage.telemetryRequest.frame(on: .dev).prefix(5)))
    await peer.close()
    await fixture.sink.wait { $0.disconnected.count == 1 }
    #expect(await fixture.network.connectionCount == 0)
    await fixture.end()
  }

  @Test("A peer of another chain is not greeted")
  func wrongChain() async throws {
    let fixture = try await NetworkFixture()
    let peer = try await fixture.peer()
    let chain = ChainID(Bytes32(words: (5, 5, 5, 5)))
    await peer.send(
      WireMessage.handshake(HandshakeHello(cookie: Bytes32(words: (1, 1, 1, 1)), chain: chain))
    )
    await peer.closed()
    #expect(fixture.sink.state.withLock { $0.connected.isEmpty })
    await fixture.end()
  }

  @Test("A handshake replayed on a new connection proves nothing")
  func replayedHandshake() async throws {
    let fixture = try await NetworkFixture()
    let cookie = Bytes32(words: (1, 2, 3, 4))
    let first = try await fixture.peer()
    let ack = try await first.greet(as: NetworkFixture.key(2), cookie: cookie)
    await fixture.sink.wait { $0.connected.count == 1 }
    let thief = try await fixture.peer()
    await thief.send(
      .handshake(HandshakeHello(cookie: cookie, chain: NetworkParameters.dev.chainID))
    )
    await thief.send(try #require(ack))
    await thief.closed()
    #expect(await !first.isClosed)
    #expect(fixture.sink.state.withLock { $0.connected.count } == 1)
    await fixture.end()
  }

  @Test("Who greets too slowly is not waited for")
  func slowLoris() async throws {
    let fixture = try await NetworkFixture(handshakeTimeout: .milliseconds(20))
    let silent = try await fixture.peer()
    let slow = try await fixture.peer()
    await slow.send(Array(Self.hello.prefix(20)))
    await silent.closed()
    await slow.closed()
    #expect(await fixture.network.connectionCount == 0)
    await fixture.end()
  }

  @Test("Hundreds of connections take their share of the table, and no more")
  func manyConnections() async throws {
    let fixture = try await NetworkFixture(peersMax: 9)
    let good = try await fixture.greetedPeer()
    var crowd: [RawPeer] = []
    for _ in 0..<300 { crowd.append(try await fixture.peer()) }
    // Six places for inbound connections, one of them taken.
    for peer in crowd.dropFirst(5) { await peer.closed() }
    #expect(await fixture.network.connectionCount == 6)
    #expect(await !good.isClosed)
    for peer in crowd.prefix(5) { await peer.close() }
    _ = try await fixture.greetedPeer(3)
    await fixture.end()
  }

  @Test("A block that nobody signed ends the connection it came by")
  func forgedBlock() async throws {
    let fixture = try await NetworkFixture()
    let peer = try await fixture.greetedPeer()
    let send = try genesisSend(
      Amount(raw: Amount.rawPerSMN),
      to: Account(Bytes32(words: (1, 2, 3, 4)))
    )
    var forged = send.value
    forged.signature = NetworkFixture.key(7).sign(forged.hash.bytes.bytes)
    await peer.send(.publish(forged))
    await fixture.sink.wait { $0.disconnected.count == 1 }
    await peer.closed()
    #expect(fixture.sink.state.withLock { $0.delivered } == 0)
    await fixture.end()
  }

  @Test("A block that comes twice is delivered once")
  func duplicate() async throws {
    let fixture = try await NetworkFixture()
    let first = try await fixture.greetedPeer(2)
    let second = try await fixture.greetedPeer(3)
    let send = try genesisSend(
      Amount(raw: Amount.rawPerSMN),
      to: Account(Bytes32(words: (1, 2, 3, 4)))
    )
    await first.send(.publish(send.value))
    await fixture.sink.wait { $0.delivered == 1 }
    await second.send(.publish(send.value))
    // In order behind the block: once it is there, so was the block.
    await second.send(.blockRequest([send.value.hash]))
    await fixture.sink.wait { $0.delivered == 2 }
    await fixture.end()
    #expect(fixture.sink.state.withLock { $0.delivered } == 2)
  }

  @Test("A second connection of one node replaces the first, which the machine hears of")
  func secondConnection() async throws {
    let fixture = try await NetworkFixture()
    let first = try await fixture.greetedPeer()
    let second = try await fixture.peer()
    try await second.greet(as: NetworkFixture.key(2))
    await first.closed()
    await fixture.sink.wait { $0.connected.count == 2 && $0.disconnected.count == 1 }
    #expect(await fixture.network.greetedCount == 1)
    await fixture.end()
  }

  @Test("A node that reaches itself hangs up")
  func itself() async throws {
    let fixture = try await NetworkFixture()
    await fixture.network.configure([fixture.address])
    let peer = try await fixture.greetedPeer()
    #expect(fixture.sink.state.withLock { $0.connected } == [NetworkFixture.key(2).publicKey])
    await peer.close()
    await fixture.end()
  }
}
