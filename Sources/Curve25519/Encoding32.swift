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
    self.init(bytes, at: 0)
  }

  /// The 32 bytes from `start` on.
  ///
  /// - Precondition: there are so many.
  public init(_ bytes: [UInt8], at start: Int) {
    precondition(start >= 0 && start + 32 <= bytes.count)
    self = bytes.withUnsafeBytes { bytes in
      func word(_ first: Int) -> UInt64 {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start + first, as: UInt64.self))
      }
      return Self(words: (word(0), word(8), word(16), word(24)))
    }
  }

  public var bytes: [UInt8] {
    let words = (
      words.0.littleEndian, words.1.littleEndian, words.2.littleEndian, words.3.littleEndian
    )
    return withUnsafeBytes(of: words) { [UInt8]($0) }
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
