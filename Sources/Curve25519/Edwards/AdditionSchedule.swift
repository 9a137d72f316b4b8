/// Which table entry to add or subtract at which power of two, for several scalars at once.
///
/// The digits of all scalars are sorted by position and, within one, by sign. So the loop over them
/// has neither empty digits nor branches that a processor guesses wrong, which would cost a tenth of
/// an addition each.
struct AdditionSchedule {
  /// Digits lie at positions below this.
  private static let positionCount = 254

  /// Stands where a position has fewer entries than lanes: adds nothing.
  static let nothing = UInt32.max

  /// Twice a table index, plus 1 to subtract: what position p adds, subtracts and ignores lies from
  /// `starts[p]` up to `starts[p + 1]`.
  let codes: [UInt32]
  let starts: [UInt32]
  /// Where additions end and subtractions begin, and where those end.
  private let middles: [UInt32]
  private let ends: [UInt32]

  /// One more than the highest position in use.
  let positions: Int

  /// Digit ±(2k + 1) of the i-th scalar stands for table entry i·2^(width - 2) + k.
  ///
  /// - Parameters:
  ///   - scalars: public ones.
  ///   - width: of the non-adjacent form.
  ///   - lanes: a multiple of these is at each position.
  init(_ scalars: [Scalar], width: Int, lanes: Int = 1) {
    let multiples = 1 << (width - 2)
    let digitsMax = scalars.count * (Self.positionCount / width + 1)
    // Slot 2p holds what position p adds, slot 2p + 1 what it subtracts. A digit is its slot in the
    // upper half of a word, its code in the lower.
    var counts = [Int](repeating: 0, count: 2 * Self.positionCount)
    let digits = [UInt64](unsafeUninitializedCapacity: digitsMax) { digits, count in
      counts.withUnsafeMutableBufferPointer { counts in
        for (index, scalar) in scalars.enumerated() {
          let first = UInt64(index * multiples)
          scalar.forEachDigitVartime(width: width) { position, half, sign in
            let slot = UInt64(truncatingIfNeeded: 2 &* position) &+ sign
            digits[count] = slot &<< 32 | (first &+ half) &<< 1 | sign
            count &+= 1
            counts[Int(truncatingIfNeeded: slot)] &+= 1
          }
        }
      }
    }
    positions = ((counts.lastIndex { $0 > 0 } ?? -1) + 2) / 2
    var starts: [UInt32] = [0]
    var middles: [UInt32] = []
    var ends: [UInt32] = []
    var next = counts  // where the slot's next code goes
    var start = 0
    for position in 0..<positions {
      next[2 * position] = start
      next[2 * position + 1] = start + counts[2 * position]
      let end = next[2 * position + 1] + counts[2 * position + 1]
      middles.append(UInt32(next[2 * position + 1]))
      ends.append(UInt32(end))
      start += (end - start + lanes - 1) / lanes * lanes
      starts.append(UInt32(start))
    }
    var codes = [UInt32](repeating: Self.nothing, count: start)
    codes.withUnsafeMutableBufferPointer { codes in
      next.withUnsafeMutableBufferPointer { next in
        for digit in digits {
          let slot = Int(truncatingIfNeeded: digit &>> 32)
          codes[next[slot]] = UInt32(truncatingIfNeeded: digit)
          next[slot] &+= 1
        }
      }
    }
    self.codes = codes
    self.starts = starts
    self.middles = middles
    self.ends = ends
  }

  /// Where in `codes` to find what is added at a position.
  @inline(__always)
  func additions(at position: Int) -> Range<Int> {
    position < positions ? Int(starts[position])..<Int(middles[position]) : 0..<0
  }

  /// Where in `codes` to find what is subtracted at a position.
  @inline(__always)
  func subtractions(at position: Int) -> Range<Int> {
    position < positions ? Int(middles[position])..<Int(ends[position]) : 0..<0
  }

  /// `starts` for so many positions.
  func starts(upTo count: Int) -> [UInt32] {
    starts + [UInt32](repeating: starts[positions], count: max(0, count - positions))
  }
}
