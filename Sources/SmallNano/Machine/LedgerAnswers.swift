import Kernel

// What a node tells of its ledger on request. Pure over a store, so that the node answers from a
// read-only snapshot beside its loop and the simulator inside it.

extension PullRequest {
  public func answer(from store: some ReadableLedger) -> PullResponse {
    guard let state = store.account(account) else {
      return PullResponse(account: account, firstHeld: .open, head: Height(0), blocks: [])
    }
    var blocks: [Verified<Block>] = []
    var height = max(start, .open)
    while blocks.count < Int(count), height <= state.height,
      let held = store.block(at: Slot(account: account, height: height))
    {
      // In the ledger, so its signature and work were checked.
      blocks.append(Verified(checked: held.block))
      height = height.next
    }
    return PullResponse(account: account, firstHeld: .open, head: state.height, blocks: blocks)
  }
}

extension FrontierRequest {
  public func answer(from store: some ReadableLedger) -> [Frontier] {
    store.accounts(from: start, limit: min(Int(count), Frontier.countMax)).compactMap {
      account,
      state in
      state.confirmed.map { Frontier(account: account, height: $0.height, hash: $0.hash) }
    }
  }
}

extension ReceivablesRequest {
  public func answer(from store: some ReadableLedger) -> [ReceivableEntry] {
    store.receivables(from: start, limit: min(Int(count), ReceivableEntry.countMax))
      .filter { $0.receivedAt == nil }
      .map { ReceivableEntry(key: $0.key, source: $0.source, amount: $0.amount) }
  }
}
