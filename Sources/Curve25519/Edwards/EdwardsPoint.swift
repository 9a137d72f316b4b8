/// A point of edwards25519 in extended coordinates (X : Y : Z : T), x = X/Z, y = Y/Z, xy = T/Z.
///
/// Any of the 8ℓ points, small-order components included. Arithmetic is constant-time unless a name
/// says `Vartime`.
public struct EdwardsPoint: Sendable, BitwiseCopyable {
  let x: FieldElement
  let y: FieldElement
  let z: FieldElement
  let t: FieldElement

  @inline(__always)
  init(x: FieldElement, y: FieldElement, z: FieldElement, t: FieldElement) {
    self.x = x
    self.y = y
    self.z = z
    self.t = t
  }

  public static let identity = EdwardsPoint(x: .zero, y: .one, z: .one, t: .zero)

  /// B of RFC 8032, section 5.1: y = 4/5, x even.
  public static let basepoint = EdwardsPoint(
    x: FieldElement(
      0x6_2d60_8f25_d51a,
      0x4_12a4_b4f6_592a,
      0x7_5b71_71a4_b31d,
      0x1_ff60_5271_18fe,
      0x2_1693_6d3c_d6e5
    ),
    y: FieldElement(
      0x6_6666_6666_6658,
      0x4_cccc_cccc_cccc,
      0x1_9999_9999_9999,
      0x3_3333_3333_3333,
      0x6_6666_6666_6666
    ),
    z: .one,
    t: FieldElement(
      0x6_8ab3_a5b7_dda3,
      0x0_0eea_2a5e_adbb,
      0x2_af8d_f483_c27e,
      0x3_32b3_7527_4732,
      0x6_7875_f0fd_78b7
    )
  )

  /// d = -121665/121666, of the curve -x² + y² = 1 + d·x²·y².
  static let d = FieldElement(
    0x3_4dca_1359_78a3,
    0x1_a828_3b15_6ebd,
    0x5_e7a2_6001_c029,
    0x7_39c6_63a0_3cbb,
    0x5_2036_cee2_b6ff
  )

  static let twiceD = FieldElement(
    0x6_9b94_26b2_f159,
    0x3_5050_762a_dd7a,
    0x3_cf44_c003_8052,
    0x6_738c_c740_7977,
    0x2_406d_9dc5_6dff
  )

  public static func + (a: Self, b: Self) -> Self { a.adding(b.cached).extended }

  public static func - (a: Self, b: Self) -> Self { a.subtracting(b.cached).extended }

  public static prefix func - (a: Self) -> Self {
    EdwardsPoint(x: -a.x, y: a.y, z: a.z, t: -a.t)
  }

  public func doubled() -> Self { projective.doubled().extended }

  /// 8·self, which lies in the group of prime order.
  public func multipliedByCofactor() -> Self {
    projective.doubled().projective.doubled().projective.doubled().extended
  }

  public var isIdentity: Bool { x.isZero && y == z }

  /// Whether the order divides 8.
  public var isSmallOrder: Bool { multipliedByCofactor().isIdentity }
}

extension EdwardsPoint: Equatable {
  /// Equality of points, whatever their coordinates' scale.
  public static func == (a: Self, b: Self) -> Bool {
    a.x * b.z == b.x * a.z && a.y * b.z == b.y * a.z
  }
}
