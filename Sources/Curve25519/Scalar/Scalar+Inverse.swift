extension Scalar {
  /// self^(ℓ - 2): the inverse, and 0 for 0, in constant time.
  public func inverted() -> Scalar {
    let exponent = (Scalar.zero - Scalar.one - Scalar.one).words
    var power = Scalar.one
    for word in [exponent.3, exponent.2, exponent.1, exponent.0] {
      for bit in (0..<64).reversed() {
        power = power * power
        // The exponent is no secret.
        if word >> UInt64(bit) & 1 == 1 { power = power * self }
      }
    }
    return power
  }

  /// The inverses of all, by one inversion and three products each (Montgomery 1987).
  ///
  /// - Precondition: none is 0.
  public static func inverted(_ scalars: [Scalar]) -> [Scalar] {
    var products: [Scalar] = []
    products.reserveCapacity(scalars.count)
    var product = Scalar.one
    for scalar in scalars {
      precondition(!scalar.isZero)
      products.append(product)
      product = product * scalar
    }
    var inverse = product.inverted()
    for index in scalars.indices.reversed() {
      products[index] = products[index] * inverse
      inverse = inverse * scalars[index]
    }
    return products
  }
}
