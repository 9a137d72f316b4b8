import Curve25519
import Keccak

/// The challenges of one proof: all that its verification equation needs beside the proof.
struct Challenges: Sendable {
  let y: Scalar
  let z: Scalar
  let rounds: [Scalar]
  let last: Scalar

  init(
    _ proof: RangeProof,
    _ commitments: Commitments,
    _ transcript: MerlinTranscript
  ) throws(RangeProofFailure) {
    guard proof.valueCount == commitments.count else { throw .countMismatch }
    var transcript = transcript
    transcript.appendStatement(commitments)
    transcript.append("A", proof.a)
    y = try transcript.challengeScalar("y")
    z = try transcript.challengeScalar("z")
    var rounds: [Scalar] = []
    for round in proof.rounds {
      transcript.append("L", round.l)
      transcript.append("R", round.r)
      rounds.append(try transcript.challengeScalar("e"))
    }
    self.rounds = rounds
    transcript.append("A1", proof.a1)
    transcript.append("B", proof.b)
    last = try transcript.challengeScalar("e")
  }

  /// What has to be inverted: y and the rounds' challenges.
  var toInvert: [Scalar] { [y] + rounds }
}

/// A weighted sum of verification equations, each of which is 0 for a valid proof.
///
/// The coefficients of generators are summed, so that K proofs cost their own points and one set of
/// generators.
struct VerificationEquation {
  private var g: [Scalar] = []
  private var h: [Scalar] = []
  private var valueBase = Scalar.zero
  private var blindingBase = Scalar.zero
  private var terms: [RistrettoPoint.Term] = []

  /// Adds a proof's equation, as docs/math/bulletproofs-plus.md writes it, times a weight.
  ///
  /// - Parameters:
  ///   - proof: read strictly.
  ///   - commitments: as many as the proof is for.
  ///   - challenges: from the transcript.
  ///   - inverses: of `challenges.toInvert`.
  ///   - weight: times which the equation is taken.
  mutating func add(
    _ proof: RangeProof,
    _ commitments: Commitments,
    _ challenges: Challenges,
    inverses: [Scalar],
    weight: Scalar
  ) {
    let count = RangeProof.bits * commitments.count
    if g.count < count {
      g += [Scalar](repeating: .zero, count: count - g.count)
      h += [Scalar](repeating: .zero, count: count - h.count)
    }
    let (y, z) = (challenges.y, challenges.z)
    let e2 = weight * challenges.last.squared
    let zSquares = z.squared.powers(commitments.count)
    let yPowers = y.powers(count + 1)
    let squares = challenges.rounds.map(\.squared)
    let folds = Self.folds(squares, inverses: inverses[1...])
    let weights = z.bitWeights(values: commitments.count)

    let ez = e2 * z
    var descending = weight * challenges.last * proof.r1  // w·e·r1·y^-i
    let response = weight * challenges.last * proof.s1
    for index in 0..<count {
      g[index] = g[index] + descending * folds[index] + ez
      h[index] =
        h[index] + response * folds[count - 1 - index]
        - (e2 * weights[index] * yPowers[count - index - 1] + ez)
      descending = descending * inverses[0]
    }

    let ySum = yPowers[..<count].reduce(.zero, +)
    let weightSum = Scalar(UInt128(UInt64.max)) * zSquares.reduce(.zero, +)
    valueBase =
      valueBase + weight * proof.r1 * y * proof.s1
      + e2 * ((z.squared - z) * ySum + z * yPowers[count] * weightSum)
    blindingBase = blindingBase + weight * proof.d1

    let top = -(e2 * yPowers[count])
    for (point, square) in zip(commitments.points, zSquares) {
      terms.append((top * square, point.point))
    }
    terms.append((-e2, proof.a.point))
    terms.append((-(weight * challenges.last), proof.a1.point))
    terms.append((-weight, proof.b.point))
    for (index, round) in proof.rounds.enumerated() {
      terms.append((-(e2 * squares[index]), round.l.point))
      terms.append((-(e2 * inverses[index + 1].squared), round.r.point))
    }
  }

  /// s_i = Π e_t^{±1}, + where bit k - t of i is 1: how often each generator was folded.
  private static func folds(_ squares: [Scalar], inverses: ArraySlice<Scalar>) -> [Scalar] {
    var folds = [inverses.reduce(.one, *)]
    folds.reserveCapacity(1 << squares.count)
    // Bit 0 belongs to the last round.
    for square in squares.reversed() {
      folds += folds.map { $0 * square }
    }
    return folds
  }

  /// Whether the sum is 0: one multiscalar multiplication.
  var holds: Bool {
    var all = terms
    all.reserveCapacity(terms.count + 2 * g.count + 2)
    for index in g.indices {
      all.append((g[index], Generators.g[index]))
      all.append((h[index], Generators.h[index]))
    }
    all.append((valueBase, Pedersen.valueBase))
    all.append((blindingBase, Pedersen.blindingBase))
    return RistrettoPoint.multiscalarVartime(all).isIdentity
  }
}
