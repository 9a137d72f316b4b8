import CSodium
import Curve25519
import Kernel

/// Ed25519 verification beside libsodium's, and beside one field multiplication so that machines
/// compare; medians, in one thread.
func benchmarkEd25519() {
  let rounds = 15
  let batchSize = 64
  var generator = SystemRandomNumberGenerator()
  var sources = SplitMix64(seed: 1)
  precondition(sodium_init() >= 0)

  let multiplications = 100_000
  var product = FieldElement(sources.next())
  let factor = FieldElement(sources.next()) * product
  let field = median(rounds) {
    for _ in 0..<multiplications { product = product * factor }
  }
  precondition(!product.isZero)
  line("field multiplication (dependent)", field / Double(multiplications), "ns")

  let signed = (0..<batchSize).map { _ in SignedMessage(using: &sources) }
  func perSignature(_ work: () -> Void) -> Double {
    median(rounds, of: work) / Double(batchSize) / 1_000
  }
  let libsodium = perSignature {
    for item in signed {
      let status = crypto_sign_verify_detached(
        item.signatureBytes,
        item.message,
        UInt64(item.message.count),
        item.keyBytes
      )
      precondition(status == 0)
    }
  }
  let single = perSignature {
    for item in signed {
      precondition(Ed25519.isValid(item.signature, of: item.message, by: item.key))
    }
  }
  let batched = perSignature {
    var batch = SignatureBatch(capacity: batchSize)
    for item in signed { batch.append(item.signature, of: item.message, by: item.key) }
    precondition(batch.verify(using: &generator).allSatisfy { $0 })
  }
  let oneKey = SecretKey.random(using: &sources)
  let votes = (0..<batchSize).map { _ in SignedMessage(by: oneKey, using: &sources) }
  let coalesced = perSignature {
    var batch = SignatureBatch(capacity: batchSize)
    for item in votes { batch.append(item.signature, of: item.message, by: item.key) }
    precondition(batch.verify(using: &generator).allSatisfy { $0 })
  }
  line("libsodium verify", libsodium, "us a signature")
  line("single verify", single, "us a signature")
  line("batch of \(batchSize)", batched, "us a signature")
  line("batch of \(batchSize), one key", coalesced, "us a signature")
  line("libsodium / batch", libsodium / batched, "times")
}

private struct SignedMessage {
  let message: [UInt8]
  let signature: Signature
  let key: PublicKey
  let signatureBytes: [UInt8]
  let keyBytes: [UInt8]

  init(using generator: inout SplitMix64) {
    self.init(by: .random(using: &generator), using: &generator)
  }

  /// A message of 32 bytes, as long as the hashes that blocks and votes sign.
  init(by secret: SecretKey, using generator: inout SplitMix64) {
    message = (0..<32).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    signature = secret.sign(message)
    key = secret.publicKey
    signatureBytes = signature.bytes.bytes
    keyBytes = key.bytes.bytes
  }
}

extension SecretKey {
  /// For benchmarks: the generator is no source of secrets.
  fileprivate static func random(using generator: inout SplitMix64) -> SecretKey {
    var seed = (0..<seedSize).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    guard let key = SecretKey(seed: &seed) else { preconditionFailure("a seed has 32 bytes") }
    return key
  }
}

/// The median time in nanoseconds.
private func median(_ rounds: Int, of work: () -> Void) -> Double {
  let clock = ContinuousClock()
  work()
  let times = (0..<rounds).map { _ in clock.measure(work).wholeNanoseconds }.sorted()
  return Double(times[rounds / 2])
}

/// Prints a name, a figure with two decimals and its unit.
private func line(_ name: String, _ figure: Double, _ unit: String) {
  let hundredths = Int(figure * 100 + 0.5)
  let decimals = String(hundredths % 100)
  let padding = String(repeating: " ", count: max(1, 36 - name.count))
  let zeros = decimals.count == 1 ? "0" : ""
  print("\(name)\(padding)\(hundredths / 100).\(zeros)\(decimals) \(unit)")
}
