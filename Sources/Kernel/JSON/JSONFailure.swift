/// Why bytes are not the JSON asked for, and where.
///
/// The description is made for a client: it quotes at most one printable character or a clipped,
/// escaped key of the input.
public struct JSONFailure: Error, Hashable, CustomStringConvertible {
  public enum Problem: Hashable, Sendable {
    /// Something else stands here, for example "a value" or "',' or ']'".
    case expected(String)
    case duplicateKey(String)
    /// A byte that does not continue well-formed UTF-8.
    case invalidUTF8
    /// A control character that a string must escape.
    case controlCharacter
    /// A backslash not followed by one of `"\/bfnrt` or `u` and four hexadecimal digits.
    case invalidEscape
    /// Half of a `\u` surrogate pair: it stands for no character.
    case loneSurrogate
    /// Over a limit of `JSON.Limits`; the name is the limit's.
    case tooLong(limit: String, max: Int)
  }

  public let problem: Problem
  /// Bytes before the place.
  public let offset: Int
  public let position: TextPosition
  /// The byte found there; nil at the end of the input.
  public let found: UInt8?

  init(_ problem: Problem, at offset: Int, in bytes: [UInt8]) {
    self.problem = problem
    self.offset = offset
    position = TextPosition(of: offset, in: bytes)
    found = bytes.indices.contains(offset) ? bytes[offset] : nil
  }

  public var description: String { "\(reason) at \(position)" }

  private var reason: String {
    switch problem {
    case .expected(let what): "expected \(what), found \(foundText)"
    case .duplicateKey(let key): "the key \(Self.quoted(key)) stands twice in one object"
    case .invalidUTF8: "invalid UTF-8"
    case .controlCharacter: "a control character in a string must be escaped"
    case .invalidEscape: "an unknown escape in a string"
    case .loneSurrogate: "half of a surrogate pair in a string"
    case .tooLong(let limit, let max): "over the limit \(limit) = \(max)"
    }
  }

  private var foundText: String {
    guard let found else { return "the end" }
    return (0x20..<0x7f).contains(found)
      ? "'\(Character(Unicode.Scalar(found)))'" : "byte 0x\([found].hex)"
  }

  private static func quoted(_ key: String) -> String {
    let clipped = String(key.unicodeScalars.prefix(keyCharactersMax).map(Character.init))
    let text = JSON.string(clipped).text
    return clipped.hasSameCodeUnits(as: key) ? text : text + "…"
  }

  /// Characters of a key that a message repeats: enough to find it, too few to flood a log.
  private static let keyCharactersMax = 40
}
