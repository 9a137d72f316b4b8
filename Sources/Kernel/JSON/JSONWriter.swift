extension JSON: CustomStringConvertible {
  /// UTF-8 text without white space or, `pretty`, with two spaces a level and one member a line.
  ///
  /// Everything is written as it stands but what RFC 8259 requires escaped: quote, backslash and
  /// control characters. Equal values give equal bytes.
  public func bytes(pretty: Bool = false) -> [UInt8] {
    var writer = JSONWriter(isPretty: pretty)
    writer.value(self, depth: 0)
    return writer.bytes
  }

  /// The compact text.
  public var text: String { String(decoding: bytes(), as: UTF8.self) }

  public var description: String { text }
}

/// Recursion is as deep as the value, which the parser's limit or our own code has bounded.
private struct JSONWriter {
  let isPretty: Bool
  var bytes: [UInt8] = []

  mutating func value(_ value: JSON, depth: Int) {
    switch value {
    case .null: ascii("null")
    case .bool(true): ascii("true")
    case .bool(false): ascii("false")
    case .number(let number): bytes.append(contentsOf: number.text.utf8)
    case .string(let text): string(text)
    case .array(let elements):
      list("[", "]", elements, depth: depth) { writer, element in
        writer.value(element, depth: depth + 1)
      }
    case .object(let object):
      list("{", "}", object.members, depth: depth) { writer, member in
        writer.string(member.key)
        writer.ascii(writer.isPretty ? ": " : ":")
        writer.value(member.value, depth: depth + 1)
      }
    }
  }

  private mutating func list<Element>(
    _ open: StaticString,
    _ close: StaticString,
    _ elements: [Element],
    depth: Int,
    write: (inout Self, Element) -> Void
  ) {
    ascii(open)
    for (index, element) in elements.enumerated() {
      if index > 0 { ascii(",") }
      newLine(depth: depth + 1)
      write(&self, element)
    }
    if !elements.isEmpty { newLine(depth: depth) }
    ascii(close)
  }

  private mutating func newLine(depth: Int) {
    guard isPretty else { return }
    bytes.append(UInt8(ascii: "\n"))
    bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: depth * 2))
  }

  private mutating func string(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""): ascii("\\\"")
      case UInt8(ascii: "\\"): ascii("\\\\")
      case 0x08: ascii("\\b")
      case 0x09: ascii("\\t")
      case 0x0a: ascii("\\n")
      case 0x0c: ascii("\\f")
      case 0x0d: ascii("\\r")
      case 0..<0x20:
        ascii("\\u00")
        bytes.append(contentsOf: [byte].hex.utf8)
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func ascii(_ text: StaticString) {
    text.withUTF8Buffer { bytes.append(contentsOf: $0) }
  }
}
