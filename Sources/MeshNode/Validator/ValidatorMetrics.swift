import Kernel
import Mesh
import Service

/// The machine's and the database's figures under /metrics; the network keeps its own.
struct ValidatorMetrics: Sendable {
  private let votes: Counter
  private let applied: Counter
  private let evidence: Counter
  private let safetyFaults: Counter
  private let registry: Metrics

  init(in registry: Metrics) {
    self.registry = registry
    votes = registry.counter("mesh_votes_total", "Votes cast; the same vote said again is not one")
    applied = registry.counter("mesh_certificates_applied_total", "Certificates applied")
    evidence = registry.counter("mesh_evidence_total", "Faults proved")
    safetyFaults = registry.counter(
      "mesh_safety_faults_total",
      "Certificates for what no honest validator votes for: anything but 0 needs an operator"
    )
    ProcessFigures.register(in: registry)
  }

  func count(_ event: MeshValidator.Event) {
    switch event {
    case .voted: votes.add()
    case .applied: applied.add()
    case .evidence: evidence.add()
    case .safetyFault: safetyFaults.add()
    case .rejected(let rejection, _):
      registry.counter(
        "mesh_rejections_total",
        "Transitions that were not voted for, by rule",
        labels: ["rule": "\(rejection.rawValue)"]
      ).add()
    }
  }

  func observe(_ totals: @escaping @Sendable () -> LedgerTotals) {
    func gauge(
      _ name: String,
      _ help: String,
      _ read: @escaping @Sendable (LedgerTotals) -> UInt64
    ) {
      registry.observed(name, help) { Decimal(read(totals())) }
    }
    gauge("mesh_log_entries", "Certificates in the log", \.logCount)
    gauge("mesh_accounts", "Accounts with a state", \.accounts)
    gauge("mesh_outputs", "Outputs known", \.outputCount)
    gauge("mesh_buffered_certificates", "Certificates that wait for others", \.bufferCount)
    gauge("mesh_fee_pool_units", "Fees of all settled transitions") { $0.feePool.units }
    gauge("mesh_halted", "1 after a safety fault") { $0.isHalted ? 1 : 0 }
  }

  /// What only the driver's loop can read; taken every few seconds.
  func update(_ statistics: DriverStatistics) {
    func gauge(_ name: String, _ help: String, _ value: UInt64) {
      registry.gauge(name, help).set(Int64(clamping: value))
    }
    gauge("mesh_driver_inputs", "Inputs the machine has handled", statistics.inputs)
    gauge("mesh_driver_commits", "Commits to the disk", statistics.commits)
    gauge("mesh_driver_changes", "Changes made durable by them", statistics.changes)
    gauge(
      "mesh_driver_commit_microseconds",
      "Time spent in commits",
      UInt64(max(0, statistics.commitTime.wholeNanoseconds)) / 1000
    )
    gauge(
      "mesh_driver_commit_microseconds_max",
      "The longest commit",
      UInt64(max(0, statistics.commitTimeMax.wholeNanoseconds)) / 1000
    )
  }
}
