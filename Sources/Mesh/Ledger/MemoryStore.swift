import Kernel

/// A validator's state in memory: the simulator's disk, and the model that a store on disk is tested
/// against.
///
/// A value: a copy is a snapshot. Every scan goes in key order, never in the order of a hash table.
public struct MemoryStore: LedgerStore, Equatable {
  public private(set) var totals = LedgerTotals()

  private var states: [AccountID: AccountState] = [:]
  private var accountOrder = SortedKeys<AccountID>()
  private var locks: [Slot: SlotLock] = [:]
  private var certificates: [TransitionHash: SettlementCertificate] = [:]
  private var chain: [Slot: TransitionHash] = [:]
  private var entries: [TransitionHash] = []
  private var indices: [TransitionHash: UInt64] = [:]
  private var records: [OutputReference: OutputRecord] = [:]
  /// Place = index - 1.
  private var references: [OutputReference] = []
  private var receivables: [AccountID: [OutputReference]] = [:]
  private var waiting: [Slot: SettlementCertificate] = [:]
  private var waitingOrder = SortedKeys<Slot>()
  private var faults: [Evidence] = []
  private var cursors: [ValidatorIndex: UInt64] = [:]

  public init() {}

  /// Equal content; the orders follow from it.
  public static func == (a: Self, b: Self) -> Bool {
    a.totals == b.totals && a.states == b.states && a.locks == b.locks
      && a.certificates == b.certificates && a.entries == b.entries && a.records == b.records
      && a.waiting == b.waiting && a.faults == b.faults && a.cursors == b.cursors
  }

  // MARK: Reading

  public var hasFailed: Bool { false }

  public func account(_ account: AccountID) -> AccountState? { states[account] }

  public func accounts(from start: AccountID, limit: Int) -> [AccountState] {
    accountOrder.keys(from: start, limit: limit).compactMap { states[$0] }
  }

  public func lock(_ slot: Slot) -> SlotLock? { locks[slot] }

  public func settled(_ slot: Slot) -> TransitionHash? { chain[slot] }

  public func certificate(_ transition: TransitionHash) -> SettlementCertificate? {
    certificates[transition]
  }

  public func logIndex(_ transition: TransitionHash) -> UInt64? { indices[transition] }

  public func log(from index: UInt64, limit: Int) -> [TransitionHash] {
    guard index >= 1, index <= UInt64(entries.count) else { return [] }
    return Array(entries[Int(index - 1)...].prefix(limit))
  }

  public func output(_ reference: OutputReference) -> OutputRecord? { records[reference] }

  public func outputs(
    of account: AccountID,
    after index: UInt64,
    limit: Int,
    onlyUnclaimed: Bool
  ) -> [OutputRecord] {
    let all = (receivables[account] ?? []).lazy.compactMap { records[$0] }
    return Array(
      all.filter { $0.index > index && !(onlyUnclaimed && $0.claimedBy != nil) }.prefix(limit)
    )
  }

  public func outputs(after index: UInt64, limit: Int) -> [OutputRecord] {
    guard index < UInt64(references.count) else { return [] }
    return references[Int(index)...].prefix(limit).compactMap { records[$0] }
  }

  public func buffered(_ slot: Slot) -> SettlementCertificate? { waiting[slot] }

  public func bufferedSlots(from start: Slot, limit: Int) -> [Slot] {
    waitingOrder.keys(from: start, limit: limit)
  }

  public func hasEvidence(_ key: Evidence.Key) -> Bool { faults.contains { $0.key == key } }

  public func evidence() -> [Evidence] { faults }

  public func cursor(_ peer: ValidatorIndex) -> UInt64 { cursors[peer] ?? 0 }

  // MARK: Writing

  public mutating func apply(_ change: LedgerChange) {
    for operation in change.operations {
      apply(operation)
    }
  }

  private mutating func apply(_ operation: LedgerChange.Operation) {
    switch operation {
    case .putAccount(let state):
      accountOrder.insert(state.account)
      states[state.account] = state
    case .putLock(let lock):
      locks[lock.slot] = lock
    case .removeLock(let slot):
      locks[slot] = nil
    case .appendCertificate(let certificate, let index):
      precondition(index == UInt64(entries.count) + 1)
      let replaced = chain.updateValue(certificate.hash, forKey: certificate.slot)
      precondition(replaced == nil)
      entries.append(certificate.hash)
      indices[certificate.hash] = index
      certificates[certificate.hash] = certificate
    case .putOutput(let record):
      if records.updateValue(record, forKey: record.reference) == nil {
        precondition(record.index == UInt64(references.count) + 1)
        references.append(record.reference)
        receivables[record.output.recipient, default: []].append(record.reference)
      }
    case .putBuffered(let certificate):
      waitingOrder.insert(certificate.slot)
      waiting[certificate.slot] = certificate
    case .removeBuffered(let slot):
      waitingOrder.remove(slot)
      waiting[slot] = nil
    case .putEvidence(let evidence):
      faults.append(evidence)
    case .putCursor(let peer, let index):
      cursors[peer] = index
    case .putTotals(let totals):
      self.totals = totals
    }
  }
}
