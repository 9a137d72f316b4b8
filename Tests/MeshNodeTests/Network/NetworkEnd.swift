import EventLoop
import Kernel
import Mesh
import MeshNode
import Service
import Synchronization
import TestSupport
import Testing

/// One end in the tests of the network: notes what comes, and answers as it is told.
actor NetworkEnd {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  nonisolated let network: MeshNetwork
  private let workers: Workers
  private let answer: @Sendable (Request) -> [Response]
  private(set) var peers: [PeerID: MeshPeer] = [:]
  private(set) var connectedCount = 0
  private(set) var requests: [Request] = []
  private(set) var responses: [UInt64: [Response]] = [:]
  private(set) var pongs: [Pong] = []
  private var lastExchange: UInt64 = 0
  private let waiting = Waiting()

  init(
    _ settings: MeshNetwork.Settings,
    on loop: EventLoop,
    log: Log = Log(level: .error),
    metrics: Metrics = Metrics(),
    answer: @escaping @Sendable (Request) -> [Response] = { _ in [] }
  ) throws {
    self.loop = loop
    self.answer = answer
    workers = try Workers(count: 1, queueMax: 16)
    network = MeshNetwork(settings, on: loop, workers: workers, log: log, metrics: metrics)
  }

  @discardableResult
  func start() async throws -> SocketAddress? {
    let sink = MeshSink(
      connected: { peer, identity in self.note { $0.connect(peer, identity) } },
      disconnected: { peer in self.note { $0.peers[peer] = nil } },
      deliver: { message, peer, _ in
        self.note { $0.take(message.value, from: peer) }
        return .taken
      },
      logHead: { 7 }
    )
    return try await network.start(sink)
  }

  func stop() async {
    await network.stop()
    await workers.shutdown()
  }

  private nonisolated func note(_ body: @Sendable (isolated NetworkEnd) -> Void) {
    assumeIsolated {
      body($0)
      $0.waiting.changed()
    }
  }

  private func connect(_ peer: PeerID, _ identity: MeshPeer) {
    peers[peer] = identity
    connectedCount += 1
  }

  private func take(_ message: MeshMessage, from peer: PeerID) {
    switch message {
    case .request(let request, let exchange):
      requests.append(request)
      for response in answer(request) { send(.response(response, exchange), to: peer) }
    case .response(let response, let exchange):
      responses[exchange.number, default: []].append(response)
    case .ping(let ping): send(.pong(Pong(ping: ping, logHead: 7)), to: peer)
    case .pong(let pong): pongs.append(pong)
    }
  }

  func send(_ message: MeshMessage, to peer: PeerID) {
    network.send(Verified(checked: message), to: peer)  // As the machine's own.
  }

  /// The only peer, once it is there.
  func peer(_ identity: MeshPeer) async -> PeerID {
    await waiting.until { self.peers.values.contains(identity) }
    return peers.first { $0.value == identity }?.key ?? PeerID(0)
  }

  func ask(_ request: Request, of peer: PeerID) -> Exchange {
    lastExchange += 1
    let exchange = Exchange(lastExchange)
    send(.request(request, exchange), to: peer)
    return exchange
  }

  func responses(to exchange: Exchange, count: Int = 1) async -> [Response] {
    await waiting.until { (self.responses[exchange.number] ?? []).count >= count }
    return responses[exchange.number] ?? []
  }

  func waitFor(_ condition: @escaping @Sendable (isolated NetworkEnd) -> Bool) async {
    await waiting.until { condition(self) }
  }
}

/// Runs a test on a loop that ends with it.
func withLoop(_ body: (EventLoop) async throws -> Void) async throws {
  let loop = try EventLoop()
  do {
    try await body(loop)
    await loop.shutdown()
  } catch {
    await loop.shutdown()
    throw error
  }
}
