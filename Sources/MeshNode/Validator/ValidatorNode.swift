public import EdDSA
import EventLoop
import Glibc
import HTTP
public import Kernel
public import Mesh
public import Service
import Storage

/// A running validator: database, machine, network and HTTP, put together.
///
/// Three loops, so that none holds up another: `ledger` waits for the disk, `network` for peers and
/// wallets, `http` for observers. Beside them one thread checks signatures and one range proofs.
public final class ValidatorNode: Sendable {
  public let publicKey: PublicKey
  public let index: ValidatorIndex
  /// Where it listens, with the ports that were chosen.
  public let meshAddress: SocketAddress
  public let httpAddress: SocketAddress
  public let driver: Driver<MeshValidator>
  public let network: MeshNetwork
  public let metrics: Metrics

  private let directory: ValidatorDirectory
  private let lock: DataDirectory
  private let store: SQLiteMeshStore
  private let host: ValidatorHost
  private let server: HTTPServer
  private let loops: Loops
  private let threads: Threads
  private let stopping: StopRequest
  private let background: Task<Void, Never>
  private let log: Log

  /// Pages of the database kept in memory.
  static let cacheBytes = 16 << 20
  /// For calls in flight, of the two seconds that a stop may take.
  static let callGrace = Duration.milliseconds(300)
  static let metricsInterval = Duration.seconds(5)

  /// Starts a validator: when this returns it listens, calls and answers.
  ///
  /// - Parameters:
  ///   - configuration: checked.
  ///   - log: for the operator.
  /// - Throws: `ValidatorFailure`, `ListenFailure`, `StorageFailure`, `FileFailure`, each a line that
  ///   says what to do.
  public init(_ configuration: ValidatorConfiguration, log: Log) async throws {
    let genesis = configuration.genesis
    directory = ValidatorDirectory(configuration.dataDirectory)
    lock = try DataDirectory(configuration.dataDirectory)
    let key = try directory.open(follows: configuration.follows)
    publicKey = key.publicKey
    guard let index = genesis.validators.index(of: key.publicKey) else {
      throw ValidatorFailure(
        "the key in \(directory.path) is \(key.publicKey), which is no validator of \(genesis.name); "
          + "its validators are \(genesis.validators.keys.map(\.description).joined(separator: ", "))"
      )
    }
    self.index = index
    let places = try ValidatorConfiguration.places(configuration.peers, in: genesis)
    let store = try SQLiteMeshStore(
      path: directory.ledgerPath,
      genesis: genesis,
      options: Database.Options(cacheBytes: Self.cacheBytes)
    )
    let loops = try Loops()
    let threads = try Threads()
    let stopping = StopRequest()
    let metrics = Metrics()
    let figures = ValidatorMetrics(in: metrics)
    do {
      var settings = MeshNetwork.Settings(
        genesis: genesis,
        identity: .validator(key, index),
        validators: places,
        listen: configuration.listen,
        agent: "mesh-validator \(ValidatorConfiguration.version)"
      )
      settings.votesPerSecond = configuration.votesPerSecond
      settings.resetSecret = Self.resetSecret(of: key)
      let network = MeshNetwork(
        settings,
        on: loops.network,
        workers: threads.checks,
        log: log,
        metrics: metrics
      )
      let host = ValidatorHost(
        store: store,
        network: network,
        metrics: figures,
        log: log
      ) { stopping.ask(because: $0) }
      figures.observe { host.totals }
      let driver = Driver<MeshValidator>(
        MeshValidator(
          store: store,
          configuration: MeshValidator.Configuration(
            genesis: genesis,
            key: store.followsOnly ? nil : key,
            secret: Self.freshSecret()
          )
        ),
        host: host,
        on: loops.ledger,
        workers: threads.proofs,
        limits: Self.driverLimits
      )
      _ = try await driver.submit(.start)
      Task {
        // Ahead of the first payment, which would wait for it; without room it does.
        try? await threads.proofs.run { _ in ProofCheck.prepare() }
      }
      let front = ValidatorFront(
        genesis: genesis,
        key: key.publicKey,
        index: index,
        followsOnly: store.followsOnly,
        startedAt: SystemClock.now,
        metrics: metrics,
        driver: driver,
        network: network
      )
      var limits = HTTPServerLimits()
      // Nothing that it answers is asked for with a body.
      limits.message = HTTPMessageLimits(bodyMax: 4_096)
      server = try await HTTPServer(at: configuration.http, on: loops.http, limits: limits) {
        await front.answer($0)
      }
      let sink = MeshSink(
        connected: { driver.connected($0, $1) },
        disconnected: { driver.disconnected($0) },
        deliver: { driver.deliver($0, from: $1, cost: max(1, $2)) },
        logHead: { host.totals.logCount }
      )
      meshAddress = try await network.start(sink) ?? configuration.listen
      self.network = network
      self.host = host
      self.driver = driver
    } catch {
      await threads.shutdown()
      await loops.shutdown()
      throw error
    }
    httpAddress = server.address
    self.store = store
    self.loops = loops
    self.threads = threads
    self.stopping = stopping
    self.metrics = metrics
    self.log = log
    let driver = self.driver
    let loop = loops.http
    background = Task(executorPreference: loops.http) {
      while true {
        figures.update(await driver.statistics)
        do { try await loop.sleep(for: Self.metricsInterval) } catch { return }
      }
    }
    do {
      try writePorts()
    } catch {
      await stop()
      throw error
    }
    noteStart(genesis, places)
  }

