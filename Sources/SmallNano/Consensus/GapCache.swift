import Kernel

/// Valid blocks whose predecessor or source is not held yet, by what they wait for.
struct GapCache: Sendable {
  /// 4,096 × 300 bytes = 1.2 MB.
  static let blocksMax = 4096
  /// Blocks that wait for one hash: forks of one predecessor, or receives of one send.
  static let waitersMax = 10

  private var waiting: [BlockHash: [Verified<Block>]] = [:]
  private var order: [(dependency: BlockHash, hash: BlockHash)] = []
  private(set) var count = 0

  /// True if it was not there yet.
  mutating func insert(_ block: Verified<Block>, missing dependency: BlockHash) -> Bool {
    let waiters = waiting[dependency] ?? []
    guard waiters.count < Self.waitersMax,
      !waiters.contains(where: { $0.value.hash == block.value.hash })
    else { return false }
    while count >= Self.blocksMax, !order.isEmpty { evictOldest() }
    waiting[dependency, default: []].append(block)
    order.append((dependency, block.value.hash))
    count += 1
    return true
  }

  mutating func take(_ dependency: BlockHash) -> [Verified<Block>] {
    guard let blocks = waiting.removeValue(forKey: dependency) else { return [] }
    count -= blocks.count
    if order.count > 2 * Self.blocksMax { order.removeAll { waiting[$0.dependency] == nil } }
    return blocks
  }

  func isWaited(for dependency: BlockHash) -> Bool { waiting[dependency] != nil }

  private mutating func evictOldest() {
    let oldest = order.removeFirst()
    guard var waiters = waiting[oldest.dependency] else { return }
    let before = waiters.count
    waiters.removeAll { $0.value.hash == oldest.hash }
    count -= before - waiters.count
    waiting[oldest.dependency] = waiters.isEmpty ? nil : waiters
  }
}
