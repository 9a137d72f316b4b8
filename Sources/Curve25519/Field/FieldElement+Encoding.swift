extension FieldElement: Equatable {
  /// Reads 255 bits, ignoring the top one; integers from p to 2^255 - 1 are reduced.
  public init(_ encoding: Encoding32) {
    let words = encoding.words
    self.init(
      words.0 & limbMask,
      (words.0 &>> 51 | words.1 &<< 13) & limbMask,
      (words.1 &>> 38 | words.2 &<< 26) & limbMask,
      (words.2 &>> 25 | words.3 &<< 39) & limbMask,
      (words.3 &>> 12) & limbMask
    )
  }

  /// Reads an integer below p; nil for any other and for a set top bit.
  public init?(canonical encoding: Encoding32) {
    self.init(encoding)
    guard self.encoding == encoding else { return nil }
  }

  /// The one integer below p, little-endian, top bit clear.
  public var encoding: Encoding32 {
    let reduced = Unreduced(self).carried  // value below 2^255 + 2^60 < 2p
    // quotient = 1 exactly if value >= p, that is value + 19 >= 2^255.
    var quotient = (reduced.l0 &+ 19) &>> 51
    quotient = (reduced.l1 &+ quotient) &>> 51
    quotient = (reduced.l2 &+ quotient) &>> 51
    quotient = (reduced.l3 &+ quotient) &>> 51
    quotient = (reduced.l4 &+ quotient) &>> 51
    // value - quotient·p = value + 19·quotient - 2^255·quotient: the last mask drops 2^255.
    let s0 = reduced.l0 &+ 19 &* quotient
    let s1 = reduced.l1 &+ s0 &>> 51
    let s2 = reduced.l2 &+ s1 &>> 51
    let s3 = reduced.l3 &+ s2 &>> 51
    let s4 = reduced.l4 &+ s3 &>> 51
    let (l0, l1, l2) = (s0 & limbMask, s1 & limbMask, s2 & limbMask)
    let (l3, l4) = (s3 & limbMask, s4 & limbMask)
    return Encoding32(
      words: (
        l0 | l1 &<< 51,
        l1 &>> 13 | l2 &<< 38,
        l2 &>> 26 | l3 &<< 25,
        l3 &>> 39 | l4 &<< 12
      )
    )
  }

  /// In constant time.
  public static func == (a: Self, b: Self) -> Bool { a.encoding == b.encoding }

  public var isZero: Bool { self == .zero }

  /// Whether the integer below p is odd: the sign of RFC 8032, section 5.1.2.
  public var isNegative: Bool { encoding.words.0 & 1 == 1 }
}
