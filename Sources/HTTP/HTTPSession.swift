import EventLoop
import Kernel
import Transport

/// One connection of a server: requests in, one at a time, responses out in the same order.
final class HTTPSession: ConnectionHandler {
  private enum Phase {
    /// For the next request, or the rest of one.
    case reading
    case handling(HTTPRequest)
    /// For the client to take the response.
    case responding(then: Next)
    /// The last response is out; what the client still sends is thrown away until it is done.
    case lingering
    case closed
  }

  private enum Next {
    case read, close, linger
  }

  /// Why a request is answered before anybody has handled it.
  enum Refusal {
    case malformed, noRoom
  }

  let id: UInt64
  let host: IPAddress
  /// When the client was last given the turn.
  ///
  /// A trickle of bytes does not renew it.
  private(set) var waitingSince: Instant
  /// The handler's task, set while a request is handled.
  var call: Task<Void, Never>?

  private let connection: Connection
  private let limits: HTTPServerLimits
  private let onRequest: (HTTPSession, HTTPRequest) -> Void
  private let claim: (_ length: Int) -> HTTPBodyClaim?
  private let onRefused: (Refusal) -> Void
  private let onClosed: (HTTPSession) -> Void
  private var parser: HTTPRequestParser
  /// Of the body that is being read, if it is not small, and since when.
  private var body: (claim: HTTPBodyClaim, since: Instant)?
  private var phase = Phase.reading
  /// The stage whose deadline runs; nil for none.
  private var timedStage: HTTPRequestParser.Stage?
  private var isShuttingDown = false

  private static let continueResponse = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

  init(
    id: UInt64,
    connection: Connection,
    limits: HTTPServerLimits,
    onRequest: @escaping (HTTPSession, HTTPRequest) -> Void,
    claim: @escaping (_ length: Int) -> HTTPBodyClaim?,
    onRefused: @escaping (Refusal) -> Void,
    onClosed: @escaping (HTTPSession) -> Void
  ) {
    self.id = id
    self.connection = connection
    self.limits = limits
    self.onRequest = onRequest
    self.claim = claim
    self.onRefused = onRefused
    self.onClosed = onClosed
    host = connection.remote.ip.host
    waitingSince = connection.lastActivity
    parser = HTTPRequestParser(limits: limits.message, remote: connection.remote)
  }

  func start() {
    connection.start(self)
    read()
  }

  /// Whether it is the client's turn, so that closing the connection interrupts no call.
  var isWaitingForClient: Bool {
    if case .handling = phase { false } else { true }
  }

  var bodySince: Instant? { body?.since }
  var bodyBytes: Int { body?.claim.length ?? 0 }

  /// Gives the memory of the body that is being read to another.
  func makeRoom() {
    refuse(.noRoom, limits.noRoomResponse)
  }

  func respond(_ response: HTTPResponse) {
    guard case .handling(let request) = phase else { return }
    call = nil
    let keepsAlive = request.keepsAlive && !isShuttingDown
    send(
      response.encoded(keepsAlive: keepsAlive, withoutBody: request.method == .head),
      then: keepsAlive ? .read : .close
    )
  }

  /// Ends after the call in flight, or the response on its way.
  func shutDown() {
    isShuttingDown = true
    switch phase {
    case .reading, .lingering: close("the server is shutting down")
    case .responding(then: .read), .responding(then: .linger): phase = .responding(then: .close)
    case .responding(then: .close), .handling, .closed: break
    }
  }

  func close(_ reason: String) {
    connection.close(.local(reason))
  }

  // MARK: ConnectionHandler

  func received(_ bytes: RawSpan) {
    switch phase {
    case .reading:
      parser.append(bytes)
      read()
    case .lingering:
      connection.requestRead()
    case .handling, .responding, .closed:
      break
    }
  }

  func remoteFinished() {
    // Only while reading or lingering is anything read. A request cut off is no request.
    connection.close(.remote)
  }

  func drained() {
    guard case .responding(let next) = phase else { return }
    switch next {
    case .read:
      phase = .reading
      waitingSince = connection.lastActivity
      timedStage = nil
      read()
    case .close:
      close("the response was the last")
    case .linger:
      phase = .lingering
      connection.finish()
      connection.setDeadline(after: limits.lingerTimeout, missing: "end")
      connection.requestRead()
    }
  }

  func closed(_ reason: CloseReason) {
    phase = .closed
    body = nil
    call?.cancel()
    call = nil
    onClosed(self)
  }

  // MARK: Reading

  private func read() {
    do throws(HTTPParseFailure) {
      while let event = try parser.next() {
        switch event {
        case .announcesBody(let length):
          guard makePlace(for: length) else { return makeRoom() }
        case .expectsContinue:
          _ = connection.send(Self.continueResponse)
        case .request(var request):
          request.claim = body?.claim
          body = nil
          phase = .handling(request)
          connection.clearDeadline()
          return onRequest(self, request)
        }
      }
      setDeadline()
      connection.requestRead()
    } catch {
      refuse(.malformed, HTTPResponse(status: error.status, text: "\(error)\n"))
    }
  }

  /// False if there is no memory for such a body now.
  private func makePlace(for length: Int) -> Bool {
    guard length > limits.smallBodyMax else { return true }
    guard let claim = claim(length) else { return false }
    body = (claim, connection.loop.now)
    return true
  }

  private func refuse(_ refusal: Refusal, _ response: HTTPResponse) {
    body = nil
    // What has come of the request is of no use any more.
    parser = HTTPRequestParser(limits: limits.message, remote: connection.remote)
    onRefused(refusal)
    send(response.encoded(keepsAlive: false, withoutBody: false), then: .linger)
  }

  private func setDeadline() {
    let stage = parser.stage
    guard stage != timedStage else { return }
    timedStage = stage
    switch stage {
    case .idle: connection.setDeadline(after: limits.idleTimeout, missing: "request")
    case .head: connection.setDeadline(after: limits.headTimeout, missing: "complete head")
    case .body: connection.setDeadline(after: limits.bodyTimeout, missing: "complete body")
    }
  }

  private func send(_ bytes: [UInt8], then next: Next) {
    phase = .responding(then: next)
    waitingSince = connection.loop.now
    connection.setDeadline(after: limits.responseTimeout, missing: "reader for the response")
    // Neither overflow (there is no limit but the response itself) nor closed (the phase would be).
    _ = connection.send(bytes)
  }
}
