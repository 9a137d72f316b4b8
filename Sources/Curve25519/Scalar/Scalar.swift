/// An integer modulo the prime ℓ = 2^252 + 27742317777372353535851937790883648493, the order of the
/// basepoint; in constant-time arithmetic, always fully reduced.
public struct Scalar: Sendable, BitwiseCopyable {
  /// Little-endian.
  let words: (UInt64, UInt64, UInt64, UInt64)

  private init(reduced words: (UInt64, UInt64, UInt64, UInt64)) {
    self.words = words
  }

  public static let zero = Scalar(reduced: (0, 0, 0, 0))
  public static let one = Scalar(reduced: (1, 0, 0, 0))

  /// Any 128-bit integer is below ℓ.
  public init(_ value: UInt128) {
    words = (UInt64(truncatingIfNeeded: value), UInt64(truncatingIfNeeded: value &>> 64), 0, 0)
  }

  /// Reads an integer below ℓ; nil for any other.
  public init?(canonical encoding: Encoding32) {
    guard subtract(order, from: encoding.words).borrow == 1 else { return nil }
    words = encoding.words
  }

  /// Reduces any 256-bit integer.
  public init(reducing encoding: Encoding32) {
    self.init(reducing: encoding, Encoding32(words: (0, 0, 0, 0)))
  }

  /// Reduces the 512-bit integer low + 2^256·high, for example a SHA-512 digest.
  public init(reducing low: Encoding32, _ high: Encoding32) {
    words = reduce(low.words, high.words)
  }

  public var encoding: Encoding32 { Encoding32(words: words) }

  public var isZero: Bool { self == .zero }

  public static func + (a: Self, b: Self) -> Self {
    // Below 2ℓ < 2^254: no carry out.
    Scalar(reduced: subtractOnce(add(a.words, b.words)))
  }

  public static func - (a: Self, b: Self) -> Self { a + -b }

  public static prefix func - (a: Self) -> Self {
    // ℓ - 0 = ℓ becomes 0.
    Scalar(reduced: subtractOnce(subtract(a.words, from: order).difference))
  }

  public static func * (a: Self, b: Self) -> Self {
    let product = multiply(a.words, b.words)
    return Scalar(reduced: reduce(product.low, product.high))
  }
}

extension Scalar: Equatable {
  /// In constant time.
  public static func == (a: Self, b: Self) -> Bool { a.encoding == b.encoding }
}

// Integers of four words, least significant first.
private typealias Words = (UInt64, UInt64, UInt64, UInt64)

private let order: Words = (
  0x5812_631a_5cf5_d3ed, 0x14de_f9de_a2f7_9cd6, 0, 0x1000_0000_0000_0000
)

/// 2ℓ.
private let twiceOrder: Words = (
  0xb024_c634_b9eb_a7da, 0x29bd_f3bd_45ef_39ac, 0, 0x2000_0000_0000_0000
)

/// c = ℓ - 2^252, 125 bits.
private let tail: (UInt64, UInt64) = (0x5812_631a_5cf5_d3ed, 0x14de_f9de_a2f7_9cd6)

/// Reduces low + 2^256·high below ℓ.
///
/// Splits at bit 252 three times and uses 2^252 = -c (mod ℓ):
///
///     x     = x₀ + 2^252·q₀     512 bits, q₀ < 2^260
///     c·q₀  = x₁ + 2^252·q₁     385 bits, q₁ < 2^133
///     c·q₁  = x₂ + 2^252·q₂     258 bits, q₂ < 2^6
///     x     = x₀ - x₁ + x₂ - c·q₂   (mod ℓ)
///
/// With every xᵢ < 2^252 and c·q₂ < 2^131, adding 2ℓ > 2^253 makes the last line positive and
/// below 2^252 + 2^252 + 2ℓ < 4ℓ; two conditional subtractions remain.
private func reduce(_ low: Words, _ high: Words) -> Words {
  let x0 = lowBits(low)
  let q0: (UInt64, UInt64, UInt64, UInt64, UInt64) = (
    low.3 &>> 60 | high.0 &<< 4, high.0 &>> 60 | high.1 &<< 4, high.1 &>> 60 | high.2 &<< 4,
    high.2 &>> 60 | high.3 &<< 4, high.3 &>> 60
  )
  // c·q₀ in seven words: c times the four low words of q₀, then the fifth (4 bits).
  let product0 = multiplyTail((q0.0, q0.1, q0.2, q0.3))
  let fifth0 = wide(tail.0, q0.4) &+ UInt128(product0.4)
  let fifth1 = wide(tail.1, q0.4) &+ UInt128(product0.5) &+ fifth0 &>> 64
  let p4 = UInt64(truncatingIfNeeded: fifth0)
  let p5 = UInt64(truncatingIfNeeded: fifth1)
  let p6 = UInt64(truncatingIfNeeded: fifth1 &>> 64)
  let x1 = lowBits((product0.0, product0.1, product0.2, product0.3))
  let q1: Words = (
    product0.3 &>> 60 | p4 &<< 4, p4 &>> 60 | p5 &<< 4, p5 &>> 60 | p6 &<< 4, 0
  )
  let product1 = multiplyTail(q1)
  let x2 = lowBits((product1.0, product1.1, product1.2, product1.3))
  let q2 = product1.3 &>> 60 | product1.4 &<< 4
  let product2 = multiplyTail((q2, 0, 0, 0))
  let positive = add(add(x0, x2), twiceOrder)
  let negative = add(x1, (product2.0, product2.1, product2.2, 0))
  let difference = subtract(negative, from: positive).difference
  return subtractOnce(subtractOnce(difference, twiceOrder))
}

