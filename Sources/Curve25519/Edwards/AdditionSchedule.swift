/// Which table entry to add or subtract at which power of two, for several scalars at once.
///
/// The digits of all scalars are sorted by position and, within one, by sign. So the loop over them
/// has neither empty digits nor branches that a processor guesses wrong, which would cost a tenth of
/// an addition each.
struct AdditionSchedule {
  /// Digits lie at positions below this.
  private static let positionCount = 254

  /// Table indices; those to add at position p begin at `starts[2p]`, those to subtract at
  /// `starts[2p + 1]`.
  let entries: [Int]
  private let starts: [Int]

  /// One more than the highest position in use.
  let positions: Int

  /// Digit ±(2k + 1) of the i-th scalar stands for table entry i·2^(width - 2) + k.
  init(_ scalars: [Scalar], width: Int) {
    typealias Digit = (slot: Int, entry: Int)
    let multiples = 1 << (width - 2)
    let digitsMax = scalars.count * (Self.positionCount / width + 1)
    var starts = [Int](repeating: 0, count: 2 * Self.positionCount + 1)
    let digits = [Digit](unsafeUninitializedCapacity: digitsMax) { digits, count in
      for (index, scalar) in scalars.enumerated() {
        scalar.forEachDigitVartime(width: width) { position, digit in
          let slot = 2 * position + (digit < 0 ? 1 : 0)
          digits.initializeElement(at: count, to: (slot, index * multiples + abs(digit) >> 1))
          count += 1
          starts[slot + 1] += 1
        }
      }
    }
    for slot in 1..<starts.count { starts[slot] += starts[slot - 1] }
    var next = starts
    var entries = [Int](repeating: 0, count: digits.count)
    for digit in digits {
      entries[next[digit.slot]] = digit.entry
      next[digit.slot] += 1
    }
    self.entries = entries
    self.starts = starts
    // The first slot that starts where all end lies behind the last one in use.
    positions = ((starts.firstIndex(of: digits.count) ?? 0) + 1) / 2
  }

  /// Where in `entries` to find what is added at a position.
  @inline(__always)
  func additions(at position: Int) -> Range<Int> {
    starts[2 * position]..<starts[2 * position + 1]
  }

  /// Where in `entries` to find what is subtracted at a position.
  @inline(__always)
  func subtractions(at position: Int) -> Range<Int> {
    starts[2 * position + 1]..<starts[2 * position + 2]
  }
}
