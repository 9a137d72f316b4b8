public import Kernel

/// Transactions that wait for a block: for each sender a queue by nonce.
public struct Mempool: Sendable {
  /// Nonces of one sender from its next on; so a queue is no longer, and a gap no wider.
  public static let noncesMax: UInt64 = 64
  public static let countMax = 8_192
  /// What 8,192 transactions of 1 KiB take.
  public static let bytesMax = 8 << 20

  private struct Queue {
    /// The sender's, when last looked at.
    var nonce: UInt64
    var transactions: [SignedTransaction] = []

    /// Those that could be executed one after another.
    var ready: ArraySlice<SignedTransaction> {
      transactions[..<zip(transactions, nonce...).prefix { $0.transaction.nonce == $1 }.count]
    }

    /// Of the last, which is the first to leave; least if a gap is before it.
    var worth: (UInt8, UInt64, UInt64, Bytes32) {
      let (last, isReady) = (
        transactions[transactions.count - 1], ready.count == transactions.count
      )
      return (isReady ? 1 : 0, last.transaction.maxPrice, last.transaction.tip, last.id)
    }
  }

  private var queues: [Address: Queue] = [:]
  public private(set) var count = 0
  public private(set) var bytes = 0

  public init() {}

  /// Of a sender, by nonce.
  public func pending(of sender: Address) -> [SignedTransaction] {
    queues[sender]?.transactions ?? []
  }

  /// Takes a transaction in, perhaps in place of another with its nonce that offers a tenth less.
  ///
  /// When there are too many the cheapest leaves; also this is where those of blocks that were undone
  /// come back.
  ///
  /// - Throws: why not: a rule of `Transaction.check`, `nonceTooHigh`, `alreadyKnown`,
  ///   `replacementTooCheap`, or `poolFull` if it is itself the cheapest.
  public mutating func add(_ transaction: SignedTransaction, upon chain: Chain) throws(Rejection) {
    let (sender, asked) = (transaction.sender, transaction.transaction)
    let account = chain.state.account(sender)
    try asked.check(of: account, baseFee: chain.state[number: .baseFee], chain: chain.id)
    guard asked.nonce - account.nonce < Self.noncesMax else { throw .nonceTooHigh }
    var queue = queues[sender] ?? Queue(nonce: account.nonce)
    let known = queue.transactions.firstIndex { $0.transaction.nonce >= asked.nonce }
    let index = known ?? queue.transactions.count
    if let known, queue.transactions[known].transaction.nonce == asked.nonce {
      guard queue.transactions[known].id != transaction.id else { throw .alreadyKnown }
      let old = queue.transactions[known].transaction
      guard Self.isTenthMore(asked.maxPrice, than: old.maxPrice),
        Self.isTenthMore(asked.tip, than: old.tip)
      else { throw .replacementTooCheap }
      queue.transactions.remove(at: known)
      (count, bytes) = (count - 1, bytes - old.size)
    }
    queue.transactions.insert(transaction, at: index)
    queues[sender] = queue
    (count, bytes) = (count + 1, bytes + asked.size)
    while count > Self.countMax || bytes > Self.bytesMax {
      guard removeCheapest() != transaction.id else { throw .poolFull }
    }
  }

  /// What could be in the next block, what pays the producer most first.
  ///
  /// A transaction pays no more than those of its sender that have to come before it.
  public func offers(upon chain: Chain) -> [SignedTransaction] {
    let base = chain.state[number: .baseFee]
    var offers: [(price: UInt64, transaction: SignedTransaction)] = []
    for queue in queues.values {
      var price = UInt64.max
      for transaction in queue.ready {
        let (maxPrice, tip) = (transaction.transaction.maxPrice, transaction.transaction.tip)
        guard maxPrice >= base else { break }
        price = min(price, tip, maxPrice - base)
        offers.append((price, transaction))
      }
    }
    offers.sort { a, b in
      if a.price != b.price { return a.price > b.price }
      let (first, second) = (a.transaction, b.transaction)
      return (first.sender, first.transaction.nonce) < (second.sender, second.transaction.nonce)
    }
    return offers.map(\.transaction)
  }

  /// To be called when the chain has another tip: what can no longer be paid or is done leaves.
  public mutating func update(upon chain: Chain) {
    (count, bytes) = (0, 0)
    for (sender, old) in queues {
      let account = chain.state.account(sender)
      var queue = Queue(nonce: account.nonce)
      queue.transactions = old.transactions.filter { transaction in
        do throws(Rejection) {
          try transaction.transaction.check(of: account, baseFee: 0, chain: chain.id)
          return true
        } catch { return false }
      }
      queues[sender] = queue.transactions.isEmpty ? nil : queue
      count += queue.transactions.count
      bytes += queue.transactions.reduce(0) { $0 + $1.transaction.size }
    }
  }

  /// One look at every queue: no more work than checking a signature is.
  private mutating func removeCheapest() -> Bytes32? {
    guard let sender = queues.min(by: { $0.value.worth < $1.value.worth })?.key,
      let removed = queues[sender]?.transactions.popLast()
    else { return nil }
    if queues[sender]?.transactions.isEmpty == true { queues[sender] = nil }
    (count, bytes) = (count - 1, bytes - removed.transaction.size)
    return removed.id
  }

  private static func isTenthMore(_ price: UInt64, than old: UInt64) -> Bool {
    UInt128(price) * 10 >= UInt128(old) * 11
  }
}
