import Curve25519

/// y^k and y^-k for half the length of the vectors of a round.
struct HalfPowers {
  let up: Scalar
  let down: Scalar
}

/// The prover's vectors a and b, secret, and the generators they belong to, public; each round of
/// the argument halves all four.
///
/// Folding generators costs more than summing over them, and folding by four at once less than twice
/// by two. So they lag behind: between folds, generator i of a round is Σ_j weight_j·(point j·n + i of
/// those kept), with n generators in the round.
struct FoldedVectors {
  private(set) var a: [Scalar]
  private(set) var b: [Scalar]
  private var g: LaggingGenerators
  private var h: LaggingGenerators

  /// Σ a_L,i·G_i + Σ a_R,i·H_i: G_i where a bit is 1, -H_i where it is 0.
  let bitCommitment: RistrettoPoint

  /// a_L, the bits of the values, lowest first, and a_R = a_L - 1.
  init(_ openings: [Opening]) {
    var bits = openings.flatMap { opening in
      (0..<UInt64(RangeProof.bits)).map { opening.value &>> $0 & 1 }
    }
    defer { for index in bits.indices { bits[index] = 0 } }
    let points = (Generators.g[..<bits.count], Generators.h[..<bits.count])
    g = LaggingGenerators(Array(points.0))
    h = LaggingGenerators(Array(points.1))
    a = bits.map { Scalar(UInt128($0)) }
    b = bits.map { Scalar(UInt128($0)) - .one }
    bitCommitment = RistrettoPoint.sum(
      choosingBy: bits,
      ones: Array(points.0),
      zeros: points.1.map { -$0 }
    )
  }

  /// Step 4: a - z·1 and a_R,i + d_i·y^{N-i} + z.
  mutating func shift(yPowers: [Scalar], z: Scalar) {
    let count = a.count
    for (index, weight) in z.bitWeights(values: count / RangeProof.bits).enumerated() {
      a[index] = a[index] - z
      b[index] = b[index] + weight * yPowers[count - index - 1] + z
    }
  }

  /// Step 5: L and R.
  ///
  ///     L = Σ (y^-k·a1)_i G2_i + Σ b2_i H1_i + c_L·G + d_L·H,   c_L = Σ a1_i·b2_i·y^{i+1}
  ///     R = Σ (y^k·a2)_i G1_i + Σ b1_i H2_i + c_R·G + d_R·H,    c_R = Σ y^k·a2_i·b1_i·y^{i+1}
  func cross(
    yPowers: [Scalar],
    _ powers: HalfPowers,
    blindings: (l: Scalar, r: Scalar)
  ) -> (l: RistrettoPoint, r: RistrettoPoint) {
    let half = a.count / 2
    var (cL, cR) = (Scalar.zero, Scalar.zero)
    var lTerms: [RistrettoPoint.Term] = []
    var rTerms: [RistrettoPoint.Term] = []
    lTerms.reserveCapacity(g.points.count + 2)
    rTerms.reserveCapacity(g.points.count + 2)
    for index in 0..<half {
      let (lowered, raised) = (powers.down * a[index], powers.up * a[half + index])
      cL = cL + a[index] * b[half + index] * yPowers[index]
      cR = cR + raised * b[index] * yPowers[index]
      g.append(lowered, at: half + index, to: &lTerms)
      h.append(b[half + index], at: index, to: &lTerms)
      g.append(raised, at: index, to: &rTerms)
      h.append(b[index], at: half + index, to: &rTerms)
    }
    lTerms += [(cL, Pedersen.valueBase), (blindings.l, Pedersen.blindingBase)]
    rTerms += [(cR, Pedersen.valueBase), (blindings.r, Pedersen.blindingBase)]
    return RistrettoPoint.multiscalars(lTerms, rTerms)
  }

  /// Step 5: the halves become one, by the challenge e; generators in variable time, as e is public.
  mutating func fold(_ e: Scalar, _ inverse: Scalar, _ powers: HalfPowers) {
    let half = a.count / 2
    let lowered = e * powers.down
    let raised = inverse * powers.up
    for index in 0..<half {
      a[index] = e * a[index] + raised * a[half + index]
      b[index] = inverse * b[index] + e * b[half + index]
    }
    for index in half..<2 * half { (a[index], b[index]) = (.zero, .zero) }
    a.removeLast(half)
    b.removeLast(half)
    g.fold(inverse, lowered)
    h.fold(e, inverse)
  }

  /// r·G' + s·H' of the one generator that is left of each.
  func lastTerms(_ r: Scalar, _ s: Scalar) -> [RistrettoPoint.Term] {
    var terms: [RistrettoPoint.Term] = []
    g.append(r, at: 0, to: &terms)
    h.append(s, at: 0, to: &terms)
    return terms
  }

  /// Overwrites what is secret.
  mutating func wipe() {
    for index in a.indices { (a[index], b[index]) = (.zero, .zero) }
  }
}

/// Generators of a round as weighted sums of those of a round before.
private struct LaggingGenerators {
  /// Rounds after which they are summed up.
  private static let lag = 2

  private(set) var points: [RistrettoPoint]
  private var weights = [Scalar.one]

  init(_ points: [RistrettoPoint]) {
    self.points = points
  }

  /// Appends scalar·(generator at an index) as terms of the points kept.
  func append(_ scalar: Scalar, at index: Int, to terms: inout [RistrettoPoint.Term]) {
    guard weights.count > 1 else {
      terms.append((scalar, points[index]))
      return
    }
    let count = points.count / weights.count
    for (number, weight) in weights.enumerated() {
      terms.append((scalar * weight, points[number * count + index]))
    }
  }

  /// The generators become first·(lower half) + second·(upper half).
  mutating func fold(_ first: Scalar, _ second: Scalar) {
    // Generator half + i is the sum over points j·n + half + i, n = 2·half.
    weights = weights.flatMap { [$0 * first, $0 * second] }
    guard weights.count == 1 << Self.lag else { return }
    points = RistrettoPoint.foldedVartime(points, by: weights)
    weights = [.one]
  }
}