  private func noteStart(_ genesis: Genesis, _ places: [ValidatorIndex: HostPort]) {
    log.info(
      "validator started",
      [
        "version": ValidatorConfiguration.version, "network": genesis.name,
        "validator": "\(index)", "key": "\(publicKey)", "mesh": "\(meshAddress)",
        "http": "\(httpAddress)", "data": directory.path, "log": "\(host.totals.logCount)",
      ]
    )
    for other in genesis.validators.indices where other > index && places[other] == nil {
      let key = genesis.validators.key(other).map(\.description) ?? "?"
      log.warn(
        "no address for a validator: it is not called; add it to peers",
        ["validator": "\(other)", "key": key]
      )
    }
    if store.followsOnly {
      log.warn("this validator lost its database once; it follows and never votes", [:])
    }
    if host.totals.isHalted {
      log.error("a safety fault was found here before; this validator does not vote", [:])
    }
  }

  /// Asks the validator to stop, as SIGTERM does.
  public func askToStop() {
    stopping.ask(because: nil)
  }

  /// Returns once the validator is asked to stop, or fails.
  ///
  /// - Returns: why, if it failed.
  public func untilAskedToStop() async -> (any Error)? {
    await stopping.value()
  }

  /// Takes leave of the peers, writes what is left, and ends every thread.
  ///
  /// In the order of dependence: who asks ends before who answers.
  public func stop() async {
    background.cancel()
    await server.shutdown(within: Self.callGrace)
    await network.stop(answers: stopping.failure == nil)
    let store = self.store
    await driver.perform { try store.checkpoint() }
    await driver.stop()
    await threads.shutdown()
    await loops.shutdown()
    unlink(directory.portsPath)
    log.info("validator stopped", [:])
    log.flush()
  }

  /// Where the validator listens, for scripts that let the system choose.
  private func writePorts() throws {
    let text =
      "{\"mesh_port\": \(meshAddress.port), \"http_port\": \(httpAddress.port), "
      + "\"process\": \(getpid())}\n"
    try PrivateFile.write(Array(text.utf8), to: directory.portsPath, mode: 0o644)
  }

  // MARK: Parts

  private static var driverLimits: DriverLimits {
    var limits = DriverLimits()
    // As many as QUIC lets connect.
    limits.peersMax = 4096 + Limits.validators
    // Two of the largest frames.
    limits.costPerPeer = 2 << 20
    // A vote request with its certificate.
    limits.quantum = 16 << 10
    return limits
  }

  /// The same at every start, and nobody else's: peers learn of a restart at once.
  private static func resetSecret(of key: SecretKey) -> SecretBytes {
    // A deterministic signature that is never shown.
    let signature = key.sign(Array("mesh-validator stateless reset".utf8))
    var bytes = Array(signature.bytes.low.bytes)
    return SecretBytes(wiping: &bytes)
  }

  private static func freshSecret() -> SecretBytes {
    var random = SystemRandomNumberGenerator()
    var bytes = (0..<32).map { _ in random.next() as UInt8 }
    return SecretBytes(wiping: &bytes)
  }

  /// The loops, each a thread.
  private struct Loops: Sendable {
    let ledger: EventLoop
    let network: EventLoop
    let http: EventLoop

    init() throws {
      ledger = try EventLoop(name: "ledger")
      network = try EventLoop(name: "network")
      http = try EventLoop(name: "http")
    }

    func shutdown() async {
      await http.shutdown()
      await network.shutdown()
      await ledger.shutdown()
    }
  }

  /// The other threads.
  private struct Threads: Sendable {
    /// Signatures of what comes, one batch at a time.
    let checks: Workers
    /// Range proofs, one batch at a time.
    let proofs: Workers

    init() throws {
      checks = try Workers(count: 1, queueMax: 4, name: "check")
      proofs = try Workers(count: 1, queueMax: 4, name: "proof")
    }

    func shutdown() async {
      await checks.shutdown()
      await proofs.shutdown()
    }
  }
}
