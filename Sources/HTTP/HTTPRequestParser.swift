public import Kernel

/// Reads requests from bytes as they come, strictly: what two readers could read in two ways is
/// refused.
///
/// Pure. Taken is `METHOD SP /target SP HTTP/1.1`, fields without folding, and a body of exactly
/// `content-length` bytes. Refused are chunked bodies (RFC 9112 lets a server ask for a length: all
/// our clients know theirs, and without a second framing no request can hide in a first), absolute
/// targets (this is no proxy), HTTP/1.0, and empty lines between requests.
public struct HTTPRequestParser: Sendable {
  public enum Event: Sendable {
    /// The head is good, and a body of so many bytes, at least one, follows.
    ///
    /// Comes before all of the body is there; who has no room for it asks for no more events.
    case announcesBody(length: Int)
    /// The head is good, and the client waits for a word before it sends the body.
    case expectsContinue
    case request(HTTPRequest)
  }

  /// What the parser waits for.
  public enum Stage: Sendable {
    /// Not a byte of the next request has come.
    case idle
    case head
    case body
  }

  private struct Head {
    let method: HTTPMethod
    let path: String
    let query: String?
  }

  private enum State {
    case requestLine
    case fields(Head, HTTPFieldReader)
    case announced(Head, HTTPFields, length: Int, keepsAlive: Bool, expectsContinue: Bool)
    /// What of it has come is in `body`.
    case body(Head, HTTPFields, length: Int, keepsAlive: Bool)
    case failed(HTTPParseFailure)
  }

  private let limits: HTTPMessageLimits
  private let remote: SocketAddress
  private var input = HTTPInput()
  private var state = State.requestLine
  /// Apart from the input, so that it takes its length and no more.
  private var body: [UInt8] = []

  public init(limits: HTTPMessageLimits, remote: SocketAddress) {
    self.limits = limits
    self.remote = remote
  }

  public var stage: Stage {
    switch state {
    case .requestLine: input.count == 0 ? .idle : .head
    case .fields, .failed: .head
    case .announced, .body: .body
    }
  }

  public mutating func append(_ bytes: RawSpan) {
    input.append(bytes)
  }

  public mutating func append(_ bytes: [UInt8]) {
    input.append(bytes)
  }

  /// The next event, nil if more bytes are needed.
  ///
  /// - Throws: the first failure, and the same again ever after: what follows is not readable.
  public mutating func next() throws(HTTPParseFailure) -> Event? {
    do throws(HTTPParseFailure) {
      let event = try step()
      if event == nil || input.count == 0 { input.compact() }
      return event
    } catch {
      state = .failed(error)
      (input, body) = (HTTPInput(), [])
      throw error
    }
  }

  private mutating func step() throws(HTTPParseFailure) -> Event? {
    if case .requestLine = state {
      guard let line = try input.line(max: limits.lineMax, tooLong: .lineTooLong) else {
        return nil
      }
      state = .fields(try Self.head(line), HTTPFieldReader(limits))
    }
    if case .fields(let head, var reader) = state {
      // Taken out of the state, so that the reader grows in place.
      state = .requestLine
      let isComplete = try reader.read(&input)
      guard isComplete else {
        state = .fields(head, reader)
        return nil
      }
      let length = try Self.bodyLength(reader, limits)
      let expectation = reader.fields["expect"]
      guard expectation == nil || expectation?.lowercased() == "100-continue" else {
        throw .unsupportedExpectation
      }
      let keepsAlive = !reader.has("close", in: "connection")
      guard length > 0 else {
        return .request(request(head, reader.fields, keepsAlive: keepsAlive))
      }
      state = .announced(
        head,
        reader.fields,
        length: length,
        keepsAlive: keepsAlive,
        expectsContinue: expectation != nil
      )
      return .announcesBody(length: length)
    }
    if case .announced(let head, let fields, let length, let keepsAlive, let expects) = state {
      body.reserveCapacity(length)
      state = .body(head, fields, length: length, keepsAlive: keepsAlive)
      if expects, input.count < length { return .expectsContinue }
    }
    switch state {
    case .requestLine, .fields, .announced:
      return nil
    case .failed(let failure):
      throw failure
    case .body(let head, let fields, let length, let keepsAlive):
      body += input.take(upTo: length - body.count)
      guard body.count == length else { return nil }
      state = .requestLine
      return .request(request(head, fields, keepsAlive: keepsAlive))
    }
  }

  /// The request with the body that has come, which leaves the parser.
  private mutating func request(
    _ head: Head,
    _ fields: HTTPFields,
    keepsAlive: Bool
  ) -> HTTPRequest {
    defer { body = [] }
    return HTTPRequest(
      method: head.method,
      path: head.path,
      query: head.query,
      fields: fields,
      body: body,
      remote: remote,
      keepsAlive: keepsAlive
    )
  }

  private static func bodyLength(
    _ reader: HTTPFieldReader,
    _ limits: HTTPMessageLimits
  ) throws(HTTPParseFailure) -> Int {
    guard reader.hosts == 1 else { throw .malformed("there must be one host field") }
    if reader.transferEncoding != nil {
      guard reader.contentLength == nil else {
        throw .malformed("both content-length and transfer-encoding are given")
      }
      throw .lengthRequired
    }
    let length = reader.contentLength ?? 0
    guard length <= limits.bodyMax else { throw .bodyTooLarge }
    return length
  }

  private static func head(_ line: ArraySlice<UInt8>) throws(HTTPParseFailure) -> Head {
    let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard parts.count == 3 else {
      throw .malformed("the request line is not: method, target, version, with single spaces")
    }
    guard HTTPGrammar.isToken(parts[0]) else { throw .malformed("the method is not a token") }
    let target = parts[1]
    guard target.first == UInt8(ascii: "/"),
      target.allSatisfy({ (0x21..<0x7f).contains($0) && $0 != UInt8(ascii: "#") })
    else { throw .malformed("the target is not a path") }
    let version = Array(parts[2])
    guard version.count == 8, version.starts(with: "HTTP/".utf8), version[6] == UInt8(ascii: ".")
    else { throw .malformed("the version is not HTTP/1.1") }
    guard version[5] == UInt8(ascii: "1"), version[7] == UInt8(ascii: "1") else {
      throw .unsupportedVersion
    }
    guard let method = HTTPMethod(rawValue: String(decoding: parts[0], as: UTF8.self)) else {
      throw .unsupportedMethod
    }
    let mark = target.firstIndex(of: UInt8(ascii: "?"))
    return Head(
      method: method,
      path: String(decoding: target[..<(mark ?? target.endIndex)], as: UTF8.self),
      query: mark.map { String(decoding: target[($0 + 1)...], as: UTF8.self) }
    )
  }
}
