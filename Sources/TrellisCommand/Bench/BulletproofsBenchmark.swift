import BulletproofsPlus
import Curve25519
import Keccak
import Kernel

/// Range proofs of two values, as a plain payment has, each figure beside a field multiplication of
/// the same run; in one thread, by its processor time.
func benchmarkBulletproofs() throws {
  let rounds = 11
  let batchSize = 64
  let multiplications = 10_000
  var random = SystemRandomNumberGenerator()
  var sources = SplitMix64(seed: 1)

  let transcript = MerlinTranscript(label: "bench")
  let claims = try (0..<batchSize).map { _ in
    let openings = (0..<2).map { _ in
      Opening(value: sources.next(), blinding: Scalar(UInt128(sources.next()) << 64))
    }
    let (proof, commitments) = try RangeProof.prove(
      openings,
      transcript: transcript,
      using: &random
    )
    return RangeClaim(proof, of: commitments, transcript: transcript)
  }
  let openings = [Opening(value: 1, blinding: .one), Opening(value: .max, blinding: .one)]
  let factor = FieldElement(sources.next()) * FieldElement(sources.next())

  var field = Figure(per: multiplications)
  var prove = Figure(per: 1)
  var decode = Figure(per: 1)
  var single = Figure(per: 1)
  var batched = Figure(per: batchSize)
  for _ in 0..<rounds {
    field.measureThread {
      var product = factor
      for _ in 0..<multiplications { product = product * factor }
      precondition(!product.isZero)
    }
    try prove.measureThread {
      _ = try RangeProof.prove(openings, transcript: transcript, using: &random)
    }
    let bytes = claims[0].proof.bytes
    try decode.measureThread { _ = try RangeProof(bytes) }
    try single.measureThread { try claims[0].verify() }
    try batched.measureThread { try RangeProofBatch.verify(claims, using: &random) }
  }
  print("on \(ArithmeticPath.best)")
  print("field multiplication, dependent    \(decimal(field.median)) ns")
  func show(_ name: String, _ figure: Figure) {
    let multiplications = Int(figure.median / field.median)
    print("\(name)\(decimal(figure.median / 1e6)) ms = \(multiplications) multiplications")
  }
  show("prove two values                   ", prove)
  show("read a proof                       ", decode)
  show("verify alone                       ", single)
  show("verify in a batch of \(batchSize), each      ", batched)
}
