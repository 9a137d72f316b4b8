/// A digit from -8 to 8 of a secret scalar, as the masks that look-ups need: no address and no branch
/// depends on it.
struct SecretDigit {
  /// All ones if negative.
  private let sign: UInt64
  private let magnitude: UInt64

  @inline(__always)
  init(_ digit: Int8) {
    sign = UInt64(bitPattern: Int64(digit) &>> 63)
    magnitude = (UInt64(bitPattern: Int64(digit)) ^ sign) &- sign
  }

  /// All ones if the magnitude is so much.
  @inline(__always)
  private func mask(_ value: Int) -> UInt64 {
    let difference = magnitude ^ UInt64(value)
    return ((difference | (0 &- difference)) &>> 63) &- 1
  }

  /// digit·P from P, 2P … 8P, reading all of them.
  @inline(__always)
  func select(_ table: UnsafeBufferPointer<CachedPoint>, from first: Int) -> CachedPoint {
    var chosen = CachedPoint(yPlusX: .one, yMinusX: .one, twiceZ: .one + .one, twiceDT: .zero)
    for multiple in 1...8 {
      let mask = mask(multiple)
      let entry = table[first + multiple - 1]
      chosen = CachedPoint(
        yPlusX: .select(mask: mask, entry.yPlusX, chosen.yPlusX),
        yMinusX: .select(mask: mask, entry.yMinusX, chosen.yMinusX),
        twiceZ: .select(mask: mask, entry.twiceZ, chosen.twiceZ),
        twiceDT: .select(mask: mask, entry.twiceDT, chosen.twiceDT)
      )
    }
    return CachedPoint(
      yPlusX: .select(mask: sign, chosen.yMinusX, chosen.yPlusX),
      yMinusX: .select(mask: sign, chosen.yPlusX, chosen.yMinusX),
      twiceZ: chosen.twiceZ,
      twiceDT: .select(mask: sign, -chosen.twiceDT, chosen.twiceDT)
    )
  }

  /// The same from a normalised table.
  @inline(__always)
  func select(
    _ table: UnsafeBufferPointer<AffineCachedPoint>,
    from first: Int
  ) -> AffineCachedPoint {
    var chosen = AffineCachedPoint(yPlusX: .one, yMinusX: .one, twiceDXY: .zero)
    for multiple in 1...8 {
      let mask = mask(multiple)
      let entry = table[first + multiple - 1]
      chosen = AffineCachedPoint(
        yPlusX: .select(mask: mask, entry.yPlusX, chosen.yPlusX),
        yMinusX: .select(mask: mask, entry.yMinusX, chosen.yMinusX),
        twiceDXY: .select(mask: mask, entry.twiceDXY, chosen.twiceDXY)
      )
    }
    return AffineCachedPoint(
      yPlusX: .select(mask: sign, chosen.yMinusX, chosen.yPlusX),
      yMinusX: .select(mask: sign, chosen.yPlusX, chosen.yMinusX),
      twiceDXY: .select(mask: sign, -chosen.twiceDXY, chosen.twiceDXY)
    )
  }
}

extension Scalar {
  /// Calls `body` with 64 positions and digits, lowest first: self = Σ digit·16^position with
  /// -8 ≤ digit ≤ 8, in constant time.
  @inline(__always)
  func forEachRadix16Digit(_ body: (_ position: Int, _ digit: Int8) -> Void) {
    var carry: Int8 = 0
    for (index, word) in [words.0, words.1, words.2, words.3].enumerated() {
      for nibble in 0..<16 {
        let digit = Int8(truncatingIfNeeded: word &>> UInt64(4 * nibble) & 15) &+ carry
        carry = (digit &+ 8) &>> 4
        body(16 * index + nibble, digit &- carry &<< 4)
      }
    }
    // A scalar is below 2^253: the last digit is at most 2, and no carry is left.
  }
}
