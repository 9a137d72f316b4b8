import CKernels

/// Calls of the vector kernels: the same values as the Swift beside each, several at a time.
enum Kernels {
  /// Σ of what the schedules say, over tables made here of the points and over rows made before.
  static func straus(
    _ points: [EdwardsPoint],
    _ schedule: AdditionSchedule,
    _ fixedRows: [AffineCachedPoint],
    _ fixedSchedule: AdditionSchedule,
    _ path: ArithmeticPath
  ) -> EdwardsPoint {
    let positions = max(schedule.positions, fixedSchedule.positions)
    let (starts, fixedStarts) = (
      schedule.starts(upTo: positions), fixedSchedule.starts(upTo: positions)
    )
    let rowWords = 20 * OddMultiples.count
    let rows = [UInt64](unsafeUninitializedCapacity: rowWords * points.count) { rows, count in
      withWords(points) {
        if let base = rows.baseAddress, !points.isEmpty {
          trellis_curve_tables(path.rawValue, $0, Int64(points.count), base)
        }
      }
      count = rowWords * points.count
    }
    var sums = [EdwardsPoint](repeating: .identity, count: path.lanes)
    withWords(fixedRows) { fixedRows in
      withMutableWords(&sums) { sums in
        trellis_curve_straus(
          path.rawValue,
          fixedRows,
          fixedSchedule.codes,
          fixedStarts,
          rows,
          schedule.codes,
          starts,
          Int32(positions),
          sums
        )
      }
    }
    return sums.reduce(.identity, +)
  }

  /// Σ over the rows that each lane's codes mean.
  static func laneSums(
    _ rows: [AffineCachedPoint],
    _ codes: [UInt32],
    _ starts: [UInt32],
    _ path: ArithmeticPath
  ) -> [EdwardsPoint] {
    let nothing = [UInt32](repeating: 0, count: starts.count)
    var sums = [EdwardsPoint](repeating: .identity, count: path.lanes)
    withWords(rows) { rows in
      withMutableWords(&sums) { sums in
        let positions = Int32(starts.count - 1)
        trellis_curve_straus(
          path.rawValue,
          rows,
          codes,
          starts,
          nil,
          nil,
          nothing,
          positions,
          sums
        )
      }
    }
    return sums
  }

  /// For each choice the sum of its rows whose bit is 1.
  static func chosenSums(
    _ table: PointTable,
    _ choices: [PointChoice],
    _ path: ArithmeticPath
  ) -> [EdwardsPoint] {
    guard let pattern = choices.first, let last = choices.last else { return [] }
    let count = pattern.bits.count
    let step = Int64(15 * pattern.slice.stride * table.multiples)
    var all: [EdwardsPoint] = []
    for start in stride(from: 0, to: choices.count, by: path.lanes) {
      let lanes = (start..<start + path.lanes).map { $0 < choices.count ? choices[$0] : last }
      var bits = lanes.flatMap(\.bits)
      defer { bits.wipe() }
      var sums = [EdwardsPoint](repeating: .identity, count: path.lanes)
      withWords(table.rows) { rows in
        withWords(bits) { bits in
          withMutableWords(&sums) { sums in
            trellis_curve_chosen_sums(
              path.rawValue,
              lanes.map { lane in rows.map { $0 + 15 * table.row(lane.slice, 0) } },
              step,
              lanes.indices.map { lane in bits.map { $0 + lane * count } },
              Int64(count),
              sums
            )
          }
        }
      }
      all += sums.prefix(choices.count - start)
    }
    return all
  }

  /// result[i] = Σ scalar_j·points[j·count + i], by a schedule of the scalars.
  static func fold(
    _ points: [RistrettoPoint],
    _ schedule: AdditionSchedule,
    terms: Int,
    _ path: ArithmeticPath
  ) -> [RistrettoPoint] {
    let count = points.count / terms
    var folded = [RistrettoPoint](repeating: .identity, count: count)
    withScratch(parts: terms) { scratch in
      withWords(points) { points in
        withMutableWords(&folded) { folded in
          trellis_curve_fold(
            path.rawValue,
            points,
            Int32(terms),
            Int64(count),
            schedule.codes,
            schedule.starts,
            Int32(schedule.positions),
            scratch,
            folded
          )
        }
      }
    }
    return folded
  }

  /// For each lane its sum over its points, in constant time.
  ///
  /// - Parameters:
  ///   - points: lane i's are those at g·lanes + i.
  ///   - digits: at (position·groups + g)·lanes + i, from -8 to 8.
  ///   - path: one with lanes.
  /// - Returns: a sum for each lane.
  static func secretSums(
    _ points: [RistrettoPoint],
    digits: [Int8],
    _ path: ArithmeticPath
  ) -> [EdwardsPoint] {
    let groups = points.count / path.lanes
    var sums = [EdwardsPoint](repeating: .identity, count: path.lanes)
    withScratch(parts: groups) { scratch in
      withWords(points) { points in
        withMutableWords(&sums) { sums in
          trellis_curve_secret_sums(path.rawValue, points, digits, Int64(groups), scratch, sums)
        }
      }
    }
    return sums
  }

  /// element^(2^252 - 3) of each.
  static func powersForRoot(_ elements: [FieldElement], _ path: ArithmeticPath) -> [FieldElement] {
    var powers = elements
    withWords(elements) { elements in
      let count = Int64(powers.count)
      withMutableWords(&powers) {
        trellis_field_power_for_root(path.rawValue, elements, $0, count)
      }
    }
    return powers
  }

  /// aᵢ·bᵢ.
  static func products(
    _ a: [FieldElement],
    _ b: [FieldElement],
    _ path: ArithmeticPath
  ) -> [FieldElement] {
    var products = a
    withWords(a) { aWords in
      withWords(b) { bWords in
        withMutableWords(&products) {
          trellis_field_multiply(path.rawValue, aWords, bWords, $0, Int64(a.count))
        }
      }
    }
    return products
  }

  // Elements, points and rows are structs of nothing but `UInt64`, in the order that the header of
  // the kernels says.

  private static func withWords<Element: BitwiseCopyable, Result>(
    _ elements: [Element],
    _ body: (UnsafePointer<UInt64>?) -> Result
  ) -> Result {
    elements.withUnsafeBytes {
      body($0.baseAddress?.assumingMemoryBound(to: UInt64.self))
    }
  }

  private static func withMutableWords<Element: BitwiseCopyable>(
    _ elements: inout [Element],
    _ body: (UnsafeMutablePointer<UInt64>?) -> Void
  ) {
    elements.withUnsafeMutableBytes {
      body($0.baseAddress?.assumingMemoryBound(to: UInt64.self))
    }
  }

  /// Working memory of a kernel: tables of points that are public.
  private static func withScratch(parts: Int, _ body: (UnsafeMutableRawPointer) -> Void) {
    let size = parts * Int(TRELLIS_CURVE_SCRATCH_BYTES)
    let scratch = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
    defer { scratch.deallocate() }
    body(scratch)
  }
}
