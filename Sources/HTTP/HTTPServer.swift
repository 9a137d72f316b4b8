public import EventLoop
public import Kernel
import Transport

/// What a server holds and waits for at most.
public struct HTTPServerLimits: Sendable {
  public var message = HTTPMessageLimits()
  /// Open connections.
  ///
  /// An idle one costs under 2 KiB here and its buffers in the kernel.
  public var connectionsMax = 256
  /// Open connections of one host (an IPv6 /64 counts as one).
  public var connectionsPerHostMax = 128
  /// Bytes of bodies at once, over all connections: those being read, and those of calls in flight.
  ///
  /// Four of the longest body of a peer. What a node holds beside it has to fit into 64 MB too, and
  /// to decode a body takes as much again.
  public var bodyBytesMax = 16 * 1024 * 1024
  /// Bodies up to this length are always taken, and not counted.
  ///
  /// Most calls are shorter, so senders of long bodies keep no such call out; from all of
  /// `connectionsMax` at once they are 4 MiB.
  public var smallBodyMax = 16 * 1024
  /// When `bodyBytesMax` is reached, a body that has been on its way for so long makes room for
  /// another.
  public var bodyPatience = Duration.seconds(2)
  /// How long a connection may stay without the next request.
  public var idleTimeout = Duration.seconds(60)
  /// From the first byte of a request to the end of its fields.
  public var headTimeout = Duration.seconds(10)
  /// From the end of the fields to the end of the body.
  public var bodyTimeout = Duration.seconds(30)
  /// For the client to take a response.
  public var responseTimeout = Duration.seconds(30)
  /// After a refused request: how long to read what the client still sends, so that it sees the
  /// response before the connection ends.
  public var lingerTimeout = Duration.seconds(1)

  public init() {}
}

/// Counts since the start, for metrics; `open` and `bodyBytes` are now.
public struct HTTPServerStatistics: Hashable, Sendable {
  public internal(set) var open = 0
  /// Of `HTTPServerLimits.bodyBytesMax`.
  public internal(set) var bodyBytes = 0
  public internal(set) var accepted: UInt64 = 0
  /// Closed while they waited for their client, to make room.
  public internal(set) var evicted: UInt64 = 0
  /// Closed on arrival: every place was taken by a call in flight.
  public internal(set) var refused: UInt64 = 0
  public internal(set) var requests: UInt64 = 0
  /// Requests that could not be read.
  public internal(set) var malformed: UInt64 = 0
  /// Requests whose bodies found no memory, or made room for others.
  public internal(set) var noRoom: UInt64 = 0
}

/// An HTTP/1.1 server at one address, on one loop.
///
/// A connection takes one request at a time; those a client sends ahead wait unread in order. When
/// all places are taken, the connection that has waited longest for its client (idle, slow with a
/// request, or slow to read) makes room: idle connections never keep a new call out. The memory for
/// bodies is shared likewise: who finds none left, nor a slow sender to take it from, is answered 503.
public final class HTTPServer: Sendable {
  /// Answers one request.
  ///
  /// Runs on the server's loop until it goes elsewhere by itself; cancelled when its connection is
  /// lost or the server's shutdown runs out of time.
  public typealias Handler = @Sendable (HTTPRequest) async -> HTTPResponse

  /// Where it listens; has the port that was chosen if 0 was asked for.
  public let address: SocketAddress
  private let sessions: HTTPSessions

  /// Listens from now on.
  ///
  /// - Throws: `ListenFailure`, which says what the operator can do.
  public init(
    at address: SocketAddress,
    on loop: EventLoop,
    limits: HTTPServerLimits = HTTPServerLimits(),
    handler: @escaping Handler
  ) async throws {
    sessions = HTTPSessions(on: loop, limits: limits, handler: handler)
    self.address = try await sessions.listen(at: address)
  }

  public var statistics: HTTPServerStatistics {
    get async { await sessions.statistics }
  }

  /// Takes no more connections, closes those that wait, lets calls in flight end, and returns once
  /// no connection is left.
  ///
  /// - Parameter grace: after this, calls are cancelled and their connections closed.
  public func shutdown(within grace: Duration) async {
    await sessions.shutdown(within: grace)
  }
}

