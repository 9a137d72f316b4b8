// Targets in 4 bytes, as Bitcoin has them: size 1 ‖ mantissa 3, for mantissa · 256^(size - 3). The
// mantissa's first bit is a sign, so it stays zero; a number that would set it takes a byte more.
extension UInt256 {
  /// A target from its compact form.
  ///
  /// Nil for zero, a sign, what has more than 256 bits, and what `compact` would not write: then a
  /// target has one form, and headers that differ in it differ in their target.
  public init?(compact: UInt32) {
    let (size, mantissa) = (Int(compact >> 24), compact & 0x7f_ffff)
    let target = UInt256(UInt64(mantissa)) << ((size - 3) * 8)
    // Bits that left in the shift are missing in what the target is written as.
    guard target != .zero, target.compact == compact else { return nil }
    self = target
  }

  /// The compact form of the number, whose bits beyond the first 16 to 23 are lost.
  public var compact: UInt32 {
    // A bit more than the number has, as the mantissa's first has to be zero.
    let size = self == .zero ? 0 : (bitCount + 8) / 8
    let mantissa = self >> ((size - 3) * 8)
    return UInt32(size) << 24 | UInt32(truncatingIfNeeded: mantissa.low)
  }

  /// How many hashes it takes on average to find one that is at most the target: 2^256 / (target + 1).
  ///
  /// From the target and not from the hash found: the expectation of 2^256 / hash has no bound, so
  /// that one lucky hash would outweigh many blocks. At most 2^256 - 1, which is for target zero.
  public static func work(ofTarget target: UInt256) -> UInt256 {
    guard target != .max else { return .one }
    guard target != .zero else { return .max }
    // 2^256 / n = (2^256 - n) / n + 1, and 2^256 - n is ~(n - 1).
    return (~target).quotientAndRemainder(dividingBy: target + .one).quotient + .one
  }
}
