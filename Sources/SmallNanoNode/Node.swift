public import EventLoop
import Glibc
public import HTTP
public import Kernel
public import Service
import SmallNano
import Storage
import Synchronization
import Transport

/// What a node shows over HTTP, made by the RPC when the rest of the node runs.
public struct NodeFront: Sendable {
  let handler: HTTPServer.Handler
  let stop: @Sendable () async -> Void

  /// Describes the front.
  ///
  /// - Parameters:
  ///   - handler: answers each request, on the RPC's loop.
  ///   - stop: called when no request is in flight any more and the machine still runs.
  public init(
    handler: @escaping HTTPServer.Handler,
    stop: @escaping @Sendable () async -> Void = {}
  ) {
    self.handler = handler
    self.stop = stop
  }

  /// Builds it, on the loop that will run it.
  public typealias Make =
    @Sendable (NodeAccess, NodeConfiguration, EventLoop) async throws -> NodeFront
}

/// A running node: ledger, machine, peers and HTTP, put together.
///
/// Three loops, so that none holds up another: `ledger` waits for the disk, `network` for peers,
/// `rpc` for clients. Beside them one thread checks signatures, one reads the ledger for peers, and
/// `work_threads` search proof of work.
public final class Node: Sendable {
  public static let version = "0.1.0"

  public let access: NodeAccess
  /// Where it listens for peers and for RPC; have the ports that were chosen.
  public let peeringAddress: SocketAddress
  public let rpcAddress: SocketAddress

  private let directory: DataDirectory
  private let loops: NodeLoops
  private let threads: NodeThreads
  private let network: PeerNetwork
  private let driver: Driver<SmallNanoMachine>
  private let host: NodeHost
  private let store: SQLiteLedgerStore
  private let server: HTTPServer
  private let front: NodeFront
  private let stopping: StopRequest
  private let background: [Task<Void, Never>]
  private let log: Log

  /// The ledger's file.
  public static func ledgerPath(in dataDirectory: String) -> String {
    dataDirectory + "/ledger.sqlite"
  }

  static let portsFileName = "ports.json"
  /// Pages of the ledger kept in memory by its writer.
  static let ledgerCacheBytes = 2 << 20
  static let peersInterval = Duration.seconds(60)
  static let metricsInterval = Duration.seconds(5)
  /// While the node has no peers, seeds are looked up again this often.
  static let seedsInterval = Duration.seconds(60)

  /// Starts a node: when this returns it listens, dials and answers.
  ///
  /// - Parameters:
  ///   - configuration: checked.
  ///   - log: for the operator.
  ///   - makeFront: builds what answers HTTP; nil for /health and /metrics alone.
  /// - Throws: `ListenFailure`, `StorageFailure`, `FileFailure`, `NodeFailure`, each a line that says
  ///   what to do.
  public init(
    _ configuration: NodeConfiguration,
    log: Log,
    makeFront: NodeFront.Make? = nil
  ) async throws {
    self.log = log
    let startedAt = SystemClock.now
    let parameters = configuration.parameters
    directory = try DataDirectory(configuration.dataDirectory)
    let key = try NodeKey.load(from: directory)
    let ledgerPath = Self.ledgerPath(in: directory.path)
    let store = try SQLiteLedgerStore(
      path: ledgerPath,
      parameters: parameters,
      options: Database.Options(cacheBytes: Self.ledgerCacheBytes)
    )
    self.store = store
    let loops = try NodeLoops()
    self.loops = loops
    let threads = try NodeThreads(workThreads: configuration.workThreads)
    self.threads = threads
    let metrics = Metrics()
    let nodeMetrics = NodeMetrics(in: metrics)
    let stopping = StopRequest()
    self.stopping = stopping

    let network = PeerNetwork(
      PeerNetwork.Settings(configuration, key: key, startedAt: startedAt),
      book: store.peers().compactMap(PeerBook.Row.init),
      on: loops.network,
      checkWorkers: threads.checks,
      log: log,
      metrics: metrics
    )
    self.network = network
    let host = NodeHost(
      store: store,
      network: network,
      parameters: parameters,
      metrics: nodeMetrics,
      log: log
    ) { failure in stopping.ask(because: failure) }
    self.host = host
    nodeMetrics.observeTotals { host.totals }
    var random = SystemRandomNumberGenerator()
    var machineConfiguration = SmallNanoMachine.Configuration(
      parameters: parameters,
      node: key.publicKey,
      seed: random.next()
    )
    machineConfiguration.electionsMax = configuration.electionsMax
    let driver = Driver<SmallNanoMachine>(
      SmallNanoMachine(store: store, configuration: machineConfiguration),
      host: host,
      on: loops.ledger,
      workers: threads.work
    )
    self.driver = driver
    _ = try await driver.submit(.start)

    let responder = LedgerResponder(
      reader: try LedgerReader(path: ledgerPath, parameters: parameters),
      workers: threads.reads
    )
    let sink = PeerSink(
      connected: { driver.connected($0, $1) },
      disconnected: { driver.disconnected($0) },
      deliver: { driver.deliver($0, from: $1, cost: $2) },
      answer: { try await responder.answer($0) },
      totals: { host.totals }
    )
    let access = NodeAccess(
      parameters: parameters,
      node: key.publicKey,
      ledgerPath: ledgerPath,
      dataDirectory: directory.path,
      startedAt: startedAt,
      version: configuration.version,
      workers: threads.work,
      log: log,
      metrics: metrics,
      submit: { try await driver.submit($0) },
      events: { host.events.subscribe() },
      peers: { await network.summaries },
      stop: { stopping.ask(because: nil) }
    )
    self.access = access
    front =
      try await makeFront?(access, configuration, loops.rpc)
      ?? NodeFront(handler: { await Self.answer($0, access) })
    server = try await HTTPServer(
      at: configuration.rpc,
      on: loops.rpc,
      handler: front.handler
    )
    rpcAddress = server.address
    peeringAddress = try await network.start(sink) ?? configuration.listen
    background = NodeBackground(
      configuration: configuration,
      network: network,
      driver: driver,
      store: store,
      metrics: nodeMetrics,
      loop: loops.network,
      log: log
    ).start()
    try writePorts()
    log.info(
      "node started",
      [
        "version": configuration.version, "network": parameters.network.name,
        "node": "\(key.publicKey)", "peering": "\(peeringAddress)", "rpc": "\(rpcAddress)",
        "data": directory.path, "blocks": "\(host.totals.blocks)",
      ]
    )
  }

