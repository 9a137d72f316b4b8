extension EdwardsPoint {
  /// Terms from which buckets need fewer products than tables.
  static let pippengerMin = 400

  /// Σ scalarᵢ·pointᵢ in variable time (Pippenger 1976).
  ///
  /// Scalars are cut into signed windows of w bits. In each window, every point is added to the
  /// bucket of its digit, and Σ d·bucket_d is taken by two running sums: n + 2^w additions a window
  /// instead of one for each table entry and digit.
  static func pippengerVartime(
    _ terms: [(scalar: Scalar, point: EdwardsPoint)]
  ) -> EdwardsPoint {
    // Near the minimum of (n + 2^w)·253/w.
    let width = max(3, min(12, Int.bitWidth - terms.count.leadingZeroBitCount - 3))
    let windows = 253 / width + 1  // the last holds what is carried
    let cached = terms.map(\.point.cached)
    let digits = terms.flatMap { $0.scalar.signedWindows(width: width, count: windows) }
    var sum = ProjectivePoint.identity
    var buckets = [EdwardsPoint](repeating: .identity, count: 1 << (width - 1))
    for window in (0..<windows).reversed() {
      for _ in 0..<width { sum = sum.doubled().projective }
      for index in buckets.indices { buckets[index] = .identity }
      for (index, point) in cached.enumerated() {
        let digit = Int(digits[index * windows + window])
        if digit > 0 {
          buckets[digit - 1] = buckets[digit - 1].adding(point).extended
        } else if digit < 0 {
          buckets[-digit - 1] = buckets[-digit - 1].subtracting(point).extended
        }
      }
      // bucket_n + (bucket_n + bucket_{n-1}) + …
      var running = EdwardsPoint.identity
      var weighted = EdwardsPoint(sum)
      for bucket in buckets.reversed() {
        running = running + bucket
        weighted = weighted + running
      }
      sum = weighted.projective
    }
    return EdwardsPoint(sum)
  }

  /// (XZ : YZ : Z² : XY).
  private init(_ point: ProjectivePoint) {
    self.init(
      x: point.x * point.z,
      y: point.y * point.z,
      z: point.z.squared(),
      t: point.x * point.y
    )
  }
}

extension Scalar {
  /// self = Σ digitᵢ·2^(width·i) with -2^(width - 1) ≤ digit ≤ 2^(width - 1).
  fileprivate func signedWindows(width: Int, count: Int) -> [Int16] {
    let half: UInt64 = 1 &<< UInt64(width - 1)
    var carry: UInt64 = 0
    return (0..<count).map { index in
      let value = bits(from: index * width) & (2 &* half &- 1) &+ carry
      carry = value > half ? 1 : 0
      return Int16(truncatingIfNeeded: Int64(value) - Int64(carry &* 2 &* half))
    }
  }
}
