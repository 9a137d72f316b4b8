import Curve25519

/// y^k and y^-k for half the length of the vectors of a round.
struct HalfPowers {
  let up: Scalar
  let down: Scalar
}

/// The prover's vectors a and b, secret, and the generators they belong to, public; each round of
/// the argument halves all four.
struct FoldedVectors {
  private(set) var a: [Scalar]
  private(set) var b: [Scalar]
  private(set) var g: [RistrettoPoint]
  private(set) var h: [RistrettoPoint]

  /// Σ a_L,i·G_i + Σ a_R,i·H_i: G_i where a bit is 1, -H_i where it is 0.
  let bitCommitment: RistrettoPoint

  /// a_L, the bits of the values, lowest first, and a_R = a_L - 1.
  init(_ openings: [Opening]) {
    var bits = openings.flatMap { opening in
      (0..<UInt64(RangeProof.bits)).map { opening.value &>> $0 & 1 }
    }
    defer { for index in bits.indices { bits[index] = 0 } }
    g = Array(Generators.g[..<bits.count])
    h = Array(Generators.h[..<bits.count])
    a = bits.map { Scalar(UInt128($0)) }
    b = bits.map { Scalar(UInt128($0)) - .one }
    bitCommitment = RistrettoPoint.sum(choosingBy: bits, ones: g, zeros: h.map { -$0 })
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
    lTerms.reserveCapacity(2 * half + 2)
    rTerms.reserveCapacity(2 * half + 2)
    for index in 0..<half {
      let raised = powers.up * a[half + index]
      cL = cL + a[index] * b[half + index] * yPowers[index]
      cR = cR + raised * b[index] * yPowers[index]
      lTerms.append((powers.down * a[index], g[half + index]))
      lTerms.append((b[half + index], h[index]))
      rTerms.append((raised, g[index]))
      rTerms.append((b[index], h[half + index]))
    }
    lTerms += [(cL, Pedersen.valueBase), (blindings.l, Pedersen.blindingBase)]
    rTerms += [(cR, Pedersen.valueBase), (blindings.r, Pedersen.blindingBase)]
    return (RistrettoPoint.multiscalar(lTerms), RistrettoPoint.multiscalar(rTerms))
  }

  /// Step 5: the halves become one, by the challenge e; generators in variable time, as e is public.
  mutating func fold(_ e: Scalar, _ inverse: Scalar, _ powers: HalfPowers) {
    let half = a.count / 2
    let lowered = e * powers.down
    let raised = inverse * powers.up
    for index in 0..<half {
      a[index] = e * a[index] + raised * a[half + index]
      b[index] = inverse * b[index] + e * b[half + index]
      g[index] = RistrettoPoint.multiscalarVartime([
        (inverse, g[index]), (lowered, g[half + index]),
      ])
      h[index] = RistrettoPoint.multiscalarVartime([(e, h[index]), (inverse, h[half + index])])
    }
    for index in half..<2 * half { (a[index], b[index]) = (.zero, .zero) }
    a.removeLast(half)
    b.removeLast(half)
    g.removeLast(half)
    h.removeLast(half)
  }

  /// Overwrites what is secret.
  mutating func wipe() {
    for index in a.indices { (a[index], b[index]) = (.zero, .zero) }
  }
}
