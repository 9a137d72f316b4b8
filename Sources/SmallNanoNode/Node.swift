import EventLoop
import Glibc
import HTTP
public import Kernel
public import Service
import SmallNano

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
  private let parts: NodeParts
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
    let directory = try DataDirectory(configuration.dataDirectory)
    let loops = try NodeLoops()
    let threads = try NodeThreads(workThreads: configuration.workThreads)
    do {
      parts = try await NodeParts(configuration, directory, loops, threads, log, makeFront)
    } catch {
      await threads.shutdown()
      await loops.shutdown()
      throw error
    }
    access = parts.access
    rpcAddress = parts.server.address
    peeringAddress = parts.peeringAddress
    self.directory = directory
    self.loops = loops
    self.threads = threads
    self.log = log
    background = NodeBackground(configuration, parts, on: loops.network, log: log).start()
    do {
      try writePorts()
    } catch {
      await stop()
      throw error
    }
    log.info(
      "node started",
      [
        "version": configuration.version, "network": configuration.parameters.network.name,
        "node": "\(access.node)", "peering": "\(peeringAddress)", "rpc": "\(rpcAddress)",
        "data": directory.path, "blocks": "\(parts.host.totals.blocks)",
      ]
    )
  }

  /// Returns once the node is asked to stop, by `NodeAccess.stop`, or fails.
  ///
  /// - Returns: why, if it failed.
  public func untilAskedToStop() async -> (any Error)? {
    await parts.stopping.value()
  }

  /// Lets calls in flight end, tells the peers, writes what is left, and ends every thread.
  ///
  /// In the order of dependence: who asks ends before who answers.
  public func stop() async {
    for task in background { task.cancel() }
    await parts.server.shutdown(within: Self.callGrace)
    await parts.front.stop()
    let peers = await parts.network.rows.map(StoredPeer.init)
    await parts.network.stop()
    let store = parts.store
    await parts.driver.perform {
      store.put(peers)
      try store.checkpoint()
    }
    await parts.driver.stop()
    parts.host.events.finish()
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
