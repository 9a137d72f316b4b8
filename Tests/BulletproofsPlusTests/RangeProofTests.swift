import Curve25519
import Keccak
import Testing

@testable import BulletproofsPlus

/// A generator for tests: SHAKE256 of a seed.
struct SeededGenerator: RandomNumberGenerator {
  private var stream: SHAKE256

  init(seed: String) { stream = SHAKE256(absorbing: seed.utf8) }

  mutating func next() -> UInt64 {
    stream.squeeze(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  mutating func scalar() -> Scalar { Scalar(wide: stream.squeeze(64)) }
}

/// Proofs of random values, made once: proving takes its time.
struct Sample: Sendable {
  let proof: RangeProof
  let commitments: Commitments

  static let body = [UInt8](repeating: 2, count: 32)
  static let network = [UInt8](repeating: 1, count: 32)
  static let transcript = statementTranscript(network: network, body: body)

  init(values: [UInt64], seed: String) throws {
    var random = SeededGenerator(seed: seed)
    let openings = values.map { Opening(value: $0, blinding: random.scalar()) }
    (proof, commitments) = try RangeProof.prove(
      openings,
      transcript: Self.transcript,
      using: &random
    )
  }

  var claim: RangeClaim { RangeClaim(proof, of: commitments, transcript: Self.transcript) }

  static let single = Result { try Sample(values: [77], seed: "single") }
  static let pair = Result { try Sample(values: [.max, 0], seed: "pair") }
}

@Suite("Range proofs")
struct RangeProofTests {
  @Test(
    "What is proved verifies, at every size and at the range's ends",
    arguments: [1, 2, 4, 8, 16]
  )
  func sizes(count: Int) throws {
    let values = (0..<count).map { [UInt64.max, 0, 1 << 63, 1][$0 % 4] &- UInt64($0 / 4) }
    let sample = try Sample(values: values, seed: "size \(count)")
    #expect(sample.proof.bytes.count == RangeProof.byteCount(values: count))
    try RangeProof(sample.proof.bytes).check(sample)
  }

  @Test("Three values and padding are proved as four")
  func padding() throws {
    var random = SeededGenerator(seed: "padding")
    let openings = [Opening(value: 5, blinding: random.scalar()), .padding]
    let (proof, commitments) = try RangeProof.prove(
      openings,
      transcript: Sample.transcript,
      using: &random
    )
    #expect(commitments.encodings[1].bytes == [UInt8](repeating: 0, count: 32))
    try RangeClaim(proof, of: commitments, transcript: Sample.transcript).verify()
  }

  @Test("No other number of values is proved or verified", arguments: [0, 3, 5, 15, 17, 32])
  func counts(count: Int) {
    var random = SeededGenerator(seed: "counts")
    let openings = [Opening](repeating: Opening(value: 1, blinding: .one), count: count)
    #expect(throws: RangeProofFailure.wrongCount) {
      try RangeProof.prove(openings, transcript: Sample.transcript, using: &random)
    }
    #expect(throws: RangeProofFailure.wrongCount) {
      try Commitments(openings.map(\.commitment.encoding))
    }
    #expect(RangeProof.byteCount(values: count) == nil)
  }

  @Test("Equal secrets and equal randomness give equal proofs; other randomness another")
  func determinism() throws {
    let first = try Sample(values: [9], seed: "a").proof.bytes
    #expect(try Sample(values: [9], seed: "a").proof.bytes == first)
    #expect(try Sample(values: [9], seed: "b").proof.bytes != first)
  }

  @Test("A broken generator gives no blinding away: two values, no nonce in common")
  func hedged() throws {
    struct Broken: RandomNumberGenerator {
      func next() -> UInt64 { 0 }
    }
    var broken = Broken()
    let proofs = try [1, 2].map { value in
      try RangeProof.prove(
        [Opening(value: value, blinding: .one)],
        transcript: Sample.transcript,
        using: &broken
      ).proof
    }
    #expect(proofs[0].b.encoding != proofs[1].b.encoding)
    #expect(proofs[0].d1 != proofs[1].d1)
  }

  // MARK: What is refused

  @Test("A proof of any other length is refused", arguments: [0, 1, 192, 575, 577, 608, 640 + 63])
  func lengths(count: Int) throws {
    let bytes = try Sample.single.get().proof.bytes
    let cut = Array((bytes + bytes).prefix(count))
    #expect(throws: RangeProofFailure.wrongLength) { try RangeProof(cut) }
  }

