import Kernel

/// Reads a file line by line; nothing nests, so nothing recurses.
struct TOMLParser {
  private let bytes: [UInt8]
  private var index = 0
  private var line = 1

  private var table: [String] = []
  private var entries: [TOML.Entry] = []
  private var headers: [TOML.Header] = []
  /// Every table and key seen, by path: to refuse a second one and name the first one's line.
  private var names: [[String]: (kind: NameKind, line: Int)] = [:]

  private enum NameKind {
    case key
    case table
    /// `a`, where only `[a.b]` was written: `[a]` may still follow.
    case impliedTable
  }

  init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  mutating func document() throws(TOMLFailure) -> ([TOML.Entry], [TOML.Header]) {
    guard bytes.count <= TOML.bytesMax else {
      throw failure("the file has over \(TOML.bytesMax) bytes; is it the right file?")
    }
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) {
      throw failure("the file starts with a byte order mark; save it as UTF-8 without one")
    }
    if let offset = StrictUTF8.firstInvalidIndex(in: bytes) {
      let place = TextPosition(of: offset, in: bytes)
      throw TOMLFailure(
        line: place.line,
        column: place.column,
        reason: "this is not UTF-8; save the file as UTF-8"
      )
    }
    while index < bytes.count {
      skipBlanks()
      switch peek {
      case nil, UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "#"): break
      case UInt8(ascii: "["): try header()
      default: try entry()
      }
      try endOfLine()
    }
    return (entries, headers)
  }

  // MARK: Lines

  private mutating func header() throws(TOMLFailure) {
    let (line, start) = (line, index)
    index += 1
    if peek == UInt8(ascii: "[") {
      throw failure("arrays of tables ([[…]]) are not supported; write [table]")
    }
    var path: [String] = []
    repeat {
      skipBlanks()
      path.append(try key())
      skipBlanks()
      guard path.count <= Self.depthMax else {
        throw failure("over \(Self.depthMax) nested tables")
      }
    } while skip(".")
    guard skip("]") else { throw failure("expected ']' to end the table's name") }

    for length in 1..<path.count {
      let parent = Array(path[..<length])
      switch names[parent] {
      case (.key, let first)?:
        throw failure("'\(parent.joined(separator: "."))' is a key already, on line \(first)")
      case nil: names[parent] = (.impliedTable, line)
      case (.table, _)?, (.impliedTable, _)?: break
      }
    }
    switch names[path] {
    case (.key, let first)?, (.table, let first)?:
      let name = path.joined(separator: ".")
      throw failure("'\(name)' is defined already, on line \(first); keep one of them", at: start)
    case nil, (.impliedTable, _)?: names[path] = (.table, line)
    }
    table = path
    headers.append(TOML.Header(table: path, line: line))
  }

  private mutating func entry() throws(TOMLFailure) {
    let (line, start) = (line, index)
    let key = try key()
    skipBlanks()
    if peek == UInt8(ascii: ".") {
      throw failure("dotted keys are not supported; write a [table] and the key below it")
    }
    guard skip("=") else { throw failure("expected '=' after the key '\(key)'") }
    skipBlanks()
    let value = try value(inArray: false)
    if let first = names[table + [key]]?.line {
      throw failure("'\(key)' is set already, on line \(first); keep one of the two", at: start)
    }
    names[table + [key]] = (.key, line)
    entries.append(TOML.Entry(table: table, key: key, line: line, value: value))
  }

  /// Blanks, a comment, and the line's end or the file's.
  private mutating func endOfLine() throws(TOMLFailure) {
    skipBlanks()
    try skipComment()
    guard index < bytes.count else { return }
    guard try skipNewline() else {
      throw failure("expected the end of the line, found \(found)")
    }
  }

  private mutating func skipComment() throws(TOMLFailure) {
    guard peek == UInt8(ascii: "#") else { return }
    while let byte = peek, byte != UInt8(ascii: "\n") {
      if byte == UInt8(ascii: "\r"), peek(1) == UInt8(ascii: "\n") { return }
      guard !Self.isControl(byte) else { throw failure("a control character in a comment") }
      index += 1
    }
  }

  private mutating func skipNewline() throws(TOMLFailure) -> Bool {
    if peek == UInt8(ascii: "\r") {
      guard peek(1) == UInt8(ascii: "\n") else {
        throw failure("a carriage return without a line feed; use one kind of line end")
      }
      index += 1
    }
    guard skip("\n") else { return false }
    line += 1
    return true
  }

  // MARK: Keys and values

  private mutating func key() throws(TOMLFailure) -> String {
    switch peek {
    case UInt8(ascii: "\""): return try basicString()
    case UInt8(ascii: "'"): return try literalString()
    default:
      let start = index
      while let byte = peek, Self.isBareKey(byte) { index += 1 }
      guard index > start else { throw failure("expected a key, found \(found)") }
      return text(from: start)
    }
  }

  private mutating func value(inArray: Bool) throws(TOMLFailure) -> TOML.Value {
    let line = line
    switch peek {
    case UInt8(ascii: "\""): return TOML.Value(.string(try basicString()), line: line)
    case UInt8(ascii: "'"): return TOML.Value(.string(try literalString()), line: line)
    case UInt8(ascii: "["):
      guard !inArray else { throw failure("arrays in arrays are not supported") }
      return TOML.Value(.array(try array()), line: line)
    case UInt8(ascii: "{"):
      throw failure("inline tables are not supported; write a [table] and its keys below it")
    default: return TOML.Value(try word(), line: line)
    }
  }

  /// Elements, commas (a last one too), line ends and comments.
  private mutating func array() throws(TOMLFailure) -> [TOML.Value] {
    index += 1
    var values: [TOML.Value] = []
    while true {
      try skipSpace()
      if skip("]") { return values }
      guard index < bytes.count else { throw failure("expected ']' to end the array") }
      values.append(try value(inArray: true))
      try skipSpace()
      if skip("]") { return values }
      guard skip(",") else { throw failure("expected ',' or ']' in the array, found \(found)") }
    }
  }

  private mutating func skipSpace() throws(TOMLFailure) {
    repeat {
      skipBlanks()
      try skipComment()
    } while try skipNewline()
  }

  /// `true`, `false` or an integer: whatever stands up to a blank, comma, bracket or comment.
  private mutating func word() throws(TOMLFailure) -> TOML.Content {
    let start = index
    while let byte = peek,
      Self.isBareKey(byte) || byte == UInt8(ascii: "+")
        || byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":")
    { index += 1 }
    let word = text(from: start)
    switch word {
    case "true": return .boolean(true)
    case "false": return .boolean(false)
    case "":
      throw failure("expected a value, found \(found)", at: start)
    default: break
    }
    guard let first = word.utf8.first, Self.startsNumber(first) else {
      throw failure("expected a value; text needs quotes: \"\(word)\"", at: start)
    }
    if let value = Self.integer(Array(word.utf8)) {
      guard (Int128(Int64.min)...Int128(UInt64.max)).contains(value) else {
        throw failure("\(word) is out of range", at: start)
      }
      return .integer(value)
    }
    throw failure(
      "'\(word)' is not an integer; floats and dates are not supported, and text needs quotes",
      at: start
    )
  }

  /// `[+-]? (0 | [1-9](_?[0-9])*)`, or `0x`, `0o`, `0b` and digits; nil for anything else.
  private static func integer(_ word: [UInt8]) -> Int128? {
    var digits = word[...]
    let sign = digits.first
    let isSigned = sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-")
    if isSigned { digits = digits.dropFirst() }
    var radix = 10
    if digits.count > 2, digits.first == UInt8(ascii: "0"), !isSigned {
      switch digits[digits.startIndex + 1] {
      case UInt8(ascii: "x"): radix = 16
      case UInt8(ascii: "o"): radix = 8
      case UInt8(ascii: "b"): radix = 2
      default: return nil  // a leading zero
      }
      digits = digits.dropFirst(2)
    }
    guard radix != 10 || digits.first != UInt8(ascii: "0") || digits.count == 1 else { return nil }

    var plain: [UInt8] = []
    var mayUnderscore = false  // only between two digits
    for byte in digits {
      if byte == UInt8(ascii: "_") {
        guard mayUnderscore else { return nil }
        mayUnderscore = false
      } else {
        guard isHexadecimal(byte) else { return nil }
        plain.append(byte)
        mayUnderscore = true
      }
    }
    guard mayUnderscore, let value = Int128(String(decoding: plain, as: UTF8.self), radix: radix)
    else { return nil }
    return sign == UInt8(ascii: "-") ? -value : value
  }

  // MARK: Strings

  private mutating func literalString() throws(TOMLFailure) -> String {
    let start = index
    index += 1
    while let byte = peek, byte != UInt8(ascii: "'") {
      try checkStringByte(byte, from: start)
    }
    guard skip("'") else { throw failure("the string has no end; add a '", at: start) }
    if index == start + 2, peek == UInt8(ascii: "'") {
      throw failure("multi-line strings are not supported; write \"…\" with \\n", at: start)
    }
    return String(decoding: bytes[start + 1..<index - 1], as: UTF8.self)
  }

  private mutating func basicString() throws(TOMLFailure) -> String {
    let start = index
    var text: [UInt8] = []
    index += 1
    while let byte = peek, byte != UInt8(ascii: "\"") {
      if byte == UInt8(ascii: "\\") {
        try escape(into: &text)
      } else {
        try checkStringByte(byte, from: start)
        text.append(byte)
      }
    }
    guard skip("\"") else { throw failure("the string has no end; add a \"", at: start) }
    if index == start + 2, peek == UInt8(ascii: "\"") {
      throw failure("multi-line strings are not supported; write \"…\" with \\n", at: start)
    }
    return String(decoding: text, as: UTF8.self)
  }

  private mutating func checkStringByte(_ byte: UInt8, from start: Int) throws(TOMLFailure) {
    if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
      throw failure("the string has no end on its line", at: start)
    }
    guard !Self.isControl(byte) else {
      throw failure("a control character in a string; write it as \\u and four digits")
    }
    index += 1
  }

  private mutating func escape(into text: inout [UInt8]) throws(TOMLFailure) {
    let start = index
    switch peek(1) {
    case UInt8(ascii: "\""): text.append(UInt8(ascii: "\""))
    case UInt8(ascii: "\\"): text.append(UInt8(ascii: "\\"))
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "n"): text.append(0x0a)
    case UInt8(ascii: "f"): text.append(0x0c)
    case UInt8(ascii: "r"): text.append(0x0d)
    case UInt8(ascii: "u"): try escapedScalar(digits: 4, into: &text)
    case UInt8(ascii: "U"): try escapedScalar(digits: 8, into: &text)
    default:
      throw failure("an unknown escape; write \\\\ for a backslash, or use '…'", at: start)
    }
    index += 2
  }

  /// Takes the digits; the caller takes the backslash and the letter.
  private mutating func escapedScalar(
    digits: Int,
    into text: inout [UInt8]
  ) throws(TOMLFailure) {
    let first = index + 2
    let end = min(first + digits, bytes.count)
    let hexadecimal = bytes[min(first, end)..<end]
    guard hexadecimal.count == digits, hexadecimal.allSatisfy(Self.isHexadecimal),
      let value = UInt32(String(decoding: hexadecimal, as: UTF8.self), radix: 16),
      let scalar = Unicode.Scalar(value)
    else { throw failure("expected \(digits) hexadecimal digits of a character after \\u or \\U") }
    text.append(contentsOf: String(Character(scalar)).utf8)
    index += digits
  }

  // MARK: Bytes

  /// Tables inside one another; configuration files use one level.
  private static let depthMax = 8

  private var peek: UInt8? { peek(0) }

  private func peek(_ ahead: Int) -> UInt8? {
    index + ahead < bytes.count ? bytes[index + ahead] : nil
  }

  private mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard peek == UInt8(ascii: character) else { return false }
    index += 1
    return true
  }

  private mutating func skipBlanks() {
    while peek == UInt8(ascii: " ") || peek == UInt8(ascii: "\t") { index += 1 }
  }

  private func text(from start: Int) -> String {
    String(decoding: bytes[start..<index], as: UTF8.self)
  }

  private static func isBareKey(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }

  /// `UInt32(_:radix:)` alone would take a sign too.
  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
      UInt8(ascii: "A")...UInt8(ascii: "F"):
      true
    default: false
    }
  }

  private static func startsNumber(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"),
      UInt8(ascii: "."):
      true
    default: false
    }
  }

  private static func isControl(_ byte: UInt8) -> Bool {
    byte < 0x20 && byte != UInt8(ascii: "\t") || byte == 0x7f
  }

  // MARK: Failures

  private var found: String {
    guard let byte = peek else { return "the end of the file" }
    switch byte {
    case UInt8(ascii: "\n"), UInt8(ascii: "\r"): return "the end of the line"
    case 0x20..<0x7f: return "'\(Character(Unicode.Scalar(byte)))'"
    default: return "byte 0x\([byte].hex)"
    }
  }

  private func failure(_ reason: String, at start: Int? = nil) -> TOMLFailure {
    let place = TextPosition(of: start ?? index, in: bytes)
    return TOMLFailure(line: place.line, column: place.column, reason: reason)
  }
}
