public import Kernel

/// The methods that the server takes and the client sends; any other is answered 501.
public enum HTTPMethod: String, Sendable {
  case get = "GET"
  case head = "HEAD"
  case post = "POST"
}

/// Header fields in order; names are kept in lower case, which HTTP holds equal to any other.
public struct HTTPFields: Hashable, Sendable, ExpressibleByDictionaryLiteral {
  public struct Field: Hashable, Sendable {
    public let name: String
    public let value: String
  }

  public private(set) var all: [Field] = []

  public init() {}

  public init(dictionaryLiteral elements: (String, String)...) {
    for (name, value) in elements { append(name, value) }
  }

  /// The value of the first field of this name (lower case).
  public subscript(name: String) -> String? {
    all.first { $0.name == name }?.value
  }

  /// Adds a field of our own.
  ///
  /// - Parameters:
  ///   - name: a token; a bug otherwise.
  ///   - value: a character that could end the line or is not ASCII is replaced by `?`, so that
  ///     text from outside can never add a field or a response.
  public mutating func append(_ name: String, _ value: String) {
    precondition(HTTPGrammar.isToken(name.utf8))
    let safe = value.utf8.map { HTTPGrammar.isFieldByte($0) ? $0 : UInt8(ascii: "?") }
    append(parsed: name.lowercased(), String(decoding: safe, as: UTF8.self))
  }

  mutating func append(parsed name: String, _ value: String) {
    all.append(Field(name: name, value: value))
  }

  /// Writes the lines, each ended.
  func write(to bytes: inout [UInt8]) {
    for field in all {
      bytes += field.name.utf8
      bytes += ": ".utf8
      bytes += field.value.utf8
      bytes += "\r\n".utf8
    }
  }
}

/// A complete request, as a handler gets it.
public struct HTTPRequest: Sendable {
  public let method: HTTPMethod
  /// Begins with `/`; percent-encoding is left as it came.
  public let path: String
  /// What stands behind the first `?`; nil without one.
  public let query: String?
  public let fields: HTTPFields
  public let body: [UInt8]
  public let remote: SocketAddress
  /// Whether the client lets the connection go on.
  let keepsAlive: Bool
  /// The memory of the body counts as taken for as long as somebody holds the request.
  var claim: HTTPBodyClaim?
}

/// A response, as a handler makes it and the client returns it.
public struct HTTPResponse: Hashable, Sendable {
  public var status: Int
  public var fields: HTTPFields
  public var body: [UInt8]

  /// Makes a response; the status is from 200 to 599.
  public init(status: Int, fields: HTTPFields = [:], body: [UInt8] = []) {
    self.status = status
    self.fields = fields
    self.body = body
  }

  public init(status: Int = 200, contentType: String, body: [UInt8]) {
    self.init(status: status, fields: ["content-type": contentType], body: body)
  }

  public init(status: Int = 200, text: String) {
    self.init(status: status, contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
  }

  /// The response on the wire.
  ///
  /// The framing fields are ours alone: a handler's are not written.
  func encoded(keepsAlive: Bool, withoutBody: Bool) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(160 + (withoutBody ? 0 : body.count))
    bytes += "HTTP/1.1 \(status) \(Self.reason(status))\r\n".utf8
    fields.write(to: &bytes)
    // 204 and 304 have no body, and 204 must not announce one.
    let isBodyless = status == 204 || status == 304
    if !isBodyless { bytes += "content-length: \(body.count)\r\n".utf8 }
    if !keepsAlive { bytes += "connection: close\r\n".utf8 }
    bytes += "\r\n".utf8
    if !withoutBody, !isBodyless { bytes += body }
    return bytes
  }

  private static func reason(_ status: Int) -> String {
    switch status {
    case 200: "OK"
    case 202: "Accepted"
    case 204: "No Content"
    case 303: "See Other"
    case 304: "Not Modified"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 411: "Length Required"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 415: "Unsupported Media Type"
    case 417: "Expectation Failed"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 503: "Service Unavailable"
    case 505: "HTTP Version Not Supported"
    default: ""  // the phrase may be empty, RFC 9112 section 4
    }
  }
}
