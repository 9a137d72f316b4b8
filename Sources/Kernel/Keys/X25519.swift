internal import CSodium

/// X25519 (RFC 7748): a secret shared between two keys, by libsodium, in constant time.
public enum X25519 {
  /// The public key of 32 secret bytes, which are clamped as the RFC says.
  public static func publicKey(of secret: SecretBytes) -> Bytes32 {
    precondition(secret.count == 32)
    var encoded = [UInt8](repeating: 0, count: 32)
    let status = secret.withUnsafeBytes { crypto_scalarmult_base(&encoded, $0.start) }
    precondition(status == 0)
    guard let key = Bytes32(encoded) else { preconditionFailure("32 bytes") }
    return key
  }

  /// The secret shared with a public key; nil if it is all zero, as for keys of small order.
  public static func sharedSecret(_ secret: SecretBytes, with key: Bytes32) -> SecretBytes? {
    precondition(secret.count == 32)
    var isZero = true
    let shared = SecretBytes(count: 32) { shared in
      secret.withUnsafeBytes { secret in
        key.withUnsafeBytes { key in
          // Refuses the all-zero secret, RFC 7748, section 6.1.
          isZero = crypto_scalarmult(shared.start, secret.start, key.start) != 0
        }
      }
    }
    return isZero ? nil : shared
  }
}