  @Test("A point that is the identity, or no canonical encoding, is refused in every place")
  func points() throws {
    let bytes = try Sample.single.get().proof.bytes
    for field in [0, 1, 2] + Array(6..<18) {
      #expect(throws: RangeProofFailure.identityPoint) {
        try RangeProof(bytes.replacing(field, by: .zero))
      }
      var topBit = Array(bytes[32 * field..<32 * field + 32])
      topBit[31] |= 0x80
      #expect(throws: RangeProofFailure.badPoint) {
        try RangeProof(bytes.replacing(field, by: topBit))
      }
      // p itself, which is 0 modulo p; and an odd number.
      let prime = [0xed] + [UInt8](repeating: 0xff, count: 30) + [0x7f]
      #expect(throws: RangeProofFailure.badPoint) {
        try RangeProof(bytes.replacing(field, by: prime))
      }
      #expect(throws: RangeProofFailure.badPoint) {
        try RangeProof(bytes.replacing(field, by: [1] + [UInt8](repeating: 0, count: 31)))
      }
    }
  }

  @Test("A scalar of ℓ or more is refused in every place", arguments: 3..<6)
  func scalars(field: Int) throws {
    let bytes = try Sample.single.get().proof.bytes
    var order = (Scalar.zero - .one).encoding.bytes
    order[0] += 1
    #expect(throws: RangeProofFailure.nonCanonicalScalar) {
      try RangeProof(bytes.replacing(field, by: order))
    }
    #expect(throws: RangeProofFailure.nonCanonicalScalar) {
      try RangeProof(bytes.replacing(field, by: [UInt8](repeating: 0xff, count: 32)))
    }
  }

  @Test("A commitment that is no canonical encoding is refused")
  func commitments() {
    let bad = [1] + [UInt8](repeating: 0, count: 31)
    #expect(throws: RangeProofFailure.badCommitment) { try Commitments([bad.asEncoding]) }
  }

  @Test("A proof for another number of values is refused")
  func countMismatch() throws {
    let (single, pair) = (try Sample.single.get(), try Sample.pair.get())
    #expect(throws: RangeProofFailure.countMismatch) { try single.proof.check(pair) }
    #expect(throws: RangeProofFailure.countMismatch) { try pair.proof.check(single) }
  }

  @Test("Each field of a proof, changed alone, makes it fail", arguments: 0..<20)
  func fields(field: Int) throws {
    let sample = try Sample.pair.get()
    let bytes = sample.proof.bytes
    let other: [UInt8] =
      (3..<6).contains(field)
      ? Scalar(12345).encoding.bytes : Pedersen.commit(3, blinding: .one).encoding.bytes
    let changed = try RangeProof(bytes.replacing(field, by: other))
    #expect(throws: RangeProofFailure.invalid) { try changed.check(sample) }
  }

  @Test("Each public input, changed alone, makes a proof fail")
  func publicInputs() throws {
    let sample = try Sample.pair.get()
    let (c, network, body) = (sample.commitments.encodings, Sample.network, Sample.body)
    let other = Pedersen.commit(1, blinding: .one).encoding
    func verify(
      _ commitments: [Encoding32],
      label: String = "MESH/v1/range-proof",
      _ appended: [(String, [UInt8])]
    ) throws {
      var transcript = MerlinTranscript(label: label)
      for (label, message) in appended { transcript.append(label, message) }
      try RangeClaim(sample.proof, of: Commitments(commitments), transcript: transcript).verify()
    }
    let bound = [("network", network), ("body", body)]
    try verify(c, bound)
    for changed in [[other, c[1]], [c[0], other], [c[1], c[0]]] {
      #expect(throws: RangeProofFailure.invalid) { try verify(changed, bound) }
    }
    #expect(throws: RangeProofFailure.invalid) { try verify(c, label: "MESH/v2", bound) }
    for (place, message) in bound.enumerated() {
      for byte in [0, 31] {
        var appended = bound
        appended[place].1[byte] ^= 1
        #expect(throws: RangeProofFailure.invalid) { try verify(c, appended) }
      }
      var renamed = bound
      renamed[place].0 = message.0 + "s"
      #expect(throws: RangeProofFailure.invalid) { try verify(c, renamed) }
    }
    #expect(throws: RangeProofFailure.invalid) { try verify(c, [bound[1], bound[0]]) }
    #expect(throws: RangeProofFailure.invalid) { try verify(c, [bound[0]]) }
    #expect(throws: RangeProofFailure.invalid) { try verify(c, bound + [("fee", [0])]) }
  }

  @Test("A value out of range cannot be passed off: 2^64 and -1 in a commitment")
  func outOfRange() throws {
    let sample = try Sample.pair.get()
    for shift in [Scalar(1 << 64), .zero - .one] {
      let moved = try Commitments([
        sample.commitments.points[0].point + RistrettoPoint.multiscalar([(shift, .basepoint)]),
        sample.commitments.points[1].point,
      ])
      let claim = RangeClaim(sample.proof, of: moved, transcript: Sample.transcript)
      #expect(throws: RangeProofFailure.invalid) { try claim.verify() }
    }
  }
}

extension RangeProof {
  func check(_ sample: Sample) throws(RangeProofFailure) {
    try RangeClaim(self, of: sample.commitments, transcript: Sample.transcript).verify()
  }
}

extension [UInt8] {
  /// With the 32 bytes of one field of a proof replaced.
  func replacing(_ field: Int, by bytes: [UInt8]) -> [UInt8] {
    var copy = self
    copy.replaceSubrange(32 * field..<32 * field + 32, with: bytes)
    return copy
  }
}

extension [UInt8] {
  fileprivate static var zero: [UInt8] { [UInt8](repeating: 0, count: 32) }
}
