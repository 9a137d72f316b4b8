public import TinyChain

/// How people write what a contract is told.
///
/// | text | bytes |
/// |---|---|
/// | `(transfer @bob 5)` | the encoded value, for contracts in Lisp |
/// | `0x0aff` | the bytes |
/// | `@bob` | the 20 bytes of an address |
/// | `"text"` | its UTF-8 |
/// | `5u8`, `5u16`, `5u32`, `5u64` | the number, little-endian |
/// | anything else | the text as it stands, if it begins with none of these |
///
/// Items of the middle kinds may follow one another, with spaces between.
public enum MessageText {
  /// What is wrong with a message's text.
  public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
  }

  public static func bytes(
    of text: String,
    names address: (String) -> Address?
  ) throws(Failure) -> [UInt8] {
    if text.hasPrefix("(") {
      do throws(LispFailure) {
        return try Reader.datum(AddressNames.resolved(text, address)).bytes
      } catch {
        throw Failure(description: "\(text) is no Lisp: \(error)")
      }
    }
    var bytes: [UInt8] = []
    var rest = text[...]
    while true {
      rest = rest.drop { $0 == " " }
      guard !rest.isEmpty else { return bytes }
      guard let item = try next(&rest, address) else {
        guard bytes.isEmpty else { throw Failure(description: "\(rest) is no item of a message") }
        return Array(text.utf8)
      }
      bytes += item
    }
  }

  /// The next item; nil for a word that is none.
  private static func next(
    _ rest: inout Substring,
    _ address: (String) -> Address?
  ) throws(Failure) -> [UInt8]? {
    if rest.first == "\"" {
      let body = rest.dropFirst()
      guard let end = body.firstIndex(of: "\"") else {
        throw Failure(description: "\(rest) has no closing quote")
      }
      rest = body[body.index(after: end)...]
      return Array(body[..<end].utf8)
    }
    let word = rest.prefix { $0 != " " }
    var item: [UInt8]?
    if word.hasPrefix("0x") {
      item = [UInt8](hex: word.dropFirst(2))
      guard item != nil else { throw Failure(description: "\(word) is no hexadecimal") }
    } else if word.hasPrefix("@") {
      let name = String(word.dropFirst())
      item = (address(name) ?? [UInt8](hex: name).flatMap { Address($0) })?.bytes
      guard item != nil else { throw Failure(description: "nobody is called \(word)") }
    } else {
      item = try number(word)
    }
    if item != nil { rest = rest[word.endIndex...] }
    return item
  }

  private static func number(_ word: Substring) throws(Failure) -> [UInt8]? {
    let digits = word.prefix { $0.isASCII && $0.isNumber }
    let widths = ["u8": 1, "u16": 2, "u32": 4, "u64": 8]
    guard !digits.isEmpty, let width = widths[String(word[digits.endIndex...])] else { return nil }
    guard let value = UInt64(digits), width == 8 || value < 1 << UInt64(8 * width) else {
      throw Failure(description: "\(word) does not fit its width")
    }
    return (0..<width).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
  }
}
