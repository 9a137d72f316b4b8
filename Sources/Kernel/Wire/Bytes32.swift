/// 32 bytes by value: a hash or an encoded key, without an allocation.
///
/// Ordered as bytes are, first byte most significant.
public struct Bytes32: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  /// Little-endian loads of bytes 0..<8, 8..<16, 16..<24, 24..<32.
  public let words: (UInt64, UInt64, UInt64, UInt64)

  public static let zero = Bytes32(words: (0, 0, 0, 0))

  public init(words: (UInt64, UInt64, UInt64, UInt64)) {
    self.words = words
  }

  /// Nil unless there are exactly 32 bytes.
  public init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == 32 else { return nil }
    var iterator = bytes.makeIterator()
    func word() -> UInt64 {
      var value: UInt64 = 0
      for shift in stride(from: 0, to: 64, by: 8) {
        value |= UInt64(iterator.next() ?? 0) << UInt64(shift)
      }
      return value
    }
    self.init(words: (word(), word(), word(), word()))
  }

  /// 64 hexadecimal digits, either case; nil for anything else.
  public init?(hex: some StringProtocol) {
    guard let bytes = [UInt8](hex: hex) else { return nil }
    self.init(bytes)
  }

  public var isZero: Bool { words.0 | words.1 | words.2 | words.3 == 0 }

  public var bytes: [UInt8] { withUnsafeBytes { [UInt8]($0) } }

  /// Lower-case hexadecimal.
  public var hex: String { bytes.hex }

  public var description: String { hex }

  public func withUnsafeBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    let littleEndian = (
      words.0.littleEndian, words.1.littleEndian, words.2.littleEndian, words.3.littleEndian
    )
    return try Swift.withUnsafeBytes(of: littleEndian, body)
  }

  public static func == (a: Self, b: Self) -> Bool {
    (a.words.0 ^ b.words.0) | (a.words.1 ^ b.words.1) | (a.words.2 ^ b.words.2)
      | (a.words.3 ^ b.words.3) == 0
  }

  public static func < (a: Self, b: Self) -> Bool {
    if a.words.0 != b.words.0 { return a.words.0.byteSwapped < b.words.0.byteSwapped }
    if a.words.1 != b.words.1 { return a.words.1.byteSwapped < b.words.1.byteSwapped }
    if a.words.2 != b.words.2 { return a.words.2.byteSwapped < b.words.2.byteSwapped }
    return a.words.3.byteSwapped < b.words.3.byteSwapped
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
    hasher.combine(words.2)
    hasher.combine(words.3)
  }
}

// As a number of 256 bits, the most significant first: what trees branch by.
extension Bytes32 {
  private subscript(bigEndianWord index: Int) -> UInt64 {
    switch index {
    case 0: words.0.byteSwapped
    case 1: words.1.byteSwapped
    case 2: words.2.byteSwapped
    default: words.3.byteSwapped
    }
  }

  /// Bit 0 is the most significant of the first byte.
  public func bit(_ index: Int) -> Bool {
    self[bigEndianWord: index / 64] >> UInt64(63 - index % 64) & 1 == 1
  }

  /// The first bit in which both differ; 256 if they are equal.
  public func firstDifference(from other: Bytes32) -> Int {
    for index in 0..<4 {
      let difference = self[bigEndianWord: index] ^ other[bigEndianWord: index]
      if difference != 0 { return index * 64 + difference.leadingZeroBitCount }
    }
    return 256
  }
}

/// 64 bytes by value: a signature.
public struct Bytes64: Hashable, Sendable, BitwiseCopyable {
  public let low: Bytes32
  public let high: Bytes32

  public static let zero = Bytes64(low: .zero, high: .zero)

  public init(low: Bytes32, high: Bytes32) {
    self.low = low
    self.high = high
  }

  /// Nil unless there are exactly 64 bytes.
  public init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == 64, let low = Bytes32(bytes.prefix(32)),
      let high = Bytes32(bytes.dropFirst(32))
    else { return nil }
    self.init(low: low, high: high)
  }

  public var bytes: [UInt8] { withUnsafeBytes { [UInt8]($0) } }

  public func withUnsafeBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    try low.withUnsafeBytes { first in
      try high.withUnsafeBytes { second in
        try withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { whole in
          whole.copyMemory(from: first)
          UnsafeMutableRawBufferPointer(rebasing: whole[32...]).copyMemory(from: second)
          return try body(UnsafeRawBufferPointer(whole))
        }
      }
    }
  }
}
