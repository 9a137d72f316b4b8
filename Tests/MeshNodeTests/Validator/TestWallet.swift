import EventLoop
import Kernel
import Mesh
import MeshNode
import Service
import Synchronization

/// A wallet in the tests: the machine on a driver, its disk in memory, over real sockets.
final class TestWallet: Sendable {
  let driver: Driver<MeshWallet>
  let host: TestWalletHost
  private let loop: EventLoop
  private let workers: Workers
  private let checks: Workers

  init(
    _ keys: AccountKeys,
    of net: TestNet,
    calling validators: [ValidatorIndex: SocketAddress],
    state: WalletState? = nil
  ) async throws {
    loop = try EventLoop(name: "wallet")
    workers = try Workers(count: 1, queueMax: 16)
    checks = try Workers(count: 1, queueMax: 16)
    let network = MeshNetwork(
      MeshNetwork.Settings(
        genesis: net.genesis,
        identity: .wallet,
        validators: validators.mapValues { HostPort(host: "127.0.0.1", port: $0.port) },
        agent: "test wallet"
      ),
      on: loop,
      workers: checks,
      log: Log(level: .error),
      metrics: Metrics()
    )
    let state =
      state ?? WalletState(account: keys.account, genesis: net.genesis, remembersAll: true)
    let host = TestWalletHost(state, network)
    let machine = MeshWallet(
      state: state,
      configuration: .init(genesis: net.genesis, keys: keys, secret: TestNet.secret(77))
    )
    let driver = Driver<MeshWallet>(machine, host: host, on: loop, workers: workers)
    let sink = MeshSink(
      connected: { peer, identity in
        if case .validator(let index) = identity { driver.connected(peer, index) }
      },
      disconnected: { driver.disconnected($0) },
      deliver: { driver.deliver($0, from: $1, cost: $2) }
    )
    self.host = host
    self.driver = driver
    try await network.start(sink)
  }

  /// Asks until it is not busy.
  func submit(_ command: MeshWallet.Command) async throws -> MeshWallet.Reply {
    while true {
      let reply = try await driver.submit(command)
      guard case .failed(.busy) = reply else { return reply }
      try await loop.sleep(for: .milliseconds(5))
    }
  }

  func pay(_ payee: Payee) async throws -> SettlementCertificate? {
    if case .certified(let certificate) = try await submit(.send([payee])) { return certificate }
    return nil
  }

  var balance: UInt64 { host.state.withLock { $0.balance.value } }

  /// Looks until so much can be claimed, then claims it.
  func receive(_ units: UInt64) async throws {
    while true {
      _ = try await submit(.resync)
      let claimable = host.state.withLock { state in
        state.claimable.reduce(0) { $0 + $1.payment.amount.units }
      }
      if claimable >= units { break }
      try await loop.sleep(for: .milliseconds(10))
    }
    _ = try await submit(.receive)
  }

  func stop() async {
    await host.network.stop()
    await driver.stop()
    await workers.shutdown()
    await checks.shutdown()
    await loop.shutdown()
  }
}

final class TestWalletHost: DriverHost {
  typealias M = MeshWallet

  let state: Mutex<WalletState>
  let network: MeshNetwork

  init(_ state: WalletState, _ network: MeshNetwork) {
    self.state = Mutex(state)
    self.network = network
  }

  func check() {}
  func commit(_ changes: [WalletChange]) {
    state.withLock { state in
      for change in changes { state.apply(change) }
    }
  }
  func send(_ message: Verified<MeshMessage>, to peer: PeerID) { network.send(message, to: peer) }
  func broadcast(_ message: Verified<MeshMessage>, to peers: [PeerID]) {
    for peer in peers { network.send(message, to: peer) }
  }
  func disconnect(_ peer: PeerID, _ reason: DisconnectReason) { network.disconnect(peer, reason) }
  func report(_ event: MeshWallet.Event) {}
  func hasRoom(for peer: PeerID) { network.hasRoom(for: peer) }
  func failed(_ failure: any Error) {}
}
