public import Kernel

/// A ledger in memory: the simulator's disk, and the model that the SQLite store is tested against.
///
/// A value: a copy is a snapshot. Every scan goes in key order, never in the order of a hash table.
public struct MemoryStore: LedgerStore, Equatable {
  public private(set) var totals = LedgerTotals()

  private var accounts: [Account: AccountState] = [:]
  private var accountOrder = SortedKeys<Account>()
  private var unconfirmedOrder = SortedKeys<Account>()
  private var blocks: [BlockHash: LedgerBlock] = [:]
  private var chain: [Slot: BlockHash] = [:]
  private var receivables: [ReceivableKey: Receivable] = [:]
  private var receivableOrder = SortedKeys<ReceivableKey>()
  private var weights: [Account: Amount] = [:]
  private var elections: [Slot: Election] = [:]
  private var recordOrder = SortedKeys<Slot>()
  private var voters: [Account: Instant] = [:]
  private var samples: [OnlineSample] = []

  /// What is kept about a slot that is being voted on, each list in the order it is read.
  private struct Election: Hashable {
    var records: [VoteRecord] = []
    var candidates: [Block] = []
    var certificates: [Certificate] = []

    var isEmpty: Bool { records.isEmpty && candidates.isEmpty && certificates.isEmpty }
  }

  public init() {}

  /// Equal content; the orders follow from it.
  public static func == (a: Self, b: Self) -> Bool {
    a.totals == b.totals && a.accounts == b.accounts && a.blocks == b.blocks
      && a.chain == b.chain && a.receivables == b.receivables && a.weights == b.weights
      && a.elections == b.elections && a.voters == b.voters && a.samples == b.samples
  }

  // MARK: Reading

  public func account(_ account: Account) -> AccountState? { accounts[account] }

  public func block(_ hash: BlockHash) -> LedgerBlock? { blocks[hash] }

  public func block(at slot: Slot) -> LedgerBlock? { chain[slot].flatMap { blocks[$0] } }

  public func receivable(_ key: ReceivableKey) -> Receivable? { receivables[key] }

  public func receivables(from start: ReceivableKey, limit: Int) -> [Receivable] {
    receivableOrder.keys(from: start, limit: limit).compactMap { receivables[$0] }
  }

  public func accounts(
    from start: Account,
    limit: Int
  ) -> [(account: Account, state: AccountState)] {
    states(of: accountOrder.keys(from: start, limit: limit))
  }

  public func unconfirmedAccounts(
    from start: Account,
    limit: Int
  ) -> [(account: Account, state: AccountState)] {
    states(of: unconfirmedOrder.keys(from: start, limit: limit))
  }

  private func states(of keys: [Account]) -> [(account: Account, state: AccountState)] {
    keys.compactMap { key in accounts[key].map { (key, $0) } }
  }

  public func weight(of representative: Account) -> Amount { weights[representative] ?? .zero }

  public func weights(atLeast minimum: Amount) -> [(representative: Account, weight: Amount)] {
    weights.filter { $0.value >= minimum }.sorted { $0.key < $1.key }
      .map { (representative: $0.key, weight: $0.value) }
  }

  public func voteRecords(at slot: Slot) -> [VoteRecord] { elections[slot]?.records ?? [] }

  public func candidates(at slot: Slot) -> [Block] { elections[slot]?.candidates ?? [] }

  public func certificates(at slot: Slot) -> [Certificate] { elections[slot]?.certificates ?? [] }

  public func slotsWithRecords(from start: Slot, limit: Int) -> [Slot] {
    recordOrder.keys(from: start, limit: limit)
  }

  public func votingSince(_ representative: Account) -> Instant? { voters[representative] }

  public func onlineSamples() -> [OnlineSample] { samples }

  // MARK: Writing

  public mutating func apply(_ change: LedgerChange) {
    for operation in change.operations {
      apply(operation)
    }
  }

  private mutating func apply(_ operation: LedgerChange.Operation) {
    switch operation {
    case .putAccount(let account, let state):
      accountOrder.insert(account)
      if state.isConfirmed {
        unconfirmedOrder.remove(account)
      } else {
        unconfirmedOrder.insert(account)
      }
      accounts[account] = state
    case .removeAccount(let account):
      accountOrder.remove(account)
      unconfirmedOrder.remove(account)
      accounts[account] = nil
    case .putBlock(let block):
      let replaced = chain.updateValue(block.hash, forKey: block.block.slot)
      precondition(replaced == nil)
      blocks[block.hash] = block
    case .removeBlock(let slot):
      if let hash = chain.removeValue(forKey: slot) { blocks[hash] = nil }
    case .putReceivable(let receivable):
      receivableOrder.insert(receivable.key)
      receivables[receivable.key] = receivable
    case .removeReceivable(let key):
      receivableOrder.remove(key)
      receivables[key] = nil
    case .putWeight(let representative, let weight):
      weights[representative] = weight > .zero ? weight : nil
    case .putTotals(let totals):
      self.totals = totals
    case .putVoteRecord(let record):
      recordOrder.insert(record.slot)
      change(record.slot) { $0.records.put(record) { $0.representative } }
    case .putCandidate(let block):
      change(block.slot) { $0.candidates.put(block) { $0.hash } }
    case .removeCandidate(let slot, let hash):
      change(slot) { $0.candidates.removeAll { $0.hash == hash } }
    case .putCertificate(let certificate):
      change(certificate.slot) { $0.certificates.put(certificate) { $0.choice } }
    case .removeCertificate(let slot, let choice):
      change(slot) { $0.certificates.removeAll { $0.choice == choice } }
    case .removeElection(let slot):
      recordOrder.remove(slot)
      elections[slot] = nil
    case .admitVoter(let representative, let since):
      voters[representative] = since
    case .putOnlineSample(let sample, let dropBefore):
      samples.put(sample) { $0.time }
      samples.removeAll { $0.time < dropBefore }
    }
  }

  private mutating func change(_ slot: Slot, _ body: (inout Election) -> Void) {
    body(&elections[slot, default: Election()])
    if elections[slot]?.isEmpty == true { elections[slot] = nil }
  }
}

extension Array {
  /// Puts an element into its place among those sorted by `key`, or in place of the one with its
  /// key.
  fileprivate mutating func put<Key: Comparable>(_ element: Element, by key: (Element) -> Key) {
    let index = firstIndex { !(key($0) < key(element)) } ?? endIndex
    if index < endIndex, key(self[index]) == key(element) {
      self[index] = element
    } else {
      insert(element, at: index)
    }
  }
}

extension RoundHash: Comparable {
  public static func < (a: Self, b: Self) -> Bool {
    a.round != b.round ? a.round < b.round : a.hash < b.hash
  }
}
