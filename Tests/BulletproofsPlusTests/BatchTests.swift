import Curve25519
import Keccak
import Testing

@testable import BulletproofsPlus

@Suite("Batches of range proofs")
struct BatchTests {
  private static func culprits(
    _ claims: [RangeClaim],
    seed: String = "weights"
  ) -> RangeProofBatchFailure? {
    var random = SeededGenerator(seed: seed)
    do throws(RangeProofBatchFailure) {
      try RangeProofBatch.verify(claims, using: &random)
      return nil
    } catch {
      return error
    }
  }

  private static func wrong(_ claim: RangeClaim) -> RangeClaim {
    var transcript = claim.transcript
    transcript.append("another", 1)
    return RangeClaim(claim.proof, of: claim.commitments, transcript: transcript)
  }

  @Test("An empty batch is refused")
  func empty() {
    #expect(Self.culprits([]) == .empty)
  }

  @Test("Sizes mix, valid ones pass, and any set of false ones is named exactly")
  func mixed() throws {
    let sizes = [1, 2, 4, 1, 2, 8]
    let claims = try sizes.enumerated().map { index, size in
      try Sample(values: [UInt64](repeating: 3, count: size), seed: "mixed \(index)").claim
    }
    #expect(Self.culprits(claims) == nil)
    for set in 0..<1 << claims.count {
      let mixed = claims.enumerated().map { set >> $0 & 1 == 1 ? Self.wrong($1) : $1 }
      let expected = claims.indices.filter { set >> $0 & 1 == 1 }
      let failure: RangeProofBatchFailure? =
        expected.isEmpty ? nil : .culprits(expected.map { .init(index: $0, failure: .invalid) })
      #expect(Self.culprits(mixed) == failure)
    }
  }

  @Test("Proofs read together are what they are read one by one, bad ones among them")
  func readTogether() throws {
    let (single, pair) = (try Sample.single.get().proof.bytes, try Sample.pair.get().proof.bytes)
    let proofs = [
      pair,
      Array(single.dropLast()),
      single.replacing(5, by: [UInt8](repeating: 0xff, count: 32)),
      single,
      pair.replacing(1, by: [UInt8](repeating: 0xff, count: 32)),
      single.replacing(2, by: [UInt8](repeating: 0, count: 32)),
      [],
      pair,
    ]
    let together = RangeProof.decoded(proofs)
    #expect(together.count == proofs.count)
    for (bytes, read) in zip(proofs, together) {
      let alone = Result { () throws(RangeProofFailure) in try RangeProof(bytes) }
      #expect(read.map(\.bytes) == alone.map(\.bytes))
    }
    #expect(together.count { (try? $0.get()) != nil } == 3)
    #expect(RangeProof.decoded([]).isEmpty)
  }

  @Test("A claim of the wrong size is named with its own failure, beside an invalid one")
  func mismatched() throws {
    let (single, pair) = (try Sample.single.get(), try Sample.pair.get())
    let odd = RangeClaim(single.proof, of: pair.commitments, transcript: Sample.transcript)
    let failure = Self.culprits([single.claim, odd, pair.claim, Self.wrong(pair.claim)])
    #expect(
      failure
        == .culprits([
          .init(index: 1, failure: .countMismatch), .init(index: 3, failure: .invalid),
        ])
    )
  }

  @Test("Two false proofs whose errors cancel in an unweighted sum are both named")
  func cancelling() throws {
    // d1 stands alone before H: one more here and one less there sums to 0.
    let sample = try Sample.single.get()
    func shifted(_ by: Scalar) throws -> RangeClaim {
      let d1 = (sample.proof.d1 + by).encoding.bytes
      let proof = try RangeProof(sample.proof.bytes.replacing(5, by: d1))
      return RangeClaim(proof, of: sample.commitments, transcript: Sample.transcript)
    }
    let failure = Self.culprits([try shifted(.one), try shifted(.zero - .one)])
    #expect(
      failure
        == .culprits([.init(index: 0, failure: .invalid), .init(index: 1, failure: .invalid)])
    )
  }

  @Test("Of 1,000 proofs the false one is found: the last, and either side of an equation's border")
  func thousand() throws {
    let claim = try Sample.single.get().claim
    for place in [255, 256, 999] {
      var claims = [RangeClaim](repeating: claim, count: 1_000)
      claims[place] = Self.wrong(claim)
      #expect(Self.culprits(claims) == .culprits([.init(index: place, failure: .invalid)]))
    }
  }
}
