public import EventLoop
import Glibc
public import Kernel
import Transport

/// One UDP socket that calls and is called: all QUIC connections of an event loop.
///
/// Its TLS certificate is made at start and says nothing about who it is. A turn of the loop takes
/// datagrams, tells the handlers, and sends what they wrote, in as few datagrams as hold it.
///
/// Belongs to its loop's thread. Kept by its owner and by its open connections; `close` ends it.
public final class QUICEndpoint {
  public let loop: EventLoop
  public let configuration: QUICConfiguration
  /// Where it is bound; has the port that was chosen if 0 was asked for.
  public var address: SocketAddress { socket.address }
  public private(set) var statistics = QUICStatistics()

  /// One datagram on its way out.
  let buffer: UnsafeMutableRawBufferPointer
  private let identity: TLSIdentity
  private let resetSecret: SecretBytes
  private let tokenSecret: SecretBytes
  private let onAccept: ((QUICConnection) -> Void)?
  /// Set once, at the end of `init`.
  private var _socket: DatagramSocket?
  private var entries: [ConnectionID: Entry] = [:]
  private var resetTokens: [ResetToken: QUICConnection] = [:]
  private var lingeringCount = 0
  private var connections: [ObjectIdentifier: QUICConnection] = [:]
  private var connectionsOfHost: [IPAddress: Int] = [:]
  /// Incoming connections whose handshake is under way.
  private var handshakes: Set<ObjectIdentifier> = []
  private var dirty: [QUICConnection] = []
  private var isFlushScheduled = false
  private var resets: TokenBucket
  private var retries: TokenBucket
  private var isClosed = false

  /// What a name stands for.
  private enum Entry {
    case connection(QUICConnection)
    case lingering(Lingering)
  }

  /// A connection that has ended, and whose late packets are known as such (RFC 9000 §10.2).
  private final class Lingering {
    let names: Set<ConnectionID>
    /// What is said again to who still speaks (closing); empty for draining, which says nothing.
    let farewell: [UInt8]
    var heard = 0

    init(names: Set<ConnectionID>, farewell: [UInt8]) {
      self.names = names
      self.farewell = farewell
    }
  }

  /// No path carries more, and path MTU discovery does not try (RFC 8899).
  private static let datagramMax = 1500

  /// Speaks from now on.
  ///
  /// - Parameters:
  ///   - address: where to bind; port 0 for one that is free.
  ///   - loop: where the endpoint and its connections live.
  ///   - configuration: how it speaks.
  ///   - onAccept: told each connection that came in, after its handshake; must `start` it, or it is
  ///     closed. Nil to be called by nobody.
  /// - Throws: `ListenFailure`, which says what the operator can do, or `TLSFailure`.
  public init(
    at address: SocketAddress,
    on loop: EventLoop,
    _ configuration: QUICConfiguration,
    onAccept: ((QUICConnection) -> Void)? = nil
  ) throws {
    self.loop = loop
    self.configuration = configuration
    self.onAccept = onAccept
    identity = try TLSIdentity()
    resetSecret = configuration.resetSecret ?? SecretBytes(count: 32, fill: Randomness.fill)
    tokenSecret = SecretBytes(count: 32, fill: Randomness.fill)
    let now = loop.now
    resets = TokenBucket(
      capacity: QUICLimits.resetsPerSecond,
      perSecond: QUICLimits.resetsPerSecond,
      now: now
    )
    retries = TokenBucket(
      capacity: QUICLimits.retriesPerSecond,
      perSecond: QUICLimits.retriesPerSecond,
      now: now
    )
    buffer = .allocate(byteCount: Self.datagramMax, alignment: 16)
    _socket = try DatagramSocket(at: address, on: loop, mayFragment: false) {
      [weak self] datagram, remote in
      self?.receive(datagram, from: remote)
    }
  }

  deinit {
    buffer.deallocate()
  }

  private var socket: DatagramSocket {
    guard let _socket else { preconditionFailure("used before it was made") }
    return _socket
  }

  /// Calls another endpoint.
  ///
  /// - Parameters:
  ///   - remote: whom to call.
  ///   - handler: told `established`, or `closed`, later.
  /// - Returns: the connection, not yet established.
  /// - Throws: `TLSFailure` if the TLS library has no memory.
  public func connect(
    to remote: SocketAddress,
    _ handler: any QUICConnectionHandler
  ) throws -> QUICConnection {
    let engine = try Engine(calling: parameters(for: remote), identity, now: loop.now)
    let connection = QUICConnection(engine, remote: remote, isIncoming: false, of: self)
    connection.start(handler)
    adopt(connection)
    note(.calling, remote)
    return connection
  }

