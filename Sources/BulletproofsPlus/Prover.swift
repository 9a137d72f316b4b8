public import Curve25519
public import Keccak

/// A value and the blinding that hides it in a commitment.
public struct Opening: Sendable {
  public let value: UInt64
  public let blinding: Scalar

  public init(value: UInt64, blinding: Scalar) {
    self.value = value
    self.blinding = blinding
  }

  /// What a proof is padded with; its commitment is the identity.
  public static let padding = Opening(value: 0, blinding: .zero)

  /// In constant time.
  public var commitment: RistrettoPoint { Pedersen.commit(value, blinding: blinding) }
}

extension RangeProof {
  /// Proves that the openings' values lie in their commitments.
  ///
  /// Constant-time in values and blindings: their number alone shows. The step numbers are those of
  /// docs/math/bulletproofs-plus.md.
  ///
  /// - Parameters:
  ///   - openings: 1, 2, 4, 8 or 16.
  ///   - transcript: holds all the proof shall be bound to; the verifier's must hold the same.
  ///   - random: hedged by the secrets and the transcript, so that a bad one leaks nothing.
  /// - Returns: the proof and the commitments.
  /// - Throws: `wrongCount`; `identityPoint` and `zeroChallenge` with a chance below 2^-240.
  public static func prove(
    _ openings: [Opening],
    transcript: MerlinTranscript,
    using random: inout some RandomNumberGenerator
  ) throws(RangeProofFailure) -> (proof: RangeProof, commitments: Commitments) {
    guard let roundCount = roundCount(values: openings.count) else { throw .wrongCount }
    let commitments = try Commitments(openings.map(\.commitment))
    var transcript = transcript
    transcript.appendStatement(commitments)
    var witness = [UInt8](witnessOf: openings)
    defer { witness.wipe() }
    var nonces = transcript.random(witness: [("witness", witness)], using: &random)
    defer { nonces.wipe() }

    // 1, 2
    let count = bits * openings.count
    var vectors = FoldedVectors(openings)
    defer { vectors.wipe() }
    var alpha = nonces.scalar()
    let a = try EncodedPoint(nonIdentity: vectors.bitCommitment + Pedersen.blinding(alpha))
    transcript.append("A", a)
    nonces = transcript.random(witness: [("witness", witness)], using: &random)

    // 3, 4
    let y = try transcript.challengeScalar("y")
    let z = try transcript.challengeScalar("z")
    let yPowers = y.powers(count + 1)
    vectors.shift(yPowers: yPowers, z: z)
    for (opening, square) in zip(openings, (z * z).powers(openings.count)) {
      alpha = alpha + yPowers[count] * square * opening.blinding
    }

    // 5
    let inverseY = y.inverted()
    var inverseYPowers = [inverseY]  // y^-1, y^-2, y^-4 …
    for _ in 1..<roundCount {
      inverseYPowers.append(inverseYPowers[inverseYPowers.count - 1].squared)
    }
    var rounds: [Round] = []
    for level in (0..<roundCount).reversed() {
      let half = 1 << level
      let powers = HalfPowers(up: yPowers[half - 1], down: inverseYPowers[level])
      let (dL, dR) = (nonces.scalar(), nonces.scalar())
      let cross = vectors.cross(yPowers: yPowers, powers, blindings: (dL, dR))
      let round = Round(
        l: try EncodedPoint(nonIdentity: cross.l),
        r: try EncodedPoint(nonIdentity: cross.r)
      )
      rounds.append(round)
      transcript.append("L", round.l)
      transcript.append("R", round.r)
      nonces = transcript.random(witness: [("witness", witness)], using: &random)
      let e = try transcript.challengeScalar("e")
      let inverse = e.inverted()
      vectors.fold(e, inverse, powers)
      alpha = alpha + e.squared * dL + inverse.squared * dR
    }

    // 6
    let (r, s) = (nonces.scalar(), nonces.scalar())
    let (delta, eta) = (nonces.scalar(), nonces.scalar())
    let (a0, b0) = (vectors.a[0], vectors.b[0])
    let a1 = try EncodedPoint(
      nonIdentity: vectors.last(r, s)
        + Pedersen.commit(y * (r * b0 + s * a0), blinding: delta)
    )
    let b = try EncodedPoint(
      nonIdentity: Pedersen.commit(r * y * s, blinding: eta)
    )
    transcript.append("A1", a1)
    transcript.append("B", b)
    let e = try transcript.challengeScalar("e")
    let proof = RangeProof(
      a: a,
      a1: a1,
      b: b,
      responses: (r + a0 * e, s + b0 * e, eta + delta * e + alpha * e.squared),
      rounds: rounds
    )
    return (proof, commitments)
  }
}

extension EncodedPoint {
  init(nonIdentity point: RistrettoPoint) throws(RangeProofFailure) {
    self.init(point)
    guard encoding.words != (0, 0, 0, 0) else { throw .identityPoint }
  }
}

extension Scalar {
  var squared: Scalar { self * self }
}
