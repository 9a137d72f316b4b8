extension EdwardsPoint {
  /// RFC 8032, section 5.1.2: y below p, and in the top bit whether x is odd. One inversion.
  public var encoding: Encoding32 {
    let inverse = z.inverted()
    let (x, y) = (x * inverse, y * inverse)
    let words = y.encoding.words
    let sign: UInt64 = x.isNegative ? 1 : 0
    return Encoding32(words: (words.0, words.1, words.2, words.3 | sign &<< 63))
  }

  /// Decodes as ZIP-215 says; nil if no point has this y. Variable-time.
  ///
  /// Against RFC 8032 two refusals are missing: y may be p or more (19 integers, taken modulo p),
  /// and x = 0 may have its sign bit set. So an encoding is refused only if it is off the curve.
  public init?(zip215 encoding: Encoding32) {
    // x² = (y² - 1) / (d·y² + 1); the denominator is never 0, since -1/d is not a square.
    let y = FieldElement(encoding)
    let yy = y.squared()
    guard let root = FieldElement.squareRoot(of: yy - .one, over: yy * Self.d + .one) else {
      return nil
    }
    let x = root.isNegative == encoding.topBit ? root : -root
    self.init(x: x, y: y, z: .one, t: x * y)
  }

  /// Decodes as RFC 8032, section 5.1.3, says: exactly what `encoding` writes. Variable-time.
  public init?(canonical encoding: Encoding32) {
    self.init(zip215: encoding)
    var words = y.encoding.words
    words.3 |= x.isNegative ? 1 &<< 63 : 0
    guard Encoding32(words: words) == encoding else { return nil }
  }
}
