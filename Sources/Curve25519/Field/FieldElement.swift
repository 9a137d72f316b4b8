/// An integer modulo p = 2^255 - 19, in constant-time arithmetic.
///
/// Five limbs of 51 bits, value = Σ limbᵢ·2^(51·i) (Bernstein, Duif, Lange, Schwabe, Yang 2011,
/// "High-speed high-security signatures", section 4). The value is redundant: every operation
/// returns limbs of at most 2^51 + 2^13, and only `encoding` brings it below p.
public struct FieldElement: Sendable, BitwiseCopyable {
  @usableFromInline let l0: UInt64
  @usableFromInline let l1: UInt64
  @usableFromInline let l2: UInt64
  @usableFromInline let l3: UInt64
  @usableFromInline let l4: UInt64

  @inlinable @inline(__always)
  init(_ l0: UInt64, _ l1: UInt64, _ l2: UInt64, _ l3: UInt64, _ l4: UInt64) {
    self.l0 = l0
    self.l1 = l1
    self.l2 = l2
    self.l3 = l3
    self.l4 = l4
  }

  public static let zero = FieldElement(0, 0, 0, 0, 0)
  public static let one = FieldElement(1, 0, 0, 0, 0)

  @inlinable
  public init(_ value: UInt64) {
    self.init(value & limbMask, value &>> 51, 0, 0, 0)
  }

  @inlinable @inline(__always)
  public static func * (a: Self, b: Self) -> Self {
    Unreduced(a) * Unreduced(b)
  }

  @inlinable @inline(__always)
  public func squared() -> Self { Unreduced(self).squared() }

  @inlinable @inline(__always)
  public static func + (a: Self, b: Self) -> Self { (a &+ b).carried }

  @inlinable @inline(__always)
  public static func - (a: Self, b: Self) -> Self { (a &- b).carried }

  @inlinable @inline(__always)
  public static prefix func - (a: Self) -> Self { zero - a }
}

/// 51 ones.
@usableFromInline let limbMask: UInt64 = 1 << 51 - 1

/// A sum of field elements whose carries have not been taken: limbs below 2^54.
///
/// What products may be made of, and a type of its own so that nothing else is. The one rule of lazy
/// carrying is **at most three `&+` and `&-` before a product or `carried`**: an element counts
/// 2^51, an addition adds at most 2^51 and a subtraction 2·2^51 (below), each with its 2^13 or
/// less: 1 + 3·2 = 7 < 8.
@usableFromInline
struct Unreduced: BitwiseCopyable {
  @usableFromInline let l0: UInt64
  @usableFromInline let l1: UInt64
  @usableFromInline let l2: UInt64
  @usableFromInline let l3: UInt64
  @usableFromInline let l4: UInt64

  @inlinable @inline(__always)
  init(_ l0: UInt64, _ l1: UInt64, _ l2: UInt64, _ l3: UInt64, _ l4: UInt64) {
    self.l0 = l0
    self.l1 = l1
    self.l2 = l2
    self.l3 = l3
    self.l4 = l4
  }

  @inlinable @inline(__always)
  init(_ element: FieldElement) {
    self.init(element.l0, element.l1, element.l2, element.l3, element.l4)
  }

  @inlinable @inline(__always)
  static func &+ (a: Self, b: FieldElement) -> Self {
    Self(a.l0 &+ b.l0, a.l1 &+ b.l1, a.l2 &+ b.l2, a.l3 &+ b.l3, a.l4 &+ b.l4)
  }

  /// a + 2p - b.
  ///
  /// No limb falls below zero: b's are at most 2^51 + 2^13, those of 2p at least
  /// 2^52 - 38.
  @inlinable @inline(__always)
  static func &- (a: Self, b: FieldElement) -> Self {
    Self(
      a.l0 &+ 0xf_ffff_ffff_ffda &- b.l0,
      a.l1 &+ 0xf_ffff_ffff_fffe &- b.l1,
      a.l2 &+ 0xf_ffff_ffff_fffe &- b.l2,
      a.l3 &+ 0xf_ffff_ffff_fffe &- b.l3,
      a.l4 &+ 0xf_ffff_ffff_fffe &- b.l4
    )
  }

