import CSodium
public import Kernel

/// An Ed25519 signing key (RFC 8032).
///
/// Signing is libsodium's, in constant time.
public final class SecretKey: Sendable {
  public let publicKey: PublicKey

  /// Seed ‖ public key, as libsodium signs with.
  private let pair: SecretBytes

  public static let seedSize = 32

  /// Derives the key pair; nil unless the seed has 32 bytes.
  public init?(seed: SecretBytes) {
    guard seed.count == Self.seedSize else { return nil }
    var encoded = [UInt8](repeating: 0, count: Int(crypto_sign_PUBLICKEYBYTES))
    pair = SecretBytes(count: Int(crypto_sign_SECRETKEYBYTES)) { pair in
      seed.withUnsafeBytes { seed in
        _ = crypto_sign_seed_keypair(
          &encoded,
          pair.start,
          seed.start
        )
      }
    }
    guard let bytes = Bytes32(encoded) else { return nil }
    publicKey = PublicKey(bytes)
  }

  /// Takes the seed over and leaves zeros in its place, whether or not its length is right.
  public convenience init?(seed: inout [UInt8]) {
    self.init(seed: SecretBytes(wiping: &seed))
  }

  /// Deterministic: equal messages have equal signatures.
  public func sign(_ message: [UInt8]) -> Signature {
    var signature = [UInt8](repeating: 0, count: Int(crypto_sign_BYTES))
    let status = pair.withUnsafeBytes { pair in
      crypto_sign_detached(&signature, nil, message, UInt64(message.count), pair.start)
    }
    precondition(status == 0)
    guard let bytes = Bytes64(signature) else { preconditionFailure("a signature has 64 bytes") }
    return Signature(bytes)
  }
}
