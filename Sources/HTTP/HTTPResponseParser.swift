/// Reads one response after another from bytes as they come.
///
/// Pure.
public struct HTTPResponseParser: Sendable {
  private enum State {
    case statusLine
    case fields(status: Int, HTTPFieldReader)
    case body(HTTPResponse, remaining: Int)
    case chunkSize(HTTPResponse)
    case chunk(HTTPResponse, remaining: Int)
    case chunkEnd(HTTPResponse)
    case trailers(HTTPResponse, HTTPFieldReader)
    case untilEnd(HTTPResponse)
    case failed(HTTPParseFailure)
  }

  /// Interim responses before the real one.
  ///
  /// Servers send one, if any.
  private static let interimMax = 8
  /// Bytes of the line before a chunk, extensions included.
  private static let chunkLineMax = 256

  private let limits: HTTPMessageLimits
  private var input = HTTPInput()
  private var state = State.statusLine
  private var interims = 0
  /// The response to HEAD has the fields of a body and no body.
  private var isHead = false
  /// Whether another request may follow on the connection, said by the last response.
  public private(set) var keepsAlive = false

  public init(limits: HTTPMessageLimits) {
    self.limits = limits
  }

  /// Nothing has come of the next response.
  public var isIdle: Bool {
    if case .statusLine = state { input.count == 0 && interims == 0 } else { false }
  }

  /// Says what the next response answers.
  public mutating func expectResponse(to method: HTTPMethod) {
    isHead = method == .head
  }

  public mutating func append(_ bytes: RawSpan) {
    input.append(bytes)
  }

  public mutating func append(_ bytes: [UInt8]) {
    input.append(bytes)
  }

  /// The next complete response, nil if more bytes are needed.
  ///
  /// - Throws: the first failure, and the same again ever after.
  public mutating func next() throws(HTTPParseFailure) -> HTTPResponse? {
    do throws(HTTPParseFailure) {
      while true {
        // Taken out, so that the body in it grows in place.
        let current = state
        state = .statusLine
        if let response = try step(current) {
          input.compact()
          return response
        }
        guard hasAdvanced else {
          input.compact()
          return nil
        }
      }
    } catch {
      state = .failed(error)
      input = HTTPInput()
      throw error
    }
  }

  /// Says that the stream has ended; returns the response whose body that end delimits.
  public mutating func finish() throws(HTTPParseFailure) -> HTTPResponse? {
    if case .untilEnd(let response) = state {
      state = .statusLine
      return response
    }
    if case .failed(let failure) = state { throw failure }
    if isIdle { return nil }
    throw .malformed("the connection ended in the middle of a response")
  }

  /// Whether the last step got on to another state, so that the next may find something to do.
  private var hasAdvanced = false

  private mutating func step(_ current: State) throws(HTTPParseFailure) -> HTTPResponse? {
    hasAdvanced = true
    switch current {
    case .statusLine:
      guard let line = try input.line(max: limits.lineMax, tooLong: .lineTooLong) else { break }
      state = .fields(status: try Self.status(line), HTTPFieldReader(limits))
      return nil

    case .fields(let status, var reader):
      guard try reader.read(&input) else {
        hasAdvanced = false
        state = .fields(status: status, reader)
        return nil
      }
      return try beginBody(status, reader)

    case .body(var response, let remaining):
      let taken = input.take(upTo: remaining)
      response.body += taken
      if taken.count == remaining { return response }
      hasAdvanced = false
      state = .body(response, remaining: remaining - taken.count)
      return nil

    case .chunkSize(let response):
      guard let line = try input.line(max: Self.chunkLineMax, tooLong: .headTooLarge) else { break }
      let digits = line.prefix { $0 != UInt8(ascii: ";") }
      guard let size = HTTPGrammar.hexadecimalLength(digits) else {
        throw .malformed("a chunk has no size")
      }
      guard size <= limits.bodyMax - response.body.count else { throw .bodyTooLarge }
      state =
        size == 0
        ? .trailers(response, HTTPFieldReader(limits)) : .chunk(response, remaining: size)
      return nil

    case .chunk(var response, let remaining):
      let taken = input.take(upTo: remaining)
      response.body += taken
      if taken.count == remaining {
        state = .chunkEnd(response)
      } else {
        hasAdvanced = false
        state = .chunk(response, remaining: remaining - taken.count)
      }
      return nil

    case .chunkEnd(let response):
      guard
        let line = try input.line(max: 0, tooLong: .malformed("a chunk is longer than its size"))
      else { break }
      precondition(line.isEmpty)
      state = .chunkSize(response)
      return nil

    case .trailers(let response, var reader):
      // Read to know where they end, and dropped: no caller asks for them.
      if try reader.read(&input) { return response }
      hasAdvanced = false
      state = .trailers(response, reader)
      return nil

    case .untilEnd(var response):
      guard input.count <= limits.bodyMax - response.body.count else { throw .bodyTooLarge }
      response.body += input.take(upTo: input.count)
      hasAdvanced = false
      state = .untilEnd(response)
      return nil

    case .failed(let failure):
      throw failure
    }
    // A line has not ended yet.
    hasAdvanced = false
    state = current
    return nil
  }

  private mutating func beginBody(
    _ status: Int,
    _ reader: HTTPFieldReader
  ) throws(HTTPParseFailure) -> HTTPResponse? {
    if status < 200 {
      interims += 1
      // 101 would change the protocol, which nobody asked for.
      guard status != 101, interims <= Self.interimMax else {
        throw .malformed("an interim response that was not asked for")
      }
      return nil
    }
    interims = 0
    keepsAlive = !reader.has("close", in: "connection")
    let response = HTTPResponse(status: status, fields: reader.fields)
    if isHead || status == 204 || status == 304 { return response }
    if let coding = reader.transferEncoding {
      guard reader.contentLength == nil else {
        throw .malformed("both content-length and transfer-encoding are given")
      }
      guard coding == "chunked" else { throw .malformed("a transfer coding other than chunked") }
      state = .chunkSize(response)
      return nil
    }
    guard let length = reader.contentLength else {
      keepsAlive = false
      state = .untilEnd(response)
      return nil
    }
    guard length <= limits.bodyMax else { throw .bodyTooLarge }
    state = .body(response, remaining: length)
    return nil
  }

  private static func status(_ line: ArraySlice<UInt8>) throws(HTTPParseFailure) -> Int {
    let bytes = Array(line)
    guard bytes.starts(with: "HTTP/1.1 ".utf8), bytes.count >= 12,
      let status = HTTPGrammar.length(bytes[9..<12]), (100...599).contains(status),
      bytes.count == 12 || bytes[12] == UInt8(ascii: " ")
    else { throw .malformed("the status line is not: HTTP/1.1, three digits, reason") }
    return status
  }
}
