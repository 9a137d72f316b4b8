/// Values that were written or read not long ago, decoded.
///
/// A vote's lock is looked at again when its certificate comes, milliseconds later; to decode it costs
/// as much as all else that is done then, for its points. Two generations: what is asked for again
/// stays, at most twice `generationMax` are held.
struct RecentValues<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private let generationMax: Int
  private var newer: [Key: Value] = [:]
  private var older: [Key: Value] = [:]

  init(generationMax: Int) {
    precondition(generationMax > 0)
    self.generationMax = generationMax
  }

  /// The value, which is young again.
  mutating func value(of key: Key) -> Value? {
    if let value = newer[key] { return value }
    guard let value = older[key] else { return nil }
    put(value, for: key)
    return value
  }

  mutating func put(_ value: Value, for key: Key) {
    if newer.count >= generationMax, newer[key] == nil {
      swap(&older, &newer)
      // Its memory serves the next: to grow again would copy every value twice.
      newer.removeAll(keepingCapacity: true)
    }
    newer[key] = value
  }
}