/// The connections of a server.
actor HTTPSessions {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private let limits: HTTPServerLimits
  private let handler: HTTPServer.Handler
  private var listener: Listener?
  private var sessions: [UInt64: HTTPSession] = [:]
  private var countByHost: [IPAddress: Int] = [:]
  private let bodies: HTTPBodyBudget
  private var accepted: UInt64 = 0
  private var counts = HTTPServerStatistics()
  private var isShuttingDown = false
  private var awaitingEnd: [CheckedContinuation<Void, Never>] = []

  init(on loop: EventLoop, limits: HTTPServerLimits, handler: @escaping HTTPServer.Handler) {
    self.loop = loop
    // Else the longest body would never find room.
    precondition(limits.message.bodyMax <= limits.bodyBytesMax)
    self.limits = limits
    self.handler = handler
    bodies = HTTPBodyBudget(bytesMax: limits.bodyBytesMax)
  }

  var statistics: HTTPServerStatistics {
    var statistics = counts
    (statistics.open, statistics.bodyBytes) = (sessions.count, bodies.bytesTaken)
    return statistics
  }

  func listen(at address: SocketAddress) throws -> SocketAddress {
    // One response at a time waits to be sent, and handlers decide its size.
    let listener = try Listener(at: address, on: loop, outboundMax: .max) { self.accept($0) }
    self.listener = listener
    return listener.address
  }

  func shutdown(within grace: Duration) async {
    isShuttingDown = true
    listener?.close()
    listener = nil
    for session in sessions.values { session.shutDown() }
    let timer = loop.schedule(after: grace) { self.closeAll() }
    await withCheckedContinuation { continuation in
      if sessions.isEmpty { continuation.resume() } else { awaitingEnd.append(continuation) }
    }
    loop.cancel(timer)
  }

  private func closeAll() {
    for session in sessions.values { session.close("the server is shutting down") }
  }

  private func accept(_ connection: Connection) {
    counts.accepted += 1
    let host = connection.remote.ip.host
    if countByHost[host, default: 0] >= limits.connectionsPerHostMax {
      guard evict(where: { $0.host == host }) else { return counts.refused += 1 }
    }
    if sessions.count >= limits.connectionsMax {
      guard evict(where: { _ in true }) else { return counts.refused += 1 }
    }
    accepted += 1
    let session = HTTPSession(id: accepted, connection: connection, limits: limits) {
      self.handle($0, $1)
    } claim: {
      self.claim($0)
    } onRefused: {
      switch $0 {
      case .malformed: self.counts.malformed += 1
      case .noRoom: self.counts.noRoom += 1
      }
    } onClosed: {
      self.remove($0)
    }
    sessions[session.id] = session
    countByHost[host, default: 0] += 1
    session.start()
  }

  /// Closes the connection that has waited longest for its client; false if none waits.
  private func evict(where condition: (HTTPSession) -> Bool) -> Bool {
    // A look at every session, but only when the table is full, and it is small.
    let oldest = sessions.values
      .filter { $0.isWaitingForClient && condition($0) }
      .min { ($0.waitingSince, $0.id) < ($1.waitingSince, $1.id) }
    guard let oldest else { return false }
    counts.evicted += 1
    oldest.close("made room for a new connection")
    return true
  }

  /// Takes memory for a body, if need be from those who have been slow to send theirs: the slowest
  /// first, and only if it is enough.
  private func claim(_ length: Int) -> HTTPBodyClaim? {
    if let claim = bodies.claim(length) { return claim }
    let now = loop.now
    let slow = sessions.values
      .compactMap { session in session.bodySince.map { (session: session, since: $0) } }
      .filter { now - $0.since >= limits.bodyPatience }
      .sorted { ($0.since, $0.session.id) < ($1.since, $1.session.id) }
    var (free, count) = (bodies.bytesFree, 0)
    while free < length, count < slow.count {
      free += slow[count].session.bodyBytes
      count += 1
    }
    guard free >= length else { return nil }
    for (session, _) in slow[..<count] { session.makeRoom() }
    return bodies.claim(length)
  }

  private func handle(_ session: HTTPSession, _ request: HTTPRequest) {
    counts.requests += 1
    let id = session.id
    session.call = Task(executorPreference: loop) { [handler] in
      let response = await handler(request)
      await self.respond(id, response)
    }
  }

  private func respond(_ id: UInt64, _ response: HTTPResponse) {
    // Gone if the client went away or the shutdown ran out of time.
    sessions[id]?.respond(response)
  }

  private func remove(_ session: HTTPSession) {
    guard sessions.removeValue(forKey: session.id) != nil else { return }
    let left = countByHost[session.host, default: 1] - 1
    countByHost[session.host] = left == 0 ? nil : left
    guard isShuttingDown, sessions.isEmpty else { return }
    for continuation in awaitingEnd { continuation.resume() }
    awaitingEnd = []
  }
}
