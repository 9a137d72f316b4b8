public import SmallNano
import Synchronization

/// What /health tells: whether the node does its work, and what the operator should look at.
public struct NodeHealth: Sendable {
  /// The full reading of the ledger that follows each start.
  public enum Verification: Hashable, Sendable {
    case running
    case sound
    /// The first thing that was found; the node stops.
    case broken(String)
    /// It could not be done; the node goes on.
    case unfinished(String)
  }

  public var verification: Verification
  public var peers: Int
  public var totals: LedgerTotals
  /// Bytes of the ledger's file.
  public var ledgerBytes: UInt64
  /// What to look at, one line each.
  public var warnings: [String]

  public init(
    verification: Verification = .running,
    peers: Int = 0,
    totals: LedgerTotals = LedgerTotals(),
    ledgerBytes: UInt64 = 0,
    warnings: [String] = []
  ) {
    self.verification = verification
    self.peers = peers
    self.totals = totals
    self.ledgerBytes = ledgerBytes
    self.warnings = warnings
  }

  /// Whether the node is fit for work: a load balancer's question.
  public var isHealthy: Bool {
    if case .broken = verification { false } else { true }
  }
}

/// How far the verification is, for whoever asks.
final class VerificationState: Sendable {
  private let state = Mutex(NodeHealth.Verification.running)

  var value: NodeHealth.Verification { state.withLock { $0 } }

  func set(_ value: NodeHealth.Verification) {
    state.withLock { $0 = value }
  }
}
