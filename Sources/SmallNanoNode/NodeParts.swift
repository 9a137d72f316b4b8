import EdDSA
import EventLoop
import HTTP
import Kernel
import Service
import SmallNano
import Storage
import Transport

/// What a node consists of, put together in the order of dependence: ledger, machine, peers, HTTP.
struct NodeParts: Sendable {
  let access: NodeAccess
  let store: SQLiteLedgerStore
  let host: NodeHost
  let driver: Driver<SmallNanoMachine>
  let network: PeerNetwork
  let peeringAddress: SocketAddress
  let front: NodeFront
  let server: HTTPServer
  let metrics: NodeMetrics
  let stopping: StopRequest
  let verification: VerificationState

  init(
    _ configuration: NodeConfiguration,
    _ directory: DataDirectory,
    _ loops: NodeLoops,
    _ threads: NodeThreads,
    _ log: Log,
    _ makeFront: NodeFront.Make?
  ) async throws {
    let startedAt = SystemClock.now
    let parameters = configuration.parameters
    let key = try NodeKey.load(from: directory)
    let path = Node.ledgerPath(in: directory.path)
    let store = try SQLiteLedgerStore(
      path: path,
      parameters: parameters,
      options: Database.Options(cacheBytes: Node.ledgerCacheBytes)
    )
    let registry = Metrics()
    let metrics = NodeMetrics(in: registry)
    let stopping = StopRequest()
    let verification = VerificationState()

    let network = PeerNetwork(
      PeerNetwork.Settings(configuration, key: key, startedAt: startedAt),
      book: store.peers().compactMap(PeerBook.Row.init),
      on: loops.network,
      checkWorkers: threads.checks,
      log: log,
      metrics: registry
    )
    let host = NodeHost(
      store: store,
      network: network,
      parameters: parameters,
      metrics: metrics,
      log: log
    ) { stopping.ask(because: $0) }
    metrics.observeTotals { host.totals }
    var limits = DriverLimits()
    limits.peersMax = max(limits.peersMax, configuration.peersMax)
    let driver = Driver<SmallNanoMachine>(
      SmallNanoMachine(
        store: store,
        configuration: Self.machineConfiguration(configuration, node: key.publicKey)
      ),
      host: host,
      on: loops.ledger,
      workers: threads.work,
      limits: limits
    )
    _ = try await driver.submit(.start)

    let access = NodeAccess(
      parameters: parameters,
      node: key.publicKey,
      ledgerPath: path,
      dataDirectory: directory.path,
      startedAt: startedAt,
      version: configuration.version,
      workers: threads.work,
      log: log,
      metrics: registry,
      submit: { try await driver.submit($0) },
      events: { host.events.subscribe() },
      peers: { await network.summaries },
      stop: { stopping.ask(because: nil) },
      health: {
        let bytes = PrivateFile.size(path) ?? 0
        return NodeHealth(
          verification: verification.value,
          peers: await network.greetedCount,
          totals: host.totals,
          ledgerBytes: bytes,
          warnings: Self.warnings(ledgerBytes: bytes, configuration)
        )
      }
    )
    let front =
      try await makeFront?(access, configuration, loops.rpc) ?? NodeFront.bare(access)
    let server = try await HTTPServer(
      at: configuration.rpc,
      on: loops.rpc,
      limits: RPCService.serverLimits,
      handler: front.handler
    )
    front.didBind(server.address.port)
    let responder = LedgerResponder(
      reader: try LedgerReader(path: path, parameters: parameters),
      workers: threads.reads
    )
    let sink = PeerSink(
      connected: { driver.connected($0, $1) },
      disconnected: { driver.disconnected($0) },
      deliver: { driver.deliver($0, from: $1, cost: $2) },
      answer: { try await responder.answer($0) },
      totals: { host.totals }
    )
    peeringAddress = try await network.start(sink) ?? configuration.listen
    self.access = access
    self.store = store
    self.host = host
    self.driver = driver
    self.network = network
    self.front = front
    self.server = server
    self.metrics = metrics
    self.stopping = stopping
    self.verification = verification
  }

  private static func machineConfiguration(
    _ configuration: NodeConfiguration,
    node: PublicKey
  ) -> SmallNanoMachine.Configuration {
    var random = SystemRandomNumberGenerator()
    var machine = SmallNanoMachine.Configuration(
      parameters: configuration.parameters,
      node: node,
      seed: random.next()
    )
    machine.electionsMax = configuration.electionsMax
    return machine
  }

  private static func warnings(
    ledgerBytes: UInt64,
    _ configuration: NodeConfiguration
  ) -> [String] {
    let limit = UInt64(configuration.maxLedgerMegabytes) << 20
    guard ledgerBytes > limit / 10 * 9 else { return [] }
    return ["the ledger has \(ledgerBytes >> 20) MB of max_ledger_mb \(limit >> 20)"]
  }
}

extension PeerNetwork.Settings {
  init(_ configuration: NodeConfiguration, key: SecretKey, startedAt: Instant) {
    self.init(
      parameters: configuration.parameters,
      key: key,
      listen: configuration.listen,
      external: configuration.external,
      peersMax: configuration.peersMax,
      bytesPerSecond: configuration.bytesPerSecond,
      version: "smallnano \(configuration.version)",
      startedAt: startedAt,
      // Nothing is pruned yet, whatever the configuration asks.
      pruningDepth: 0
    )
  }
}
