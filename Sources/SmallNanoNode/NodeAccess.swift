public import EdDSA
public import EventLoop
public import Kernel
public import Service
public import SmallNano

/// What wallet, RPC and pages may ask of a running node.
///
/// Reads go to the ledger file through a `LedgerReader` of the asker's own (its path is here), never
/// through the node's loop; what changes something is submitted to the machine.
public struct NodeAccess: Sendable {
  public let parameters: NetworkParameters
  /// The node's own key on the wire.
  public let node: PublicKey
  public let ledgerPath: String
  public let dataDirectory: String
  public let startedAt: Instant
  public let version: String
  public let workers: Workers
  public let log: Log
  public let metrics: Metrics
  /// Submits a command to the machine and waits for its reply, which comes after the change is
  /// durable.
  ///
  /// Throws when the node is stopping or its disk failed.
  public let submit: @Sendable (SmallNanoMachine.Command) async throws -> SmallNanoMachine.Reply
  /// A new subscription to what the machine reports, oldest dropped beyond 1,024 unread.
  ///
  /// A subscriber that may have missed some reads the ledger afresh.
  public let events: @Sendable () -> AsyncStream<SmallNanoMachine.Event>
  /// Connected peers, in order of connection.
  public let peers: @Sendable () async -> [PeerSummary]
  /// Asks the node to stop, as SIGTERM does.
  public let stop: @Sendable () -> Void
  /// What /health tells.
  public let health: @Sendable () async -> NodeHealth

  public init(
    parameters: NetworkParameters,
    node: PublicKey,
    ledgerPath: String,
    dataDirectory: String,
    startedAt: Instant,
    version: String,
    workers: Workers,
    log: Log,
    metrics: Metrics,
    submit: @escaping @Sendable (SmallNanoMachine.Command) async throws -> SmallNanoMachine.Reply,
    events: @escaping @Sendable () -> AsyncStream<SmallNanoMachine.Event>,
    peers: @escaping @Sendable () async -> [PeerSummary],
    stop: @escaping @Sendable () -> Void,
    health: @escaping @Sendable () async -> NodeHealth = { NodeHealth() }
  ) {
    self.parameters = parameters
    self.node = node
    self.ledgerPath = ledgerPath
    self.dataDirectory = dataDirectory
    self.startedAt = startedAt
    self.version = version
    self.workers = workers
    self.log = log
    self.metrics = metrics
    self.submit = submit
    self.events = events
    self.peers = peers
    self.stop = stop
    self.health = health
  }
}

/// A connected peer, for `peers` and `telemetry`.
public struct PeerSummary: Sendable {
  public let address: SocketAddress
  public let node: PublicKey
  public let isInbound: Bool
  public let connectedAt: Instant
  public let bytesReceived: UInt64
  public let bytesSent: UInt64
  /// Its last telemetry, if it sent one.
  public let telemetry: Telemetry?

  public init(
    address: SocketAddress,
    node: PublicKey,
    isInbound: Bool,
    connectedAt: Instant,
    bytesReceived: UInt64,
    bytesSent: UInt64,
    telemetry: Telemetry?
  ) {
    self.address = address
    self.node = node
    self.isInbound = isInbound
    self.connectedAt = connectedAt
    self.bytesReceived = bytesReceived
    self.bytesSent = bytesSent
    self.telemetry = telemetry
  }
}
