public import TinyChain

/// Names of accounts in Lisp text: `(transfer @alice 5)`.
public enum AddressNames {
  /// The text with each `@name` that `address` knows written as `@` and 40 digits.
  ///
  /// Text in quotes stays as it is, and so does a name that nobody knows: the reader will say what is
  /// wrong with it.
  public static func resolved(_ text: String, _ address: (String) -> Address?) -> String {
    var result = ""
    var rest = text[...]
    var isQuoted = false
    while let character = rest.popFirst() {
      result.append(character)
      if character == "\\", isQuoted, let next = rest.popFirst() { result.append(next) }
      if character == "\"" { isQuoted.toggle() }
      guard character == "@", !isQuoted else { continue }
      let name = rest.prefix {
        $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_")
      }
      rest = rest[name.endIndex...]
      result += address(String(name))?.bytes.hex ?? String(name)
    }
    return result
  }
}

/// How the bytes that a contract answers are shown.
public enum AnswerText {
  /// Of a contract in Lisp the value; else text if it is printable ASCII, else `0x` and hexadecimal.
  public static func text(of bytes: [UInt8], isLisp: Bool) -> String {
    if isLisp, let value = try? Datum(bytes, facets: true) { return value.description }
    let isText = bytes.allSatisfy { (0x20...0x7e).contains($0) || $0 == 10 }
    return isText ? String(decoding: bytes, as: UTF8.self) : "0x" + bytes.hex
  }
}
