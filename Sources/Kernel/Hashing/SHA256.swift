internal import CSodium

/// SHA-256 (FIPS 180-4); by libsodium.
public enum SHA256 {
  public static func hash(_ bytes: [UInt8]) -> Bytes32 {
    withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { digest in
      _ = crypto_hash_sha256(digest.start, bytes, UInt64(bytes.count))
      func word(_ index: Int) -> UInt64 {
        UInt64(littleEndian: digest.load(fromByteOffset: index * 8, as: UInt64.self))
      }
      return Bytes32(words: (word(0), word(1), word(2), word(3)))
    }
  }

  /// SHA-256d: the hash of the hash.
  public static func double(_ bytes: [UInt8]) -> Bytes32 {
    hash(hash(bytes).bytes)
  }
}
