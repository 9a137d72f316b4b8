/// An element of ristretto255 (RFC 9496): a group of prime order ℓ made of cosets of edwards25519
/// points, with exactly one encoding each.
///
/// Arithmetic is constant-time unless a name says `Vartime`. See docs/math/ristretto.md.
public struct RistrettoPoint: Sendable, BitwiseCopyable {
  /// Any point of the coset.
  let point: EdwardsPoint

  @inline(__always)
  init(_ point: EdwardsPoint) { self.point = point }

  public static let identity = RistrettoPoint(.identity)

  /// The element that the basepoint of Ed25519 stands for.
  public static let basepoint = RistrettoPoint(.basepoint)

  @inline(__always)
  public static func + (a: Self, b: Self) -> Self { Self(a.point + b.point) }

  @inline(__always)
  public static func - (a: Self, b: Self) -> Self { Self(a.point - b.point) }

  public static prefix func - (a: Self) -> Self { Self(-a.point) }

  public var isIdentity: Bool { self == .identity }
}

extension RistrettoPoint: Equatable {
  /// RFC 9496, section 4.3.3: equality of cosets, in constant time.
  public static func == (a: Self, b: Self) -> Bool {
    let (a, b) = (a.point, b.point)
    // Whether one of them is 0; `||` would branch on the first.
    let ratio = a.x * b.y - a.y * b.x
    let turnedRatio = a.y * b.y - a.x * b.x
    return (ratio * turnedRatio).isZero
  }
}

// MARK: Encoding

extension RistrettoPoint {
  /// √(a·d - 1), a = -1.
  private static let squareRootOfADMinusOne = FieldElement(
    0x7_f6a0_497b_2e1b,
    0x1_836f_0a97_afd2,
    0x7_d747_f6be_7638,
    0x4_5607_9e7e_6498,
    0x3_7693_1bf2_b834
  )

  /// 1/√(a - d), a = -1.
  private static let inverseRootOfAMinusD = FieldElement(
    0x0_fdaa_805d_40ea,
    0x2_eb48_2e57_d339,
    0x0_0761_0274_bc58,
    0x6_510b_613d_c8ff,
    0x7_86c8_905c_faff
  )

  /// 1 - d².
  private static let oneMinusDSquared = FieldElement(
    0x4_09c1_945f_c176,
    0x7_19ab_c6a1_fc4f,
    0x1_c37f_90b2_0684,
    0x0_6bcc_ca55_eedf,
    0x0_2907_2a8b_2b3e
  )

  /// (d - 1)².
  private static let dMinusOneSquared = FieldElement(
    0x5_5aaa_44ed_4d20,
    0x5_9603_c333_2635,
    0x2_6d3b_af4a_7928,
    0x1_20a6_6e69_97a9,
    0x5_968b_37af_66c2
  )

  /// RFC 9496, section 4.3.1; nil for all but the one encoding of each element.
  ///
  /// Variable-time in what it refuses.
  public init?(canonical encoding: Encoding32) {
    guard let parts = DecodingParts(encoding) else { return nil }
    self.init(parts, root: FieldElement.rootOfRatio(.one, parts.ratio))
  }

  /// Decodes each as `init(canonical:)` does, in less time.
  public static func decoded(canonical encodings: [Encoding32]) -> [RistrettoPoint?] {
    decoded(canonical: encodings, path: .best)
  }

  static func decoded(
    canonical encodings: [Encoding32],
    path: ArithmeticPath
  ) -> [RistrettoPoint?] {
    guard path != .portable else { return encodings.map { RistrettoPoint(canonical: $0) } }
    let parts = encodings.map { DecodingParts($0) }
    let roots = FieldElement.inverseRoots(parts.map { $0?.ratio ?? .one }, path: path)
    return zip(parts, roots).map { parts, root in
      parts.flatMap { RistrettoPoint($0, root: root) }
    }
  }

  /// What comes before the root.
  private struct DecodingParts {
    let s: FieldElement
    let u1: FieldElement
    let u2: FieldElement
    let v: FieldElement
    /// v·u2², of whose inverse the root is taken.
    let ratio: FieldElement

    init?(_ encoding: Encoding32) {
      // Below p, top bit clear, and even.
      guard let s = FieldElement(canonical: encoding), !s.isNegative else { return nil }
      self.s = s
      let ss = s.squared()
      u1 = FieldElement.one - ss
      u2 = FieldElement.one + ss
      let u2Squared = u2.squared()
      v = -(EdwardsPoint.d * u1.squared()) - u2Squared
      ratio = v * u2Squared
    }
  }

  private init?(_ parts: DecodingParts, root: (isSquare: Bool, value: FieldElement)) {
    let denominatorX = root.value * parts.u2
    let denominatorY = root.value * denominatorX * parts.v
    let x = ((parts.s + parts.s) * denominatorX).absolute
    let y = parts.u1 * denominatorY
    let t = x * y
    guard root.isSquare, !t.isNegative, !y.isZero else { return nil }
    self.init(EdwardsPoint(x: x, y: y, z: .one, t: t))
  }

  /// RFC 9496, section 4.3.2, in constant time.
  public var encoding: Encoding32 {
    let (x0, y0, z0, t0) = (point.x, point.y, point.z, point.t)
    let u1 = (z0 + y0) * (z0 - y0)
    let u2 = x0 * y0
    let inverse = FieldElement.rootOfRatio(.one, u1 * u2.squared()).value
    let denominator1 = inverse * u1
    let denominator2 = inverse * u2
    let inverseZ = denominator1 * denominator2 * t0
    let isTurned = (t0 * inverseZ).isNegative
    let x = FieldElement.select(isTurned, y0 * .squareRootOfMinusOne, x0)
    let y = FieldElement.select(isTurned, x0 * .squareRootOfMinusOne, y0)
    let denominator = FieldElement.select(
      isTurned,
      denominator1 * Self.inverseRootOfAMinusD,
      denominator2
    )
    let signed = FieldElement.select((x * inverseZ).isNegative, -y, y)
    return (denominator * (z0 - signed)).absolute.encoding
  }

  /// The one-way map of RFC 9496, section 4.3.4, from 64 uniform bytes.
  public init(uniform first: Encoding32, _ second: Encoding32) {
    self = Self(Self.map(FieldElement(first))) + Self(Self.map(FieldElement(second)))
  }

  /// MAP: Elligator for the Jacobi quartic.
  private static func map(_ t: FieldElement) -> EdwardsPoint {
    let one = FieldElement.one
    let r = t.squared() * .squareRootOfMinusOne
    let u = (r + one) * oneMinusDSquared
    let v = (-one - r * EdwardsPoint.d) * (r + EdwardsPoint.d)
    let root = FieldElement.rootOfRatio(u, v)
    let s = FieldElement.select(root.isSquare, root.value, -(root.value * t).absolute)
    let c = FieldElement.select(root.isSquare, -one, r)
    let n = c * (r - one) * dMinusOneSquared - v
    let w0 = (s + s) * v
    let w1 = n * squareRootOfADMinusOne
    let w2 = one - s.squared()
    let w3 = one + s.squared()
    return EdwardsPoint(x: w0 * w3, y: w2 * w1, z: w1 * w3, t: w0 * w2)
  }
}
