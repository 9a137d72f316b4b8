extension EdwardsPoint {
  /// Whether each generates the subgroup of prime order: ℓ·point = 0, and it is not 0 itself.
  ///
  /// Variable-time. Several are asked in lanes: eight take little more than one.
  public static func areInPrimeSubgroup(_ points: [EdwardsPoint]) -> [Bool] {
    areInPrimeSubgroup(points, path: .best)
  }

  static func areInPrimeSubgroup(_ points: [EdwardsPoint], path: ArithmeticPath) -> [Bool] {
    // ℓ·A = (ℓ - 1)·A + A. A coset's point is multiplied as the point that it is.
    let multiples = RistrettoPoint.foldedVartime(
      points.map { RistrettoPoint($0) },
      by: [-Scalar.one],
      path: points.count > 1 ? path : .portable
    )
    return zip(points, multiples).map { point, multiple in
      (multiple.point + point).isIdentity && !point.isIdentity
    }
  }
}
