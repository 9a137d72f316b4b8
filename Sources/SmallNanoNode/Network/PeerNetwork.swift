import EdDSA
import EventLoop
import Kernel
import Service
import SmallNano
import Synchronization
import Transport

/// What the network hands on, and asks of the rest of the node.
///
/// Called on the network's loop.
struct PeerSink: Sendable {
  let connected: @Sendable (PeerID, PublicKey) -> Void
  /// Once for each that was connected.
  let disconnected: @Sendable (PeerID) -> Void
  let deliver: @Sendable (PeerMessage, PeerID, _ cost: Int) -> DriverDelivery
  /// The answer to a question about the ledger, nil if there is none.
  let answer: @Sendable (WireMessage) async throws -> WireMessage?
  let totals: @Sendable () -> LedgerTotals
}

/// The connections of a node: listens, dials, greets, and passes messages both ways.
///
/// What comes from peers is cut into frames, filtered for duplicates, checked in batches on a
/// worker, and only then given to the machine's inbox. Each step is bounded for each peer, and a
/// step that is full holds the one before it, down to the peer's socket.
actor PeerNetwork {
  /// What does not change while the node runs.
  struct Settings: Sendable {
    let parameters: NetworkParameters
    /// The node's own key.
    let key: SecretKey
    let listen: SocketAddress?
    /// Where others reach this node, if the operator says so.
    let external: SocketAddress?
    let peersMax: Int
    /// Read from each peer.
    let bytesPerSecond: UInt64
    let version: String
    let startedAt: Instant
    let pruningDepth: UInt64
    var handshakeTimeout = Duration.seconds(5)
    /// Keepalives come each 30 s; three of them missed.
    var idleTimeout = Duration.seconds(100)

    /// Time a second spent on the checks of one peer's messages: a quarter of a slow core.
    static let checkMicroseconds: UInt64 = 250_000
    static let keepaliveInterval = Duration.seconds(30)
    static let telemetryInterval = Duration.seconds(60)
    static let dialTimeout = Duration.seconds(5)
    /// Bytes that wait to be sent to one peer; more, and it is dropped.
    static let outboundMax = 262_144
    /// An answer is not looked up while so many bytes wait to be sent.
    static let answerBacklogMax = 65_536
    /// Messages checked in one batch.
    ///
    /// A larger one gains little speed and costs the first of it time.
    static let batchMax = 128
  }

  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  let settings: Settings
  let log: Log
  let metrics: NetworkMetrics
  let checker: StatelessChecker
  /// One thread is enough: the checks of all peers go in batches, one after the other.
  let checkWorkers: Workers
  var sink: PeerSink?
  var filter: DuplicateFilter
  var isChecking = false
  var areChecksAsked = false
  /// The session whose messages come first in the next batch.
  var nextChecked: PeerID?

  private var random = SystemRandomNumberGenerator()
  private var book: PeerBook
  private var listener: Listener?
  private var dialling: [SocketAddress: Connector] = [:]
  /// In order of their ids, which is that of their connections.
  private(set) var sessions: [PeerSession] = []
  private var lastID: UInt64 = 0
  private var ticker: Timer?
  private var isStopped = false
  /// Whoever connects again and again must not fill the log.
  private var refusalLines: TokenBucket

  /// What other threads want sent.
  private let outbox = Mutex(Outbox())

  private struct Outbox: Sendable {
    var items: [Outgoing] = []
    var isAsked = false
  }

  private enum Outgoing: Sendable {
    case frame([UInt8], to: [PeerID])
    case disconnect(PeerID, DisconnectReason)
    case hasRoom(PeerID)
  }

  init(
    _ settings: Settings,
    book rows: [PeerBook.Row],
    on loop: EventLoop,
    checkWorkers: Workers,
    log: Log,
    metrics: Metrics
  ) {
    self.settings = settings
    self.loop = loop
    self.checkWorkers = checkWorkers
    self.log = log
    self.metrics = NetworkMetrics(in: metrics)
    checker = StatelessChecker(settings.parameters)
    let policy = PeerPolicy(
      peersMax: settings.peersMax,
      network: settings.parameters.network
    )
    book = PeerBook(policy: policy, rows: rows)
    var random = SystemRandomNumberGenerator()
    filter = DuplicateFilter(key: (random.next(), random.next()))
    refusalLines = TokenBucket(capacity: 20, perSecond: 1, now: SystemClock.now)
  }

  // MARK: Life

  /// Listens and dials from now on.
  ///
  /// - Returns: where it listens; has the port that was chosen if 0 was asked for.
  /// - Throws: `ListenFailure`.
  func start(_ sink: PeerSink) throws -> SocketAddress? {
    self.sink = sink
    if let address = settings.listen {
      listener = try Listener(at: address, on: loop, outboundMax: Settings.outboundMax) {
        self.accept($0)
      }
    }
    tick()
    return listener?.address
  }

  /// Closes every connection, and tells of each.
  func stop() {
    isStopped = true
    listener?.close()
    listener = nil
    for connector in dialling.values { connector.cancel() }
    dialling = [:]
    if let ticker { loop.cancel(ticker) }
    for session in sessions { session.close(.ended("this node is stopping")) }
  }

  /// Adds addresses of the operator's choice: kept, and dialled first.
  func configure(_ addresses: [SocketAddress]) {
    for address in addresses { book.configure(address) }
    if sink != nil { dial() }
  }

  /// What is kept of the peers across restarts.
  var rows: [PeerBook.Row] { book.rows }

  /// Connected peers, in order of connection.
  var summaries: [PeerSummary] {
    sessions.compactMap { session in
      session.node.map {
        PeerSummary(
          address: session.connection.remote,
          node: $0,
          isInbound: session.role == .responder,
          connectedAt: session.connectedAt,
          bytesReceived: session.connection.bytesReceived,
          bytesSent: session.connection.bytesSent,
          telemetry: session.telemetry
        )
      }
    }
  }

  /// Connections in any state.
  var connectionCount: Int { sessions.count }

  var greetedCount: Int { sessions.count(where: \.isGreeted) }

  /// Once a second: whom to dial, who needs a sign of life.
  private func tick() {
    guard !isStopped else { return }
    ticker = loop.schedule(after: .seconds(1)) { self.tick() }
    dial()
    let now = loop.now
    for session in sessions where session.isGreeted {
      if now >= session.nextKeepalive { sendKeepalive(to: session, now: now) }
      if now >= session.nextTelemetry {
        session.nextTelemetry = now + Settings.telemetryInterval
        session.send(.telemetryRequest)
      }
    }
  }

  private func sendKeepalive(to session: PeerSession, now: Instant) {
    session.nextKeepalive = now + Settings.keepaliveInterval
    let keepalive = book.keepalive(
      listening: listener?.address.port,
      external: settings.external,
      using: &random
    )
    session.send(.keepalive(keepalive))
  }

  // MARK: Connections

  private var connections: [PeerConnection] {
    sessions.map {
      PeerConnection(remote: $0.connection.remote.ip, role: $0.role, listening: $0.listening)
    }
      + dialling.keys.sorted().map {
        PeerConnection(remote: $0.ip, role: .initiator, listening: $0)
      }
  }

  private func dial() {
    for address in book.dials(connected: connections, now: loop.now, using: &random) {
      dialling[address] = Connector(
        to: address,
        on: loop,
        timeout: Settings.dialTimeout,
        outboundMax: Settings.outboundMax
      ) { result in
        self.dialling[address] = nil
        switch result {
        case .success(let connection):
          self.open(connection, role: .initiator, listening: address)
        case .failure(let failure):
          self.log.debug("peer not reached", ["problem": failure.description])
          self.book.failed(address, now: self.loop.now, using: &self.random)
        }
      }
    }
  }

  private func accept(_ connection: Connection) {
    let ip = connection.remote.ip
    if let refusal = book.policy.refusal(inboundFrom: ip, connected: connections) {
      metrics.countRefused("full")
      noteRefusal(of: connection.remote, refusal.description)
      return connection.close(.local(refusal.description))
    }
    open(connection, role: .responder, listening: nil)
  }

  private func open(
    _ connection: Connection,
    role: Handshake.Role,
    listening: SocketAddress?
  ) {
    lastID += 1
    let session = PeerSession(
      id: PeerID(lastID),
      connection: connection,
      role: role,
      listening: listening,
      settings: settings,
      cookie: Bytes32(words: (random.next(), random.next(), random.next(), random.next())),
      metrics: metrics
    ) { self.handle($0, $1) }
    sessions.append(session)
    session.start()
  }

  private func handle(_ session: PeerSession, _ happening: PeerSession.Happening) {
    switch happening {
    case .greeted(let node): greeted(session, node)
    case .message(let message, let frame): take(message, frame, from: session)
    case .drained: answerNext(of: session)
    case .closed(let reason, let ending): closed(session, reason, ending)
    }
  }

  /// A peer has proved its key.
  private func greeted(_ session: PeerSession, _ node: PublicKey) {
    let now = loop.now
    if let other = sessions.first(where: { $0.node == node && $0 !== session }) {
      // Whatever stays is reached at what was dialled.
      let listening = session.listening ?? other.listening
      let replaces = Handshake.replaces(
        newer: session.role,
        older: other.role,
        own: settings.key.publicKey,
        peer: node
      )
      let (kept, dropped) = replaces ? (session, other) : (other, session)
      kept.listening = kept.listening ?? listening
      dropped.close(.ended("a second connection to the same node"))
      if !replaces { return }
    }
    if let listening = session.listening { book.succeeded(listening, now: now) }
    session.isAnnounced = true
    metrics.peers.add()
    log.info(
      "peer connected",
      [
        "address": "\(session.connection.remote)", "node": "\(node)",
        "direction": session.role == .responder ? "in" : "out", "peers": "\(greetedCount)",
      ]
    )
    sink?.connected(session.id, node)
    sendKeepalive(to: session, now: now)
    session.nextTelemetry = now + Settings.telemetryInterval
    session.send(.telemetryRequest)
  }

  private func closed(
    _ session: PeerSession,
    _ reason: CloseReason,
    _ ending: PeerSession.Ending?
  ) {
    sessions.removeAll { $0 === session }
    forgetUnchecked(of: session)
    let now = loop.now
    let address = session.connection.remote
    switch ending {
    case .refused(_, let kind):
      metrics.countRefused(kind)
      noteRefusal(of: address, reason.description)
      if let listening = session.listening {
        book.misbehaved(listening, now: now, using: &random)
      }
    case .ownAddress:
      if let listening = session.listening { book.isOwn(listening) }
    case .ended where !session.isAnnounced:
      break  // A second connection to a node that is well connected.
    case .ended, nil:
      noteEnd(of: session, reason, now: now)
    }
    guard session.isAnnounced else { return }
    metrics.peers.add(-1)
    log.info(
      "peer disconnected",
      [
        "address": "\(address)", "reason": reason.description, "peers": "\(greetedCount)",
      ]
    )
    sink?.disconnected(session.id)
  }

  /// What an end by the peer or the network means for its address.
  private func noteEnd(of session: PeerSession, _ reason: CloseReason, now: Instant) {
    if !session.isGreeted {
      metrics.countRefused("unfinished")
      log.debug(
        "handshake not finished",
        ["address": "\(session.connection.remote)", "reason": reason.description]
      )
    }
    guard let listening = session.listening else { return }
    if session.isAnnounced {
      book.closed(listening, opened: session.connectedAt, now: now, using: &random)
    } else {
      book.failed(listening, now: now, using: &random)
    }
  }

  private func noteRefusal(of address: SocketAddress, _ reason: String) {
    guard refusalLines.take(1, now: loop.now) else { return }
    log.info("peer refused", ["address": "\(address)", "reason": reason])
  }

  /// Where peers are, as one of them tells.
  func learn(_ keepalive: Keepalive, from session: PeerSession) {
    let listening = book.learn(keepalive, from: session.connection.remote.ip)
    if session.role == .responder, let listening { session.listening = listening }
  }

  func session(_ id: PeerID) -> PeerSession? {
    var low = 0
    var high = sessions.count
    while low < high {
      let middle = (low + high) / 2
      if sessions[middle].id < id { low = middle + 1 } else { high = middle }
    }
    return low < sessions.count && sessions[low].id == id ? sessions[low] : nil
  }

  // MARK: From other threads

  /// Sends a frame to peers; who is gone misses it.
  nonisolated func send(frame: [UInt8], to peers: [PeerID]) {
    post(.frame(frame, to: peers))
  }

  nonisolated func disconnect(_ peer: PeerID, _ reason: DisconnectReason) {
    post(.disconnect(peer, reason))
  }

  /// The machine's inbox, which was full, has room for this peer's messages.
  nonisolated func hasRoom(for peer: PeerID) {
    post(.hasRoom(peer))
  }

  /// What one turn of another loop posts arrives in one job of this one.
  private nonisolated func post(_ item: Outgoing) {
    let isFirst = outbox.withLock { outbox in
      outbox.items.append(item)
      defer { outbox.isAsked = true }
      return !outbox.isAsked
    }
    guard isFirst else { return }
    loop.execute { self.assumeIsolated { $0.carryOutPosted() } }
  }

  private func carryOutPosted() {
    let items = outbox.withLock { outbox in
      outbox.isAsked = false
      defer { outbox.items = [] }
      return outbox.items
    }
    for item in items {
      switch item {
      case .frame(let frame, let peers):
        for peer in peers { session(peer)?.send(frame: frame) }
      case .disconnect(let peer, let reason):
        session(peer)?.close(.refused(reason.description, kind: "machine"))
      case .hasRoom(let peer):
        if let session = session(peer) { deliverWaiting(of: session) }
      }
    }
  }
}
