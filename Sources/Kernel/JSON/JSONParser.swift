extension JSON {
  /// What a parse may cost at most.
  public struct Limits: Hashable, Sendable {
    /// Bytes of text.
    ///
    /// 1 MiB holds any RPC call we know many times over.
    public let bytesMax: Int
    /// Arrays and objects inside one another.
    ///
    /// RPC needs 5; recursion of 64 fits any stack.
    public let depthMax: Int
    /// Values in all.
    ///
    /// Two bytes of text (`0,`) make a value of 24: this bounds what 1 MiB of text takes.
    public let valuesMax: Int

    /// The deepest that any caller may allow: 900 bytes of stack a level make 230 KiB, of a thread's 512.
    public static let depthCeiling = 256

    public static let standard = Limits()

    public init(bytesMax: Int = 1 << 20, depthMax: Int = 64, valuesMax: Int = 100_000) {
      precondition(bytesMax >= 0)
      precondition((0...Self.depthCeiling).contains(depthMax))
      precondition(valuesMax > 0)
      self.bytesMax = bytesMax
      self.depthMax = depthMax
      self.valuesMax = valuesMax
    }
  }

  /// Reads one value, with nothing but white space around it.
  ///
  /// Stricter than RFC 8259 where it leaves a choice: input is UTF-8 without a byte order mark,
  /// an object has no key twice, and a `\u` escape of half a surrogate pair is an error.
  ///
  /// - Throws: `JSONFailure` for anything else, the limits included; never traps.
  /// - Complexity: linear in the input, and linear memory.
  public init(parsing bytes: [UInt8], limits: Limits = .standard) throws(JSONFailure) {
    guard bytes.count <= limits.bytesMax else {
      throw JSONFailure(.tooLong(limit: "bytesMax", max: limits.bytesMax), at: 0, in: bytes)
    }
    var parser = JSONParser(bytes: bytes, limits: limits)
    self = try parser.document()
  }

  public init(parsing text: String, limits: Limits = .standard) throws(JSONFailure) {
    try self.init(parsing: Array(text.utf8), limits: limits)
  }

  /// What a fuzzer calls: whatever is accepted reads back equal from both written forms.
  public static func fuzz(_ bytes: [UInt8]) {
    guard let value = try? JSON(parsing: bytes) else { return }  // refused is a fine answer
    let wide = Limits(bytesMax: .max)
    precondition((try? JSON(parsing: value.bytes(), limits: wide)) == value)
    precondition((try? JSON(parsing: value.bytes(pretty: true), limits: wide)) == value)
  }
}

/// A recursive-descent parser over bytes; the depth is limited before each descent.
private struct JSONParser {
  let bytes: [UInt8]
  let limits: JSON.Limits
  var index = 0
  var values = 0

  mutating func document() throws(JSONFailure) -> JSON {
    skipSpace()
    let value = try value(depth: 0)
    skipSpace()
    guard index == bytes.count else { throw failure(.expected("the end")) }
    return value
  }

