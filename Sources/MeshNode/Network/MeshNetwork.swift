public import EventLoop
public import Kernel
public import Mesh
import QUIC
public import Service
import Synchronization

/// The connections of a validator or a wallet (SPEC-009): calls, is called, and passes messages both
/// ways.
///
/// A wallet calls all validators; of two validators the one with the lower index calls. Who is lost
/// is called again, ever later. What comes is decoded, checked in batches on a worker, and only then
/// given on; each step is bounded for each connection.
///
/// Every request that is sent ends in exactly one of: an answer, an `error` response made here that
/// says why none comes, or the end of the connection.
public actor MeshNetwork {
  public nonisolated let loop: EventLoop
  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  let settings: Settings
  let log: Log
  let metrics: MeshNetworkMetrics
  let checks: MessageChecks
  var sink: MeshSink?
  var isChecking = false
  var areChecksAsked = false
  /// The connection whose messages come first in the next batch.
  var nextChecked: PeerID?

  private var random = SystemRandomNumberGenerator()
  private var listening: QUICEndpoint?
  /// For calls that the listening endpoint cannot make, by whether they are IPv4's.
  private var calling: [Bool: QUICEndpoint] = [:]
  /// Whom this end calls, in ascending order.
  private let called: [(validator: ValidatorIndex, host: HostPort)]
  private var plans: [ValidatorIndex: DialPlan] = [:]
  private var namesAsked: Set<ValidatorIndex> = []
  private var lookUps: Workers?
  private var shares: HostShares
  /// In order of their ids, which is that of their beginnings.
  private(set) var connections: [MeshConnection] = []
  private var lastID: UInt64 = 0
  private var ticker: Timer?
  private var isStopped = false
  private var whenEmpty: CheckedContinuation<Void, Never>?
  /// Whoever connects again and again must not fill the log.
  private var refusalLines: TokenBucket

  /// What other threads want sent.
  private let outbox = Mutex(Outbox())

  private struct Outbox: Sendable {
    var items: [Outgoing] = []
    var isAsked = false
  }

  private enum Outgoing: Sendable {
    case message(MeshMessage, to: PeerID)
    case disconnect(PeerID, DisconnectReason)
    case hasRoom(PeerID)
  }

  /// A network at rest.
  ///
  /// - Parameters:
  ///   - settings: who this is, and whom it calls.
  ///   - loop: where its connections live.
  ///   - workers: for the checks of what comes; one thread of them at a time.
  ///   - log: one line for each step of a handshake at debug level.
  ///   - metrics: where its figures go.
  public init(
    _ settings: Settings,
    on loop: EventLoop,
    workers: Workers,
    log: Log,
    metrics: Metrics
  ) {
    self.settings = settings
    called = settings.called
    self.loop = loop
    self.log = log
    self.metrics = MeshNetworkMetrics(in: metrics)
    checks = MessageChecks(settings.genesis, workers: workers)
    shares = HostShares(perSecond: settings.votesPerSecond)
    refusalLines = TokenBucket(capacity: 20, perSecond: 1, now: SystemClock.now)
  }

  // MARK: Life

  /// Listens and calls from now on.
  ///
  /// - Returns: where it listens; has the port that was chosen if 0 was asked for.
  /// - Throws: `ListenFailure`, or `TLSFailure`.
  @discardableResult
  public func start(_ sink: MeshSink) throws -> SocketAddress? {
    self.sink = sink
    if let address = settings.listen {
      listening = try QUICEndpoint(at: address, on: loop, configuration) { [weak self] in
        self?.assumeIsolatedAccept($0)
      }
    }
    let now = loop.now
    for (validator, _) in called { plans[validator] = DialPlan(now: now) }
    tick()
    return listening?.address
  }

  /// Sends what was given to it before, takes leave of everyone, waits a moment for the answers, and
  /// returns when all connections have ended.
  ///
  /// - Parameter answers: false if nobody is left to answer what peers asked, so that waiting is idle.
  public func stop(answers: Bool = true) async {
    carryOutPosted()
    isStopped = true
    if let ticker { loop.cancel(ticker) }
    for connection in connections {
      let reason = "this node is stopping"
      if answers {
        connection.leave(.shuttingDown, reason)
      } else {
        connection.expel(.shuttingDown, reason)
      }
    }
    // Those whose handshake is under way at QUIC have no say.
    await withCheckedContinuation { continuation in
      if connections.isEmpty { continuation.resume() } else { whenEmpty = continuation }
    }
    let code = UInt64(CloseCode.shuttingDown.rawValue)
    for endpoint in [listening, calling[true], calling[false]] {
      endpoint?.close(code: code, "this node is stopping")
    }
    await lookUps?.shutdown()
  }

  /// Validators that are connected, in ascending order.
  public var validators: [ValidatorIndex] {
    connections.compactMap { connection in
      if case .validator(let index) = connection.peer { index } else { nil }
    }.sorted()
  }

  /// Wallets that are connected.
  public var walletCount: Int { connections.count { $0.peer == .wallet } }

  private var configuration: QUICConfiguration {
    let log = self.log
    return QUICConfiguration(
      protocolName: Settings.protocolName,
      resetSecret: settings.resetSecret,
      onStep: { step in
        log.debug(
          "quic handshake",
          [
            "address": "\(step.remote)", "step": step.step.rawValue, "detail": step.reason ?? "",
          ]
        )
      }
    )
  }

  // MARK: Calling

  /// Now and then: whom to call.
  private func tick() {
    guard !isStopped else { return }
    ticker = loop.schedule(after: .milliseconds(100)) { self.tick() }
    let now = loop.now
    for (validator, host) in called {
      guard let plan = plans[validator], plan.next <= now, !namesAsked.contains(validator),
        !connections.contains(where: { $0.called == validator })
      else { continue }
      if let address = host.literal {
        call(validator, address)
      } else {
        namesAsked.insert(validator)
        Task(executorPreference: loop) { await self.lookUp(validator, host) }
      }
    }
  }

  /// A name may have moved: it is looked up for each call.
  private func lookUp(_ validator: ValidatorIndex, _ host: HostPort) async {
    var found: [SocketAddress] = []
    do {
      let workers = try lookUps ?? Workers(count: 1, queueMax: Limits.validators, name: "names")
      lookUps = workers
      found = try await host.addresses(by: workers)
    } catch {
      log.debug("name not looked up", ["name": host.host, "problem": "\(error)"])
    }
    namesAsked.remove(validator)
    guard !isStopped else { return }
    guard !found.isEmpty else {
      log.warn("validator's name not found", ["name": host.host, "validator": "\(validator)"])
      plans[validator]?.failed(after: nil, now: loop.now, using: &random)
      return
    }
    // One that does not answer must not hide the others.
    call(validator, found[(plans[validator]?.failures ?? 0) % found.count])
  }

  private func call(_ validator: ValidatorIndex, _ address: SocketAddress) {
    let connection = makeConnection(calling: validator)
    do {
      connection.attach(try endpoint(for: address).connect(to: address, connection))
      connections.append(connection)
    } catch {
      log.warn(
        "validator not called",
        ["validator": "\(validator)", "address": "\(address)", "problem": "\(error)"]
      )
      plans[validator]?.failed(after: nil, now: loop.now, using: &random)
    }
  }

  private func endpoint(for address: SocketAddress) throws -> QUICEndpoint {
    let isV4 = address.ip.v4 != nil
    if let listening {
      let own = listening.address.ip
      if own == .anyV6 || (own.v4 != nil) == isV4 { return listening }
    }
    if let endpoint = calling[isV4] { return endpoint }
    let any = SocketAddress(isV4 ? .anyV4 : .anyV6, port: 0)
    let endpoint = try QUICEndpoint(at: any, on: loop, configuration)
    calling[isV4] = endpoint
    return endpoint
  }

  // MARK: Connections

  /// On the loop, as everything of an endpoint.
  private nonisolated func assumeIsolatedAccept(_ connection: QUICConnection) {
    nonisolated(unsafe) let connection = connection  // It stays on its loop, which is this actor's.
    assumeIsolated { $0.accept(connection) }
  }

  private func accept(_ quic: QUICConnection) {
    // One that was under way when everyone was told; what is not started is closed.
    guard !isStopped else { return }
    let connection = makeConnection(calling: nil)
    connection.attach(quic)
    connections.append(connection)
    quic.start(connection)
    connection.established()
  }

  private func makeConnection(calling validator: ValidatorIndex?) -> MeshConnection {
    lastID += 1
    let logHead = sink?.logHead
    let context = MeshConnection.Context(
      genesis: settings.genesis,
      identity: settings.identity,
      agent: settings.agent,
      handshakeTimeout: settings.handshakeTimeout,
      answerTimeout: settings.answerTimeout,
      log: log,
      logHead: { logHead?() ?? 0 },
      takeShare: { charge, address in
        self.shares.take(charge, from: address.ip, now: self.loop.now)
      }
    )
    return MeshConnection(id: PeerID(lastID), called: validator, context: context, on: loop) {
      self.handle($0, $1)
    }
  }

  private func handle(_ connection: MeshConnection, _ happening: MeshConnection.Happening) {
    switch happening {
    case .greeted(let peer): greeted(connection, peer)
    case .message(let message, let size):
      metrics.countReceived(message.type, size: size)
      connection.unchecked.append((message, size))
      askForChecks()
    case .closed(let reason): closed(connection, reason)
    }
  }

  private func greeted(_ connection: MeshConnection, _ peer: MeshPeer) {
    if case .validator = peer,
      let older = connections.first(where: { $0.peer == peer && $0 !== connection })
    {
      // It proved the key just now; the older one is what a restart left behind.
      older.expel(.none, "replaced by a newer connection")
    }
    metrics.connected(peer, 1)
    log.info("mesh peer connected", fields(connection))
    sink?.connected(connection.id, peer)
  }

  private func closed(_ connection: MeshConnection, _ reason: QUICCloseReason) {
    let now = loop.now
    connections.removeAll { $0 === connection }
    if let called = connection.called {
      let lasted = connection.greetedAt.map { now - $0 }
      plans[called]?.failed(after: lasted, now: now, using: &random)
    }
    if let peer = connection.peer {
      metrics.connected(peer, -1)
      log.info(
        "mesh peer disconnected",
        ["peer": "\(connection.id.number)", "who": "\(peer.label)", "reason": "\(reason)"]
      )
      sink?.disconnected(connection.id)
    } else {
      metrics.countFailedHandshake()
      noteRefusal(of: connection, reason)
    }
    if connections.isEmpty { whenEmpty.take()?.resume() }
  }

  /// A validator that is down is nothing new; one that is somebody else is.
  private func noteRefusal(of connection: MeshConnection, _ reason: QUICCloseReason) {
    let who = connection.called.map { "validator \($0)" } ?? "caller"
    switch reason {
    case .local, .remote:
      guard refusalLines.take(1, now: loop.now) else { return }
      log.warn("mesh handshake failed", ["who": who, "reason": "\(reason)"])
    case .transport, .idle, .handshakeTimeout, .reset:
      log.debug("mesh peer not reached", ["who": who, "reason": "\(reason)"])
    }
  }

  private func fields(_ connection: MeshConnection) -> Log.Fields {
    [
      "peer": "\(connection.id.number)", "who": connection.peer?.label ?? "-",
      "address": connection.remote.map(\.description) ?? "-",
      "direction": connection.called == nil ? "in" : "out",
    ]
  }

  func connection(_ id: PeerID) -> MeshConnection? {
    var low = 0
    var high = connections.count
    while low < high {
      let middle = (low + high) / 2
      if connections[middle].id < id { low = middle + 1 } else { high = middle }
    }
    return low < connections.count && connections[low].id == id ? connections[low] : nil
  }

  // MARK: From other threads

  /// Sends to a peer; who is gone misses it.
  public nonisolated func send(_ message: Verified<MeshMessage>, to peer: PeerID) {
    post(.message(message.value, to: peer))
  }

  /// Takes leave of a peer.
  public nonisolated func disconnect(_ peer: PeerID, _ reason: DisconnectReason) {
    post(.disconnect(peer, reason))
  }

  /// The machine's inbox, which was full, has room for this peer's messages.
  public nonisolated func hasRoom(for peer: PeerID) {
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
      case .message(let message, let peer):
        guard let connection = connection(peer) else { continue }
        metrics.countSent(message.type)
        connection.send(message)
      case .disconnect(let peer, let reason):
        connection(peer)?.expel(reason.closeCode, reason.description)
      case .hasRoom(let peer):
        if let connection = connection(peer) { deliverWaiting(of: connection) }
      }
    }
  }
}

extension DisconnectReason {
  /// What the other end is told.
  fileprivate var closeCode: CloseCode {
    switch self {
    case .tooManyOffences: .rateLimited
    case .unanswered: .timeout
    default: .none
    }
  }
}

extension MeshPeer {
  var label: String {
    switch self {
    case .wallet: "wallet"
    case .validator(let index): "validator \(index)"
    }
  }
}
