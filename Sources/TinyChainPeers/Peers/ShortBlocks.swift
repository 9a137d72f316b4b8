import Kernel
import TinyChain

/// New blocks on their way, in and out, by short ids.
struct ShortBlocks: Sendable {
  /// Blocks that wait for their missing transactions: 8 × 4 MiB at worst.
  static let partialsMax = 8
  static let patience = Duration.seconds(10)
  /// Blocks whose transactions others may lack yet.
  static let announcedMax = 2

  struct Partial: Sendable {
    let id: Bytes32
    let peer: PeerID
    let deadline: Instant
    /// Nil where one is missing.
    var transactions: [[UInt8]?]
  }

  private(set) var partials: [Partial] = []
  private var announced: [(id: Bytes32, transactions: [SignedTransaction])] = []

  func isWaiting(for id: Bytes32) -> Bool { partials.contains { $0.id == id } }

  /// False if there are too many, or the block waits already.
  mutating func wait(_ partial: Partial) -> Bool {
    guard partials.count < Self.partialsMax, !isWaiting(for: partial.id),
      partials.count(where: { $0.peer == partial.peer }) < 2
    else { return false }
    partials.append(partial)
    return true
  }

  mutating func remove(_ id: Bytes32, from peer: PeerID) -> Partial? {
    guard let index = partials.firstIndex(where: { $0.id == id && $0.peer == peer }) else {
      return nil
    }
    return partials.remove(at: index)
  }

  mutating func drop(from peer: PeerID) { partials.removeAll { $0.peer == peer } }
  mutating func dropLate(_ now: Instant) { partials.removeAll { $0.deadline <= now } }

  mutating func announce(_ block: ExecutedBlock) {
    announced.append((block.id, block.transactions))
    if announced.count > Self.announcedMax { announced.removeFirst() }
  }

  func transactions(of id: Bytes32) -> [SignedTransaction]? {
    announced.first { $0.id == id }?.transactions
  }
}

/// Which transactions of the pool have which id.
struct PoolIndex: Sendable {
  private(set) var senders: [Bytes32: Address] = [:]
  /// Of all transactions that were added since the last look at the pool, and of those before.
  private(set) var bytes = 0

  /// Bytes beyond which the pool is looked at again: what has left it is no more than it may have.
  static let bytesMax = 2 * Mempool.bytesMax

  var count: Int { senders.count }

  /// Takes in an id that was added to the pool.
  ///
  /// - Returns: those that are forgotten, as they have left the pool.
  mutating func add(_ transaction: SignedTransaction, _ pool: Mempool) -> [Bytes32] {
    senders[transaction.id] = transaction.sender
    bytes += transaction.bytes.count
    // The pool also drops transactions without a word.
    return senders.count > 2 * pool.count + 64 || bytes > Self.bytesMax ? update(pool) : []
  }

  /// Forgets what has left the pool, and says what, in an order that is the same everywhere.
  mutating func update(_ pool: Mempool) -> [Bytes32] {
    let gone = senders.keys.filter { transaction($0, pool) == nil }.sorted()
    for id in gone { senders[id] = nil }
    bytes = pool.bytes
    return gone
  }

  func transaction(_ id: Bytes32, _ pool: Mempool) -> SignedTransaction? {
    guard let sender = senders[id] else { return nil }
    return pool.pending(of: sender).first { $0.id == id }
  }
}
