internal import CSodium

/// ChaCha20-Poly1305 (RFC 8439) under keys that are used for one message each.
///
/// The nonce is therefore always zero: a second message under the same key would give both away.
public enum ChaCha20Poly1305 {
  public static let keySize = 32
  /// The tag behind the ciphertext.
  public static let tagSize = 16

  /// Ciphertext ‖ tag.
  ///
  /// - Parameters:
  ///   - plaintext: what to hide; its length shows.
  ///   - data: authenticated with it, not hidden.
  ///   - key: 32 bytes that encrypt this message and no other.
  /// - Returns: 16 bytes more than the plaintext.
  public static func seal(
    _ plaintext: [UInt8],
    authenticating data: [UInt8],
    onceUnder key: SecretBytes
  ) -> [UInt8] {
    precondition(key.count == keySize)
    var sealed = [UInt8](repeating: 0, count: plaintext.count + tagSize)
    let nonce = [UInt8](repeating: 0, count: 12)
    let status = key.withUnsafeBytes { key in
      crypto_aead_chacha20poly1305_ietf_encrypt(
        &sealed,
        nil,
        plaintext,
        UInt64(plaintext.count),
        data,
        UInt64(data.count),
        nil,
        nonce,
        key.start
      )
    }
    precondition(status == 0)
    return sealed
  }

  /// The plaintext; nil if ciphertext, tag or data are not what was sealed under the key.
  public static func open(
    _ sealed: [UInt8],
    authenticating data: [UInt8],
    under key: SecretBytes
  ) -> [UInt8]? {
    precondition(key.count == keySize)
    guard sealed.count >= tagSize else { return nil }
    var plaintext = [UInt8](repeating: 0, count: sealed.count - tagSize)
    let nonce = [UInt8](repeating: 0, count: 12)
    let status = key.withUnsafeBytes { key in
      crypto_aead_chacha20poly1305_ietf_decrypt(
        &plaintext,
        nil,
        nil,
        sealed,
        UInt64(sealed.count),
        data,
        UInt64(data.count),
        nonce,
        key.start
      )
    }
    return status == 0 ? plaintext : nil
  }
}
