import BulletproofsPlus
import CMemcheck
import Curve25519
import Keccak
import Kernel

/// Runs each operation on secrets that memcheck takes for undefined, and says how many branches and
/// addresses depended on them.
///
/// - Returns: whether none did; with `canary`, whether some did in each operation that should leak.
func checkMarkedSecrets(canary: Bool) -> Bool {
  guard trellis_memcheck_is_running() == 1 else {
    print("There is no valgrind around this program: use scripts/constant-time.")
    return false
  }
  // Tables that are made once are made of nothing secret.
  consume(Pedersen.commit(1, blinding: .one))
  var wrong = 0
  for operation in canary ? MarkedOperation.canaries : MarkedOperation.all {
    let before = trellis_memcheck_reports()
    operation.run()
    let reports = trellis_memcheck_reports() - before
    let isRight = (reports > 0) == canary
    wrong += isRight ? 0 : 1
    print("\(isRight ? "ok  " : "FAIL") \(operation.name): \(reports) reports")
  }
  return wrong == 0
}

/// An operation on secrets that it marks itself.
private struct MarkedOperation: Sendable {
  let name: String
  let run: @Sendable () -> Void

  init(_ name: String, _ run: @escaping @Sendable () -> Void) {
    self.name = name
    self.run = run
  }

  private static let point = RistrettoPoint(
    uniform: Encoding32(words: (1, 2, 3, 4)),
    Encoding32(words: (5, 6, 7, 8))
  )
  private static var scalar: Scalar {
    marked(Scalar(reducing: Encoding32(words: (.max, 0x1234_5678, .max / 3, .max / 5))))
  }
  private static var word: UInt64 { marked(0x8000_0000_0000_0001) }
  private static var bytes: [UInt8] { (0..<48).map { marked($0) } }

  static let all: [MarkedOperation] = [
    .init("scalars: sum, difference, product, negative, inverse, equality") {
      let (a, b) = (scalar, scalar)
      consume(a * b + a - b)
      consume((-a).inverted())
      consume(revealed(a == b))
    },
    .init("field elements: product, inverse, sign, encoding, equality") {
      let (a, b) = (FieldElement(word), FieldElement(word))
      consume((a * b + a - b).inverted().encoding)
      consume(revealed(a == b))
      consume(revealed(a.isNegative))
    },
    .init("ristretto255: sum, encoding and equality of secret points") {
      let (a, b) = (marked(point), marked(RistrettoPoint.basepoint))
      consume((a + b - (-a)).encoding)
      consume(revealed(a == b))
    },
    .init("ristretto255: the one-way map of secret bytes") {
      consume(RistrettoPoint(uniform: scalar.encoding, scalar.encoding))
    },
    .init("multiplied(by:)") { consume(point.multiplied(by: scalar)) },
    .init("multiplied(by:) of a secret point") { consume(marked(point).multiplied(by: scalar)) },
    .init("SecretMultiplier") { consume(SecretMultiplier(point).multiplied(by: scalar)) },
    .init("multiscalar of 2, 3, 8 and 17 terms") {
      for count in [2, 3, 8, 17] {
        consume(RistrettoPoint.multiscalar((0..<count).map { _ in (scalar, point) }))
      }
    },
    .init("multiscalars, a pair of 9 terms") {
      let terms = (0..<9).map { _ in (scalar: scalar, point: point) }
      consume(RistrettoPoint.multiscalars(terms, terms))
    },
    .init("sums of a table's points, chosen by bits") {
      let choices = (0..<9).map { _ in
        PointChoice(TableSlice(first: 0, stride: 1), (0..<10).map { marked($0 & 1) }[...])
      }
      let table = PointTable([RistrettoPoint](repeating: point, count: 10), width: 5)
      consume(table.sums(of: choices))
    },
    .init("SHAKE256 and SHA3-256 of secret bytes") {
      var hash = SHAKE256(absorbing: bytes)
      consume(hash.squeeze(300))
      consume(SHA3_256.digest(of: bytes))
    },
    .init("a transcript's randomness from a secret witness") {
      var random = MerlinTranscript(label: "marked").random(
        witness: [("witness", bytes)],
        entropy: bytes.dropLast(16)
      )
      consume(random.bytes(300))
    },
    .init("Pedersen.commit") { consume(Pedersen.commit(word, blinding: scalar).encoding) },
    .init("prove 1 value") { prove(1) },
    .init("prove 2 values") { prove(2) },
    .init("prove 4 values, one of them padding") { prove(4, paddings: 1) },
    .init("prove 16 values") { prove(16) },
  ]

  static let canaries: [MarkedOperation] = [
    .init("canary: a branch on a secret bit") {
      if word & 1 == 1 { consume(1) }
    },
    .init("canary: a table read at a secret index") {
      let table = (0..<256).map { UInt64($0) }
      table.withUnsafeBufferPointer { table in
        // No check of bounds, which would be a branch.
        consume(table.baseAddress?[Int(word & 255)])
      }
    },
    .init("canary: products by 20 secret scalars, summed in variable time") {
      consume(RistrettoPoint.multiscalarVartime((0..<20).map { _ in (scalar, point) }))
    },
    .init("canary: a commitment compared with the identity before it is published") {
      if Pedersen.commit(word, blinding: scalar).isIdentity { consume(1) }
    },
    .init("canary: a branch on what answers a proof's last challenge, before it is published") {
      if made(1).proof.bytes[96] & 1 == 1 { consume(1) }
    },
  ]

  /// Makes a proof; then all of it is public, and right.
  private static func prove(_ count: Int, paddings: Int = 0) {
    let (proof, commitments) = made(count, paddings: paddings)
    do throws(RangeProofFailure) {
      try RangeClaim(
        try RangeProof(proof.bytes.map { revealed($0) }),
        of: try Commitments(commitments.encodings),
        transcript: transcript
      ).verify()
    } catch {
      preconditionFailure("a wrong proof: \(error)")
    }
  }

  private static let transcript = MerlinTranscript(label: "constant time")

  /// A proof from marked values, blindings and randomness, still marked.
  private static func made(
    _ count: Int,
    paddings: Int = 0
  ) -> (proof: RangeProof, commitments: Commitments) {
    let openings =
      (0..<count - paddings).map { index in
        Opening(
          value: marked(index == 0 ? .max : UInt64(index) << 40),
          blinding: scalar * Scalar(UInt128(index + 1))
        )
      } + [Opening](repeating: .padding, count: paddings)
    var random = MarkedRandom()
    do throws(RangeProofFailure) {
      return try RangeProof.prove(openings, transcript: transcript, using: &random)
    } catch {
      preconditionFailure("no proof: \(error)")
    }
  }
}

/// A generator whose output is secret.
private struct MarkedRandom: RandomNumberGenerator {
  private var words = SplitMix64(seed: 3)

  mutating func next() -> UInt64 { marked(words.next()) }
}

/// The same value, secret from here on.
private func marked<Value: BitwiseCopyable>(_ value: Value) -> Value {
  var value = value
  withUnsafeMutableBytes(of: &value) { trellis_memcheck_poison($0.baseAddress, $0.count) }
  return value
}

/// The same value, public from here on.
private func revealed<Value: BitwiseCopyable>(_ value: Value) -> Value {
  var value = value
  withUnsafeMutableBytes(of: &value) { trellis_memcheck_reveal($0.baseAddress, $0.count) }
  return value
}
