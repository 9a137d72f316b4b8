import CSodium
import Curve25519
import EdDSA
import Kernel

/// Ed25519 verification beside libsodium's, and beside one field multiplication so that machines
/// compare; in one thread, by its processor time.
///
/// Each round measures everything once and each for about a millisecond, so that a slow moment of the
/// machine slows all alike; the figures are medians over the rounds.
func benchmarkEd25519() {
  let rounds = 101
  let batchSize = 64
  let oneByOne = 20
  let multiplications = 10_000
  var generator = SystemRandomNumberGenerator()
  var sources = SplitMix64(seed: 1)
  precondition(sodium_init() >= 0)

  let factor = FieldElement(sources.next()) * FieldElement(sources.next())
  let signed = (0..<batchSize).map { _ in SignedMessage(using: &sources) }
  let representative = SecretKey.random(using: &sources)
  let votes = (0..<batchSize).map { _ in SignedMessage(by: representative, using: &sources) }

  func verifyTogether(_ items: [SignedMessage]) {
    var batch = SignatureBatch(capacity: items.count)
    for item in items { batch.append(item.signature, of: item.message, by: item.key) }
    precondition(batch.verify(using: &generator).allSatisfy { $0 })
  }

  var field = Figure(per: multiplications)
  var libsodium = Figure(per: oneByOne)
  var single = Figure(per: oneByOne)
  var batched = Figure(per: batchSize)
  var sameKey = Figure(per: batchSize)
  for _ in 0..<rounds {
    field.measureThread {
      var product = factor
      for _ in 0..<multiplications { product = product * factor }
      precondition(!product.isZero)
    }
    libsodium.measureThread {
      for item in signed[..<oneByOne] {
        let status = crypto_sign_verify_detached(
          item.signatureBytes,
          item.message,
          UInt64(item.message.count),
          item.keyBytes
        )
        precondition(status == 0)
      }
    }
    single.measureThread {
      for item in signed[..<oneByOne] {
        precondition(Ed25519.isValid(item.signature, of: item.message, by: item.key))
      }
    }
    batched.measureThread { verifyTogether(signed) }
    sameKey.measureThread { verifyTogether(votes) }
  }
  let ratio = libsodium.median / batched.median
  print("field multiplication, dependent    \(decimal(field.median)) ns")
  print("libsodium, each signature          \(decimal(libsodium.median / 1_000)) us")
  print("single, each signature             \(decimal(single.median / 1_000)) us")
  print("batch of \(batchSize), each signature       \(decimal(batched.median / 1_000)) us")
  print("batch of \(batchSize) by one key, each      \(decimal(sameKey.median / 1_000)) us")
  print("libsodium / batch                  \(decimal(ratio))")
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
