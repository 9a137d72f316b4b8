/// The characters of RFC 9110 and 9112, read strictly.
enum HTTPGrammar {
  /// `tchar`: what names of methods and fields are made of.
  static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "!"), UInt8(ascii: "#"),
      UInt8(ascii: "$"),
      UInt8(ascii: "%"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"),
      UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"),
      UInt8(ascii: "|"), UInt8(ascii: "~"):
      true
    default:
      false
    }
  }

  static func isToken(_ text: some Collection<UInt8>) -> Bool {
    !text.isEmpty && text.allSatisfy(isTokenByte)
  }

  /// Visible ASCII, space and tab.
  ///
  /// `obs-text` (bytes from 0x80) is refused: no field that is read here has a use for it, and
  /// values stay plain text.
  static func isFieldByte(_ byte: UInt8) -> Bool {
    (0x20..<0x7f).contains(byte) || byte == 0x09
  }

  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  /// Without leading and trailing spaces and tabs.
  static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard let first = text.firstIndex(where: { !isSpace($0) }),
      let last = text.lastIndex(where: { !isSpace($0) })
    else { return [] }
    return text[first...last]
  }

  /// `1*DIGIT` that fits; nil for anything else, signs, lists and spaces included.
  static func length(_ text: some Collection<UInt8>) -> Int? {
    // 18 digits always fit, so nothing below can overflow.
    guard (1...18).contains(text.count) else { return nil }
    var value = 0
    for byte in text {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
      value = value * 10 + Int(byte - UInt8(ascii: "0"))
    }
    return value
  }

  /// `1*HEXDIG` that fits; nil for anything else.
  static func hexadecimalLength(_ text: some Collection<UInt8>) -> Int? {
    guard (1...15).contains(text.count) else { return nil }
    var value = 0
    for byte in text {
      guard byte < 0x80, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        return nil
      }
      value = value << 4 | digit
    }
    return value
  }

  /// The elements of a comma-separated list, in lower case.
  static func list(_ value: String) -> [String] {
    Array(value.utf8).split(separator: UInt8(ascii: ",")).map {
      String(decoding: trimmed($0), as: UTF8.self).lowercased()
    }
  }
}

/// Why bytes are not a message that is taken, and the status that says so.
public enum HTTPParseFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// A form that no sender of ours writes; the text names it.
  case malformed(String)
  case lineTooLong
  case headTooLarge
  case bodyTooLarge
  /// A transfer coding on a request. See `HTTPRequestParser`.
  case lengthRequired
  case unsupportedMethod
  case unsupportedExpectation
  case unsupportedVersion

  public var status: Int {
    switch self {
    case .malformed: 400
    case .lengthRequired: 411
    case .bodyTooLarge: 413
    case .lineTooLong: 414
    case .unsupportedExpectation: 417
    case .headTooLarge: 431
    case .unsupportedMethod: 501
    case .unsupportedVersion: 505
    }
  }

  public var description: String {
    switch self {
    case .malformed(let form): form
    case .lineTooLong: "the first line is too long"
    case .headTooLarge: "the header fields are too many or too long"
    case .bodyTooLarge: "the body is too large"
    case .lengthRequired: "a body needs a content-length; transfer codings are not taken"
    case .unsupportedMethod: "only GET, HEAD and POST are served"
    case .unsupportedExpectation: "the only expectation known is 100-continue"
    case .unsupportedVersion: "only HTTP/1.1 is spoken"
    }
  }
}

/// Sizes beyond which a message is refused.
public struct HTTPMessageLimits: Sendable {
  /// Bytes of the first line.
  ///
  /// Targets here are short; this is for a wallet page's longest query.
  public var lineMax = 4096
  /// Bytes of all field lines together: what browsers send to a local page with cookies of others.
  public var fieldBytesMax = 16 * 1024
  public var fieldsMax = 64
  /// Bytes of a body.
  public var bodyMax: Int

  public init(bodyMax: Int = 1024 * 1024) {
    self.bodyMax = bodyMax
  }
}
