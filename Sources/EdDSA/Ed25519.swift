import Curve25519
import Kernel

/// Ed25519 verification as ZIP-215 defines it, which single and batched verification agree on.
///
/// A signature (R, s) of message M by key A is valid exactly if
///
/// 1. A and R decode to points of the curve, non-canonical encodings included,
/// 2. s is below ℓ,
/// 3. 8·s·B = 8·R + 8·k·A, where k = SHA-512(R ‖ A ‖ M) mod ℓ over the encodings as given.
///
/// Verification is variable-time: nothing in it is secret.
public enum Ed25519 {
  public static func isValid(
    _ signature: Signature,
    of message: [UInt8],
    by key: PublicKey
  ) -> Bool {
    guard let claim = SignatureClaim(signature, of: message, by: key) else { return false }
    let points = EdwardsPoint.decoded(zip215: [claim.r, Encoding32(key.bytes)])
    guard let r = points[0], let a = points[1] else { return false }
    return isValid(s: claim.s, r: r, k: claim.k, a: a)
  }

  /// Rule 3 as 8·(s·B - k·A - R) = 0.
  static func isValid(s: Scalar, r: EdwardsPoint, k: Scalar, a: EdwardsPoint) -> Bool {
    let difference = EdwardsPoint.multiscalarVartime([(-k, a)], basepoint: s) - r
    return difference.isSmallOrder
  }
}

/// A signature whose s is in range, with its message hashed: what is left is curve arithmetic.
struct SignatureClaim: Sendable {
  let key: PublicKey
  /// Not decoded yet.
  let r: Encoding32
  let s: Scalar
  let k: Scalar

  /// Nil if s is not below ℓ.
  init?(_ signature: Signature, of message: [UInt8], by key: PublicKey) {
    guard let s = Scalar(canonical: Encoding32(signature.bytes.high)) else { return nil }
    let digest = SHA512.hash(signature.bytes.low, key.bytes, message)
    self.key = key
    self.s = s
    r = Encoding32(signature.bytes.low)
    k = Scalar(reducing: Encoding32(digest.low), Encoding32(digest.high))
  }
}

extension Encoding32 {
  init(_ bytes: Bytes32) {
    self.init(words: bytes.words)
  }
}
