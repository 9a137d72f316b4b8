/// Takes lines and counted bytes from a stream that comes in pieces.
struct HTTPInput: Sendable {
  private var buffer: [UInt8] = []
  private var offset = 0
  /// Up to here the line at hand has been searched for its end.
  private var searched = 0

  var count: Int { buffer.count - offset }

  mutating func append(_ bytes: RawSpan) {
    bytes.withUnsafeBytes { buffer.append(contentsOf: $0) }
  }

  mutating func append(_ bytes: some Collection<UInt8>) {
    buffer.append(contentsOf: bytes)
  }

  /// The next line without its CRLF; nil if its end has not come.
  ///
  /// - Throws: `tooLong` beyond `max` bytes, or `malformed` for a LF without CR or a CR without LF.
  mutating func line(
    max: Int,
    tooLong: HTTPParseFailure
  ) throws(HTTPParseFailure) -> ArraySlice<UInt8>? {
    searched = Swift.max(searched, offset)
    guard let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) else {
      searched = buffer.count
      // One more for the CR that may stand at the end.
      if count > max + 1 { throw tooLong }
      return nil
    }
    let line = buffer[offset..<end].dropLast()
    guard line.count <= max else { throw tooLong }
    guard end > offset, buffer[end - 1] == UInt8(ascii: "\r"), !line.contains(UInt8(ascii: "\r"))
    else { throw .malformed("lines end with CR LF, and neither stands alone") }
    offset = end + 1
    return line
  }

  /// Takes at most `max` bytes of what is there.
  mutating func take(upTo max: Int) -> ArraySlice<UInt8> {
    let end = offset + min(max, count)
    defer { offset = end }
    return buffer[offset..<end]
  }

  /// Forgets what was taken; holds no memory when all was.
  mutating func compact() {
    if count == 0 {
      buffer = []
    } else if offset > 0 {
      buffer.removeFirst(offset)
    }
    searched = Swift.max(0, searched - offset)
    offset = 0
  }
}

/// Reads field lines up to the empty one, and what they say about the body.
struct HTTPFieldReader: Sendable {
  private let limits: HTTPMessageLimits
  private var size = 0
  private(set) var fields = HTTPFields()
  private(set) var contentLength: Int?
  private(set) var transferEncoding: String?
  private(set) var hosts = 0

  init(_ limits: HTTPMessageLimits) {
    self.limits = limits
  }

  /// Reads on; true once the empty line has come.
  mutating func read(_ input: inout HTTPInput) throws(HTTPParseFailure) -> Bool {
    while let line = try input.line(max: limits.fieldBytesMax - size, tooLong: .headTooLarge) {
      if line.isEmpty { return true }
      size += line.count
      guard fields.all.count < limits.fieldsMax else { throw .headTooLarge }
      try add(line)
    }
    return false
  }

  private mutating func add(_ line: ArraySlice<UInt8>) throws(HTTPParseFailure) {
    guard let first = line.first, !HTTPGrammar.isSpace(first) else {
      throw .malformed("a field line begins with a space; folded lines are not taken")
    }
    guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
      throw .malformed("a field line has no colon")
    }
    guard HTTPGrammar.isToken(line[..<colon]) else {
      throw .malformed("a field name is empty or has a character that names cannot have")
    }
    let value = HTTPGrammar.trimmed(line[(colon + 1)...])
    guard value.allSatisfy(HTTPGrammar.isFieldByte) else {
      throw .malformed("a field value has a character that is not printable ASCII")
    }
    let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
    let text = String(decoding: value, as: UTF8.self)
    switch name {
    case "content-length":
      // Even equal repetitions are refused: two readers must never disagree on where a body ends.
      guard contentLength == nil else { throw .malformed("content-length is repeated") }
      guard let length = HTTPGrammar.length(value) else {
        throw .malformed("content-length is not a plain number")
      }
      contentLength = length
    case "transfer-encoding":
      guard transferEncoding == nil else { throw .malformed("transfer-encoding is repeated") }
      transferEncoding = text.lowercased()
    case "host":
      hosts += 1
    default:
      break
    }
    fields.append(parsed: name, text)
  }

  /// Whether a list field holds the option, in any of its lines.
  func has(_ option: String, in name: String) -> Bool {
    fields.all.contains { $0.name == name && HTTPGrammar.list($0.value).contains(option) }
  }
}
