extension Scalar {
  /// Calls `body` with each non-zero digit of the width-`width` non-adjacent form, lowest first:
  /// self = Σ ±(2·half + 1)·2^position, minus where `sign` is 1.
  ///
  /// Digits are odd, |digit| < 2^(width - 1), and of any `width` neighbouring positions at most one
  /// is not zero; positions are at most 253. Variable-time (Solinas 2000, "Efficient arithmetic on
  /// Koblitz curves", for the form).
  @inline(__always)
  func forEachDigitVartime(
    width: Int,
    _ body: (_ position: Int, _ half: UInt64, _ sign: UInt64) -> Void
  ) {
    precondition(width >= 2)
    precondition(width <= 16)
    let (top, ones) = (UInt64(width - 1), UInt64(1) &<< UInt64(width) &- 1)
    // Zeros above, so that a load may begin at any byte of the scalar.
    withUnsafeBytes(of: (words, UInt64(0), UInt64(0))) { bytes in
      // At least 57 bits from bit `position` on.
      func bits(_ position: Int) -> UInt64 {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position &>> 3, as: UInt64.self))
          &>> UInt64(truncatingIfNeeded: position & 7)
      }
      var position = 0
      var carry: UInt64 = 0
      // A scalar is below 2^253: the form ends at position 253 with no carry.
      while true {
        // With a carry, ones become zeros up to the next zero: the zeros of the complement. Where
        // the next digit is, is a sum and not a branch, which the processor would guess wrong.
        let zeros = (bits(position) ^ (0 &- carry)).trailingZeroBitCount
        position &+= min(zeros, 56)
        guard position <= 253 else { return }
        guard zeros < 57 else { continue }
        let value = bits(position) & ones &+ carry  // odd
        carry = value &>> top  // 1: take value - 2^width and carry
        let magnitude = ((value ^ (0 &- carry)) &+ carry) & ones
        body(position, magnitude &>> 1, carry)
        position &+= width
      }
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
