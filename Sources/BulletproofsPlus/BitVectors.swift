import Curve25519

/// The prover's a and b in the first rounds, when they are still close to bits.
///
///     a_i = Σ_m weightA_m·(bit_{m·n + i} - z)        b_i = Σ_m weightB_m·(bit_{m·n + i} + shift_{m·n + i})
///
/// for i below the round's length n. All but the bits is public. So the sums over generators that a
/// round commits to need no secret scalars: bits choose which generators are added, and what remains
/// is a sum of a few such points with public scalars. One addition for each bit and generator stands
/// in for one of some 650 products.
struct BitVectors {
  private var bits: [UInt64]
  private let ones: [UInt64]
  private let points: PointTable
  /// b's public part: -1 until `shift`.
  private var shifts: [Scalar]
  private var z = Scalar.zero
  private var aWeights = [Scalar.one]
  private var bWeights = [Scalar.one]

  /// The bits of the values, lowest first.
  init(_ openings: [Opening]) {
    let count = RangeProof.bits * openings.count
    bits = (0..<count).map {
      openings[$0 / RangeProof.bits].value &>> UInt64($0 % RangeProof.bits) & 1
    }
    ones = [UInt64](repeating: 1, count: bits.count)
    points = Generators.table(values: bits.count / RangeProof.bits)
    shifts = [Scalar](repeating: -.one, count: bits.count)
  }

  var count: Int { bits.count }

  func scalar(at index: Int) -> Scalar { Scalar(UInt128(bits[index])) }

  /// Σ a_L,i·G_i + Σ a_R,i·H_i: G_i where a bit is 1, -H_i where it is 0.
  var commitment: RistrettoPoint {
    let sums = points.sums(of: [
      PointChoice(Generators.gSlice(from: 0), bits[...]),
      PointChoice(Generators.hSlice(from: 0), bits[...]),
      PointChoice(Generators.hSlice(from: 0), ones[...]),
    ])
    return sums[0] + sums[1] - sums[2]
  }

  mutating func shift(by shifts: [Scalar], z: Scalar) {
    self.shifts = zip(self.shifts, shifts).map { $0 + $1 }
    self.z = z
  }

  /// After a round: a becomes aFirst·(lower half) + aSecond·(upper half), and b likewise.
  mutating func fold(a: (first: Scalar, second: Scalar), b: (first: Scalar, second: Scalar)) {
    aWeights = aWeights.flatMap { [$0 * a.first, $0 * a.second] }
    bWeights = bWeights.flatMap { [$0 * b.first, $0 * b.second] }
  }

  /// Σ_{i<half} scalar·a_{from + i}·G_{to + i} + Σ_{i<half} b_{to + i}·H_{from + i}.
  ///
  /// Variable-time in public scalars only: points may be secret in such a sum.
  ///
  /// - Parameters:
  ///   - scalar: public.
  ///   - from: 0 or half, and `to` the other one.
  ///   - to: where the generators begin.
  ///   - gWeights: of the round's generators G, as sums of those at the start.
  ///   - hWeights: of the generators H.
  /// - Returns: the sum.
  func cross(
    _ scalar: Scalar,
    from: Int,
    to: Int,
    gWeights: [Scalar],
    hWeights: [Scalar]
  ) -> RistrettoPoint {
    let count = bits.count / aWeights.count
    let half = count / 2
    var scalars: [Scalar] = []
    var choices: [PointChoice] = []
    var fixed = [Scalar](repeating: .zero, count: 2 + 2 * bits.count)
    let aSum = aWeights.reduce(.zero, +)
    for (j, weight) in gWeights.enumerated() {
      let slice = Generators.gSlice(from: j * count + to)
      for (m, aWeight) in aWeights.enumerated() {
        scalars.append(scalar * aWeight * weight)
        choices.append(PointChoice(slice, bits[m * count + from..<m * count + from + half]))
      }
      scalars.append(-(z * scalar * aSum * weight))
      choices.append(PointChoice(slice, ones[..<half]))
    }
    let publicB = (0..<half).map { index in
      bWeights.enumerated().reduce(Scalar.zero) { $0 + $1.1 * shifts[$1.0 * count + to + index] }
    }
    for (j, weight) in hWeights.enumerated() {
      let start = j * count + from
      for (m, bWeight) in bWeights.enumerated() {
        scalars.append(bWeight * weight)
        choices.append(
          PointChoice(
            Generators.hSlice(from: start),
            bits[m * count + to..<m * count + to + half]
          )
        )
      }
      for index in 0..<half {
        fixed[Generators.hPlace(start + index)] = weight * publicB[index]
      }
    }
    let terms = Array(zip(scalars, points.sums(of: choices)))
    return RistrettoPoint.multiscalarVartime(terms, fixed: fixed, of: points)
  }

  /// Overwrites what is secret.
  mutating func wipe() {
    for index in bits.indices { bits[index] = 0 }
  }
}
