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
  /// What a and b are made of, until the generators are first folded.
  private var bits: BitVectors

  /// Σ a_L,i·G_i + Σ a_R,i·H_i.
  let bitCommitment: RistrettoPoint

  /// a_L, the bits of the values, lowest first, and a_R = a_L - 1.
  init(_ openings: [Opening]) {
    let bits = BitVectors(openings)
    g = LaggingGenerators(Generators.gSlice(from: 0), count: bits.count)
    h = LaggingGenerators(Generators.hSlice(from: 0), count: bits.count)
    a = (0..<bits.count).map { bits.scalar(at: $0) }
    b = (0..<bits.count).map { bits.scalar(at: $0) - .one }
    bitCommitment = bits.commitment
    self.bits = bits
  }

  /// Step 4: a - z·1 and a_R,i + d_i·y^{N-i} + z.
  mutating func shift(yPowers: [Scalar], z: Scalar) {
    let count = a.count
    let shifts = z.bitWeights(values: count / RangeProof.bits).enumerated().map { index, weight in
      weight * yPowers[count - index - 1] + z
    }
    for index in 0..<count {
      a[index] = a[index] - z
      b[index] = b[index] + shifts[index]
    }
    bits.shift(by: shifts, z: z)
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
    for index in 0..<half {
      cL = cL + a[index] * b[half + index] * yPowers[index]
      cR = cR + powers.up * a[half + index] * b[index] * yPowers[index]
    }
    guard g.isFolded else {
      let l = bits.cross(powers.down, from: 0, to: half, gWeights: g.weights, hWeights: h.weights)
      let r = bits.cross(powers.up, from: half, to: 0, gWeights: g.weights, hWeights: h.weights)
      return (
        l + Pedersen.commit(cL, blinding: blindings.l),
        r + Pedersen.commit(cR, blinding: blindings.r)
      )
    }
    var lTerms: [RistrettoPoint.Term] = [
      (cL, Pedersen.valueBase), (blindings.l, Pedersen.blindingBase),
    ]
    var rTerms: [RistrettoPoint.Term] = [
      (cR, Pedersen.valueBase), (blindings.r, Pedersen.blindingBase),
    ]
    // Growing would leave copies behind.
    lTerms.reserveCapacity(2 + 2 * half * g.weights.count)
    rTerms.reserveCapacity(2 + 2 * half * g.weights.count)
    for index in 0..<half {
      g.append(powers.down * a[index], at: half + index, to: &lTerms)
      h.append(b[half + index], at: index, to: &lTerms)
      g.append(powers.up * a[half + index], at: index, to: &rTerms)
      h.append(b[index], at: half + index, to: &rTerms)
    }
    defer {
      lTerms.wipe()
      rTerms.wipe()
    }
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
    bits.fold(a: (e, raised), b: (inverse, e))
  }

  /// r·G' + s·H' of the one generator that is left of each.
  func last(_ r: Scalar, _ s: Scalar) -> RistrettoPoint {
    var terms: [RistrettoPoint.Term] = []
    defer { terms.wipe() }
    terms.reserveCapacity(8)
    g.append(r, at: 0, to: &terms)
    h.append(s, at: 0, to: &terms)
    return RistrettoPoint.multiscalar(terms)
  }

  /// Overwrites what is secret.
  mutating func wipe() {
    a.wipe()
    b.wipe()
    bits.wipe()
  }
}

/// Generators of a round as weighted sums of those of a round before.
private struct LaggingGenerators {
  private enum Points {
    /// Those that the proof began with: so many of the table.
    case first(TableSlice, count: Int)
    case folded([RistrettoPoint])
  }

  private var points: Points
  private(set) var weights = [Scalar.one]

  init(_ slice: TableSlice, count: Int) {
    points = .first(slice, count: count)
  }

  /// Whether they are no longer those that the proof began with.
  var isFolded: Bool {
    if case .folded = points { true } else { false }
  }

  /// Appends scalar·(generator at an index) as terms of the points kept.
  ///
  /// - Precondition: they are folded.
  func append(_ scalar: Scalar, at index: Int, to terms: inout [RistrettoPoint.Term]) {
    guard case .folded(let points) = points else { preconditionFailure("not folded") }
    let count = points.count / weights.count
    for (number, weight) in weights.enumerated() {
      terms.append((scalar * weight, points[number * count + index]))
    }
  }

  /// The generators become first·(lower half) + second·(upper half).
  mutating func fold(_ first: Scalar, _ second: Scalar) {
    // Generator half + i is the sum over points j·n + half + i, n = 2·half.
    weights = weights.flatMap { [$0 * first, $0 * second] }
    switch points {
    case .first(let slice, let count):
      // Later than those after them: sums over the first ones are cheap, as `BitVectors` makes them.
      guard weights.count == 8 else { return }
      let table = Generators.table(values: count / RangeProof.bits)
      points = .folded(table.foldedVartime(slice, count: count / 8, by: weights))
    case .folded(let kept):
      guard weights.count == 4 else { return }
      points = .folded(RistrettoPoint.foldedVartime(kept, by: weights))
    }
    weights = [.one]
  }
}
