import BulletproofsPlus
import Curve25519
import Kernel

/// What can be said of all accounts together, without an amount.
extension Ledger {
  /// Σ balances + Σ unclaimed outputs - Σ outputs claimed ahead of their source + fees·G = supply·G.
  ///
  /// All blindings cancel. The third sum stands beside the design's formula: a recipient may claim an
  /// output that its certificate proves before the sender's own chain has caught up here, and until
  /// then the amount stands in both balances.
  ///
  /// - Returns: whether it holds: if not, somebody made money.
  /// - Complexity: one point addition for each account and output.
  public func isSupplyIntact() -> Bool {
    var sum = RistrettoPoint.identity
    forEachAccount { sum = sum + $0.balance.point }
    var index: UInt64 = 0
    while true {
      let page = store.outputs(after: index, limit: 256)
      for record in page {
        let point = record.output.commitment.point
        switch (record.isSourceApplied, record.claimedBy != nil) {
        case (true, false): sum = sum + point
        case (false, true): sum = sum - point
        case (true, true), (false, false): break
        }
      }
      guard let last = page.last else { break }
      index = last.index
    }
    let totals = store.totals
    guard let open = genesis.asset.supply.subtracting(totals.feePool) else { return false }
    return sum == Commitment(publicAmount: open).point
  }

  /// H256("state-digest", u64 count ‖ state hashes in account order).
  ///
  /// Equal wherever the same set of certificates was applied.
  public func digest() -> StateDigest {
    var writer = ByteWriter()
    writer.integer(store.totals.accounts)
    forEachAccount { writer.bytes32($0.hash) }
    return StateDigest(
      logCount: store.totals.logCount,
      accounts: store.totals.accounts,
      digest: Tag.stateDigest.hash(writer.bytes)
    )
  }

  /// In account order.
  private func forEachAccount(_ body: (AccountState) -> Void) {
    var start = AccountID(.zero)
    while true {
      let page = store.accounts(from: start, limit: 256)
      page.forEach(body)
      guard page.count == 256, let last = page.last?.account.successor else { return }
      start = last
    }
  }
}

extension AccountID {
  /// The next in order, for scans in pages; nil after the last.
  var successor: AccountID? {
    var bytes = self.bytes.bytes
    for index in bytes.indices.reversed() {
      bytes[index] &+= 1
      if bytes[index] != 0 { return Bytes32(bytes).map { AccountID($0) } }
    }
    return nil
  }
}