  /// Schoolbook multiplication; limb products of weight 2^(255+k) fold to 19·2^k.
  ///
  /// With limbs below 2^54, a column is below 5·19·2^108 < 2^115 and its carry fits 64 bits.
  @inlinable @inline(__always)
  static func * (a: Self, b: Self) -> FieldElement {
    let (a0, a1, a2, a3, a4) = (a.l0, a.l1, a.l2, a.l3, a.l4)
    let (b0, b1, b2, b3, b4) = (b.l0, b.l1, b.l2, b.l3, b.l4)
    let (f1, f2, f3, f4) = (b1 &* 19, b2 &* 19, b3 &* 19, b4 &* 19)  // < 2^59
    let c0 = sum(wide(a0, b0), wide(a4, f1), wide(a3, f2), wide(a2, f3), wide(a1, f4), 0)
    let c1 = sum(wide(a1, b0), wide(a0, b1), wide(a4, f2), wide(a3, f3), wide(a2, f4), carry(c0))
    let c2 = sum(wide(a2, b0), wide(a1, b1), wide(a0, b2), wide(a4, f3), wide(a3, f4), carry(c1))
    let c3 = sum(wide(a3, b0), wide(a2, b1), wide(a1, b2), wide(a0, b3), wide(a4, f4), carry(c2))
    let c4 = sum(wide(a4, b0), wide(a3, b1), wide(a2, b2), wide(a1, b3), wide(a0, b4), carry(c3))
    return FieldElement(columns: c0, c1, c2, c3, c4)
  }

  @inlinable @inline(__always)
  func squared() -> FieldElement {
    let (twice0, twice1, twice2) = (l0 &* 2, l1 &* 2, l2 &* 2)
    let (f3, f4, twiceF4) = (l3 &* 19, l4 &* 19, l4 &* 38)  // < 2^60
    let c0 = sum(wide(l0, l0), wide(l1, twiceF4), wide(twice2, f3), 0)
    let c1 = sum(wide(twice0, l1), wide(l2, twiceF4), wide(l3, f3), carry(c0))
    let c2 = sum(wide(twice0, l2), wide(l1, l1), wide(l3, twiceF4), carry(c1))
    let c3 = sum(wide(twice0, l3), wide(twice1, l2), wide(l4, f4), carry(c2))
    let c4 = sum(wide(twice0, l4), wide(twice1, l3), wide(l2, l2), carry(c3))
    return FieldElement(columns: c0, c1, c2, c3, c4)
  }

  /// All carries at once: each is below 2^3, so limbs end below 2^51 + 19·2^3.
  @inlinable @inline(__always)
  var carried: FieldElement {
    FieldElement(
      l0 & limbMask &+ (l4 &>> 51) &* 19,
      l1 & limbMask &+ l0 &>> 51,
      l2 & limbMask &+ l1 &>> 51,
      l3 & limbMask &+ l2 &>> 51,
      l4 & limbMask &+ l3 &>> 51
    )
  }
}

/// The whole product.
@inlinable @inline(__always)
func wide(_ a: UInt64, _ b: UInt64) -> UInt128 {
  UInt128(truncatingIfNeeded: a) &* UInt128(truncatingIfNeeded: b)
}

/// What a column has above 51 bits, which is at most 64 bits: saying so saves half of an addition.
@inlinable @inline(__always)
func carry(_ column: UInt128) -> UInt128 {
  UInt128(truncatingIfNeeded: UInt64(truncatingIfNeeded: column &>> 51))
}

// From the last term to the first: of the orders tried, the compiler spills least in this one, which
// is worth a twentieth of a product.

@inlinable @inline(__always)
func sum(_ a: UInt128, _ b: UInt128, _ c: UInt128, _ d: UInt128) -> UInt128 {
  a &+ (b &+ (c &+ d))
}

@inlinable @inline(__always)
func sum(
  _ a: UInt128,
  _ b: UInt128,
  _ c: UInt128,
  _ d: UInt128,
  _ e: UInt128,
  _ f: UInt128
) -> UInt128 {
  a &+ (b &+ sum(c, d, e, f))
}

extension FieldElement {
  /// The columns of a product, each with the carry of the one before.
  ///
  /// Column 4 holds no multiple of 19, so 19 times its carry is below 2^64; what is left over
  /// goes to limb 1, which ends at most 2^51 + 2^13.
  @inlinable @inline(__always)
  init(columns c0: UInt128, _ c1: UInt128, _ c2: UInt128, _ c3: UInt128, _ c4: UInt128) {
    func low(_ column: UInt128) -> UInt64 { UInt64(truncatingIfNeeded: column) & limbMask }
    let l0 = low(c0) &+ UInt64(truncatingIfNeeded: c4 &>> 51) &* 19
    self.init(l0 & limbMask, low(c1) &+ l0 &>> 51, low(c2), low(c3), low(c4))
  }

  /// Without carries; `Unreduced` says how many may follow each other.
  @inlinable @inline(__always)
  static func &+ (a: Self, b: Self) -> Unreduced { Unreduced(a) &+ b }

  @inlinable @inline(__always)
  static func &- (a: Self, b: Self) -> Unreduced { Unreduced(a) &- b }

  @inlinable @inline(__always)
  static func * (a: Unreduced, b: Self) -> Self { a * Unreduced(b) }

  @inlinable @inline(__always)
  static func * (a: Self, b: Unreduced) -> Self { Unreduced(a) * b }
}
