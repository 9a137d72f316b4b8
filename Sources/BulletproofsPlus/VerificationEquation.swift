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
    let inverseY = inverses[0]
    let e2 = weight * challenges.last.squared
    let zSquares = z.squared.powers(commitments.count)
    let squares = challenges.rounds.map(\.squared)

    // w·e·r1·y^-i·s_i and w·e·s1·s_{N-1-i}: a round whose bit of i is 1 turns its challenge's
    // inverse into the challenge, or back, and adds its power of y. Bit 0 belongs to the last round.
    let inverse = inverses[1...].reduce(.one, *)
    let product = challenges.rounds.reduce(.one, *)
    let response = weight * challenges.last
    var gFolds = [response * proof.r1 * inverse]
    var hFolds = [response * proof.s1 * product]
    gFolds.reserveCapacity(count)
    hFolds.reserveCapacity(count)
    var inversePower = inverseY
    var power = y
    for (square, root) in zip(squares, inverses[1...]).reversed() {
      let up = square * inversePower
      let down = root.squared
      for index in gFolds.indices {
        gFolds.append(gFolds[index] * up)
        hFolds.append(hFolds[index] * down)
      }
      inversePower = inversePower.squared
      power = power.squared
    }

    // `power` is y^N by now, and e2·d_i·y^{N-i} goes from one bit to the next by 2/y.
    let ez = e2 * z
    let step = inverseY + inverseY
    let stride = (0..<6).reduce(inverseY) { power, _ in power.squared }  // y^-64
    var shift = e2 * power
    for (value, square) in zSquares.enumerated() {
      var weighted = shift * square
      for index in 64 * value..<64 * (value + 1) {
        g[index] = g[index] + gFolds[index] + ez
        h[index] = h[index] + hFolds[index] - weighted - ez
        weighted = weighted * step
      }
      shift = shift * stride
    }

    // Σ y^i for i from 1 to N is Π (1 + y^2^t) times y.
    var ySum = y
    var square = y
    for _ in squares {
      ySum = ySum + ySum * square
      square = square.squared
    }
    let weightSum = Scalar(UInt128(UInt64.max)) * zSquares.reduce(.zero, +)
    valueBase =
      valueBase + weight * proof.r1 * y * proof.s1
      + e2 * ((z.squared - z) * ySum + z * power * y * weightSum)
    blindingBase = blindingBase + weight * proof.d1

    let top = -(e2 * power * y)
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

  /// Whether the sum is 0: one multiscalar multiplication.
  var holds: Bool {
    var fixed = [valueBase, blindingBase]
    fixed.reserveCapacity(2 + 2 * g.count)
    for index in g.indices { fixed += [g[index], h[index]] }
    let sum = RistrettoPoint.multiscalarVartime(
      terms,
      fixed: fixed,
      of: Generators.table(values: g.count / RangeProof.bits)
    )
    return sum.isIdentity
  }
}
