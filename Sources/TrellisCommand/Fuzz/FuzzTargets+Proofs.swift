import BulletproofsPlus
import Curve25519
import Keccak
import Kernel
import Simulation

extension FuzzTargets {
  /// Number of commitments, 1 byte ‖ commitments ‖ proof: what is read is written to the same bytes,
  /// and judged alike alone and in a batch beside a valid proof.
  static let rangeProof = FuzzTarget(
    "range-proof",
    seeds: [1, 2].map { claimBytes(values: $0) }
  ) { input in
    guard let count = input.first.map(Int.init), input.count >= 1 + 32 * count else {
      return .refused
    }
    let encodings = (0..<count).map { index in
      encoding32(Array(input[1 + 32 * index..<33 + 32 * index]))
    }
    let bytes = Array(input[(1 + 32 * count)...])
    guard let commitments = try? Commitments(encodings), let proof = try? RangeProof(bytes) else {
      return .refused
    }
    guard proof.bytes == bytes, commitments.encodings == encodings else {
      return .broken("reads back otherwise")
    }
    let claim = RangeClaim(proof, of: commitments, transcript: transcript)
    let alone = (try? claim.verify()) != nil
    var random = SplitMix64(seed: UInt64(input.count))
    let together = (try? RangeProofBatch.verify([validClaim, claim], using: &random)) != nil
    guard alone == together else { return .broken("alone \(alone), in a batch \(together)") }
    return alone ? .accepted : .refused
  }

  /// Any bytes as elements, scalars and points: the vector kernels against the Swift beside them.
  static let kernels = FuzzTarget(
    "kernels",
    seeds: [[], [UInt8](repeating: 0xff, count: 600), (0..<600).map { UInt8($0 & 0xff) }],
    cost: 100
  ) { input in
    if let difference = KernelComparison.firstDifference(on: input) { return .broken(difference) }
    return .accepted
  }

  private static let transcript = MerlinTranscript(label: "fuzz")

  private static let validClaim: RangeClaim = {
    let (proof, commitments) = prove(values: 1)
    return RangeClaim(proof, of: commitments, transcript: transcript)
  }()

  private static func claimBytes(values count: Int) -> [UInt8] {
    let (proof, commitments) = prove(values: count)
    return [UInt8(count)] + commitments.encodings.flatMap(\.bytes) + proof.bytes
  }

  private static func prove(values count: Int) -> (proof: RangeProof, commitments: Commitments) {
    var random = SplitMix64(seed: UInt64(count))
    let openings = (0..<count).map { Opening(value: UInt64($0), blinding: .one) }
    guard
      let proved = try? RangeProof.prove(openings, transcript: transcript, using: &random)
    else { preconditionFailure("one or two values are proved") }
    return proved
  }
}
