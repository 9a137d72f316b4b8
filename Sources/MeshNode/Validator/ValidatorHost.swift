import Kernel
public import Mesh
import Service
import Synchronization

/// The validator around its machine: database, network, observers.
///
/// `@unchecked Sendable`: `store` is touched by the driver's loop only, as every call here comes
/// from there; the rest is locked or itself safe.
final class ValidatorHost: DriverHost, @unchecked Sendable {
  typealias M = MeshValidator

  private let store: SQLiteMeshStore
  private let network: MeshNetwork
  private let metrics: ValidatorMetrics
  private let log: Log
  private let onFailure: @Sendable (any Error) -> Void
  private let latestTotals: Mutex<LedgerTotals>

  init(
    store: SQLiteMeshStore,
    network: MeshNetwork,
    metrics: ValidatorMetrics,
    log: Log,
    onFailure: @escaping @Sendable (any Error) -> Void
  ) {
    self.store = store
    self.network = network
    self.metrics = metrics
    self.log = log
    self.onFailure = onFailure
    latestTotals = Mutex(store.totals)
  }

  /// Sums as of the last commit.
  var totals: LedgerTotals { latestTotals.withLock { $0 } }

  func check() throws {
    if let failure = store.failure { throw failure }
  }

  /// The store has the changes since the machine decided them; what is missing is the disk's sync.
  func commit(_ changes: [LedgerChange]) throws {
    try store.commit()
    let totals = store.totals
    latestTotals.withLock { $0 = totals }
  }

  func send(_ message: Verified<MeshMessage>, to peer: PeerID) {
    network.send(message, to: peer)
  }

  func broadcast(_ message: Verified<MeshMessage>, to peers: [PeerID]) {
    for peer in peers { network.send(message, to: peer) }
  }

  func disconnect(_ peer: PeerID, _ reason: DisconnectReason) {
    network.disconnect(peer, reason)
  }

  func hasRoom(for peer: PeerID) {
    network.hasRoom(for: peer)
  }

  func report(_ event: MeshValidator.Event) {
    metrics.count(event)
    switch event {
    case .voted(let vote):
      log.debug(
        "voted",
        [
          "account": "\(vote.slot.account)", "sequence": "\(vote.slot.sequence)",
          "ballot": "\(vote.ballot)", "transition": "\(vote.transition)",
        ]
      )
    case .rejected(let rejection, let peer):
      log.debug("transition rejected", ["rule": "\(rejection.rawValue)", "peer": "\(peer.number)"])
    case .applied(let certificate, let logIndex):
      log.debug(
        "settled",
        [
          "account": "\(certificate.slot.account)", "sequence": "\(certificate.slot.sequence)",
          "transition": "\(certificate.hash)", "log": "\(logIndex)",
        ]
      )
    case .evidence(let evidence):
      log.warn("fault proved", ["who": evidence.culprit, "slot": "\(evidence.key.slot)"])
    case .safetyFault(let certificate, let rejection):
      log.error(
        "safety fault: a quorum signed what no honest validator votes for; this one votes no more",
        [
          "transition": "\(certificate.hash)", "slot": "\(certificate.slot)",
          "rule": "\(rejection.rawValue)",
        ]
      )
    }
  }

  func failed(_ failure: any Error) {
    log.error("the database failed; the validator stops", ["problem": "\(failure)"])
    onFailure(failure)
  }
}

extension Evidence {
  /// Whose fault it proves.
  public var culprit: String {
    switch self {
    case .owner(let proof): "owner \(proof.slot.account)"
    case .validator(let proof): "validator \(proof.a.validator)"
    case .certificate: "more validators than may be faulty"
    }
  }
}