  private mutating func value(depth: Int) throws(JSONFailure) -> JSON {
    values += 1
    guard values <= limits.valuesMax else {
      throw failure(.tooLong(limit: "valuesMax", max: limits.valuesMax))
    }
    switch peek {
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "{"): return try object(depth: depth + 1)
    case UInt8(ascii: "["): return try array(depth: depth + 1)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: throw failure(.expected("a value"))
    }
  }

  private mutating func object(depth: Int) throws(JSONFailure) -> JSON {
    let start = index
    try descend(to: depth)
    var members: [JSON.Object.Member] = []
    if !skip(UInt8(ascii: "}")) {
      repeat {
        skipSpace()
        guard peek == UInt8(ascii: "\"") else {
          throw failure(.expected(members.isEmpty ? "a key in quotes or '}'" : "a key in quotes"))
        }
        let key = try string()
        skipSpace()
        guard skip(UInt8(ascii: ":")) else { throw failure(.expected("':'")) }
        skipSpace()
        members.append(JSON.Object.Member(key, try value(depth: depth)))
        skipSpace()
      } while skip(UInt8(ascii: ","))
      guard skip(UInt8(ascii: "}")) else { throw failure(.expected("',' or '}'")) }
    }
    guard let object = JSON.Object(unique: members) else {
      throw duplicate(in: members, from: start)
    }
    return .object(object)
  }

  /// Names the first key that stands twice.
  ///
  /// Quadratic only in keys before that one, once a parse.
  private func duplicate(in members: [JSON.Object.Member], from start: Int) -> JSONFailure {
    var object = JSON.Object()
    for member in members.prefix(1000) {
      if object[member.key] != nil {
        return JSONFailure(.duplicateKey(member.key), at: start, in: bytes)
      }
      object[member.key] = .null
    }
    return JSONFailure(.duplicateKey(members.last?.key ?? ""), at: start, in: bytes)
  }

  private mutating func array(depth: Int) throws(JSONFailure) -> JSON {
    try descend(to: depth)
    var elements: [JSON] = []
    if !skip(UInt8(ascii: "]")) {
      repeat {
        skipSpace()
        elements.append(try value(depth: depth))
        skipSpace()
      } while skip(UInt8(ascii: ","))
      guard skip(UInt8(ascii: "]")) else { throw failure(.expected("',' or ']'")) }
    }
    return .array(elements)
  }

  /// Takes the opening bracket and the space after it.
  private mutating func descend(to depth: Int) throws(JSONFailure) {
    guard depth <= limits.depthMax else {
      throw failure(.tooLong(limit: "depthMax", max: limits.depthMax))
    }
    index += 1
    skipSpace()
  }

  private mutating func number() throws(JSONFailure) -> JSON {
    switch JSON.Number.scan(bytes, from: index) {
    case .failure(let at, let expected):
      throw JSONFailure(.expected(expected), at: at, in: bytes)
    case .number(let end):
      defer { index = end }
      return .number(JSON.Number(scanned: String(decoding: bytes[index..<end], as: UTF8.self)))
    }
  }

  private mutating func word(
    _ word: StaticString,
    _ value: JSON
  ) throws(JSONFailure) -> JSON {
    for offset in 0..<word.utf8CodeUnitCount {
      guard peek == word.utf8Start[offset] else { throw failure(.expected("'\(word)'")) }
      index += 1
    }
    return value
  }

  // MARK: Strings

  private mutating func string() throws(JSONFailure) -> String {
    index += 1
    let start = index
    try skipPlainText()
    if peek == UInt8(ascii: "\"") {  // most strings have no escape
      defer { index += 1 }
      return String(decoding: bytes[start..<index], as: UTF8.self)
    }
    var text = Array(bytes[start..<index])
    while !skip(UInt8(ascii: "\"")) {
      guard index < bytes.count else { throw failure(.expected("'\"' to end the string")) }
      try escape(into: &text)
      let plain = index
      try skipPlainText()
      text.append(contentsOf: bytes[plain..<index])
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Up to a quote, a backslash or the end; everything on the way is checked.
  private mutating func skipPlainText() throws(JSONFailure) {
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return }
      guard byte >= 0x20 else { throw failure(.controlCharacter) }
      if byte < 0x80 {
        index += 1
      } else {
        guard let length = StrictUTF8.length(of: bytes, at: index) else {
          throw failure(.invalidUTF8)
        }
        index += length
      }
    }
  }

  private mutating func escape(into text: inout [UInt8]) throws(JSONFailure) {
    let start = index
    index += 1
    let kind = peek
    index += 1
    switch kind {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(kind)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0c)
    case UInt8(ascii: "n"): text.append(0x0a)
    case UInt8(ascii: "r"): text.append(0x0d)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"): UTF8.encode(try escapedScalar(from: start)).map { text += $0 }
    default: throw JSONFailure(.invalidEscape, at: start, in: bytes)
    }
  }

  /// After `\u`: four digits, and for a high surrogate the low one in an escape of its own.
  private mutating func escapedScalar(from start: Int) throws(JSONFailure) -> Unicode.Scalar {
    let first = try codeUnit(from: start)
    if let scalar = Unicode.Scalar(UInt32(first)) { return scalar }
    guard UTF16.isLeadSurrogate(first), skip(UInt8(ascii: "\\")), skip(UInt8(ascii: "u")) else {
      throw JSONFailure(.loneSurrogate, at: start, in: bytes)
    }
    let second = try codeUnit(from: index - 2)
    guard UTF16.isTrailSurrogate(second) else {
      throw JSONFailure(.loneSurrogate, at: start, in: bytes)
    }
    let value = 0x10000 + (UInt32(first) - 0xd800) << 10 + (UInt32(second) - 0xdc00)
    guard let scalar = Unicode.Scalar(value) else {  // not reached: 0x10000...0x10ffff
      throw JSONFailure(.loneSurrogate, at: start, in: bytes)
    }
    return scalar
  }

  private mutating func codeUnit(from start: Int) throws(JSONFailure) -> UInt16 {
    var unit: UInt16 = 0
    for _ in 0..<4 {
      let digit: UInt8
      switch peek {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = peek - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = peek - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = peek - UInt8(ascii: "A") + 10
      default: throw JSONFailure(.invalidEscape, at: start, in: bytes)
      }
      unit = unit << 4 | UInt16(digit)
      index += 1
    }
    return unit
  }

  // MARK: Bytes

  /// The next byte, or 0 at the end: no rule accepts a zero byte, and inside strings
  /// `skipPlainText` tells the two apart.
  @inline(__always)
  private var peek: UInt8 { index < bytes.count ? bytes[index] : 0 }

  @inline(__always)
  private mutating func skip(_ byte: UInt8) -> Bool {
    guard index < bytes.count, bytes[index] == byte else { return false }
    index += 1
    return true
  }

  @inline(__always)
  private mutating func skipSpace() {
    while index < bytes.count {
      switch bytes[index] {
      case 0x20, 0x0a, 0x0d, 0x09: index += 1
      default: return
      }
    }
  }

  private func failure(_ problem: JSONFailure.Problem) -> JSONFailure {
    JSONFailure(problem, at: index, in: bytes)
  }
}
