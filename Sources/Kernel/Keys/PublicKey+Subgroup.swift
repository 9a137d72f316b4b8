internal import Curve25519

extension PublicKey {
  /// Whether the key generates the subgroup of prime order, and is encoded canonically.
  ///
  /// Such keys leave no room for the cofactor: every rule of verification agrees on them, and no
  /// second encoding of the same point is another key. Variable-time; about the price of verifying
  /// a signature, so ask once for each key.
  public var isInPrimeSubgroup: Bool {
    guard let point = EdwardsPoint(canonical: Encoding32(bytes)) else { return false }
    guard !point.isSmallOrder else { return false }
    // ℓ·A = (ℓ - 1)·A + A
    return (point.multipliedVartime(by: -Scalar.one) + point).isIdentity
  }
}
