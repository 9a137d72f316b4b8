import EventLoop
import Glibc
import Kernel
import Service
import SmallNano

/// What a node does now and then beside its work.
struct NodeBackground: Sendable {
  private let configuration: NodeConfiguration
  private let network: PeerNetwork
  private let driver: Driver<SmallNanoMachine>
  private let store: SQLiteLedgerStore
  private let metrics: NodeMetrics
  private let verification: VerificationState
  private let stopping: StopRequest
  private let path: String
  private let loop: EventLoop
  private let log: Log

  init(_ configuration: NodeConfiguration, _ parts: NodeParts, on loop: EventLoop, log: Log) {
    self.configuration = configuration
    network = parts.network
    driver = parts.driver
    store = parts.store
    metrics = parts.metrics
    verification = parts.verification
    stopping = parts.stopping
    path = parts.access.ledgerPath
    self.loop = loop
    self.log = log
  }

  /// Begins; the tasks end when they are cancelled or the loop stops.
  func start() -> [Task<Void, Never>] {
    [
      Task(executorPreference: loop) { await findPeers() },
      Task(executorPreference: loop) { await verify() },
      repeating(each: Node.peersInterval) { await keepPeers() },
      repeating(each: Node.metricsInterval) { await measure() },
    ]
  }

  private func repeating(
    each interval: Duration,
    _ body: @escaping @Sendable () async -> Void
  ) -> Task<Void, Never> {
    Task(executorPreference: loop) {
      while true {
        do { try await loop.sleep(for: interval) } catch { return }
        await body()
      }
    }
  }

  private func measure() async {
    let sizes = await driver.inspect { $0.tableSizes }
    metrics.update(sizes, await driver.statistics)
  }

  /// The peers met so far, into the ledger's file: between two turns of its one writer.
  private func keepPeers() async {
    let peers = await network.rows.map(StoredPeer.init)
    let store = self.store
    await driver.perform {
      store.put(peers)
      try store.commit()
    }
  }

  // MARK: Verification

  /// Reads the whole ledger once, at the lowest priority; a broken one stops the node.
  ///
  /// The thread is not waited for at the end of the node: it only reads, on a connection of its own.
  private func verify() async {
    let (path, parameters) = (self.path, configuration.parameters)
    let report: LedgerVerification
    do {
      let worker = try Workers(count: 1, queueMax: 1, name: "verify")
      report = try await worker.run { _ in
        setpriority(Int32(PRIO_PROCESS.rawValue), 0, 19)  // of this thread alone, as Linux counts
        return try LedgerReader(path: path, parameters: parameters).verify()
      }
      await worker.shutdown()
    } catch {
      guard !Task.isCancelled else { return }
      verification.set(.unfinished("\(error)"))
      return log.error("ledger not verified", ["problem": "\(error)"])
    }
    if let problem = report.problems.first {
      verification.set(.broken(problem))
      log.error(
        "the ledger is damaged; run `smallnano ledger verify`, and restore it or sync a new one",
        ["problem": problem, "problems": "\(report.problems.count)"]
      )
      stopping.ask(because: NodeFailure("the ledger is damaged: \(problem)"))
    } else {
      verification.set(.sound)
      log.info(
        "ledger verified",
        ["blocks": "\(report.totals.blocks)", "accounts": "\(report.totals.accounts)"]
      )
    }
  }

  // MARK: Seeds

  private func findPeers() async {
    await network.configure(await addresses(of: configuration.bootstrapPeers))
    while true {
      if !configuration.seeds.isEmpty, await network.greetedCount == 0 {
        await network.configure(await addresses(of: configuration.seeds))
      }
      do { try await loop.sleep(for: Node.seedsInterval) } catch { return }
    }
  }

  /// Names are looked up on a thread of their own, as that may wait for many seconds.
  private func addresses(of hosts: [HostPort]) async -> [SocketAddress] {
    var addresses: [SocketAddress] = hosts.compactMap(\.literal)
    let names = hosts.filter { $0.literal == nil }
    guard !names.isEmpty else { return addresses }
    do {
      let resolver = try Workers(count: 1, queueMax: 1, name: "resolve")
      for name in names {
        let found = try await name.addresses(by: resolver)
        if found.isEmpty { log.warn("peer name not found", ["name": name.host]) }
        addresses += found
      }
      await resolver.shutdown()
    } catch {
      log.warn("peer names not looked up", ["problem": "\(error)"])
    }
    return addresses
  }
}

extension StoredPeer {
  init(_ row: PeerBook.Row) {
    self.init(
      address: row.address.description,
      lastSeen: row.lastSuccess ?? Instant(nanoseconds: 0),
      failures: UInt32(clamping: row.failures)
    )
  }
}

extension PeerBook.Row {
  /// Nil for a row that holds no address: the file is no more trusted than a stranger.
  init?(_ stored: StoredPeer) {
    guard let address = SocketAddress(stored.address) else { return nil }
    self.init(
      address: address,
      lastSuccess: stored.lastSeen == Instant(nanoseconds: 0) ? nil : stored.lastSeen,
      failures: Int(stored.failures)
    )
  }
}
