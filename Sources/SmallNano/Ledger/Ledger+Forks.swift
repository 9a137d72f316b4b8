import Kernel

// The other sides of forks: judged while one side holds the slot, and let in by rolling that back.

extension Ledger {
  /// Judges a block for a slot that may be occupied: a fork's other side.
  ///
  /// The rules are the same as if the slot, all above it and what depends on them were rolled
  /// back. So `previous` must be the chain's block one lower, and a receive may claim what the
  /// slot's occupant, or a block above it, has received; but not a send that would itself go.
  ///
  /// - Returns: nil if the block is valid there.
  public func candidateRejection(of block: Block) -> BlockRejection? {
    let state = store.account(block.account)
    var facts = facts(for: block, in: state)
    if facts.isSlotTaken, !facts.isKnown, block.height > facts.confirmedHeight {
      facts.isSlotTaken = false
      facts.receivable = source(of: block).receivable.flatMap { receivable in
        receivable.receivedAt.map { $0 >= block.height } ?? true ? receivable : nil
      }
      if facts.receivable != nil, doesSourceDepend(of: block, on: block.slot) {
        facts.receivable = nil
        facts.isSourceKnown = false
      }
    }
    do {
      _ = try block.validated(against: facts, parameters: parameters)
      return store.hasFailed ? .notReady : nil
    } catch {
      return error
    }
  }

  /// Whether rolling back `slot` would take the send with it that `block` receives.
  private func doesSourceDepend(of block: Block, on slot: Slot) -> Bool {
    guard let source = store.block(BlockHash(block.link)) else { return false }
    let confirmed = store.account(source.block.account)?.confirmedHeight ?? Height(0)
    guard source.block.height > confirmed else { return false }
    return blocksToRemove(from: slot)?.contains { $0.hash == source.hash } ?? false
  }

  /// Takes a slot's block off the chain, with its successors and, recursively, the receives of
  /// their sends and what stands on those.
  ///
  /// - Returns: the blocks removed, youngest first. Empty if there is nothing in the slot, and if a
  ///   confirmed block would go: that is never right, so nothing is done.
  public mutating func rollback(_ slot: Slot, into change: inout LedgerChange) -> [LedgerBlock] {
    guard let removed = blocksToRemove(from: slot), !removed.isEmpty else { return [] }
    var step = LedgerChange()
    var totals = store.totals
    var floors: [Account: Height] = [:]
    for ledgerBlock in removed {
      let block = ledgerBlock.block
      floors[block.account] = block.height
      totals.blocks -= 1
      step.append(.removeBlock(block.slot))
      switch ledgerBlock.kind {
      case .open, .receive:
        let key = ReceivableKey(destination: block.account, hash: BlockHash(block.link))
        guard var receivable = store.receivable(key) else {
          requireStoreFailure()
          return []
        }
        receivable.receivedAt = nil
        step.append(.putReceivable(receivable))
        totals.balances -= ledgerBlock.amount
        totals.receivables += ledgerBlock.amount
      case .send:
        totals.balances += ledgerBlock.amount
        if let receivable = ledgerBlock.receivable {
          step.append(.removeReceivable(receivable.key))
          totals.receivables -= ledgerBlock.amount
        } else {
          totals.burned -= ledgerBlock.amount
        }
      case .change, .epoch:
        break
      }
    }
    for (account, floor) in floors.sorted(by: { $0.key < $1.key }) {
      guard let height = floor.previous else {
        totals.accounts -= 1
        step.append(.removeAccount(account))
        continue
      }
      guard let head = store.block(at: Slot(account: account, height: height)) else {
        requireStoreFailure()
        return []
      }
      let confirmed = store.account(account)?.confirmed
      step.append(.putAccount(account, AccountState(after: head.block, confirmed: confirmed)))
    }
    commit(step, totals: totals, into: &change)
    return removed
  }

  /// What a rollback of `slot` takes off the chain, youngest first; nil if a confirmed block would
  /// go with it.
  ///
  /// Each entry of the stack asks for an account to be cut down to below a height. A send on top of
  /// its chain that was received asks for its receive to go first. Blocks form no cycle, so this
  /// ends; memory is bounded by the unconfirmed blocks.
  private func blocksToRemove(from slot: Slot) -> [LedgerBlock]? {
    var removed: [LedgerBlock] = []
    var chains: [Account: (head: UInt64, confirmed: UInt64)] = [:]
    if let state = store.account(slot.account) {
      chains[slot.account] = (state.height.number, state.confirmedHeight.number)
    }
    var stack = [slot]
    while let floor = stack.last {
      guard let chain = chains[floor.account], chain.head >= floor.height.number else {
        stack.removeLast()
        continue
      }
      guard floor.height.number > chain.confirmed,
        let top = store.block(at: Slot(account: floor.account, height: Height(chain.head)))
      else { return nil }
      if let key = top.receivable?.key {
        // An unconfirmed send keeps its row until its receive is confirmed.
        guard let receivable = store.receivable(key) else { return nil }
        if let height = receivable.receivedAt {
          if chains[key.destination] == nil {
            guard let state = store.account(key.destination) else { return nil }
            chains[key.destination] = (state.height.number, state.confirmedHeight.number)
          }
          if let receiver = chains[key.destination], receiver.head >= height.number {
            stack.append(Slot(account: key.destination, height: height))
            continue
          }
        }
      }
      removed.append(top)
      chains[floor.account] = (chain.head - 1, chain.confirmed)
    }
    return removed
  }
}