/// The value below 2^252.
@inline(__always)
private func lowBits(_ a: Words) -> Words { (a.0, a.1, a.2, a.3 & (1 &<< 60 &- 1)) }

/// c·a, six words.
@inline(__always)
private func multiplyTail(_ a: Words) -> (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) {
  let row0 = multiplyRow(tail.0, a, adding: (0, 0, 0, 0))
  let row1 = multiplyRow(tail.1, a, adding: (row0.1, row0.2, row0.3, row0.4))
  return (row0.0, row1.0, row1.1, row1.2, row1.3, row1.4)
}

/// a - modulus if that is not negative, else a.
@inline(__always)
private func subtractOnce(_ a: Words, _ modulus: Words = order) -> Words {
  let (difference, borrow) = subtract(modulus, from: a)
  let keep = 0 &- borrow
  return (
    difference.0 ^ keep & (difference.0 ^ a.0), difference.1 ^ keep & (difference.1 ^ a.1),
    difference.2 ^ keep & (difference.2 ^ a.2), difference.3 ^ keep & (difference.3 ^ a.3)
  )
}

@inline(__always)
private func add(_ a: Words, _ b: Words) -> Words {
  let s0 = UInt128(a.0) &+ UInt128(b.0)
  let s1 = UInt128(a.1) &+ UInt128(b.1) &+ s0 &>> 64
  let s2 = UInt128(a.2) &+ UInt128(b.2) &+ s1 &>> 64
  let s3 = UInt128(a.3) &+ UInt128(b.3) &+ s2 &>> 64
  return (
    UInt64(truncatingIfNeeded: s0), UInt64(truncatingIfNeeded: s1),
    UInt64(truncatingIfNeeded: s2), UInt64(truncatingIfNeeded: s3)
  )
}

/// a - b modulo 2^256, and 1 if b > a.
@inline(__always)
private func subtract(_ b: Words, from a: Words) -> (difference: Words, borrow: UInt64) {
  // The high half of a 128-bit difference is all ones after a borrow.
  let d0 = UInt128(a.0) &- UInt128(b.0)
  let d1 = UInt128(a.1) &- UInt128(b.1) &- (d0 &>> 127)
  let d2 = UInt128(a.2) &- UInt128(b.2) &- (d1 &>> 127)
  let d3 = UInt128(a.3) &- UInt128(b.3) &- (d2 &>> 127)
  return (
    (
      UInt64(truncatingIfNeeded: d0), UInt64(truncatingIfNeeded: d1),
      UInt64(truncatingIfNeeded: d2), UInt64(truncatingIfNeeded: d3)
    ),
    UInt64(truncatingIfNeeded: d3 &>> 127)
  )
}

/// The 512-bit product.
@inline(__always)
private func multiply(_ a: Words, _ b: Words) -> (low: Words, high: Words) {
  let row0 = multiplyRow(a.0, b, adding: (0, 0, 0, 0))
  let row1 = multiplyRow(a.1, b, adding: (row0.1, row0.2, row0.3, row0.4))
  let row2 = multiplyRow(a.2, b, adding: (row1.1, row1.2, row1.3, row1.4))
  let row3 = multiplyRow(a.3, b, adding: (row2.1, row2.2, row2.3, row2.4))
  return ((row0.0, row1.0, row2.0, row3.0), (row3.1, row3.2, row3.3, row3.4))
}

/// a·b + sum, five words.
///
/// No column overflows: (2^64-1)^2 + 2·(2^64-1) = 2^128 - 1.
@inline(__always)
private func multiplyRow(
  _ a: UInt64,
  _ b: Words,
  adding sum: Words
) -> (UInt64, UInt64, UInt64, UInt64, UInt64) {
  let c0 = wide(a, b.0) &+ UInt128(sum.0)
  let c1 = wide(a, b.1) &+ UInt128(sum.1) &+ c0 &>> 64
  let c2 = wide(a, b.2) &+ UInt128(sum.2) &+ c1 &>> 64
  let c3 = wide(a, b.3) &+ UInt128(sum.3) &+ c2 &>> 64
  return (
    UInt64(truncatingIfNeeded: c0), UInt64(truncatingIfNeeded: c1),
    UInt64(truncatingIfNeeded: c2), UInt64(truncatingIfNeeded: c3),
    UInt64(truncatingIfNeeded: c3 &>> 64)
  )
}
