/// 32 bytes as field elements, scalars and points are written: a little-endian integer in 255 bits,
/// and in the top bit what the format says.
public struct Encoding32: Hashable, Sendable, BitwiseCopyable {
  /// Little-endian loads of bytes 0..<8, 8..<16, 16..<24, 24..<32.
  public let words: (UInt64, UInt64, UInt64, UInt64)

  @inlinable
  public init(words: (UInt64, UInt64, UInt64, UInt64)) {
    self.words = words
  }

  /// Nil unless there are exactly 32 bytes.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    func word(_ first: Int) -> UInt64 {
      (0..<8).reduce(0) { $0 | UInt64(bytes[first + $1]) << UInt64(8 * $1) }
    }
    self.init(words: (word(0), word(8), word(16), word(24)))
  }

  public var bytes: [UInt8] {
    [words.0, words.1, words.2, words.3].flatMap { word in
      (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) }
    }
  }

  /// Bit 255: the sign of x in an encoded Edwards point.
  var topBit: Bool { words.3 >> 63 == 1 }

  /// In constant time.
  public static func == (a: Self, b: Self) -> Bool {
    (a.words.0 ^ b.words.0) | (a.words.1 ^ b.words.1) | (a.words.2 ^ b.words.2)
      | (a.words.3 ^ b.words.3) == 0
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
    hasher.combine(words.3)
  }
}
