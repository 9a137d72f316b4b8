import Kernel

/// The ids that were last put in, up to a number.
struct RecentSet: Sendable {
  private let countMax: Int
  private var ids: Set<Bytes32> = []
  /// In the order they came; the next takes the place of the oldest.
  private var ring: [Bytes32] = []
  private var next = 0

  init(_ countMax: Int) { self.countMax = countMax }

  var count: Int { ids.count }

  func contains(_ id: Bytes32) -> Bool { ids.contains(id) }

  /// False if it was there.
  @discardableResult
  mutating func insert(_ id: Bytes32) -> Bool {
    guard ids.insert(id).inserted else { return false }
    if ring.count < countMax {
      ring.append(id)
    } else {
      ids.remove(ring[next])
      ring[next] = id
      next = (next + 1) % countMax
    }
    return true
  }

  mutating func removeAll() { self = RecentSet(countMax) }
}
