/// A number of 256 bits: a target of work, or a sum of work.
public struct UInt256: Hashable, Comparable, Sendable, BitwiseCopyable {
  public let high: UInt128
  public let low: UInt128

  public static let zero = UInt256(0)
  public static let one = UInt256(1)
  public static let max = UInt256(high: .max, low: .max)

  public init(high: UInt128, low: UInt128) {
    (self.high, self.low) = (high, low)
  }

  public init(_ value: UInt64) {
    self.init(high: 0, low: UInt128(value))
  }

  /// Of 32 bytes, the first the most significant: how a hash is compared with a target.
  public init(bigEndian bytes: Bytes32) {
    let words = bytes.words
    func pair(_ high: UInt64, _ low: UInt64) -> UInt128 {
      UInt128(high.byteSwapped) << 64 | UInt128(low.byteSwapped)
    }
    self.init(high: pair(words.0, words.1), low: pair(words.2, words.3))
  }

  public var bigEndianBytes: Bytes32 {
    func word(_ half: UInt128) -> UInt64 { UInt64(truncatingIfNeeded: half).byteSwapped }
    return Bytes32(words: (word(high >> 64), word(high), word(low >> 64), word(low)))
  }

  public var leadingZeroBitCount: Int {
    high == 0 ? 128 + low.leadingZeroBitCount : high.leadingZeroBitCount
  }

  /// How many bits the number needs: none for zero.
  public var bitCount: Int { 256 - leadingZeroBitCount }

  public static func < (a: Self, b: Self) -> Bool {
    a.high == b.high ? a.low < b.low : a.high < b.high
  }

  // MARK: Bits

  /// A shift to the right if `count` is negative; bits that leave are lost.
  public static func << (value: Self, count: Int) -> Self {
    guard count > 0 else { return count == 0 ? value : value >> -count }
    // Swift's own shifts turn round for negative counts, and give zero beyond 127.
    let carried = value.low >> (128 - count)
    return Self(high: value.high << count | carried, low: value.low << count)
  }

  /// A shift to the left if `count` is negative; bits that leave are lost.
  public static func >> (value: Self, count: Int) -> Self {
    guard count > 0 else { return count == 0 ? value : value << -count }
    let carried = value.high << (128 - count)
    return Self(high: value.high >> count, low: value.low >> count | carried)
  }

  public static func | (a: Self, b: Self) -> Self {
    Self(high: a.high | b.high, low: a.low | b.low)
  }

  public static prefix func ~ (value: Self) -> Self {
    Self(high: ~value.high, low: ~value.low)
  }

  // MARK: Arithmetic

  public func addingReportingOverflow(
    _ other: Self
  ) -> (partialValue: Self, overflow: Bool) {
    let (low, carry) = low.addingReportingOverflow(other.low)
    let (sum, overflow) = high.addingReportingOverflow(other.high)
    let (high, overflowed) = sum.addingReportingOverflow(carry ? 1 : 0)
    return (Self(high: high, low: low), overflow || overflowed)
  }

  /// Traps on overflow, as for any other integer.
  public static func + (a: Self, b: Self) -> Self {
    let (sum, overflow) = a.addingReportingOverflow(b)
    precondition(!overflow)
    return sum
  }

  /// Traps if `b` is the greater.
  public static func - (a: Self, b: Self) -> Self {
    precondition(a >= b)
    let (low, borrow) = a.low.subtractingReportingOverflow(b.low)
    return Self(high: a.high - b.high - (borrow ? 1 : 0), low: low)
  }

  /// The product, of up to 320 bits.
  public func multipliedFullWidth(by factor: UInt64) -> (high: UInt64, low: Self) {
    let factor = UInt128(factor)
    let (carry, low) = low.multipliedFullWidth(by: factor)
    let (top, middle) = high.multipliedFullWidth(by: factor)
    let (high, overflow) = middle.addingReportingOverflow(carry)
    // Below 2^64, as the whole is below 2^320.
    return (UInt64(top + (overflow ? 1 : 0)), Self(high: high, low: UInt128(low)))
  }

  /// Traps for a divisor of zero.
  public func quotientAndRemainder(
    dividingBy divisor: UInt64
  ) -> (quotient: Self, remainder: UInt64) {
    let divisor = UInt128(divisor)
    let (high, rest) = high.quotientAndRemainder(dividingBy: divisor)
    let (low, remainder) = divisor.dividingFullWidth((rest, UInt128.Magnitude(low)))
    return (Self(high: high, low: low), UInt64(remainder))
  }

  /// Bit by bit, so that it takes as many steps as the quotient has bits; traps for zero.
  public func quotientAndRemainder(
    dividingBy divisor: Self
  ) -> (quotient: Self, remainder: Self) {
    precondition(divisor != .zero)
    var (quotient, remainder) = (Self.zero, self)
    var shift = divisor.leadingZeroBitCount - leadingZeroBitCount
    while shift >= 0 {
      let multiple = divisor << shift
      quotient = quotient << 1
      if remainder >= multiple {
        remainder = remainder - multiple
        quotient = Self(high: quotient.high, low: quotient.low | 1)
      }
      shift -= 1
    }
    return (quotient, remainder)
  }
}
