public import Curve25519
import Keccak

/// Pedersen commitments v·G + r·H to 64-bit values: hiding whatever the value, binding as long as
/// nobody knows log_G H.
public enum Pedersen {
  /// G: the basepoint of ristretto255.
  public static let valueBase = RistrettoPoint.basepoint

  /// H: hashed from G under a tag, so that nobody knows its logarithm.
  ///
  /// SHAKE256(u8(length of tag) ‖ tag ‖ encoding of G), 64 bytes, through the one-way map.
  public static let blindingBase: RistrettoPoint = {
    let tag = Array("MESH/v1/pedersen-H".utf8)
    var hash = SHAKE256(absorbing: [UInt8(tag.count)] + tag + valueBase.encoding.bytes)
    return RistrettoPoint(uniform: hash.squeeze(32).asEncoding, hash.squeeze(32).asEncoding)
  }()

  /// v·G + r·H in constant time.
  public static func commit(_ value: UInt64, blinding: Scalar) -> RistrettoPoint {
    commit(Scalar(UInt128(value)), blinding: blinding)
  }

  /// v·G + r·H for any scalar v.
  static func commit(_ value: Scalar, blinding: Scalar) -> RistrettoPoint {
    valueMultiplier.multiplied(by: value) + Self.blinding(blinding)
  }

  /// r·H.
  static func blinding(_ blinding: Scalar) -> RistrettoPoint {
    blindingMultiplier.multiplied(by: blinding)
  }

  private static let valueMultiplier = SecretMultiplier(valueBase)
  private static let blindingMultiplier = SecretMultiplier(blindingBase)
}

extension [UInt8] {
  /// 32 bytes as an integer.
  var asEncoding: Encoding32 {
    guard let encoding = Encoding32(self) else { preconditionFailure("32 bytes") }
    return encoding
  }
}