  /// Closes all connections, telling the other ends why, and the socket.
  public func close(code: UInt64, _ reason: String) {
    guard !isClosed else { return }
    isClosed = true
    let connections = self.connections.values.sorted { $0.remote < $1.remote }
    for connection in connections { connection.close(code: code, reason) }
    entries = [:]
    socket.close()
  }

  public var connectionCount: Int { connections.count }

  // MARK: Arrivals

  private func receive(_ datagram: UnsafeRawBufferPointer, from remote: SocketAddress) {
    statistics.datagramsReceived += 1
    switch StatelessPacket.address(of: datagram) {
    case .unreadable:
      statistics.datagramsIgnored += 1
    case .unknownVersion(let theirs, let ours):
      guard onAccept != nil, resets.take(1, now: loop.now) else { return }
      note(.versionRefused, remote)
      reply(
        StatelessPacket.versionNegotiation(theirs: theirs, ours: ours, into: buffer),
        to: remote
      )
    case .to(let id, let isLong):
      switch entries[id] {
      case .connection(let connection): connection.receive(datagram, from: remote)
      case .lingering(let lingering): answer(lingering, to: remote)
      case nil where isLong: open(datagram, from: remote)
      case nil:
        // A reset looks like a packet of no connection but for its end.
        if let token = ResetToken(endOf: datagram), let connection = resetTokens[token] {
          connection.receive(datagram, from: remote)
        } else {
          reset(id, answering: datagram.count, to: remote)
        }
      }
    }
  }

  /// A first packet, or a late one of a handshake that is forgotten.
  private func open(_ datagram: UnsafeRawBufferPointer, from remote: SocketAddress) {
    guard onAccept != nil, !isClosed, var opening = StatelessPacket.opening(datagram) else {
      statistics.datagramsIgnored += 1
      return
    }
    let limits = configuration.limits
    if handshakes.count >= limits.retryAbove || opening.hasRetryToken {
      guard opening.hasRetryToken else { return askRetry(opening, remote) }
      guard
        let validated = StatelessPacket.validated(
          opening,
          from: remote,
          family: socket.family,
          secret: tokenSecret,
          lifetime: limits.retryTokenLifetime,
          now: loop.now
        )
      else {
        guard resets.take(1, now: loop.now) else { return }
        note(.tokenRefused, remote)
        return reply(StatelessPacket.refusal(.invalidToken, of: opening, into: buffer), to: remote)
      }
      opening = validated
      note(.addressValidated, remote)
    }
    guard handshakes.count < limits.handshakesMax else {
      statistics.openingsIgnored += 1
      return
    }
    guard
      connections.count < limits.connectionsMax,
      connectionsOfHost[remote.ip.host, default: 0] < limits.connectionsPerHostMax
    else {
      statistics.openingsRefused += 1
      guard resets.take(1, now: loop.now) else { return }
      note(.refused, remote)
      return reply(StatelessPacket.refusal(.full, of: opening, into: buffer), to: remote)
    }
    guard
      let engine = try? Engine(  // without memory there is nobody to tell: the client asks again
        answering: opening,
        parameters(for: remote),
        identity,
        now: loop.now
      )
    else { return }
    let connection = QUICConnection(engine, remote: remote, isIncoming: true, of: self)
    handshakes.insert(ObjectIdentifier(connection))
    adopt(connection)
    note(.called, remote)
    connection.receive(datagram, from: remote)
  }

  private func askRetry(_ opening: Engine.Opening, _ remote: SocketAddress) {
    guard retries.take(1, now: loop.now) else { return }
    statistics.retriesSent += 1
    note(.retryAsked, remote)
    let size = StatelessPacket.retry(
      opening,
      to: remote,
      family: socket.family,
      secret: tokenSecret,
      now: loop.now,
      into: buffer
    )
    reply(size, to: remote)
  }

  private func reset(_ id: ConnectionID, answering size: Int, to remote: SocketAddress) {
    guard resets.take(1, now: loop.now) else { return }
    statistics.resetsSent += 1
    let size = StatelessPacket.reset(id, answering: size, secret: resetSecret, into: buffer)
    reply(size, to: remote)
  }

  /// Says the farewell again, the less the more is heard: at the 1st, 2nd, 4th … packet.
  private func answer(_ lingering: Lingering, to remote: SocketAddress) {
    lingering.heard += 1
    guard !lingering.farewell.isEmpty, lingering.heard & (lingering.heard - 1) == 0 else { return }
    lingering.farewell.withUnsafeBytes { _ = socket.send($0, to: remote) }
  }

  private func reply(_ size: Int?, to remote: SocketAddress) {
    guard let size else { return }
    socket.send(UnsafeRawBufferPointer(rebasing: buffer[..<size]), to: remote)
  }

