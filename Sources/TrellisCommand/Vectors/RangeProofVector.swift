import BulletproofsPlus
import Curve25519
import Keccak
import Kernel

/// Cases of SPEC-007: range proofs bound to a network and a transition's body, and the values they
/// stand on.
enum RangeProofVector {
  /// What differs from the case; empty if nothing does.
  static func differences(_ vector: JSON) -> [String] {
    guard let valid = vector["valid"]?.bool else { return [#"no "valid""#] }
    guard let network = bytes(vector["network_id"]), let body = bytes(vector["body_hash"]) else {
      return [#"no "network_id" and "body_hash" in hexadecimal"#]
    }
    guard let commitments = vector["commitments"]?.array?.map(encoding), !commitments.contains(nil),
      let proof = bytes(vector["proof"])
    else { return [#"no "commitments" and "proof" in hexadecimal"#] }
    var differences: [String] = []
    if let count = vector["m"]?.integer(Int.self), count != commitments.count {
      differences.append("m is \(count), the commitments are \(commitments.count)")
    }
    if valid, let count = vector["proof_len"]?.integer(Int.self), count != proof.count {
      differences.append("proof_len is \(count), the proof has \(proof.count) bytes")
    }
    var transcript = MerlinTranscript(label: "MESH/v1/range-proof")
    transcript.append("network", network)
    transcript.append("body", body)
    let failure = verify(proof, commitments.compactMap(\.self), transcript)
    switch (valid, failure) {
    case (true, let failure?): differences.append("a valid proof is refused: \(failure)")
    case (false, nil): differences.append("a forgery is accepted")
    case (true, nil), (false, _?): break
    }
    if let values = vector["values"] {
      switch openings(values, vector["blindings"], count: commitments.count) {
      case .failure(let problem): differences.append(problem.text)
      case .success(let openings):
        differences += commitmentDifferences(openings, commitments)
        if let seed = bytes(vector["entropy_seed"]), differences.isEmpty {
          differences += proofDifferences(openings, transcript, seed, proof)
        }
      }
    }
    return differences
  }

  private static func verify(
    _ proof: [UInt8],
    _ commitments: [Encoding32],
    _ transcript: MerlinTranscript
  ) -> RangeProofFailure? {
    do throws(RangeProofFailure) {
      let claim = RangeClaim(
        try RangeProof(proof),
        of: try Commitments(commitments),
        transcript: transcript
      )
      try claim.verify()
      return nil
    } catch {
      return error
    }
  }

  private struct Problem: Error {
    let text: String
  }

  private static func openings(
    _ values: JSON,
    _ blindings: JSON?,
    count: Int
  ) -> Result<[Opening], Problem> {
    guard let values = values.array, let blindings = blindings?.array, values.count == count,
      blindings.count == count
    else { return .failure(Problem(text: "values, blindings and commitments differ in number")) }
    var openings: [Opening] = []
    for index in 0..<count {
      guard let value = values[index].decimal(UInt64.self),
        let blinding = encoding(blindings[index]).flatMap(Scalar.init(canonical:))
      else { return .failure(Problem(text: "value or blinding \(index) is malformed")) }
      openings.append(Opening(value: value, blinding: blinding))
    }
    return .success(openings)
  }

  private static func commitmentDifferences(
    _ openings: [Opening],
    _ commitments: [Encoding32?]
  ) -> [String] {
    zip(openings, commitments).enumerated().compactMap { index, pair in
      let commitment = pair.0.commitment.encoding
      return commitment == pair.1 ? nil : "commitment \(index) is \(commitment.bytes.hex)"
    }
  }

  /// The proof made again, bit for bit.
  private static func proofDifferences(
    _ openings: [Opening],
    _ transcript: MerlinTranscript,
    _ seed: [UInt8],
    _ proof: [UInt8]
  ) -> [String] {
    var entropy = VectorEntropy(seed: seed)
    guard
      let made = try? RangeProof.prove(openings, transcript: transcript, using: &entropy).proof
    else { return ["the values cannot be proved"] }
    return made.bytes == proof ? [] : ["the proof made from entropy_seed is \(made.bytes.hex)"]
  }

  // MARK: Top-level keys

  static func outcome(topLevel key: String, _ value: JSON) -> VectorOutcome {
    guard key == "misc", let members = value.object?.members else {
      return VectorOutcome(name: key, differences: ["an unknown key"])
    }
    let differences = members.compactMap { member -> String? in
      guard let known = constants[member.key] else { return "\(member.key) is unknown" }
      let bytes = known()
      return member.value.string == bytes.hex ? nil : "\(member.key) is \(bytes.hex)"
    }
    return VectorOutcome(name: key, differences: differences)
  }

  private static let constants: [String: @Sendable () -> [UInt8]] = [
    "pedersen_G": { Pedersen.valueBase.encoding.bytes },
    "pedersen_H": { Pedersen.blindingBase.encoding.bytes },
    "G_0_0": { Generators.g[0].encoding.bytes },
    "H_0_0": { Generators.h[0].encoding.bytes },
    "G_0_63": { Generators.g[63].encoding.bytes },
    "H_1_0": { Generators.h[64].encoding.bytes },
    "G_15_63": { Generators.g[1023].encoding.bytes },
    "vector_generators_sha3_256_m16": {
      SHA3_256.digest(of: (Generators.g + Generators.h).flatMap { $0.encoding.bytes })
    },
    "commit_500_r7": { Pedersen.commit(500, blinding: Scalar(7)).encoding.bytes },
    "merlin_simple": {
      var transcript = MerlinTranscript(label: "test protocol")
      transcript.append("some label", Array("some data".utf8))
      return transcript.challenge("challenge", count: 32)
    },
    "H256_abc": { SHA3_256.digest(of: tagged) },
    "hash_to_scalar_abc": {
      var hash = SHAKE256(absorbing: tagged)
      let (low, high) = (encoding32(hash.squeeze(32)), encoding32(hash.squeeze(32)))
      return Scalar(reducing: low, high).encoding.bytes
    },
    "hash_to_point_abc": {
      var hash = SHAKE256(absorbing: tagged)
      let (first, second) = (encoding32(hash.squeeze(32)), encoding32(hash.squeeze(32)))
      return RistrettoPoint(uniform: first, second).encoding.bytes
    },
  ]

  /// T("MESH/v1/test", "abc") of SPEC-006, section 6.2.
  private static let tagged = [12] + Array("MESH/v1/test".utf8) + Array("abc".utf8)

  // MARK: Reading

  private static func bytes(_ json: JSON?) -> [UInt8]? { json?.string.flatMap { [UInt8](hex: $0) } }

  private static func encoding(_ json: JSON) -> Encoding32? { bytes(json).flatMap(Encoding32.init) }
}

/// 32 bytes that are known to be 32.
func encoding32(_ bytes: [UInt8]) -> Encoding32 {
  guard let encoding = Encoding32(bytes) else { preconditionFailure("32 bytes") }
  return encoding
}
