/// A fixed point with 8 multiples of each 16^i of it: products by secret scalars in 64 additions and
/// no doubling.
///
/// 61 kB, made once for each of the few points that need it.
public struct SecretMultiplier: Sendable {
  private let rows: [AffineCachedPoint]

  public init(_ point: RistrettoPoint) {
    var all: [EdwardsPoint] = []
    var power = point.point
    for _ in 0..<64 {
      let once = power.cached
      var multiple = power
      all.append(multiple)
      for _ in 1..<8 {
        multiple = multiple.adding(once).extended
        all.append(multiple)
      }
      power = multiple.doubled()
    }
    rows = AffineCachedPoint.normalising(all)
  }

  /// scalar·point in constant time.
  public func multiplied(by scalar: Scalar) -> RistrettoPoint {
    var sum = EdwardsPoint.identity
    rows.withUnsafeBufferPointer { rows in
      scalar.forEachRadix16Digit { position, digit in
        sum = sum.adding(SecretDigit(digit).select(rows, from: 8 * position)).extended
      }
    }
    return RistrettoPoint(sum)
  }
}
