// The representations in which curve formulae are cheapest, and the formulae.
//
// The curve is -x² + y² = 1 + d·x²·y² with d = -121665/121666. All formulae are those of Hisil, Wong,
// Carter and Dawson 2008, "Twisted Edwards curves revisited", for a = -1, under the names of the
// Explicit-Formulas Database (EFD). They are complete: no case is special, not even the identity.

/// (X : Y : Z), x = X/Z, y = Y/Z: what doubling reads.
struct ProjectivePoint: BitwiseCopyable {
  let x: FieldElement
  let y: FieldElement
  let z: FieldElement
}

/// ((E : G), (H : F)), x = E/G, y = H/F: what doubling and addition give, one product per
/// coordinate short of the other forms.
struct CompletedPoint: BitwiseCopyable {
  let e: Unreduced
  let f: Unreduced
  let g: Unreduced
  let h: Unreduced

  /// Costs 3M.
  @inline(__always)
  var projective: ProjectivePoint { ProjectivePoint(x: e * f, y: g * h, z: f * g) }

  /// Costs 4M.
  @inline(__always)
  var extended: EdwardsPoint { EdwardsPoint(x: e * f, y: g * h, z: f * g, t: e * h) }
}

/// (Y + X, Y - X, 2Z, 2dT): what addition reads of its second operand.
struct CachedPoint: BitwiseCopyable {
  let yPlusX: FieldElement
  let yMinusX: FieldElement
  let twiceZ: FieldElement
  let twiceDT: FieldElement
}

/// (y + x, y - x, 2dxy), Z = 1: a `CachedPoint` that was normalised, one product cheaper to add.
struct AffineCachedPoint: BitwiseCopyable {
  let yPlusX: FieldElement
  let yMinusX: FieldElement
  let twiceDXY: FieldElement
}

extension ProjectivePoint {
  static let identity = ProjectivePoint(x: .zero, y: .one, z: .one)

  /// EFD "dbl-2008-hwcd", a = -1, all signs turned: 4S.
  @inline(__always)
  func doubled() -> CompletedPoint {
    let xx = x.squared()
    let yy = y.squared()
    let zz = z.squared()
    let xPlusY = (x &+ y).squared()
    return CompletedPoint(
      e: xPlusY &- xx &- yy,
      f: zz &+ zz &+ xx &- yy,
      g: yy &- xx,
      h: yy &+ xx
    )
  }
}

extension EdwardsPoint {
  @inline(__always)
  var projective: ProjectivePoint { ProjectivePoint(x: x, y: y, z: z) }

  /// Costs 1M.
  @inline(__always)
  var cached: CachedPoint {
    CachedPoint(
      yPlusX: y + x,
      yMinusX: y - x,
      twiceZ: z + z,
      twiceDT: t * Self.twiceD
    )
  }

  /// EFD "add-2008-hwcd-3", k = 2d: 4M, for `extended` 4M more.
  @inline(__always)
  func adding(_ other: CachedPoint) -> CompletedPoint {
    let a = (y &- x) * other.yMinusX
    let b = (y &+ x) * other.yPlusX
    let c = t * other.twiceDT
    let d = z * other.twiceZ
    return CompletedPoint(e: b &- a, f: d &- c, g: d &+ c, h: b &+ a)
  }

  /// The same with -other, whose y + x and y - x change places and whose T changes sign.
  @inline(__always)
  func subtracting(_ other: CachedPoint) -> CompletedPoint {
    let a = (y &- x) * other.yPlusX
    let b = (y &+ x) * other.yMinusX
    let c = t * other.twiceDT
    let d = z * other.twiceZ
    return CompletedPoint(e: b &- a, f: d &+ c, g: d &- c, h: b &+ a)
  }

  /// EFD "madd-2008-hwcd-3": 3M.
  @inline(__always)
  func adding(_ other: AffineCachedPoint) -> CompletedPoint {
    let a = (y &- x) * other.yMinusX
    let b = (y &+ x) * other.yPlusX
    let c = t * other.twiceDXY
    return CompletedPoint(e: b &- a, f: z &+ z &- c, g: z &+ z &+ c, h: b &+ a)
  }

  @inline(__always)
  func subtracting(_ other: AffineCachedPoint) -> CompletedPoint {
    let a = (y &- x) * other.yPlusX
    let b = (y &+ x) * other.yMinusX
    let c = t * other.twiceDXY
    return CompletedPoint(e: b &- a, f: z &+ z &+ c, g: z &+ z &- c, h: b &+ a)
  }
}
