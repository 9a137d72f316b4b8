extension FieldElement {
  /// The square root of -1 that is even: 2^((p - 1) / 4).
  public static let squareRootOfMinusOne = FieldElement(
    0x6_1b27_4a0e_a0b0,
    0x0_d5a5_fc8f_189d,
    0x7_ef5e_9cbd_0c60,
    0x7_8595_a680_4c9e,
    0x2_b832_4804_fc1d
  )

  /// Squares `count` times: self^(2^count).
  public func squared(times count: Int) -> Self {
    var power = self
    for _ in 0..<count { power = power.squared() }
    return power
  }

  /// self^(p - 2): the inverse, and 0 for 0.
  public func inverted() -> Self {
    // p - 2 = 2^255 - 21 = (2^250 - 1)·2^5 + 11
    let (ones, eleventh) = powerOfOnes()
    return ones.squared(times: 5) * eleventh
  }

  /// self^(2^250 - 1) and self^11, by the addition chain of curve25519 (Bernstein 2006).
  private func powerOfOnes() -> (ones: Self, eleventh: Self) {
    let second = squared()
    let ninth = self * second.squared(times: 2)
    let eleventh = second * ninth
    let ones5 = ninth * eleventh.squared()  // 2^5 - 1 = 9 + 22
    let ones10 = ones5.squared(times: 5) * ones5
    let ones20 = ones10.squared(times: 10) * ones10
    let ones40 = ones20.squared(times: 20) * ones20
    let ones50 = ones40.squared(times: 10) * ones10
    let ones100 = ones50.squared(times: 50) * ones50
    let ones200 = ones100.squared(times: 100) * ones100
    let ones250 = ones200.squared(times: 50) * ones50
    return (ones250, eleventh)
  }

  /// self^((p - 5) / 8), where (p - 5) / 8 = 2^252 - 3 = (2^250 - 1)·2^2 + 1.
  private func powerForRoot() -> Self {
    powerOfOnes().ones.squared(times: 2) * self
  }

  /// A square root of u / v, without an inversion; nil if u / v is not a square.
  ///
  /// RFC 8032, section 5.1.3: r = u·v^3·(u·v^7)^((p - 5) / 8) has v·r^2 = ±u or ±√-1·u. The first
  /// pair are the squares. Which root is returned is not specified; v must not be 0.
  public static func squareRoot(of u: Self, over v: Self) -> Self? {
    let v3 = v.squared() * v
    let v7 = v3.squared() * v
    let root = u * v3 * (u * v7).powerForRoot()
    let check = root.squared() * v
    if check == u { return root }
    if check == -u { return root * squareRootOfMinusOne }
    return nil
  }
}
