extension EdwardsPoint {
  /// Σ scalarᵢ·pointᵢ + basepointScalar·B, in variable time: for public inputs only.
  ///
  /// A scalar counts as the integer in 0..<ℓ: on a point with a small-order component, products by
  /// s and by s + ℓ differ, until `multipliedByCofactor` clears the component.
  public static func multiscalarVartime(
    _ terms: [(scalar: Scalar, point: EdwardsPoint)],
    basepoint basepointScalar: Scalar = .zero
  ) -> EdwardsPoint {
    multiscalarVartime(terms, fixed: [basepointScalar], of: .basepoint, path: .best)
  }

  /// Σ scalarᵢ·pointᵢ + Σ fixedⱼ·tableⱼ in variable time, by the cheapest way for so many.
  static func multiscalarVartime(
    _ terms: [(scalar: Scalar, point: EdwardsPoint)],
    fixed: [Scalar],
    of table: PointTable,
    path: ArithmeticPath
  ) -> EdwardsPoint {
    if path != .avx512, terms.count >= pippengerMin {
      return strausVartime([], fixed: fixed, of: table, path: path) + pippengerVartime(terms)
    }
    let isWorthLanes = terms.count + fixed.count >= lanesMin
    return strausVartime(terms, fixed: fixed, of: table, path: isWorthLanes ? path : .portable)
  }

  /// Terms from which eight lanes gain more than they lose: a doubling takes them as long as one.
  static let lanesMin = 13

  /// Straus 1964 with non-adjacent forms.
  ///
  /// One chain of 253 doublings for all terms; for each term a table of 8 odd multiples and one
  /// addition for every sixth bit of its scalar, for a fixed point one for every eighth.
  static func strausVartime(
    _ terms: [(scalar: Scalar, point: EdwardsPoint)],
    fixed: [Scalar],
    of table: PointTable,
    path: ArithmeticPath
  ) -> EdwardsPoint {
    let lanes = path == .avx512 ? path.lanes : 1
    let schedule = AdditionSchedule(terms.map(\.scalar), width: OddMultiples.width, lanes: lanes)
    let fixedSchedule = AdditionSchedule(fixed, width: table.width, lanes: lanes)
    // Four lanes gain less than they lose by gathering rows.
    if path == .avx512 {
      return Kernels.straus(terms.map(\.point), schedule, table.rows, fixedSchedule, path)
    }
    var rows: [CachedPoint] = []
    rows.reserveCapacity(terms.count * OddMultiples.count)
    for term in terms { OddMultiples.append(of: term.point, to: &rows) }
    let fixedRows = table.rows

    // A completed point costs doubling 3M to read and addition 4M: T is made only where it is used.
    var sum = ProjectivePoint.identity.doubled()
    var position = max(schedule.positions, fixedSchedule.positions)
    while position > 0 {
      position -= 1
      sum = sum.projective.doubled()
      for index in schedule.additions(at: position) {
        sum = sum.extended.adding(rows[Int(schedule.codes[index] &>> 1)])
      }
      for index in schedule.subtractions(at: position) {
        sum = sum.extended.subtracting(rows[Int(schedule.codes[index] &>> 1)])
      }
      for index in fixedSchedule.additions(at: position) {
        sum = sum.extended.adding(fixedRows[Int(fixedSchedule.codes[index] &>> 1)])
      }
      for index in fixedSchedule.subtractions(at: position) {
        sum = sum.extended.subtracting(fixedRows[Int(fixedSchedule.codes[index] &>> 1)])
      }
    }
    return sum.extended
  }

  /// scalar·self in variable time.
  public func multipliedVartime(by scalar: Scalar) -> EdwardsPoint {
    Self.multiscalarVartime([(scalar, self)])
  }
}
