import Kernel

/// Slots that could be decided and wait for a place among the elections.
///
/// Buckets by the order of magnitude of the money at stake, served in turn, so that a flood of small
/// payments delays only small payments; inside a bucket, who was confirmed longest ago goes first,
/// so that a busy account delays only itself.
struct Backlog: Sendable {
  struct Priority: Hashable, Comparable, Sendable {
    let confirmedAt: UInt32
    let slot: Slot

    static func < (a: Self, b: Self) -> Bool {
      a.confirmedAt != b.confirmedAt ? a.confirmedAt < b.confirmedAt : a.slot < b.slot
    }
  }

  /// log2 of a 128-bit amount.
  private static let bucketCount = 128

  /// Sorted ascending, each.
  private var buckets = [[Priority]](repeating: [], count: bucketCount)
  private var places: [Slot: (bucket: Int, priority: Priority)] = [:]
  private var next = 0

  var count: Int { places.count }

  func contains(_ slot: Slot) -> Bool { places[slot] != nil }

  /// `stake` is the larger of the balances before and after the block.
  mutating func insert(_ slot: Slot, stake: Amount, confirmedAt: UInt32) {
    remove(slot)
    let bucket = Self.bucket(of: stake)
    let priority = Priority(confirmedAt: confirmedAt, slot: slot)
    let index = buckets[bucket].partitioningIndex { $0 >= priority }
    buckets[bucket].insert(priority, at: index)
    places[slot] = (bucket, priority)
  }

  mutating func remove(_ slot: Slot) {
    guard let place = places.removeValue(forKey: slot) else { return }
    let index = buckets[place.bucket].partitioningIndex { $0 >= place.priority }
    if index < buckets[place.bucket].count, buckets[place.bucket][index] == place.priority {
      buckets[place.bucket].remove(at: index)
    }
  }

  /// The next slot to decide, from each bucket in turn.
  mutating func popFirst() -> Slot? {
    for step in 0..<Self.bucketCount {
      let bucket = (next + step) % Self.bucketCount
      guard let first = buckets[bucket].first else { continue }
      buckets[bucket].removeFirst()
      places[first.slot] = nil
      next = (bucket + 1) % Self.bucketCount
      return first.slot
    }
    return nil
  }

  /// The slot that goes last: the latest of the fullest bucket, the smaller stake on a tie.
  var last: Slot? {
    var fullest = 0
    for bucket in 1..<Self.bucketCount where buckets[bucket].count > buckets[fullest].count {
      fullest = bucket
    }
    return buckets[fullest].last?.slot
  }

  private static func bucket(of stake: Amount) -> Int {
    stake.raw == 0 ? 0 : 127 - stake.raw.leadingZeroBitCount
  }
}
