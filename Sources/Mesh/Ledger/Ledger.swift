/// The one place that changes a validator's state: it votes, promises and applies.
///
/// Each operation checks everything first, then applies one `LedgerChange` to the store and adds the
/// same operations to the caller's change, which is what gets persisted.
public struct Ledger: Sendable {
  public var store: any LedgerStore
  public let genesis: Genesis
  /// What opening an empty store wrote to it; nil if it held a ledger already.
  public let genesisChange: LedgerChange?

  /// Buffered certificates at their account's next slot, by the transition whose outputs they claim
  /// and that is not known yet.
  var waiters: [TransitionHash: [Slot]] = [:]

  /// Opens a ledger.
  ///
  /// A store without any account gets the genesis balances. They are applied then; persist
  /// `genesisChange` before anything else. A store for many accounts writes them itself, one by one.
  public init(store: any LedgerStore, genesis: Genesis) {
    var store = store
    var written: LedgerChange?
    if store.totals.accounts == 0, store.totals.logCount == 0, !store.hasFailed {
      let change = Self.initialChange(genesis)
      store.apply(change)
      written = change
    }
    self.store = store
    self.genesis = genesis
    genesisChange = written
    restoreWaiters()
  }

  private static func initialChange(_ genesis: Genesis) -> LedgerChange {
    var change = LedgerChange(genesis.firstAccounts.map { .putAccount($0) })
    change.append(.putTotals(genesis.firstTotals))
    return change
  }

  /// The account, or what it is before its first transition.
  public func state(of account: AccountID) -> AccountState {
    store.account(account) ?? .origin(of: account, on: genesis.id)
  }

  /// The transition that settled a slot.
  ///
  /// An account's settled slots are those below its next one, so a new slot is not looked up.
  func settled(_ slot: Slot) -> TransitionHash? {
    guard let state = store.account(slot.account), slot.sequence < state.nextSequence else {
      return nil
    }
    return store.settled(slot)
  }

  /// The certificate that waits for its turn at a slot; nearly always none waits at all.
  func buffered(_ slot: Slot) -> SettlementCertificate? {
    store.totals.bufferCount == 0 ? nil : store.buffered(slot)
  }

  /// Applies a step to the store and notes it in the caller's change.
  mutating func commit(_ step: LedgerChange, into change: inout LedgerChange) {
    store.apply(step)
    change.append(contentsOf: step)
  }

  /// Notes a fault, once for each slot; false if it was known, or if there are too many.
  public mutating func record(_ evidence: Evidence, into change: inout LedgerChange) -> Bool {
    var totals = store.totals
    guard totals.evidenceCount < Self.evidenceMax, !store.hasEvidence(evidence.key) else {
      return false
    }
    totals.evidenceCount += 1
    commit(LedgerChange([.putEvidence(evidence), .putTotals(totals)]), into: &change)
    return true
  }

  /// 65,536 × ~600 bytes: an owner makes evidence against itself for the price of two signatures.
  static let evidenceMax: UInt64 = 65_536
}

extension Genesis {
  /// The accounts that a ledger begins with, each made when it is asked for.
  public var firstAccounts: some Sequence<AccountState> {
    allocations.lazy.map { allocation in
      AccountState(
        account: allocation.account,
        suite: allocation.suite,
        asset: allocation.asset,
        nextSequence: .first,
        head: allocation.account.origin(on: id),
        balance: Commitment(publicAmount: allocation.amount)
      )
    }
  }

  /// What a ledger that holds them counts.
  public var firstTotals: LedgerTotals {
    var totals = LedgerTotals()
    totals.accounts = UInt64(allocations.count)
    return totals
  }
}
