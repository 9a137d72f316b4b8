extension FieldElement {
  /// The square root of -1 that is even: 2^((p - 1) / 4).
  public static let squareRootOfMinusOne = FieldElement(
    0x6_1b27_4a0e_a0b0,
    0x0_d5a5_fc8f_189d,
    0x7_ef5e_9cbd_0c60,
    0x7_8595_a680_4c9e,
    0x2_b832_4804_fc1d
  )

  /// self^(p - 2): the inverse, and 0 for 0.
  public func inverted() -> Self {
    // p - 2 = 2^255 - 21 = (2^250 - 1)·2^5 + 11
    let (ones, eleventh) = powerOfOnes()
    return ones.squared(times: 5) * eleventh
  }

  /// A square root of u / v, without an inversion; nil if u / v is not a square.
  ///
  /// RFC 8032, section 5.1.3: r = u·v^3·(u·v^7)^((p - 5) / 8) has v·r^2 = ±u or ±√-1·u. The first
  /// pair are the squares. Which root is returned is not specified; v must not be 0.
  public static func squareRoot(of u: Self, over v: Self) -> Self? {
    let (base, factor) = rootBase(u, v)
    return root(of: u, over: v, candidate: factor * base.powerForRoot())
  }

  /// Two square roots in the time of one and a quarter.
  static func squareRoots(
    of u: (Self, Self),
    over v: (Self, Self)
  ) -> (Self?, Self?) {
    let (first, second) = (rootBase(u.0, v.0), rootBase(u.1, v.1))
    let powers = FieldPair(first.base, second.base).powerForRoot()
    return (
      root(of: u.0, over: v.0, candidate: first.factor * powers.first),
      root(of: u.1, over: v.1, candidate: second.factor * powers.second)
    )
  }

  /// Square roots of uᵢ / vᵢ, several at a time where there are lanes.
  static func squareRoots(of u: [Self], over v: [Self], path: ArithmeticPath) -> [Self?] {
    let bases = zip(u, v).map { rootBase($0, $1) }
    let powers = Kernels.powersForRoot(bases.map(\.base), path)
    return u.indices.map { index in
      root(of: u[index], over: v[index], candidate: bases[index].factor * powers[index])
    }
  }

  /// u·v^7 and u·v^3.
  static func rootBase(_ u: Self, _ v: Self) -> (base: Self, factor: Self) {
    let v3 = v.squared() * v
    let factor = u * v3
    return (factor * v3 * v, factor)
  }

  private static func root(of u: Self, over v: Self, candidate: Self) -> Self? {
    let check = candidate.squared() * v
    if check == u { return candidate }
    if check == -u { return candidate * squareRootOfMinusOne }
    return nil
  }
}

/// Two elements that go through the same steps.
///
/// Each squaring of a power waits for the one before; a processor has room for a second chain in the
/// meantime.
struct FieldPair {
  let first: FieldElement
  let second: FieldElement

  @inline(__always)
  init(_ first: FieldElement, _ second: FieldElement) {
    self.first = first
    self.second = second
  }
}

/// What the addition chain for roots and inverses runs on.
protocol PowerBase {
  static func * (a: Self, b: Self) -> Self
  func squared() -> Self
}

extension FieldElement: PowerBase {}

extension FieldPair: PowerBase {
  @inline(__always)
  static func * (a: Self, b: Self) -> Self { Self(a.first * b.first, a.second * b.second) }

  @inline(__always)
  func squared() -> Self { Self(first.squared(), second.squared()) }
}

extension PowerBase {
  /// Squares `count` times: self^(2^count).
  func squared(times count: Int) -> Self {
    var power = self
    for _ in 0..<count { power = power.squared() }
    return power
  }

  /// self^(2^250 - 1) and self^11, by the addition chain of curve25519 (Bernstein 2006).
  func powerOfOnes() -> (ones: Self, eleventh: Self) {
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
  func powerForRoot() -> Self {
    powerOfOnes().ones.squared(times: 2) * self
  }
}
