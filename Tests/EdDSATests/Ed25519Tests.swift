import CSodium
import Curve25519
import Kernel
import Testing

@testable import EdDSA

@Suite("Ed25519 verification")
struct Ed25519Tests {
  @Test("RFC 8032, section 7.1: keys, signatures and their validity", arguments: RFC8032.vectors)
  func rfc8032(vector: RFC8032) throws {
    var seed = try #require([UInt8](hex: vector.seed))
    let message = try #require([UInt8](hex: vector.message))
    let signature = try #require([UInt8](hex: vector.signature))
    let expected = Signature(try #require(Bytes64(signature)))
    let key = try #require(SecretKey(seed: &seed))
    #expect(key.publicKey.description == vector.publicKey)
    #expect(key.sign(message) == expected)
    #expect(Ed25519.isValid(expected, of: message, by: key.publicKey))
    #expect(!Ed25519.isValid(expected, of: message + [0], by: key.publicKey))
  }

  @Test("All 196 signatures of small order are valid, one by one and together")
  func smallOrder() throws {
    let signatures = try ZIP215.smallOrderSignatures()
    #expect(signatures.count == 196)
    for item in signatures {
      #expect(item.isValid, "key \(item.key), R \(item.signature.bytes.low)")
    }
    #expect(verifyTogether(signatures) == [Bool](repeating: true, count: 196))
  }

  @Test("libsodium, whose rules are stricter, refuses all 196")
  func smallOrderElsewhere() throws {
    let accepted = try ZIP215.smallOrderSignatures().count { item in
      crypto_sign_verify_detached(
        item.signature.bytes.bytes,
        item.message,
        UInt64(item.message.count),
        item.key.bytes.bytes
      ) == 0
    }
    #expect(accepted == 0)
  }

  @Test("A component of small order in R or in the key does not matter")
  func mixedOrder() throws {
    var generator = SplitMix64(seed: 3)
    let torsion = try ZIP215.encodings().map { try #require(EdwardsPoint(zip215: $0)) }
    for addend in torsion {
      // s = r + k·a with R = rB + T and A = aB + T'.
      let (r, a) = (Scalar.random(using: &generator), Scalar.random(using: &generator))
      let pointR = EdwardsPoint.multiscalarVartime([], basepoint: r) + addend
      let pointA = EdwardsPoint.multiscalarVartime([], basepoint: a) - addend
      let key = PublicKey(Bytes32(words: pointA.encoding.words))
      let low = Bytes32(words: pointR.encoding.words)
      let digest = SHA512.hash(low, key.bytes, [1, 2, 3])
      let k = Scalar(reducing: Encoding32(digest.low), Encoding32(digest.high))
      let s = r + k * a
      let signature = Signature(Bytes64(low: low, high: Bytes32(words: s.encoding.words)))
      #expect(Ed25519.isValid(signature, of: [1, 2, 3], by: key))
      #expect(!Ed25519.isValid(signature, of: [1, 2, 4], by: key))
    }
  }

  @Test("s must be below the order of the basepoint")
  func largeS() throws {
    var generator = SplitMix64(seed: 4)
    let item = SignedMessage(using: &generator)
    #expect(item.isValid)
    // The same s modulo ℓ: s + ℓ, which fits 256 bits.
    let order: [UInt64] = [
      0x5812_631a_5cf5_d3ed, 0x14de_f9de_a2f7_9cd6, 0, 0x1000_0000_0000_0000,
    ]
    let s = item.signature.bytes.high.words
    var sum: [UInt64] = []
    var carry = UInt128(0)
    for (word, addend) in zip([s.0, s.1, s.2, s.3], order) {
      carry += UInt128(word) + UInt128(addend)
      sum.append(UInt64(truncatingIfNeeded: carry))
      carry >>= 64
    }
    let shifted = item.with(s: Bytes32(words: (sum[0], sum[1], sum[2], sum[3])))
    #expect(!shifted.isValid)
    #expect(verifyTogether([item, shifted]) == [true, false])
  }

  @Test("A wrong bit anywhere in signature, key or message makes it invalid")
  func wrongBits() {
    var generator = SplitMix64(seed: 5)
    let item = SignedMessage(using: &generator)
    for bit in 0..<(64 + 32 + 32) * 8 {
      #expect(!item.flipping(bit: bit).isValid, "bit \(bit)")
    }
  }

  @Test("What libsodium accepts of honest and damaged signatures is accepted, and nothing else")
  func libsodium() {
    var generator = SplitMix64(seed: 6)
    for index in 0..<60 {
      var item = SignedMessage(using: &generator, messageSize: index * 7)
      if index.isMultiple(of: 3) {
        item = item.flipping(bit: Int(generator.next() % UInt64(96 * 8)))
      }
      let status = crypto_sign_verify_detached(
        item.signature.bytes.bytes,
        item.message,
        UInt64(item.message.count),
        item.key.bytes.bytes
      )
      #expect(item.isValid == (status == 0))
    }
  }
}

@Suite("Batched verification")
struct SignatureBatchTests {
  @Test("An empty batch has no answers")
  func empty() {
    #expect(verifyTogether([]).isEmpty)
    #expect(SignatureBatch().isEmpty)
  }

  @Test("Batch and single agree on every mixture", arguments: 0..<24)
  func agreement(seed: UInt64) throws {
    var generator = SplitMix64(seed: seed)
    let strange = try ZIP215.smallOrderSignatures()
    let shared = SecretKey.random(using: &generator)
    // From all valid (1) to mostly invalid.
    let kinds = [1, 1, 2, 4, 8, 30][Int(seed) % 6]
    let count = [1, 2, 3, 5, 64, 127, 128, 129, 300][Int(generator.next() % 9)]
    let items = (0..<count).map { _ in
      let item =
        Bool.random(using: &generator)
        ? SignedMessage(using: &generator) : SignedMessage(by: shared, using: &generator)
      return switch Int.random(in: 0..<kinds, using: &generator) {
      case 1: strange[Int.random(in: 0..<196, using: &generator)]
      case 2: item.flipping(bit: .random(in: 0..<128 * 8, using: &generator))
      case 3: item.with(s: .random(using: &generator))
      case 4: item.with(r: .random(using: &generator))
      case 5: item.with(key: PublicKey(.random(using: &generator)))
      case 6: item.with(s: Bytes32(words: (.max, .max, .max, .max)))
      case 7: item.with(r: Bytes32(words: (2, 0, 0, 0)))  // no point has y = 2
      case 8...: item.flipping(bit: .random(in: 0..<96 * 8, using: &generator))
      default: item
      }
    }
    #expect(verifyTogether(items, seed: seed) == items.map(\.isValid))
  }

  @Test(
    "The one invalid signature of 64 is found, wherever it is",
    arguments: [0, 1, 31, 32, 62, 63]
  )
  func culprit(position: Int) {
    var generator = SplitMix64(seed: 64)
    var items = (0..<64).map { _ in SignedMessage(using: &generator) }
    items[position] = items[position].flipping(bit: 64 * 8)
    #expect(verifyTogether(items) == items.indices.map { $0 != position })
  }

  @Test("Two wrong signatures that cancel without weights do not pass together")
  func cancellation() throws {
    var generator = SplitMix64(seed: 7)
    let (a, b) = (SignedMessage(using: &generator), SignedMessage(using: &generator))
    // s₁ + 1 and s₂ - 1: the unweighted sum of both equations still holds.
    let first = try #require(Scalar(canonical: Encoding32(a.signature.bytes.high))) + .one
    let second = try #require(Scalar(canonical: Encoding32(b.signature.bytes.high))) - .one
    let items = [
      a.with(s: Bytes32(words: first.encoding.words)),
      b.with(s: Bytes32(words: second.encoding.words)),
    ]
    let padding = (0..<6).map { _ in SignedMessage(using: &generator) }
    #expect(verifyTogether(items) == [false, false])
    #expect(verifyTogether(items + padding) == [false, false] + padding.map { _ in true })
  }

  @Test("The answer does not depend on the weights")
  func weights() {
    var generator = SplitMix64(seed: 8)
    var items = (0..<40).map { _ in SignedMessage(using: &generator) }
    items[7] = items[7].flipping(bit: 300)
    let expected = items.map(\.isValid)
    for seed in 0..<5 as Range<UInt64> { #expect(verifyTogether(items, seed: seed) == expected) }
    var system = SystemRandomNumberGenerator()
    var batch = SignatureBatch(capacity: 40)
    for item in items { batch.append(item.signature, of: item.message, by: item.key) }
    #expect(batch.count == 40)
    #expect(batch.verify(using: &system) == expected)
  }
}

@Suite("Secret keys")
struct SecretKeyTests {
  @Test(
    "A seed is taken over and wiped, and refused unless it has 32 bytes",
    arguments: [0, 31, 33]
  )
  func seeds(size: Int) {
    var wrong = [UInt8](repeating: 7, count: size)
    #expect(SecretKey(seed: &wrong) == nil)
    #expect(wrong == [UInt8](repeating: 0, count: size))
    var seed = [UInt8](repeating: 7, count: 32)
    #expect(SecretKey(seed: &seed) != nil)
    #expect(seed == [UInt8](repeating: 0, count: 32))
  }

  @Test("A key does not show its bytes when printed or dumped")
  func description() throws {
    var seed = [UInt8](repeating: 0xab, count: 32)
    let key = try #require(SecretKey(seed: &seed))
    for text in ["\(key)", String(reflecting: key)] {
      #expect(!text.contains("ab, ab"))
      #expect(!text.contains("171, 171"))
      #expect(!text.contains("abab"))
    }
  }
}

/// A signature with all that is needed to check it, and ways to spoil it.
private struct SignedMessage {
  var signature: Signature
  var message: [UInt8]
  var key: PublicKey

  init(signature: Signature, message: [UInt8], key: PublicKey) {
    self.signature = signature
    self.message = message
    self.key = key
  }

  init(using generator: inout SplitMix64, messageSize: Int = 32) {
    self.init(by: .random(using: &generator), using: &generator, messageSize: messageSize)
  }

  init(by secret: SecretKey, using generator: inout SplitMix64, messageSize: Int = 32) {
    message = (0..<messageSize).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
    signature = secret.sign(message)
    key = secret.publicKey
  }

  var isValid: Bool { Ed25519.isValid(signature, of: message, by: key) }

  func with(r: Bytes32? = nil, s: Bytes32? = nil, key: PublicKey? = nil) -> SignedMessage {
    SignedMessage(
      signature: Signature(
        Bytes64(low: r ?? signature.bytes.low, high: s ?? signature.bytes.high)
      ),
      message: message,
      key: key ?? self.key
    )
  }

  /// Bits 0..<512 are the signature's, the next 256 the key's, the rest the message's.
  func flipping(bit: Int) -> SignedMessage {
    var bytes = signature.bytes.bytes + key.bytes.bytes + message
    bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    guard let signature = Bytes64(bytes[..<64]), let key = Bytes32(bytes[64..<96]) else {
      preconditionFailure("the slices have these sizes")
    }
    return SignedMessage(
      signature: Signature(signature),
      message: Array(bytes[96...]),
      key: PublicKey(key)
    )
  }
}

private func verifyTogether(_ items: [SignedMessage], seed: UInt64 = 1) -> [Bool] {
  var generator = SplitMix64(seed: seed)
  var batch = SignatureBatch()
  for item in items { batch.append(item.signature, of: item.message, by: item.key) }
  return batch.verify(using: &generator)
}

extension Bytes32 {
  fileprivate static func random(using generator: inout SplitMix64) -> Bytes32 {
    Bytes32(words: (generator.next(), generator.next(), generator.next(), generator.next()))
  }
}

extension Scalar {
  fileprivate static func random(using generator: inout SplitMix64) -> Scalar {
    Scalar(reducing: Encoding32(.random(using: &generator)))
  }
}

extension SecretKey {
  fileprivate static func random(using generator: inout SplitMix64) -> SecretKey {
    var seed = Bytes32.random(using: &generator).bytes
    guard let key = SecretKey(seed: &seed) else { preconditionFailure("a seed has 32 bytes") }
    return key
  }
}

/// ZIP-215, "Explicitly Defining and Modifying Ed25519 Validation Rules", section Test Vectors: every
/// pair of small-order encodings as key and R, with s = 0, signs "Zcash".
private enum ZIP215 {
  static func encodings() throws -> [Encoding32] {
    try [
      "0100000000000000000000000000000000000000000000000000000000000000",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      "0000000000000000000000000000000000000000000000000000000000000080",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
      "0000000000000000000000000000000000000000000000000000000000000000",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
      "0100000000000000000000000000000000000000000000000000000000000080",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ].map { Encoding32(try #require(Bytes32(hex: $0))) }
  }

  static func smallOrderSignatures() throws -> [SignedMessage] {
    let encodings = try encodings().map { Bytes32(words: $0.words) }
    return encodings.flatMap { key in
      encodings.map { r in
        SignedMessage(
          signature: Signature(Bytes64(low: r, high: .zero)),
          message: Array("Zcash".utf8),
          key: PublicKey(key)
        )
      }
    }
  }
}

/// A vector of RFC 8032, section 7.1, in hexadecimal.
struct RFC8032: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let seed: String
  let publicKey: String
  let message: String
  let signature: String

  static let vectors = [
    RFC8032(
      testDescription: "TEST 1",
      seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
      message: "",
      signature: "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        + "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    ),
    RFC8032(
      testDescription: "TEST 2",
      seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
      message: "72",
      signature: "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        + "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    ),
    RFC8032(
      testDescription: "TEST 3",
      seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
      message: "af82",
      signature: "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        + "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    ),
    RFC8032(
      testDescription: "TEST SHA(abc)",
      seed: "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
      publicKey: "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
      message: "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
      signature: "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
        + "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"
    ),
  ]
}
