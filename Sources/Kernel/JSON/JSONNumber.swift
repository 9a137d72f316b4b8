extension JSON {
  /// A number as its text, digit for digit; it never passes through floating point.
  ///
  /// Two numbers are equal if their texts are: 1, 1.0 and 1e0 are three.
  public struct Number: Hashable, Sendable, CustomStringConvertible {
    public let text: String

    /// Nil unless the text is a number by RFC 8259, section 6, and nothing else.
    public init?(_ text: String) {
      let bytes = Array(text.utf8)
      guard case .number(let end) = Self.scan(bytes, from: 0), end == bytes.count else {
        return nil
      }
      self.text = text
    }

    public init(_ integer: some FixedWidthInteger) {
      text = String(integer)
    }

    /// For the parser, which has scanned the text.
    init(scanned text: String) {
      self.text = text
    }

    public var description: String { text }

    /// The value, if the text has neither fraction nor exponent and the value fits.
    public func integer<I: FixedWidthInteger>(_ type: I.Type = I.self) -> I? {
      guard let (magnitude, isNegative) = magnitude() else { return nil }
      if !isNegative { return I(exactly: magnitude) }
      // -(magnitude), also for the least Int128, whose magnitude is 2^127.
      guard magnitude <= UInt128(1) << 127 else { return nil }
      return I(exactly: Int128(truncatingIfNeeded: 0 &- magnitude))
    }

    private func magnitude() -> (UInt128, isNegative: Bool)? {
      var value: UInt128 = 0
      var isNegative = false
      for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "-"):
          isNegative = true
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
          let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
          let digit = UInt128(byte - UInt8(ascii: "0"))
          let (sum, overflowed) = shifted.addingReportingOverflow(digit)
          if overflow || overflowed { return nil }
          value = sum
        default:
          return nil
        }
      }
      return (value, isNegative)
    }

    enum Scan {
      /// A number up to, not including, `end`.
      case number(end: Int)
      /// At `index` stands something else than `expected`.
      case failure(index: Int, expected: String)
    }

    /// Reads `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`, greedily.
    static func scan(_ bytes: [UInt8], from start: Int) -> Scan {
      var index = start
      func peek() -> UInt8 { index < bytes.count ? bytes[index] : 0 }
      func skipDigits() -> Bool {
        let first = index
        while isDigit(peek()) { index += 1 }
        return index > first
      }

      if peek() == UInt8(ascii: "-") { index += 1 }
      if peek() == UInt8(ascii: "0") {
        index += 1
        if isDigit(peek()) {
          return .failure(index: index, expected: "no digit after a leading zero")
        }
      } else if !skipDigits() {
        return .failure(index: index, expected: "a digit")
      }
      if peek() == UInt8(ascii: ".") {
        index += 1
        if !skipDigits() { return .failure(index: index, expected: "a digit of the fraction") }
      }
      if peek() | 0x20 == UInt8(ascii: "e") {
        index += 1
        if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { index += 1 }
        if !skipDigits() { return .failure(index: index, expected: "a digit of the exponent") }
      }
      return .number(end: index)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
      byte &- UInt8(ascii: "0") < 10
    }
  }
}
