import Kernel

/// A form of a program, and where it begins.
public struct Syntax: Sendable {
  public enum Kind: Sendable {
    case atom(Datum)
    case list([Syntax])
  }

  public let kind: Kind
  /// In bytes from the start of the source.
  public let offset: Int

  /// The form as a value, as `quote` has it.
  public var datum: Datum {
    switch kind {
    case .atom(let datum): datum
    case .list(let items): .list(items.map(\.datum))
    }
  }
}

/// Reads the text of programs and values.
///
/// Strict: a number without needless zeros, hexadecimal in lower case, no control character but the
/// newline, so that what is read prints as it was, but for space, comments and `'x` for `(quote x)`.
public struct Reader: Sendable {
  /// What fits a transaction's data.
  public static let bytesMax = 65_535

  private let bytes: [UInt8]
  private var offset = 0

  /// All forms of a source.
  ///
  /// - Throws: `LispFailure` with what was expected and where.
  public static func forms(of source: [UInt8]) throws(LispFailure) -> [Syntax] {
    guard source.count <= bytesMax else { throw LispFailure(.tooMuch("source")) }
    var reader = Reader(bytes: source)
    if let invalid = StrictUTF8.firstInvalidIndex(in: source) {
      throw reader.failure("UTF-8", at: invalid)
    }
    return try reader.forms(until: nil, depth: 0)
  }

  /// The one value of a text.
  public static func datum(_ text: String) throws(LispFailure) -> Datum {
    let forms = try forms(of: Array(text.utf8))
    guard forms.count == 1 else { throw LispFailure(.expected("one form")) }
    return forms[0].datum
  }

  /// Letters, digits and `!$%&*+-./:<=>?_`, at most 64, not beginning as a number does.
  public static func isSymbol(_ name: some Collection<UInt8>) -> Bool {
    guard let first = name.first, name.count <= 64, name.allSatisfy(isSymbolCharacter) else {
      return false
    }
    let isSigned = first == UInt8(ascii: "-") || first == UInt8(ascii: "+")
    return !isDigit(isSigned ? name.dropFirst().first ?? first : first)
  }

  private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  /// The forms behind the ( here, up to its ); or of the whole source, for which nil stands.
  private mutating func forms(until end: UInt8?, depth: Int) throws(LispFailure) -> [Syntax] {
    let start = offset
    var forms: [Syntax] = []
    if end != nil { offset += 1 }
    skipSpace()
    while next != end {
      guard next != nil else { throw failure("a ) for this (", at: start) }
      forms.append(try form(depth: depth))
      skipSpace()
    }
    return forms
  }

  /// Recursion goes no deeper than `Datum.depthMax`.
  private mutating func form(depth: Int) throws(LispFailure) -> Syntax {
    guard depth <= Datum.depthMax else {
      throw LispFailure(.tooMuch("nesting"), at: TextPosition(of: offset, in: bytes))
    }
    let start = offset
    switch next {
    case UInt8(ascii: "("):
      let items = try forms(until: UInt8(ascii: ")"), depth: depth + 1)
      offset += 1
      return Syntax(kind: .list(items), offset: start)
    case UInt8(ascii: "'"):
      offset += 1
      let quote = Syntax(kind: .atom(.symbol("quote")), offset: start)
      return Syntax(kind: .list([quote, try form(depth: depth + 1)]), offset: start)
    case UInt8(ascii: "\""):
      return Syntax(kind: .atom(.string(try string())), offset: start)
    default:
      return Syntax(kind: .atom(try atom()), offset: start)
    }
  }

  /// What stands after a backslash in a string, and for what.
  static let escapes = zip("n\\\"".utf8, "\n\\\"".utf8).map { (letter: $0, meaning: $1) }

  private mutating func string() throws(LispFailure) -> String {
    let start = offset
    var text: [UInt8] = []
    offset += 1
    while let byte = next, byte != UInt8(ascii: "\"") {
      offset += 1
      guard byte >= 0x20, byte != 0x7f else { throw failure("\\n for a newline", at: offset - 1) }
      guard byte == UInt8(ascii: "\\") else {
        text.append(byte)
        continue
      }
      guard let escape = Self.escapes.first(where: { $0.letter == next }) else {
        throw failure("n, \\ or \" after \\", at: offset)
      }
      text.append(escape.meaning)
      offset += 1
    }
    guard next != nil else { throw failure("a \" for this \"", at: start) }
    offset += 1
    return String(decoding: text, as: UTF8.self)
  }

  /// A word: a number, a symbol, or what begins with `#` or `@`.
  private mutating func atom() throws(LispFailure) -> Datum {
    let start = offset
    while let byte = next, Self.isSymbolCharacter(byte) || byte == 0x23 || byte == 0x40 {
      offset += 1
    }
    let word = bytes[start..<offset]
    let text = String(decoding: word, as: UTF8.self)
    switch word.first {
    case nil: throw failure("a form", at: start)
    case UInt8(ascii: "@"):
      guard let address = Self.hex(text.dropFirst()).flatMap({ Address($0) }) else {
        throw failure("40 lower-case hex digits after @", at: start)
      }
      return .address(address)
    case UInt8(ascii: "#"):
      if text == "#t" || text == "#f" { return .bool(text == "#t") }
      guard text.hasPrefix("#x"), let bytes = Self.hex(text.dropFirst(2)) else {
        throw failure("#t, #f or #x with lower-case hex digits", at: start)
      }
      return .bytes(bytes)
    default:
      if Self.isSymbol(word) { return .symbol(text) }
      if let value = Int64(text), "\(value)" == text { return .integer(value) }
      if let value = UInt128(text.dropLast()), "\(value)u" == text { return .amount(value) }
      throw failure("a number in range, or a symbol", at: start)
    }
  }

  /// Skips spaces, newlines, and comments from `;` to the end of the line.
  private mutating func skipSpace() {
    while let byte = next {
      switch byte {
      case UInt8(ascii: " "), UInt8(ascii: "\n"): offset += 1
      case UInt8(ascii: ";"):
        while let byte = next, byte != UInt8(ascii: "\n") { offset += 1 }
      default: return
      }
    }
  }

  private static func hex(_ text: Substring) -> [UInt8]? {
    [UInt8](hex: text).flatMap { $0.hex == text ? $0 : nil }
  }

  private func failure(_ expected: String, at offset: Int) -> LispFailure {
    LispFailure(.expected(expected), at: TextPosition(of: offset, in: bytes))
  }

  private static func isDigit(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte }

  private static func isSymbolCharacter(_ byte: UInt8) -> Bool {
    isDigit(byte) || 0x61...0x7a ~= byte || 0x41...0x5a ~= byte || punctuation.contains(byte)
  }

  private static let punctuation = Array("!$%&*+-./:<=>?_".utf8)
}
