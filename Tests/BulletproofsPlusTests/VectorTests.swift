import Curve25519
import Keccak
import Testing

@testable import BulletproofsPlus

@Suite("Bulletproofs+ against an independent reference")
struct VectorTests {
  @Test("Every verdict is the reference's, and named", arguments: VectorFile.shared.vectors)
  func verdicts(_ vector: VectorFile.Vector) {
    let failure: RangeProofFailure? =
      switch vector.name {
      case _ where vector.valid: nil
      case "bad-noncanonical-scalar": .nonCanonicalScalar
      case "bad-noncanonical-point": .badPoint
      case "bad-identity-A": .identityPoint
      case "bad-truncated": .wrongLength
      default: .invalid
      }
    var met: RangeProofFailure?
    do throws(RangeProofFailure) {
      try vector.claim().verify()
    } catch {
      met = error
    }
    #expect(met == failure)
  }

  @Test(
    "The challenges of a proof are the reference's, and so are its bytes read and written",
    arguments: VectorFile.shared.vectors.filter(\.valid)
  )
  func challenges(_ vector: VectorFile.Vector) throws {
    let claim = try vector.claim()
    let challenges = try Challenges(claim.proof, claim.commitments, claim.transcript)
    #expect(hex(challenges.y.encoding.bytes) == vector.y)
    #expect(hex(challenges.z.encoding.bytes) == vector.z)
    #expect(challenges.rounds.map { hex($0.encoding.bytes) } == vector.round_e)
    #expect(hex(challenges.last.encoding.bytes) == vector.final_e)
    #expect(hex(claim.proof.bytes) == vector.proof)
    #expect(RangeProof.byteCount(values: vector.m) == claim.proof.bytes.count)
  }

  @Test(
    "Proofs made from the reference's secrets and entropy are its proofs, bit for bit",
    arguments: VectorFile.shared.vectors.filter(\.valid)
  )
  func proofs(_ vector: VectorFile.Vector) throws {
    var entropy = VectorEntropy(seed: bytes(try #require(vector.entropy_seed)))
    let (proof, commitments) = try RangeProof.prove(
      vector.openings,
      transcript: vector.transcript,
      using: &entropy
    )
    #expect(commitments.encodings.map { hex($0.bytes) } == vector.commitments)
    #expect(hex(proof.bytes) == vector.proof)
  }

  @Test("Commitments are the reference's", arguments: VectorFile.shared.vectors.filter(\.valid))
  func commitments(_ vector: VectorFile.Vector) {
    #expect(vector.openings.map { hex($0.commitment.encoding.bytes) } == vector.commitments)
  }

  @Test("Generators are the reference's, all 2,048")
  func generators() throws {
    let misc = VectorFile.shared.misc
    #expect(hex(Pedersen.valueBase.encoding.bytes) == misc["pedersen_G"])
    #expect(hex(Pedersen.blindingBase.encoding.bytes) == misc["pedersen_H"])
    let (g, h) = (Generators.g, Generators.h)
    #expect(hex(g[0].encoding.bytes) == misc["G_0_0"])
    #expect(hex(h[0].encoding.bytes) == misc["H_0_0"])
    #expect(hex(g[63].encoding.bytes) == misc["G_0_63"])
    #expect(hex(h[64].encoding.bytes) == misc["H_1_0"])
    #expect(hex(g[1023].encoding.bytes) == misc["G_15_63"])
    let all = (g + h).flatMap { $0.encoding.bytes }
    #expect(hex(SHA3_256.digest(of: all)) == misc["vector_generators_sha3_256_m16"])
    let seven = Pedersen.commit(500, blinding: Scalar(7))
    #expect(hex(seven.encoding.bytes) == misc["commit_500_r7"])
  }
}