  private func parameters(for remote: SocketAddress) -> Engine.Parameters {
    Engine.Parameters(
      limits: configuration.limits,
      protocolName: configuration.protocolName,
      resetSecret: resetSecret,
      local: socket.address,
      remote: remote,
      family: socket.family
    )
  }

  private func note(
    _ step: QUICHandshakeStep.Step,
    _ remote: SocketAddress,
    _ reason: String? = nil
  ) {
    configuration.onStep?(QUICHandshakeStep(remote: remote, step: step, reason: reason))
  }

  // MARK: From connections

  private func adopt(_ connection: QUICConnection) {
    connections[ObjectIdentifier(connection)] = connection
    connectionsOfHost[connection.host, default: 0] += 1
    connection.adopted()
    markDirty(connection)
  }

  func add(_ id: ConnectionID, _ connection: QUICConnection) {
    entries[id] = .connection(connection)
  }

  func remove(_ id: ConnectionID) {
    entries[id] = nil
  }

  func add(_ token: ResetToken, _ connection: QUICConnection) {
    resetTokens[token] = connection
  }

  func remove(_ token: ResetToken) {
    resetTokens[token] = nil
  }

  func established(_ connection: QUICConnection) {
    statistics.handshakesCompleted += 1
    note(.established, connection.remote)
    guard connection.isIncoming else { return }
    handshakes.remove(ObjectIdentifier(connection))
    onAccept?(connection)
    if !connection.hasHandler { connection.close(code: 0, "not wanted") }
  }

  /// Lets go of a connection; what `writeFarewell` leaves in the buffer goes to the other end.
  func ended(
    _ connection: QUICConnection,
    _ reason: QUICCloseReason,
    lingering: Duration,
    writeFarewell: (UnsafeMutableRawBufferPointer) -> Int?
  ) {
    if !connection.isEstablished { note(.failed, connection.remote, reason.description) }
    handshakes.remove(ObjectIdentifier(connection))
    connections[ObjectIdentifier(connection)] = nil
    let count = connectionsOfHost[connection.host, default: 1] - 1
    connectionsOfHost[connection.host] = count == 0 ? nil : count
    var farewell: [UInt8] = []
    if let size = writeFarewell(buffer) {
      let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<size])
      farewell = Array(bytes)
      socket.send(bytes, to: connection.remote)
    }
    for token in connection.resetTokens { resetTokens[token] = nil }
    linger(connection.names, farewell, for: lingering)
  }

  private func linger(_ names: Set<ConnectionID>, _ farewell: [UInt8], for duration: Duration) {
    guard lingeringCount < QUICLimits.lingeringMax, !isClosed else {
      for name in names { entries[name] = nil }
      return
    }
    let lingering = Lingering(names: names, farewell: farewell)
    for name in names { entries[name] = .lingering(lingering) }
    lingeringCount += 1
    loop.schedule(after: duration) { [weak self] in
      guard let self else { return }
      lingeringCount -= 1
      for name in lingering.names { entries[name] = nil }
    }
  }

  // MARK: The turn

  func markDirty(_ connection: QUICConnection) {
    guard connection.isOpen, !connection.isDirty else { return }
    connection.isDirty = true
    dirty.append(connection)
    guard !isFlushScheduled else { return }
    isFlushScheduled = true
    loop.beforeWaiting { self.flush() }
  }

  private func flush() {
    isFlushScheduled = false
    let connections = dirty
    dirty = []
    for connection in connections {
      connection.isDirty = false
      if connection.isOpen { connection.work() }
    }
  }

  /// Sends the first `size` bytes of the buffer.
  func send(_ size: Int, to remote: UnsafePointer<sockaddr>, _ remoteSize: socklen_t) {
    // What the kernel does not take is lost, and sent again as such.
    _ = socket.send(UnsafeRawBufferPointer(rebasing: buffer[..<size]), to: remote, remoteSize)
    statistics.datagramsSent += 1
  }
}

/// What an endpoint has done since it began.
public struct QUICStatistics: Hashable, Sendable {
  public var datagramsReceived: UInt64 = 0
  public var datagramsSent: UInt64 = 0
  /// Arrivals that were no QUIC, or of no use.
  public var datagramsIgnored: UInt64 = 0
  public var handshakesCompleted: UInt64 = 0
  public var retriesSent: UInt64 = 0
  public var resetsSent: UInt64 = 0
  /// First packets that were not answered, as too many handshakes were under way.
  public var openingsIgnored: UInt64 = 0
  /// First packets that were refused, as there were too many connections.
  public var openingsRefused: UInt64 = 0

  public init() {}
}
