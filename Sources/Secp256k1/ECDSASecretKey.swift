internal import CSecp256k1
public import Kernel

/// A signing key of secp256k1; arithmetic on it is libsecp256k1's, in constant time.
public final class ECDSASecretKey: Sendable {
  public let publicKey: ECDSAPublicKey

  private let secret: SecretBytes

  public static let size = 32

  /// A big-endian number from 1 to below the group's order; nil for anything else.
  public init?(_ secret: SecretBytes) {
    guard secret.count == Self.size else { return nil }
    var point = secp256k1_pubkey()
    let isValid = secret.withUnsafeBytes { bytes in
      guard let start = bytes.assumingMemoryBound(to: UInt8.self).baseAddress else { return false }
      return secp256k1_ec_pubkey_create(Library.context, &point, start) == 1
    }
    guard isValid else { return nil }
    self.secret = secret
    publicKey = ECDSAPublicKey(point)
  }

  /// Deterministic (RFC 6979), with a low s.
  public func sign(digest: Bytes32) -> ECDSASignature {
    var signature = secp256k1_ecdsa_recoverable_signature()
    var recoveryID: Int32 = 0
    let isSigned = secret.withUnsafeBytes { secret in
      guard let start = secret.assumingMemoryBound(to: UInt8.self).baseAddress else { return false }
      let context = Library.context
      return secp256k1_ecdsa_sign_recoverable(context, &signature, digest.bytes, start, nil, nil)
        == 1
    }
    // It fails for a secret out of range only, which `init` has refused.
    precondition(isSigned)
    var bytes = [UInt8](repeating: 0, count: 64)
    secp256k1_ecdsa_recoverable_signature_serialize_compact(
      Library.context,
      &bytes,
      &recoveryID,
      &signature
    )
    guard let both = Bytes64(bytes) else { preconditionFailure("a signature has 64 bytes") }
    return ECDSASignature(both, recoveryID: UInt8(recoveryID))
  }
}
