extension EdwardsPoint {
  /// Σ scalarᵢ·pointᵢ + basepointScalar·B, in variable time: for public inputs only.
  ///
  /// A scalar counts as the integer in 0..<ℓ: on a point with a small-order component, products by
  /// s and by s + ℓ differ, until `multipliedByCofactor` clears the component.
  ///
  /// Straus 1964 with non-adjacent forms: one chain of 253 doublings for all terms, and for each term
  /// a table of 8 odd multiples and one addition for every sixth bit of its scalar. Pippenger's
  /// buckets need fewer additions only from some 300 terms on.
  public static func multiscalarVartime(
    _ terms: [(scalar: Scalar, point: EdwardsPoint)],
    basepoint basepointScalar: Scalar = .zero
  ) -> EdwardsPoint {
    var table: [CachedPoint] = []
    table.reserveCapacity(terms.count * OddMultiples.count)
    for term in terms { OddMultiples.append(of: term.point, to: &table) }
    let schedule = AdditionSchedule(terms.map(\.scalar), width: OddMultiples.width)
    let basepointSchedule = AdditionSchedule(
      [basepointScalar],
      width: OddMultiples.basepointWidth
    )
    let basepointTable = OddMultiples.ofBasepoint

    // A completed point costs doubling 3M to read and addition 4M: T is made only where it is used.
    var sum = ProjectivePoint.identity.doubled()
    var position = max(schedule.positions, basepointSchedule.positions)
    while position > 0 {
      position -= 1
      sum = sum.projective.doubled()
      for index in schedule.additions(at: position) {
        sum = sum.extended.adding(table[schedule.entries[index]])
      }
      for index in schedule.subtractions(at: position) {
        sum = sum.extended.subtracting(table[schedule.entries[index]])
      }
      for index in basepointSchedule.additions(at: position) {
        sum = sum.extended.adding(basepointTable[basepointSchedule.entries[index]])
      }
      for index in basepointSchedule.subtractions(at: position) {
        sum = sum.extended.subtracting(basepointTable[basepointSchedule.entries[index]])
      }
    }
    return sum.extended
  }

  /// scalar·self in variable time.
  public func multipliedVartime(by scalar: Scalar) -> EdwardsPoint {
    Self.multiscalarVartime([(scalar, self)])
  }
}
