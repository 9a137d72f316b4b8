extension RistrettoPoint {
  public typealias Term = (scalar: Scalar, point: RistrettoPoint)

  /// Σ scalarᵢ·pointᵢ in constant time: no branch and no address depends on a scalar.
  public static func multiscalar(_ terms: [Term]) -> RistrettoPoint {
    multiscalars([terms], path: .best)[0]
  }

  /// Two such sums in the time of one where there are lanes.
  public static func multiscalars(
    _ first: [Term],
    _ second: [Term]
  ) -> (RistrettoPoint, RistrettoPoint) {
    let sums = multiscalars([first, second], path: .best)
    return (sums[0], sums[1])
  }

  /// scalar·self in constant time.
  public func multiplied(by scalar: Scalar) -> RistrettoPoint { Self.multiscalar([(scalar, self)]) }

  /// One or two sums, each with its share of the lanes.
  static func multiscalars(_ sums: [[Term]], path: ArithmeticPath) -> [RistrettoPoint] {
    let count = sums.map(\.count).max() ?? 0
    // With fewer terms than that, most lanes would double nothing.
    let isWorthIt = sums.count * count >= path.lanes / 2
    guard path != .portable, isWorthIt, count > 0 else { return sums.map(strausSecret) }
    let share = path.lanes / sums.count
    let groups = (count + share - 1) / share
    let places = groups * path.lanes
    var points = [RistrettoPoint](repeating: .identity, count: places)
    var digits = [Int8](repeating: 0, count: 64 * places)
    defer { digits.wipe() }
    for (number, terms) in sums.enumerated() {
      for (index, term) in terms.enumerated() {
        let place = index / share * path.lanes + number * share + index % share
        points[place] = term.point
        term.scalar.forEachRadix16Digit { digits[$0 * places + place] = $1 }
      }
    }
    let lanes = Kernels.secretSums(points, digits: digits, path)
    return sums.indices.map { number in
      RistrettoPoint(lanes[number * share..<(number + 1) * share].reduce(.identity, +))
    }
  }

  /// Straus 1964 with 64 signed digits in radix 16 for each scalar: one chain of 252 doublings for all
  /// terms, and for each a table of 8 multiples, all of which every look-up reads.
  private static func strausSecret(_ terms: [Term]) -> RistrettoPoint {
    var tables: [CachedPoint] = []
    tables.reserveCapacity(8 * terms.count)
    var digits = [Int8](repeating: 0, count: 64 * terms.count)
    defer { digits.wipe() }
    for (index, term) in terms.enumerated() {
      let once = term.point.point.cached
      var multiple = term.point.point
      tables.append(once)
      for _ in 1..<8 {
        multiple = multiple.adding(once).extended
        tables.append(multiple.cached)
      }
      term.scalar.forEachRadix16Digit { digits[64 * index + $0] = $1 }
    }
    var sum = EdwardsPoint.identity
    for position in (0..<64).reversed() {
      if position < 63 {
        sum =
          sum.projective.doubled().projective.doubled().projective.doubled().projective.doubled()
          .extended
      }
      tables.withUnsafeBufferPointer { tables in
        for index in 0..<terms.count {
          let digit = SecretDigit(digits[64 * index + position])
          sum = sum.adding(digit.select(tables, from: 8 * index)).extended
        }
      }
    }
    return RistrettoPoint(sum)
  }

  // MARK: Variable time

  /// Σ scalarᵢ·pointᵢ in variable time: for public inputs only.
  public static func multiscalarVartime(_ terms: [Term]) -> RistrettoPoint {
    multiscalarVartime(terms, fixed: [], of: .basepoint)
  }

  /// Σ scalarᵢ·pointᵢ + Σ fixedⱼ·tableⱼ in variable time: for public inputs only.
  ///
  /// - Parameters:
  ///   - terms: points that come with the call.
  ///   - fixed: for the first points of the table.
  ///   - table: of points that stay.
  /// - Returns: the sum.
  public static func multiscalarVartime(
    _ terms: [Term],
    fixed: [Scalar],
    of table: PointTable
  ) -> RistrettoPoint {
    precondition(fixed.count <= table.count)
    return RistrettoPoint(
      EdwardsPoint.multiscalarVartime(
        terms.map { ($0.scalar, $0.point.point) },
        fixed: fixed,
        of: table,
        path: .best
      )
    )
  }

  /// As many sums as points for each scalar, in variable time: resultᵢ = Σ scalarⱼ·points[j·n + i].
  ///
  /// The scalars being the same for all, lanes share the steps.
  public static func foldedVartime(
    _ points: [RistrettoPoint],
    by scalars: [Scalar]
  ) -> [RistrettoPoint] {
    foldedVartime(points, by: scalars, path: .best)
  }

  static func foldedVartime(
    _ points: [RistrettoPoint],
    by scalars: [Scalar],
    path: ArithmeticPath
  ) -> [RistrettoPoint] {
    precondition(!scalars.isEmpty)
    precondition(points.count % scalars.count == 0)
    let count = points.count / scalars.count
    guard path != .portable, count > 0 else {
      return (0..<count).map { index in
        let terms = scalars.enumerated().map { ($1, points[$0 * count + index].point) }
        return RistrettoPoint(
          EdwardsPoint.strausVartime(terms, fixed: [], of: .basepoint, path: .portable)
        )
      }
    }
    let schedule = AdditionSchedule(scalars, width: OddMultiples.width)
    return Kernels.fold(points, schedule, terms: scalars.count, path)
  }
}

extension Array where Element: FixedWidthInteger {
  /// Overwrites what came from a secret.
  mutating func wipe() {
    for index in indices { self[index] = 0 }
  }
}
