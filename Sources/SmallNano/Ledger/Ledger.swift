public import Kernel

/// The one place that changes the ledger: it judges, appends, confirms and rolls back.
///
/// Each operation checks everything first, then applies one `LedgerChange` to the store and adds
/// the same operations to the caller's change, which is what gets persisted. A refused block leaves
/// the store as it was. After every operation `balances + receivables + burned == supply`.
///
/// When the store fails (a full disk), its reads are empty: operations then refuse or do nothing,
/// and the owner learns of the failure when it makes the change durable.
public struct Ledger: Sendable {
  public var store: any LedgerStore
  public let parameters: NetworkParameters
  /// What opening an empty store wrote to it; nil if it held a ledger already.
  public let genesisChange: LedgerChange?

  var weights: RepresentativeWeights

  /// Opens a ledger.
  ///
  /// An empty store gets the genesis block, confirmed. It is already applied then; persist
  /// `genesisChange` before anything else.
  public init(store: any LedgerStore, parameters: NetworkParameters) {
    var store = store
    var genesis: LedgerChange?
    if store.totals.blocks == 0, !store.hasFailed {
      let change = Self.genesis(of: parameters)
      store.apply(change)
      genesis = change
    }
    precondition(store.hasFailed || store.totals.sum == parameters.supply)
    weights = RepresentativeWeights(of: store, supply: parameters.supply)
    self.store = store
    self.parameters = parameters
    genesisChange = genesis
  }

  // MARK: Reading

  /// Confirmed weight delegated to a representative.
  public func weight(of representative: Account) -> Amount {
    weights[representative] ?? store.weight(of: representative)
  }

  /// Those with at least 0.01 % of the supply, in account order; from memory.
  public var representatives: [(representative: Account, weight: Amount)] { weights.entries }

  /// Whether a block is in the chain, confirmed or not.
  public func isKnown(_ hash: BlockHash) -> Bool { store.block(hash) != nil }

  // MARK: Appending

  /// Puts a block on top of its account's chain, unconfirmed.
  public mutating func append(
    _ block: Verified<Block>,
    into change: inout LedgerChange
  ) throws(BlockRejection) -> LedgerBlock {
    let block = block.value
    let state = store.account(block.account)
    let facts = facts(for: block, in: state)
    let appended = try block.validated(against: facts, parameters: parameters)
    guard !store.hasFailed else { throw .notReady }

    var totals = store.totals
    totals.blocks += 1
    var step = LedgerChange([.putBlock(appended)])
    switch appended.kind {
    case .open, .receive:
      guard var receivable = facts.receivable else { throw .receivableMissing }
      receivable.receivedAt = block.height
      step.append(.putReceivable(receivable))
      totals.receivables -= appended.amount
      totals.balances += appended.amount
    case .send:
      totals.balances -= appended.amount
      if let receivable = appended.receivable {
        step.append(.putReceivable(receivable))
        totals.receivables += appended.amount
      } else {
        totals.burned += appended.amount
      }
    case .change, .epoch:
      break
    }
    if state == nil { totals.accounts += 1 }
    step.append(.putAccount(block.account, AccountState(after: block, confirmed: state?.confirmed)))
    commit(step, totals: totals, into: &change)
    return appended
  }

  func facts(for block: Block, in state: AccountState?) -> BlockFacts {
    let previous = predecessor(of: block, in: state)
    let isReceiving = previous.map { block.balance > $0.balance } ?? true
    let source = isReceiving ? source(of: block) : (isKnown: false, receivable: nil)
    return BlockFacts(
      isKnown: isKnown(block.hash),
      confirmedHeight: state?.confirmedHeight ?? Height(0),
      previous: previous,
      isSlotTaken: state.map { block.height <= $0.height } ?? false,
      isSourceKnown: source.isKnown,
      receivable: source.receivable.flatMap { $0.receivedAt == nil ? $0 : nil }
    )
  }

  private func predecessor(
    of block: Block,
    in state: AccountState?
  ) -> BlockFacts.Predecessor? {
    if let state, state.head == block.previous {  // The usual case needs no block.
      return BlockFacts.Predecessor(
        slot: Slot(account: block.account, height: state.height),
        balance: state.balance,
        representative: state.representative
      )
    }
    guard !block.previous.isZero else { return nil }
    return store.block(block.previous).map(BlockFacts.Predecessor.init)
  }

  /// What the link of a receiving block names.
  ///
  /// The row stays until a confirmed block has received it, so the send itself is looked for only
  /// when there is no row.
  func source(of block: Block) -> (isKnown: Bool, receivable: Receivable?) {
    guard !block.link.isZero else { return (false, nil) }
    let hash = BlockHash(block.link)
    let key = ReceivableKey(destination: block.account, hash: hash)
    if let receivable = store.receivable(key) { return (true, receivable) }
    return (isKnown(hash), nil)
  }

  // MARK: Writing

  /// Applies a step to the store and notes it in the caller's change.
  mutating func commit(
    _ step: LedgerChange,
    totals: LedgerTotals,
    into change: inout LedgerChange
  ) {
    precondition(totals.sum == parameters.supply)
    var step = step
    step.append(.putTotals(totals))
    store.apply(step)
    change.append(contentsOf: step)
  }

  /// A row that must be there is not: our own fault, unless the store failed meanwhile.
  func requireStoreFailure() {
    precondition(store.hasFailed)
  }

  private static func genesis(of parameters: NetworkParameters) -> LedgerChange {
    let block = parameters.genesisBlock
    let frontier = ConfirmedFrontier(
      hash: block.hash,
      height: block.height,
      balance: block.balance,
      representative: block.representative,
      confirmedAt: 0
    )
    return LedgerChange([
      .putBlock(LedgerBlock(block: block, kind: .open, amount: block.balance)),
      .putAccount(block.account, AccountState(after: block, confirmed: frontier)),
      .putWeight(block.representative, block.balance),
      .putTotals(
        LedgerTotals(balances: block.balance, accounts: 1, blocks: 1, confirmedBlocks: 1)
      ),
    ])
  }
}

extension AccountState {
  /// The state that a block leaves behind.
  init(after block: Block, confirmed: ConfirmedFrontier?) {
    self.init(
      head: block.hash,
      height: block.height,
      balance: block.balance,
      representative: block.representative,
      confirmed: confirmed
    )
  }
}

extension BlockFacts.Predecessor {
  init(_ block: LedgerBlock) {
    self.init(
      slot: block.block.slot,
      balance: block.block.balance,
      representative: block.block.representative
    )
  }
}

extension LedgerBlock {
  /// The row that a send adds; nil for other kinds and for sends to the burn account.
  public var receivable: Receivable? {
    guard kind == .send, !block.link.isZero else { return nil }
    let key = ReceivableKey(destination: Account(block.link), hash: hash)
    return Receivable(key: key, source: block.account, amount: amount)
  }
}
