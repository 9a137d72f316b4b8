public import Kernel

// Confirmation only grows, dependencies first, and carries the weights along.

extension Ledger {
  /// Confirms a block of the chain with all it depends on, dependencies first.
  ///
  /// A block depends on its predecessor and, if it receives, on the send. Call again with the same
  /// hash until it is complete: a long history is confirmed in bounded steps.
  ///
  /// - Parameters:
  ///   - hash: a block of the chain.
  ///   - now: kept, in seconds, as the time of each confirmation.
  ///   - limit: at most so many blocks in this call.
  ///   - change: gets what was applied to the store.
  /// - Returns: the blocks newly confirmed, in order; and whether nothing is left to do, which is
  ///   also so for a hash that is not in the chain.
  public mutating func confirm(
    _ hash: BlockHash,
    at now: Instant,
    limit: Int,
    into change: inout LedgerChange
  ) -> (confirmed: [LedgerBlock], isComplete: Bool) {
    precondition(limit > 0)
    guard let target = store.block(hash) else { return ([], true) }
    let seconds = UInt32(clamping: now.milliseconds / 1000)
    var confirmed: [LedgerBlock] = []
    var stack = [target.block.slot]
    while let goal = stack.last {
      guard let state = store.account(goal.account), state.confirmedHeight < goal.height else {
        stack.removeLast()
        continue
      }
      let next = Slot(account: goal.account, height: state.confirmedHeight.next)
      let isTarget = next == target.block.slot  // Usually so: then it has been read already.
      guard let block = isTarget ? target : store.block(at: next) else {
        requireStoreFailure()
        return (confirmed, true)
      }
      if let source = unconfirmedSource(of: block) {
        stack.append(source)
        continue
      }
      guard confirmed.count < limit else { return (confirmed, false) }
      guard confirmNext(block, of: state, at: seconds, into: &change) else {
        requireStoreFailure()
        return (confirmed, true)
      }
      confirmed.append(block)
      if next == goal { stack.removeLast() }
    }
    return (confirmed, true)
  }

  /// The slot of the send that a block receives, unless that is confirmed.
  ///
  /// A send that the ledger no longer holds was confirmed before it was pruned.
  private func unconfirmedSource(of ledgerBlock: LedgerBlock) -> Slot? {
    guard ledgerBlock.kind.isReceiving else { return nil }
    let hash = BlockHash(ledgerBlock.block.link)
    let key = ReceivableKey(destination: ledgerBlock.block.account, hash: hash)
    if let source = store.receivable(key)?.source, store.account(source)?.isConfirmed == true {
      return nil  // The usual case needs no block.
    }
    guard let source = store.block(hash), let state = store.account(source.block.account),
      source.block.height > state.confirmedHeight
    else { return nil }
    return source.block.slot
  }

  /// Confirms the block above an account's confirmed height, whose dependencies are confirmed.
  private mutating func confirmNext(
    _ ledgerBlock: LedgerBlock,
    of state: AccountState,
    at seconds: UInt32,
    into change: inout LedgerChange
  ) -> Bool {
    let block = ledgerBlock.block
    guard
      let moved = movedWeights(
        from: state.confirmed.map { ($0.representative, $0.balance) },
        to: (block.representative, block.balance)
      )
    else { return false }
    var step = LedgerChange()
    if ledgerBlock.kind.isReceiving {
      let key = ReceivableKey(destination: block.account, hash: BlockHash(block.link))
      step.append(.removeReceivable(key))
    }
    for (representative, weight) in moved {
      weights.set(weight, of: representative)
      step.append(.putWeight(representative, weight))
    }
    var state = state
    state.confirmed = ConfirmedFrontier(
      hash: block.hash,
      height: block.height,
      balance: block.balance,
      representative: block.representative,
      confirmedAt: seconds
    )
    step.append(.putAccount(block.account, state))
    var totals = store.totals
    totals.confirmedBlocks += 1
    commit(step, totals: totals, into: &change)
    return true
  }

  /// The new weights when an account's confirmed balance changes or moves to another
  /// representative.
  ///
  /// Nil if the old weight is less than what leaves it: a bug, or a store that failed.
  private func movedWeights(
    from old: (representative: Account, balance: Amount)?,
    to new: (representative: Account, balance: Amount)
  ) -> [(representative: Account, weight: Amount)]? {
    guard let old else {
      return [(new.representative, weight(of: new.representative) + new.balance)]
    }
    guard old != new else { return [] }
    guard let left = weight(of: old.representative).subtracting(old.balance) else { return nil }
    if old.representative == new.representative {
      return [(new.representative, left + new.balance)]
    }
    return [
      (old.representative, left),
      (new.representative, weight(of: new.representative) + new.balance),
    ]
  }
}
