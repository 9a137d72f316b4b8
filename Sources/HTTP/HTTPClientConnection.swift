import Transport

/// One connection of a client, with at most one call on it.
final class HTTPClientConnection: ConnectionHandler {
  typealias Completion = (Result<HTTPResponse, HTTPClientFailure>) -> Void

  let id: UInt64
  private let connection: Connection
  private let onClosed: (HTTPClientConnection) -> Void
  private var parser: HTTPResponseParser
  private var completion: Completion?
  private var failure: HTTPClientFailure?
  /// Whether anything has come since the last request was sent.
  private(set) var hasResponseBegun = false

  init(
    id: UInt64,
    _ connection: Connection,
    _ limits: HTTPMessageLimits,
    onClosed: @escaping (HTTPClientConnection) -> Void
  ) {
    self.id = id
    self.connection = connection
    self.onClosed = onClosed
    parser = HTTPResponseParser(limits: limits)
    connection.start(self)
    connection.requestRead()
  }

  var isReusable: Bool { connection.isOpen && parser.isIdle && parser.keepsAlive }

  /// Sends a request; the completion is called once, with the response or what came instead.
  func exchange(_ request: [UInt8], _ method: HTTPMethod, completion: @escaping Completion) {
    precondition(self.completion == nil)
    hasResponseBegun = false
    guard connection.isOpen else {
      return completion(.failure(failure ?? .disconnected("closed by the other end")))
    }
    self.completion = completion
    parser.expectResponse(to: method)
    _ = connection.send(request)
  }

  func close(_ failure: HTTPClientFailure) {
    self.failure = failure
    connection.close(.local("\(failure)"))
  }

  // MARK: ConnectionHandler

  func received(_ bytes: RawSpan) {
    // A server has nothing to say unasked.
    guard completion != nil else { return close(.disconnected("bytes that nobody asked for")) }
    hasResponseBegun = true
    parser.append(bytes)
    // Asked first: the completion may use the connection again.
    connection.requestRead()
    finish { () throws(HTTPParseFailure) in try parser.next() }
  }

  func remoteFinished() {
    if completion != nil { finish { () throws(HTTPParseFailure) in try parser.finish() } }
    connection.close(.remote)
  }

  func drained() {}

  func closed(_ reason: CloseReason) {
    let completion = self.completion
    self.completion = nil
    let failure = self.failure ?? .disconnected("\(reason)")
    self.failure = failure
    completion?(.failure(failure))
    onClosed(self)
  }

  private func finish(_ parse: () throws(HTTPParseFailure) -> HTTPResponse?) {
    do throws(HTTPParseFailure) {
      guard let response = try parse(), let completion else { return }
      self.completion = nil
      completion(.success(response))
    } catch {
      close(.malformedResponse(error))
    }
  }
}
