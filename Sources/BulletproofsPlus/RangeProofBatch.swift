import Curve25519
public import Keccak

/// A proof with what it is checked against.
public struct RangeClaim: Sendable {
  public let proof: RangeProof
  public let commitments: Commitments
  /// Holds what the proof is bound to, as the prover's did.
  public let transcript: MerlinTranscript

  public init(_ proof: RangeProof, of commitments: Commitments, transcript: MerlinTranscript) {
    self.proof = proof
    self.commitments = commitments
    self.transcript = transcript
  }

  /// Verifies this proof alone, in variable time: nothing of it is secret.
  ///
  /// - Throws: `countMismatch`, `zeroChallenge` or `invalid`.
  public func verify() throws(RangeProofFailure) {
    let challenges = try Challenges(proof, commitments, transcript)
    var equation = VerificationEquation()
    equation.add(
      proof,
      commitments,
      challenges,
      inverses: Scalar.inverted(challenges.toInvert),
      weight: .one
    )
    guard equation.holds else { throw .invalid }
  }
}

/// What is wrong with a batch.
public enum RangeProofBatchFailure: Error, Hashable, Sendable {
  /// A batch without proofs says nothing, and is refused lest someone takes it for a yes.
  case empty
  /// These, in ascending order, and no others.
  case culprits([Culprit])

  public struct Culprit: Hashable, Sendable {
    public let index: Int
    public let failure: RangeProofFailure
  }
}

/// Verifies many proofs in less time than one by one.
public enum RangeProofBatch {
  /// Proofs in one equation: more would save little and take 3 kB of tables for each of 19 points.
  private static let equationMax = 256

  /// Verifies all claims; proofs of different sizes mix.
  ///
  /// A false claim passes with a chance of at most 2^-127, whatever its maker knew but the weights.
  ///
  /// - Parameters:
  ///   - claims: at least one.
  ///   - random: gives the weights; must not be predictable by those who made the proofs.
  /// - Throws: if any claim is false, naming each that is.
  /// - Complexity: one equation for each 256 claims, and about 2·log2 n more for each false one.
  public static func verify(
    _ claims: [RangeClaim],
    using random: inout some RandomNumberGenerator
  ) throws(RangeProofBatchFailure) {
    guard !claims.isEmpty else { throw .empty }
    var culprits: [RangeProofBatchFailure.Culprit] = []
    var prepared: [Prepared] = []
    for (index, claim) in claims.enumerated() {
      do throws(RangeProofFailure) {
        let challenges = try Challenges(claim.proof, claim.commitments, claim.transcript)
        prepared.append(Prepared(index: index, claim: claim, challenges: challenges))
      } catch {
        culprits.append(.init(index: index, failure: error))
      }
    }
    // One inversion for all proofs.
    let inverses = Scalar.inverted(prepared.flatMap(\.challenges.toInvert))
    var first = 0
    for index in prepared.indices {
      let next = first + 1 + prepared[index].challenges.rounds.count
      prepared[index].inverses = Array(inverses[first..<next])
      first = next
    }
    for start in stride(from: 0, to: prepared.count, by: equationMax) {
      let chunk = prepared[start..<min(start + equationMax, prepared.count)]
      if !holds(chunk, using: &random) {
        culprits += bisected(chunk, using: &random).map { .init(index: $0, failure: .invalid) }
      }
    }
    guard culprits.isEmpty else {
      throw .culprits(culprits.sorted { $0.index < $1.index })
    }
  }

  private struct Prepared {
    let index: Int
    let claim: RangeClaim
    let challenges: Challenges
    var inverses: [Scalar] = []
  }

  /// The indices of false claims in a chunk known to have one.
  private static func bisected(
    _ chunk: ArraySlice<Prepared>,
    using random: inout some RandomNumberGenerator
  ) -> [Int] {
    if chunk.count == 1 { return chunk.map(\.index) }
    let middle = chunk.startIndex + chunk.count / 2
    let (left, right) = (chunk[..<middle], chunk[middle...])
    // If the left half holds, the false claim is in the right one: no need to ask.
    if holds(left, using: &random) { return bisected(right, using: &random) }
    let found = bisected(left, using: &random)
    return holds(right, using: &random) ? found : found + bisected(right, using: &random)
  }

  /// Whether Σ wᵢ·equationᵢ = 0, with w = 1 for the first and random ones of 128 bits for the others.
  private static func holds(
    _ chunk: ArraySlice<Prepared>,
    using random: inout some RandomNumberGenerator
  ) -> Bool {
    var equation = VerificationEquation()
    for (position, item) in chunk.enumerated() {
      equation.add(
        item.claim.proof,
        item.claim.commitments,
        item.challenges,
        inverses: item.inverses,
        weight: position == 0 ? .one : Scalar(UInt128.random(in: 1...UInt128.max, using: &random))
      )
    }
    return equation.holds
  }
}
