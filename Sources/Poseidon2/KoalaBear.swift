/// An element of the prime field of p = 2^31 - 2^24 + 1, called KoalaBear.
///
/// Kept in Montgomery form: x stands as x·2^32 mod p, always below p. p - 1 is 127·2^24, so cubing
/// permutes the field (3 does not divide p - 1) and a division by 2^k is cheap for k <= 24.
public struct KoalaBear: Hashable, Sendable, BitwiseCopyable {
  public static let modulus: UInt32 = 0x7f00_0001

  /// x·2^32 mod p.
  package var montgomery: UInt32

  @inline(__always)
  init(montgomery: UInt32) {
    self.montgomery = montgomery
  }

  /// `value` mod p.
  @inline(__always)
  public init(_ value: UInt32) {
    self.init(montgomery: Self.reduce(UInt64(value) &* Self.square))
  }

  public static let zero = KoalaBear(montgomery: 0)

  /// The element as an integer below p.
  @inline(__always)
  public var value: UInt32 { Self.reduce(UInt64(montgomery)) }

  /// 2^64 mod p: what brings an integer into Montgomery form.
  private static let square: UInt64 =
    (1 << 32) % UInt64(modulus) * ((1 << 32) % UInt64(modulus))
    % UInt64(modulus)

  /// x·2^-32 mod p, for x < 2^32·p.
  ///
  /// p^-1 mod 2^32 is 1 - 127·2^24 = 0x81000001, so `product` has the low half of x, and the
  /// difference of the upper halves is the quotient by 2^32, or that less p.
  @inline(__always)
  private static func reduce(_ x: UInt64) -> UInt32 {
    let factor = UInt32(truncatingIfNeeded: x) &* 0x8100_0001
    let product = UInt64(factor) &* UInt64(modulus)
    let upper = UInt32(truncatingIfNeeded: x &>> 32)
    let difference = upper &- UInt32(truncatingIfNeeded: product &>> 32)
    return min(difference, difference &+ modulus)
  }

  @inline(__always)
  public static func + (a: Self, b: Self) -> Self {
    let sum = a.montgomery &+ b.montgomery
    return Self(montgomery: min(sum, sum &- modulus))
  }

  @inline(__always)
  public static func - (a: Self, b: Self) -> Self {
    let difference = a.montgomery &- b.montgomery
    return Self(montgomery: min(difference, difference &+ modulus))
  }

  @inline(__always)
  public static func * (a: Self, b: Self) -> Self {
    Self(montgomery: reduce(UInt64(a.montgomery) &* UInt64(b.montgomery)))
  }

  @inline(__always)
  var doubled: Self { self + self }

  @inline(__always)
  var cubed: Self { self * self * self }

  /// The quotient by 2^`exponent`, from 1 to 24, without a multiplication.
  ///
  /// Write x = 2^k·q + r. As 2^-k = -127·2^(24-k) mod p, the quotient is q - 127·2^(24-k)·r, and the
  /// product is below p since r < 2^k.
  @inline(__always)
  func divided(byTwoToThe exponent: UInt32) -> Self {
    let rest = montgomery & (1 &<< exponent &- 1)
    let product = (rest &<< 7 &- rest) &<< (24 &- exponent)
    return Self(montgomery: montgomery &>> exponent) - Self(montgomery: product)
  }
}
