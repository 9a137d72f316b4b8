extension UInt256 {
  /// The number times a fraction, rounded down; the greatest number if that has no 256 bits.
  ///
  /// Traps for a divisor of zero.
  public func multiplied(by factor: UInt64, dividedBy divisor: UInt64) -> UInt256 {
    let (whole, rest) = quotientAndRemainder(dividingBy: divisor)
    let (high, low) = whole.multipliedFullWidth(by: factor)
    // Below the factor, as the rest is below the divisor.
    let part = divisor.dividingFullWidth(rest.multipliedFullWidth(by: factor)).quotient
    let (sum, overflow) = low.addingReportingOverflow(UInt256(part))
    return high > 0 || overflow ? .max : sum
  }

  /// The number times 2^(x / 65,536), rounded down; the greatest number if that has no 256 bits.
  ///
  /// 2^x between 0 and 1 is a cubic polynomial, whose error is below 0.013 %: the one of aserti3, a rule
  /// for targets of work, whose published vectors are the tests. Integers only, so that all agree.
  public func scaled(byTwoToThe x: Int64) -> UInt256 {
    let (shift, fraction) = (Int(x >> 16) - 16, UInt64(x & 0xffff))
    let (square, cube) = (fraction * fraction, fraction * fraction * fraction)
    // In 48 bits of fraction; for no fraction does the sum need more than 64 bits.
    let sum = 195_766_423_245_049 * fraction + 971_821_376 * square + 5_127 * cube + (1 << 47)
    let (high, low) = multipliedFullWidth(by: 65_536 + (sum >> 48))
    guard shift < 0 else {
      return high == 0 && low.leadingZeroBitCount >= shift ? low << shift : .max
    }
    return high >> -shift == 0 ? low >> -shift | UInt256(high) << (256 + shift) : .max
  }
}
