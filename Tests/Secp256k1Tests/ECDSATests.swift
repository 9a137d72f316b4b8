import Kernel
import Secp256k1
import Testing

private func key(_ hex: String) throws -> ECDSASecretKey {
  var bytes = try #require([UInt8](hex: hex))
  return try #require(ECDSASecretKey(SecretBytes(wiping: &bytes)))
}

@Suite("ECDSA over secp256k1")
struct ECDSATests {
  /// Deterministic signatures of SHA-256 digests, as published with many implementations of
  /// RFC 6979 for this curve.
  @Test(
    "Signatures are those of RFC 6979, with a low s",
    arguments: [
      (
        String(repeating: "0", count: 63) + "1", "Satoshi Nakamoto",
        """
        934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8\
        2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5
        """
      ),
      (
        String(repeating: "0", count: 63) + "1",
        "All those moments will be lost in time, like tears in rain. Time to die...",
        """
        8600dbd41e348fe5c9465ab92d23e3db8b98b873beecd930736488696438cb6b\
        547fe64427496db33bf66019dacbf0039c04199abb0122918601db38a72cfc21
        """
      ),
    ]
  )
  func vectors(secret: String, message: String, signature: String) throws {
    let made = try key(secret).sign(digest: SHA256.hash(Array(message.utf8)))
    #expect(made.bytes.bytes.hex == signature)
    #expect(made.isLowS)
  }

  @Test("The key of the secret 1 is the generator")
  func generator() throws {
    let one = try key(String(repeating: "0", count: 63) + "1")
    #expect(
      one.publicKey.bytes.hex
        == "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    )
  }

  @Test("The signer is found from a signature, and another from another digest or recovery id")
  func recovery() throws {
    var random = SplitMix64(seed: 1)
    for _ in 0..<20 {
      let secret = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }.hex
      let key = try key(secret)
      let digest = SHA256.hash(Array(secret.utf8))
      let signature = key.sign(digest: digest)
      #expect(signature.signer(ofDigest: digest) == key.publicKey)
      #expect(signature.signer(ofDigest: SHA256.hash([1])) != key.publicKey)
      let other = ECDSASignature(signature.bytes, recoveryID: signature.recoveryID ^ 1)
      #expect(other.signer(ofDigest: digest) != key.publicKey)
    }
  }

  @Test("A high s recovers too, and is told")
  func highS() throws {
    let digest = SHA256.hash([7])
    let key = try key(String(repeating: "7", count: 64))
    let signature = key.sign(digest: digest)
    // order - s, byte by byte from the last.
    let order = try #require(
      [UInt8](hex: "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
    )
    var negated = [UInt8](repeating: 0, count: 32)
    var borrow = 0
    for (index, byte) in zip((0..<32).reversed(), signature.bytes.high.bytes.reversed()) {
      let difference = Int(order[index]) - Int(byte) - borrow
      borrow = difference < 0 ? 1 : 0
      negated[index] = UInt8(difference + 256 * borrow)
    }
    let high = try #require(Bytes32(negated))
    let malleated = ECDSASignature(
      Bytes64(low: signature.bytes.low, high: high),
      recoveryID: signature.recoveryID ^ 1
    )
    #expect(malleated.signer(ofDigest: digest) == key.publicKey)
    #expect(!malleated.isLowS)
    #expect(signature.isLowS)
  }

  @Test("What is no signature has no signer, and what is no key makes none")
  func refusals() throws {
    let one = Bytes32(words: (0, 0, 0, 1 << 56))
    let top = Bytes32(words: (.max, .max, .max, .max))
    for bytes in [Bytes64.zero, Bytes64(low: top, high: one), Bytes64(low: one, high: top)] {
      for id in [UInt8(0), 1, 2, 3, 4, 255] {
        #expect(ECDSASignature(bytes, recoveryID: id).signer(ofDigest: one) == nil)
      }
    }
    for wrong in [[], [UInt8](repeating: 0, count: 32), [UInt8](repeating: 255, count: 32), [1]] {
      var wrong = wrong
      #expect(ECDSASecretKey(SecretBytes(wiping: &wrong)) == nil)
    }
  }
}
