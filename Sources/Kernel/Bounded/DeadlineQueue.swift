/// Keys ordered by a deadline, then by key: which is due first.
///
/// A key may be pushed again with another deadline; the holder compares the popped deadline with the
/// one it keeps and ignores a stale entry. A binary heap: O(log n) a push or pop.
public struct DeadlineQueue<Key: Comparable & Sendable>: Sendable {
  private var heap: [(deadline: Instant, key: Key)] = []

  public init() {}

  public var count: Int { heap.count }

  public var first: (deadline: Instant, key: Key)? { heap.first }

  public mutating func push(_ key: Key, at deadline: Instant) {
    heap.append((deadline, key))
    var child = heap.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard Self.isBefore(heap[child], heap[parent]) else { return }
      heap.swapAt(child, parent)
      child = parent
    }
  }

  /// Removes and returns the first entry if it is due.
  public mutating func pop(due now: Instant) -> (deadline: Instant, key: Key)? {
    guard let first = heap.first, first.deadline <= now else { return nil }
    let last = heap.removeLast()
    guard !heap.isEmpty else { return first }
    heap[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < heap.count && Self.isBefore(heap[child], heap[least]) {
        least = child
      }
      guard least != parent else { return first }
      heap.swapAt(parent, least)
      parent = least
    }
  }

  private static func isBefore(
    _ a: (deadline: Instant, key: Key),
    _ b: (deadline: Instant, key: Key)
  ) -> Bool {
    a.deadline != b.deadline ? a.deadline < b.deadline : a.key < b.key
  }
}
