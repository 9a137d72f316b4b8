import EventLoop
import Kernel
import Mesh
import MeshNode
import Service

/// Asks validators, one request after the other or many at once, as an anonymous wallet does.
///
/// Not a wallet: what it is told to send, it sends.
actor ValidatorAsker {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private let network: MeshNetwork
  private let workers: Workers
  private var peers: [ValidatorIndex: PeerID] = [:]
  private var lastExchange: UInt64 = 0
  private var waiting: [Question: CheckedContinuation<Response?, Never>] = [:]

  private struct Question: Hashable {
    let peer: PeerID
    let exchange: Exchange
  }

  /// An asker that is not connected yet.
  ///
  /// - Parameters:
  ///   - genesis: of the network.
  ///   - validators: whom to call.
  ///   - loop: where its connections live; of another thread than the caller's.
  /// - Throws: `SystemFailure` without threads.
  init(
    _ genesis: Genesis,
    _ validators: [ValidatorIndex: HostPort],
    on loop: EventLoop
  ) throws {
    self.loop = loop
    workers = try Workers(count: 1, queueMax: 64, name: "checks")
    network = MeshNetwork(
      MeshNetwork.Settings(
        genesis: genesis,
        identity: .wallet,
        validators: validators,
        agent: "trellis"
      ),
      on: loop,
      workers: workers,
      log: Log(level: .error),
      metrics: Metrics()
    )
  }

  /// Calls the validators from now on.
  func start() async throws {
    try await network.start(
      MeshSink(
        connected: { [self] peer, who in
          guard case .validator(let index) = who else { return }
          assumeIsolated { $0.peers[index] = peer }
        },
        disconnected: { [self] peer in assumeIsolated { $0.lose(peer) } },
        deliver: { [self] message, peer, _ in
          assumeIsolated { $0.take(message.value, from: peer) }
          return .taken
        }
      )
    )
  }

  func stop() async {
    await network.stop()
    await workers.shutdown()
  }

  /// Whether so many validators have shown who they are.
  func isConnected(to count: Int) -> Bool { peers.count >= count }

  /// Asks one validator.
  ///
  /// - Returns: its answer; nil if the connection ended first, or there is none.
  func ask(_ request: Request, of validator: ValidatorIndex) async -> Response? {
    guard let peer = peers[validator] else { return nil }
    lastExchange += 1
    let exchange = Exchange(lastExchange)
    return await withCheckedContinuation { continuation in
      waiting[Question(peer: peer, exchange: exchange)] = continuation
      // Made here: what its signatures say is for the validator to find out.
      network.send(Verified(checked: .request(request, exchange)), to: peer)
    }
  }

  /// Asks the first so many validators at once.
  ///
  /// - Returns: their answers, in the order in which they came.
  nonisolated func askAll(_ request: Request, _ count: Int) async -> [Response?] {
    await withTaskGroup(of: Response?.self) { group in
      for index in 0..<count {
        group.addTask { await self.ask(request, of: ValidatorIndex(UInt16(index))) }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
  }

  private func take(_ message: MeshMessage, from peer: PeerID) {
    switch message {
    case .response(let response, let exchange):
      waiting.removeValue(forKey: Question(peer: peer, exchange: exchange))?
        .resume(returning: response)
    case .ping(let ping):
      let pong = MeshMessage.pong(Pong(ping: ping, logHead: 0))
      network.send(Verified(checked: pong), to: peer)  // Holds no signature.
    case .pong, .request: break
    }
  }

  private func lose(_ peer: PeerID) {
    for (index, other) in peers where other == peer { peers[index] = nil }
    for question in waiting.keys where question.peer == peer {
      waiting.removeValue(forKey: question)?.resume(returning: nil)
    }
  }
}
