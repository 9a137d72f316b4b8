import Kernel

/// How full a bounded table is.
public struct TableSize: Sendable {
  public let name: String
  public let count: Int
  public let limit: Int
}

extension SmallNanoMachine {
  /// Every table that others can make grow, with its bound: for metrics and for the simulator.
  public var tableSizes: [TableSize] {
    let totals = ledger.store.totals
    return [
      TableSize(name: "elections", count: elections.count, limit: configuration.electionsMax),
      TableSize(
        name: "candidates",
        count: candidateSlots.count,
        limit: configuration.electionsMax * Election.candidatesMax
      ),
      TableSize(name: "cached votes", count: cache.count, limit: VoteCache.hashesMax),
      TableSize(name: "blocks with gaps", count: gaps.count, limit: GapCache.blocksMax),
      TableSize(name: "pulls", count: bootstrap.pulls.count, limit: Bootstrap.pullsMax),
      TableSize(name: "vote records", count: recordedSlots.count, limit: Self.recordsMax),
      TableSize(
        name: "unconfirmed blocks",
        count: Int(totals.blocks - totals.confirmedBlocks),
        limit: Int(Self.unconfirmedMax)
      ),
    ]
  }

  public func confirmedHeight(of account: Account) -> Height {
    ledger.store.account(account)?.confirmedHeight ?? Height(0)
  }
}
