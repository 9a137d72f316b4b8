import EventLoop
import Kernel
import Mesh
import MeshNode
import Service

/// A wallet in the tests of processes: its machine, interpreted in the plainest way, over real
/// sockets. What it persists it keeps in memory.
actor MeshClient {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private let network: MeshNetwork
  private let workers: Workers
  private var machine: MeshWallet
  private(set) var state: WalletState
  private var waiting: [RequestID: CheckedContinuation<MeshWallet.Reply, Never>] = [:]
  private var timers: [MeshWallet.Timer: Timer] = [:]
  private var lastRequest: UInt64 = 0

  init(
    _ keys: AccountKeys,
    genesis: Genesis,
    calling ports: [ValidatorIndex: UInt16]
  ) async throws {
    loop = try EventLoop(name: "wallet")
    workers = try Workers(count: 1, queueMax: 16)
    network = MeshNetwork(
      MeshNetwork.Settings(
        genesis: genesis,
        identity: .wallet,
        validators: ports.mapValues { HostPort(host: "127.0.0.1", port: $0) },
        agent: "test"
      ),
      on: loop,
      workers: workers,
      log: Log(level: .error),
      metrics: Metrics()
    )
    state = WalletState(account: keys.account, genesis: genesis, remembersAll: true)
    var secret = (0..<32).map { UInt8($0) }
    machine = MeshWallet(
      state: state,
      configuration: .init(
        genesis: genesis,
        keys: keys,
        secret: SecretBytes(wiping: &secret)
      )
    )
    let sink = MeshSink(
      connected: { [self] peer, identity in
        if case .validator(let index) = identity { handle(.connected(peer, index)) }
      },
      disconnected: { [self] in handle(.disconnected($0)) },
      deliver: { [self] message, peer, _ in
        handle(.received(message, from: peer))
        return .taken
      }
    )
    try await network.start(sink)
  }

  func stop() async {
    await network.stop()
    await workers.shutdown()
  }

  func ask(_ command: MeshWallet.Command) async -> MeshWallet.Reply {
    lastRequest += 1
    let request = RequestID(lastRequest)
    return await withCheckedContinuation { continuation in
      waiting[request] = continuation
      carryOut(machine.handle(.submitted(command, request), now: loop.now))
    }
  }

  /// Pays, as soon as nothing else is under way.
  func pay(_ units: UInt64, to address: Address) async throws -> SettlementCertificate? {
    while true {
      switch await ask(.send([Payee(address: address, amount: Amount(units))])) {
      case .certified(let certificate): return certificate
      case .failed(.busy): try await loop.sleep(for: .milliseconds(5))
      default: return nil
      }
    }
  }

  private nonisolated func handle(_ input: Input<MeshWallet>) {
    assumeIsolated { $0.carryOut($0.machine.handle(input, now: $0.loop.now)) }
  }

  private func carryOut(_ effects: [Effect<MeshWallet>]) {
    for effect in effects {
      switch effect {
      case .persist(let change): state.apply(change)
      case .send(let message, let peer): network.send(message, to: peer)
      case .broadcast(let message, let peers):
        for peer in peers { network.send(message, to: peer) }
      case .disconnect(let peer, let reason): network.disconnect(peer, reason)
      case .setTimer(let timer, let delay):
        if let old = timers[timer] { loop.cancel(old) }
        timers[timer] = loop.schedule(after: delay) { self.handle(.fired(timer)) }
      case .cancelTimer(let timer):
        if let old = timers.removeValue(forKey: timer) { loop.cancel(old) }
      case .start(let job, let id):
        // In a turn of its own, as a machine expects it.
        loop.execute { self.handle(.finished(job.run(), id)) }
      case .reply(let reply, let request):
        waiting.removeValue(forKey: request)?.resume(returning: reply)
      case .report: break
      }
    }
  }
}
