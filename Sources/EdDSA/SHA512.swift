import CSodium
import Kernel

/// SHA-512 (FIPS 180-4) as Ed25519 uses it; by libsodium.
enum SHA512 {
  /// The digest of first ‖ second ‖ rest.
  static func hash(_ first: Bytes32, _ second: Bytes32, _ rest: [UInt8]) -> Bytes64 {
    var state = crypto_hash_sha512_state()
    crypto_hash_sha512_init(&state)
    Bytes64(low: first, high: second).withUnsafeBytes { both in
      _ = crypto_hash_sha512_update(&state, both.start, UInt64(both.count))
    }
    crypto_hash_sha512_update(&state, rest, UInt64(rest.count))
    return withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { digest in
      crypto_hash_sha512_final(&state, digest.start)
      func word(_ index: Int) -> UInt64 {
        UInt64(littleEndian: digest.load(fromByteOffset: index * 8, as: UInt64.self))
      }
      return Bytes64(
        low: Bytes32(words: (word(0), word(1), word(2), word(3))),
        high: Bytes32(words: (word(4), word(5), word(6), word(7)))
      )
    }
  }
}
