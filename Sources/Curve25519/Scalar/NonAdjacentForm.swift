extension Scalar {
  /// Calls `body` with the position and value of each non-zero digit of the width-`width`
  /// non-adjacent form, lowest first: self = Σ digit·2^position.
  ///
  /// Digits are odd, |digit| < 2^(width - 1), and of any `width` neighbouring positions at most one
  /// is not zero; positions are at most 253. Variable-time (Solinas 2000, "Efficient arithmetic on
  /// Koblitz curves", for the form).
  @inline(__always)
  func forEachDigitVartime(width: Int, _ body: (_ position: Int, _ digit: Int) -> Void) {
    precondition(width >= 2)
    precondition(width <= 16)
    let window: UInt64 = 1 &<< UInt64(width)
    var position = 0
    var carry: UInt64 = 0
    // A scalar is below 2^253, so the form ends at position 253 with no carry.
    while position <= 253 {
      // With a carry, ones become zeros up to the next zero: the zeros of the complement.
      let bits = bits(from: position) ^ (0 &- carry)
      let zeros = bits.trailingZeroBitCount
      guard zeros == 0 else {
        position += min(zeros, 64)
        continue
      }
      let value = self.bits(from: position) & (window &- 1) &+ carry  // odd
      carry = value &>> UInt64(width - 1)  // 1: take value - 2^width and carry
      body(position, Int(value) - Int(carry &<< UInt64(width)))
      position += width
    }
  }

  /// 64 bits from bit `position` on, zeros above 255.
  @inline(__always)
  func bits(from position: Int) -> UInt64 {
    let shift = UInt64(position & 63)
    // Shifts by 64 give 0 (smart shift), as the upper word needs when shift is 0.
    return switch position >> 6 {
    case 0: words.0 &>> shift | words.1 << (64 - shift)
    case 1: words.1 &>> shift | words.2 << (64 - shift)
    case 2: words.2 &>> shift | words.3 << (64 - shift)
    case 3: words.3 &>> shift
    default: 0
    }
  }
}
