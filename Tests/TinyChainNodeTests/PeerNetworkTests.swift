import EventLoop
import HTTP
import Kernel
import Service
import Synchronization
import Testing
import TinyChain
import TinyChainPeers

@testable import TinyChainNode

/// What a machine would be told, which takes only what it is willing to.
private final class Listener: Sendable {
  private struct State {
    var isFull = false
    var peer: PeerID?
    var unreadable = 0
    var answers: [PeerAnswer] = []
    var isGone = false
  }

  private let state = Mutex(State())
  private let network: PeerNetwork

  init(_ network: PeerNetwork) { self.network = network }

  var unreadable: Int { state.withLock { $0.unreadable } }
  var answers: [PeerAnswer] { state.withLock { $0.answers } }
  var isGone: Bool { state.withLock { $0.isGone } }
  var peer: PeerID? { state.withLock { $0.peer } }

  func setFull(_ isFull: Bool) { state.withLock { $0.isFull = isFull } }

  var sink: PeerSink {
    PeerSink(
      connected: { peer, _ in self.state.withLock { $0.peer = peer } },
      disconnected: { _ in self.state.withLock { $0.isGone = true } },
      deliver: { message, peer, _ in self.take(message, from: peer) }
    )
  }

  private func take(_ message: PeerMessage, from peer: PeerID) -> DriverDelivery {
    if state.withLock({ $0.isFull }) { return .full }
    switch message {
    case .request(_, let number): network.send(.answer(.done, number: number), to: peer)
    case .answer(let answer, _): state.withLock { $0.answers.append(answer) }
    case .unreadable: state.withLock { $0.unreadable += 1 }
    default: break
    }
    return .taken
  }
}

@Suite("Peers over HTTP, before the machine", .timeLimit(.minutes(1)))
struct PeerNetworkTests {
  @Test("A peer that has no memory for a long body now is busy, and stays")
  func noRoom() async throws {
    let loop = try EventLoop()
    let network = PeerNetwork(
      PeerNetwork.Settings(node: 1),
      on: loop,
      log: Log(level: .error),
      metrics: PeerMetrics(in: Metrics())
    )
    let listener = Listener(network)
    await network.start(listener.sink)
    let hello = Hello(genesis: .zero, nonce: 5, port: 0, tip: .zero, work: .zero)
    let server = try await HTTPServer(at: SocketAddress(.loopbackV4, port: 0), on: loop) {
      request in
      guard request.path == "/p2p/hello" else {
        return HTTPResponse(status: 503, fields: ["retry-after": "3"])
      }
      return HTTPResponse(
        status: 200,
        fields: [PeerNetwork.nodeField: "0500000000000000"],
        body: PeerAnswer.hello(hello).body
      )
    }
    network.dial(server.address)
    while listener.peer == nil { await loop.run {} }
    let peer = try #require(listener.peer)
    network.send(.request(.hello(hello), number: 1), to: peer)
    while listener.answers.count < 1 { await loop.run {} }
    network.send(.request(.push([[UInt8](repeating: 1, count: 20_000)]), number: 2), to: peer)
    while listener.answers.count < 2, !listener.isGone { await loop.run {} }
    #expect(listener.answers == [.hello(hello), .busy])
    #expect(!listener.isGone)
    await network.stop()
    await server.shutdown(within: .zero)
    await loop.shutdown()
  }

  @Test("Of bodies that cannot be read one waits while the machine is busy, however many come")
  func unreadable() async throws {
    let loop = try EventLoop()
    let network = PeerNetwork(
      PeerNetwork.Settings(node: 1),
      on: loop,
      log: Log(level: .error),
      metrics: PeerMetrics(in: Metrics())
    )
    let listener = Listener(network)
    await network.start(listener.sink)
    let server = try await HTTPServer(at: SocketAddress(.loopbackV4, port: 0), on: loop) {
      await network.answer($0)
    }
    let client = HTTPClient(to: server.address, on: loop)
    func send(_ path: String, _ body: [UInt8]) async throws -> Int {
      try await client.send(
        .post,
        PeerNetwork.prefix + path,
        fields: [PeerNetwork.nodeField: "0500000000000000"],
        body: body
      ).status
    }
    let hello = Hello(genesis: .zero, nonce: 5, port: 0, tip: .zero, work: .zero)
    #expect(try await send("hello", PeerRequest.hello(hello).body) == 200)
    listener.setFull(true)
    for _ in 0..<50 { #expect(try await send("headers", [1, 2, 3]) == 400) }
    #expect(listener.unreadable == 0)
    listener.setFull(false)
    network.hasRoom(for: try #require(listener.peer))
    while listener.unreadable == 0 { await loop.run {} }
    #expect(listener.unreadable == 1)
    // What the machine takes at once is told each time.
    for count in 2...4 {
      #expect(try await send("headers", [1, 2, 3]) == 400)
      #expect(listener.unreadable == count)
    }
    await client.close()
    await network.stop()
    await server.shutdown(within: .zero)
    await loop.shutdown()
  }
}
