extension FieldElement {
  /// `a` if `condition`, else `b`, by masks.
  @inline(__always)
  static func select(_ condition: Bool, _ a: Self, _ b: Self) -> Self {
    select(mask: 0 &- (condition ? 1 : 0), a, b)
  }

  /// `a` if the mask is all ones, `b` if it is 0.
  @inline(__always)
  static func select(mask: UInt64, _ a: Self, _ b: Self) -> Self {
    FieldElement(
      b.l0 ^ mask & (a.l0 ^ b.l0),
      b.l1 ^ mask & (a.l1 ^ b.l1),
      b.l2 ^ mask & (a.l2 ^ b.l2),
      b.l3 ^ mask & (a.l3 ^ b.l3),
      b.l4 ^ mask & (a.l4 ^ b.l4)
    )
  }

  /// Of ±self the one that is not negative: CT_ABS of RFC 9496.
  var absolute: Self { .select(isNegative, -self, self) }

  /// SQRT_RATIO_M1 of RFC 9496, section 4.2, in constant time.
  ///
  /// The root is never negative: √(u/v) if that is a square, else √(√-1·u/v); 0 if u or v is 0, with
  /// u/0 for u ≠ 0 not a square.
  static func rootOfRatio(_ u: Self, _ v: Self) -> (isSquare: Bool, value: Self) {
    let (base, factor) = rootBase(u, v)
    return root(of: u, over: v, candidate: factor * base.powerForRoot())
  }

  /// The same of 1/vᵢ, several at a time where there are lanes.
  static func inverseRoots(
    _ v: [Self],
    path: ArithmeticPath
  ) -> [(isSquare: Bool, value: Self)] {
    let bases = v.map { rootBase(.one, $0) }
    let powers = Kernels.powersForRoot(bases.map(\.base), path)
    return v.indices.map { index in
      root(of: .one, over: v[index], candidate: bases[index].factor * powers[index])
    }
  }

  private static func root(
    of u: Self,
    over v: Self,
    candidate: Self
  ) -> (isSquare: Bool, value: Self) {
    let check = candidate.squared() * v
    let isRoot = check == u
    let isTurned = check == -u
    let isTurnedTwice = check == -(u * squareRootOfMinusOne)
    let turned = candidate * squareRootOfMinusOne
    let value = FieldElement.select(
      mask: (0 &- (isTurned ? 1 : 0)) | (0 &- (isTurnedTwice ? 1 : 0)),
      turned,
      candidate
    )
    return (isRoot || isTurned, value.absolute)
  }
}
