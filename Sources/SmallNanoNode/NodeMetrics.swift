import Service
import SmallNano

/// The ledger's and the machine's figures under /metrics; the network keeps its own.
struct NodeMetrics: Sendable {
  private let added: Counter
  private let confirmed: Counter
  private let rolledBack: Counter
  private let forks: Counter
  private let registry: Metrics

  init(in registry: Metrics) {
    self.registry = registry
    added = registry.counter("smallnano_blocks_added_total", "Blocks added to the ledger")
    confirmed = registry.counter("smallnano_blocks_confirmed_total", "Blocks confirmed")
    rolledBack = registry.counter("smallnano_blocks_rolled_back_total", "Losing blocks taken back")
    forks = registry.counter("smallnano_forks_total", "Slots with two signed blocks")
    ProcessFigures.register(in: registry)
  }

  func count(_ event: SmallNanoMachine.Event) {
    switch event {
    case .added: added.add()
    case .confirmed: confirmed.add()
    case .rolledBack: rolledBack.add()
    case .forked: forks.add()
    case .voterNotAdmitted, .voterElsewhere, .recordsFull: break
    }
  }

  func observeTotals(_ totals: @escaping @Sendable () -> LedgerTotals) {
    registry.observed("smallnano_blocks", "Blocks in the ledger") { Decimal(totals().blocks) }
    registry.observed("smallnano_blocks_confirmed", "Confirmed blocks in the ledger") {
      Decimal(totals().confirmedBlocks)
    }
    registry.observed("smallnano_accounts", "Opened accounts") { Decimal(totals().accounts) }
  }

  /// What only the driver's loop can read; taken every few seconds.
  func update(_ sizes: [TableSize], _ statistics: DriverStatistics) {
    for size in sizes {
      let name = size.name
      registry.gauge("smallnano_table_entries", "Bounded tables", labels: ["table": name])
        .set(Int64(size.count))
      registry.gauge("smallnano_table_limit", "Their bounds", labels: ["table": name])
        .set(Int64(size.limit))
    }
    func gauge(_ name: String, _ help: String, _ value: UInt64) {
      registry.gauge(name, help).set(Int64(clamping: value))
    }
    gauge("smallnano_driver_inputs", "Inputs the machine has handled", statistics.inputs)
    gauge("smallnano_driver_commits", "Commits to the disk", statistics.commits)
    gauge("smallnano_driver_changes", "Changes made durable by them", statistics.changes)
    gauge(
      "smallnano_driver_commit_microseconds",
      "Time spent in commits",
      UInt64(max(0, statistics.commitTime.wholeNanoseconds)) / 1000
    )
    gauge(
      "smallnano_driver_commit_microseconds_max",
      "The longest commit",
      UInt64(max(0, statistics.commitTimeMax.wholeNanoseconds)) / 1000
    )
  }
}
