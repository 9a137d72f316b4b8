internal import CSodium

/// SipHash-2-4 with 128 bits of output (Aumasson, Bernstein 2012), by libsodium.
///
/// A keyed hash for tables that outsiders fill: without the key nobody can find inputs that fall
/// into one place. Not for signatures or names that others compute.
public struct SipHash: Sendable {
  private let key: (UInt64, UInt64)

  /// - Parameter key: 128 secret random bits.
  public init(key: (UInt64, UInt64)) {
    self.key = key
  }

  public func hash(_ bytes: [UInt8]) -> (UInt64, UInt64) {
    withUnsafeBytes(of: (key.0.littleEndian, key.1.littleEndian)) { key in
      withUnsafeTemporaryAllocation(byteCount: 16, alignment: 8) { digest in
        let status = crypto_shorthash_siphashx24(
          digest.start,
          bytes,
          UInt64(bytes.count),
          key.start
        )
        precondition(status == 0)
        return (
          UInt64(littleEndian: digest.load(fromByteOffset: 0, as: UInt64.self)),
          UInt64(littleEndian: digest.load(fromByteOffset: 8, as: UInt64.self))
        )
      }
    }
  }
}
