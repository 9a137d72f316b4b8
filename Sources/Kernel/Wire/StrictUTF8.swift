/// UTF-8 as RFC 3629 defines it: no overlong form, no surrogate, nothing above U+10FFFF.
public enum StrictUTF8 {
  /// Length in bytes of the character that starts at `index`, or nil if none is well-formed there.
  ///
  /// The second byte's range depends on the first (Unicode 15, table 3-7); that one comparison
  /// excludes overlong forms, surrogates and what lies above U+10FFFF.
  @inline(__always)
  public static func length(of bytes: [UInt8], at index: Int) -> Int? {
    guard index >= 0, index < bytes.count else { return nil }
    let first = bytes[index]
    if first < 0x80 { return 1 }
    let second: ClosedRange<UInt8>
    let length: Int
    switch first {
    case 0xc2...0xdf: (second, length) = (0x80...0xbf, 2)
    case 0xe0: (second, length) = (0xa0...0xbf, 3)
    case 0xed: (second, length) = (0x80...0x9f, 3)
    case 0xe1...0xef: (second, length) = (0x80...0xbf, 3)
    case 0xf0: (second, length) = (0x90...0xbf, 4)
    case 0xf4: (second, length) = (0x80...0x8f, 4)
    case 0xf1...0xf3: (second, length) = (0x80...0xbf, 4)
    default: return nil
    }
    guard bytes.count - index >= length, second.contains(bytes[index + 1]) else { return nil }
    for offset in 2..<max(length, 2) {
      guard bytes[index + offset] & 0xc0 == 0x80 else { return nil }
    }
    return length
  }

  /// The index of the first byte that is not part of a well-formed character, or nil if all are.
  public static func firstInvalidIndex(in bytes: [UInt8]) -> Int? {
    var index = 0
    while index < bytes.count {
      guard let length = length(of: bytes, at: index) else { return index }
      index += length
    }
    return nil
  }
}

/// A place in a text as a person counts it: lines and columns from 1.
public struct TextPosition: Hashable, Sendable, CustomStringConvertible {
  public let line: Int
  /// Characters (Unicode scalars) from the start of the line, from 1.
  public let column: Int

  public init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  /// Counts up to `offset`.
  ///
  /// Linear: for error reports only.
  public init(of offset: Int, in bytes: [UInt8]) {
    var line = 1
    var column = 1
    for byte in bytes.prefix(max(offset, 0)) {
      if byte == UInt8(ascii: "\n") {
        line += 1
        column = 1
      } else if byte & 0xc0 != 0x80 {
        column += 1
      }
    }
    self.init(line: line, column: column)
  }

  public var description: String { "line \(line), column \(column)" }
}
