public import Mesh
import Storage

/// What an auditor asks of a validator's file: whether money was made, and which state it holds.
///
/// Reads one state of the file, whether its validator runs or not.
public struct LedgerAudit: Sendable {
  /// Σ balances + Σ unclaimed outputs + fees·G = supply·G.
  public let isSupplyIntact: Bool
  public let digest: StateDigest
  public let totals: LedgerTotals
  /// The totals, counted row by row.
  public let counted: LedgerTotals
  public let evidence: [Evidence]
  public let followsOnly: Bool

  /// Reads everything: a point addition for each account and output.
  ///
  /// - Throws: `StorageFailure`.
  public init(of directory: ValidatorDirectory, genesis: Genesis) throws {
    let store = try SQLiteMeshStore(reading: directory.ledgerPath, genesis: genesis)
    let ledger = Ledger(store: store, genesis: genesis)
    isSupplyIntact = ledger.isSupplyIntact()
    digest = ledger.digest()
    totals = store.totals
    counted = store.counts() ?? LedgerTotals()
    evidence = store.evidence()
    followsOnly = store.followsOnly
    if let failure = store.failure { throw failure }
  }

  public var areTotalsRight: Bool { totals == counted }
  public var isSound: Bool { isSupplyIntact && areTotalsRight && !totals.isHalted }
}
