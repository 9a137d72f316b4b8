/// Points of a table at equal distances.
public struct TableSlice: Sendable {
  let first: Int
  let stride: Int

  public init(first: Int, stride: Int) {
    self.first = first
    self.stride = stride
  }
}

/// Which points of a slice to add up.
public struct PointChoice: Sendable {
  let slice: TableSlice
  let bits: ArraySlice<UInt64>

  /// - Parameters:
  ///   - slice: of the table.
  ///   - bits: each 0 or 1, secret; 1 takes the point.
  public init(_ slice: TableSlice, _ bits: ArraySlice<UInt64>) {
    self.slice = slice
    self.bits = bits
  }
}

extension PointTable {
  /// Where the rows of point i of a slice begin.
  @inline(__always)
  func row(_ slice: TableSlice, _ index: Int) -> Int {
    (slice.first + index * slice.stride) * multiples
  }

  /// For each choice the sum of its points whose bit is 1, in constant time.
  ///
  /// - Precondition: all choices have as many bits.
  public func sums(of choices: [PointChoice]) -> [RistrettoPoint] {
    sums(of: choices, path: .best)
  }

  func sums(of choices: [PointChoice], path: ArithmeticPath) -> [RistrettoPoint] {
    precondition(choices.allSatisfy { $0.bits.count == choices[0].bits.count })
    guard path != .portable else { return choices.map(sum) }
    return Kernels.chosenSums(self, choices, path).map { RistrettoPoint($0) }
  }

  private func sum(of choice: PointChoice) -> RistrettoPoint {
    var sum = EdwardsPoint.identity
    for (index, bit) in choice.bits.enumerated() {
      let row = rows[row(choice.slice, index)]
      let mask = 0 &- bit
      let chosen = AffineCachedPoint(
        yPlusX: .select(mask: mask, row.yPlusX, .one),
        yMinusX: .select(mask: mask, row.yMinusX, .one),
        twiceDXY: .select(mask: mask, row.twiceDXY, .zero)
      )
      sum = sum.adding(chosen).extended
    }
    return RistrettoPoint(sum)
  }

  /// resultᵢ = Σ scalarⱼ·point_{j·n + i} for i below n, in variable time.
  ///
  /// - Parameters:
  ///   - slice: of n points for each scalar.
  ///   - count: n.
  ///   - scalars: public.
  /// - Returns: n points.
  public func foldedVartime(
    _ slice: TableSlice,
    count: Int,
    by scalars: [Scalar]
  ) -> [RistrettoPoint] {
    foldedVartime(slice, count: count, by: scalars, path: .best)
  }

  func foldedVartime(
    _ slice: TableSlice,
    count: Int,
    by scalars: [Scalar],
    path: ArithmeticPath
  ) -> [RistrettoPoint] {
    let schedule = AdditionSchedule(scalars, width: width)
    let step = row(slice, count) - row(slice, 0)
    /// The row that a code of the schedule means for output i.
    func codedRow(_ code: UInt32, _ index: Int) -> Int {
      let (scalar, multiple) = Int(code &>> 1).quotientAndRemainder(dividingBy: multiples)
      return row(slice, index) + scalar * step + multiple
    }
    guard path.lanes == 8 else {
      return (0..<count).map { index in
        var sum = ProjectivePoint.identity.doubled()
        for position in (0..<schedule.positions).reversed() {
          sum = sum.projective.doubled()
          for code in schedule.codes[schedule.additions(at: position)] {
            sum = sum.extended.adding(rows[codedRow(code, index)])
          }
          for code in schedule.codes[schedule.subtractions(at: position)] {
            sum = sum.extended.subtracting(rows[codedRow(code, index)])
          }
        }
        return RistrettoPoint(sum.extended)
      }
    }
    var folded: [RistrettoPoint] = []
    for first in stride(from: 0, to: count, by: path.lanes) {
      // Each lane has its own output.
      let codes = schedule.codes.flatMap { code in
        (first..<first + path.lanes).map { index in
          UInt32(2 * codedRow(code, min(index, count - 1))) | code & 1
        }
      }
      let lanes = Kernels.laneSums(rows, codes, schedule.starts.map { $0 * 8 }, path)
      folded += lanes.prefix(count - first).map { RistrettoPoint($0) }
    }
    return folded
  }
}