  /// Returns once the node is asked to stop, by `NodeAccess.stop`, or fails.
  ///
  /// - Returns: why, if it failed.
  public func untilAskedToStop() async -> (any Error)? {
    await stopping.value()
  }

  /// Lets calls in flight end, tells the peers, writes what is left, and ends every thread.
  ///
  /// In the order of dependence: who asks ends before who answers.
  public func stop() async {
    for task in background { task.cancel() }
    await server.shutdown(within: Self.callGrace)
    await front.stop()
    let peers = await network.rows.map(StoredPeer.init)
    await network.stop()
    let store = self.store
    await driver.perform {
      store.put(peers)
      try store.checkpoint()
    }
    await driver.stop()
    host.events.finish()
    await threads.shutdown()
    await loops.shutdown()
    unlink(directory.file(Self.portsFileName))
    log.info("node stopped", [:])
    log.flush()
  }

  /// For calls in flight, of the two seconds that a stop may take.
  static let callGrace = Duration.seconds(1)

  /// Where the node listens, for scripts that let the system choose.
  private func writePorts() throws {
    var text = "{\"peering_port\": \(peeringAddress.port), \"rpc_port\": \(rpcAddress.port)"
    text += ", \"process\": \(getpid())}\n"
    try PrivateFile.write(
      Array(text.utf8),
      to: directory.file(Self.portsFileName),
      mode: 0o644
    )
  }

  private static func answer(_ request: HTTPRequest, _ access: NodeAccess) async -> HTTPResponse {
    switch request.path {
    case "/metrics":
      HTTPResponse(contentType: Metrics.contentType, body: access.metrics.render())
    case "/health":
      HTTPResponse(text: "ok\n")
    default:
      HTTPResponse(status: 404, text: "not found\n")
    }
  }
}

/// The node's loops, each a thread.
struct NodeLoops: Sendable {
  let ledger: EventLoop
  let network: EventLoop
  let rpc: EventLoop

  init() throws {
    ledger = try EventLoop(name: "ledger")
    network = try EventLoop(name: "network")
    rpc = try EventLoop(name: "rpc")
  }

  func shutdown() async {
    await rpc.shutdown()
    await network.shutdown()
    await ledger.shutdown()
  }
}

/// The node's other threads.
struct NodeThreads: Sendable {
  /// Signatures and work of what peers say.
  let checks: Workers
  /// The ledger, for peers' questions.
  let reads: Workers
  /// Proof of work.
  let work: Workers

  init(workThreads: Int) throws {
    checks = try Workers(count: 1, queueMax: 4, name: "check")
    reads = try Workers(count: 1, queueMax: LedgerResponder.queueMax, name: "read")
    work = try Workers(count: workThreads, queueMax: 256, name: "work")
  }

  func shutdown() async {
    await checks.shutdown()
    await reads.shutdown()
    await work.shutdown()
  }
}

/// A wish to stop, awaited by one.
final class StopRequest: Sendable {
  private struct State: Sendable {
    var isAsked = false
    var failure: (any Error)?
    var waiting: CheckedContinuation<(any Error)?, Never>?
  }

  private let state = Mutex(State())

  /// Only the first counts.
  func ask(because failure: (any Error)?) {
    let waiting = state.withLock { state -> CheckedContinuation<(any Error)?, Never>? in
      guard !state.isAsked else { return nil }
      state.isAsked = true
      state.failure = failure
      defer { state.waiting = nil }
      return state.waiting
    }
    waiting?.resume(returning: failure)
  }

  func value() async -> (any Error)? {
    await withCheckedContinuation { continuation in
      let (isAsked, failure) = state.withLock { state in
        if !state.isAsked { state.waiting = continuation }
        return (state.isAsked, state.failure)
      }
      if isAsked { continuation.resume(returning: failure) }
    }
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
