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
  private let entries: [Int]
  private let starts: [Int]

  /// One more than the highest position in use.
  let positions: Int

  /// Digit ±(2k + 1) of the i-th scalar stands for table entry i·2^(width - 2) + k.
  init(_ scalars: [Scalar], width: Int) {
    let multiples = 1 << (width - 2)
    var digits: [(slot: Int, entry: Int)] = []
    digits.reserveCapacity(scalars.count * (Self.positionCount / width + 1))
    var counts = [Int](repeating: 0, count: 2 * Self.positionCount + 1)
    for (index, scalar) in scalars.enumerated() {
      scalar.forEachDigitVartime(width: width) { position, digit in
        let slot = 2 * position + (digit < 0 ? 1 : 0)
        digits.append((slot, index * multiples + abs(digit) >> 1))
        counts[slot + 1] += 1
      }
    }
    for slot in 1..<counts.count { counts[slot] += counts[slot - 1] }
    starts = counts
    var next = counts
    var entries = [Int](repeating: 0, count: digits.count)
    for digit in digits {
      entries[next[digit.slot]] = digit.entry
      next[digit.slot] += 1
    }
    self.entries = entries
    var used = Self.positionCount
    while used > 0, counts[2 * used - 2] == digits.count { used -= 1 }
    positions = used
  }

  func additions(at position: Int) -> ArraySlice<Int> {
    entries[starts[2 * position]..<starts[2 * position + 1]]
  }

  func subtractions(at position: Int) -> ArraySlice<Int> {
    entries[starts[2 * position + 1]..<starts[2 * position + 2]]
  }
}
