import Kernel
import Service
import Synchronization
import TinyChain
import TinyChainPeers

/// The node around its machine: store, peers, observers.
final class MinedHost: DriverHost {
  typealias M = PeerMachine

  private let store: MinedStore
  private let network: PeerNetwork
  private let log: Log
  private let onFailure: @Sendable (any Error) -> Void
  private let onTip = Mutex<@Sendable () -> Void>({})

  private let height: Gauge
  private let reorganisations: Counter
  private let undone: Counter
  private let waiting: Gauge
  private let misbehaved: Counter
  private let invalid: Counter

  init(
    _ store: MinedStore,
    _ network: PeerNetwork,
    metrics: Metrics,
    log: Log,
    onFailure: @escaping @Sendable (any Error) -> Void
  ) {
    (self.store, self.network, self.log, self.onFailure) = (store, network, log, onFailure)
    height = metrics.gauge("chain_height", "Height of the newest block that was executed")
    reorganisations = metrics.counter("chain_reorganisations_total", "Turns to another branch")
    undone = metrics.counter("chain_undone_blocks_total", "Blocks that were taken back for them")
    waiting = metrics.gauge("pool_transactions", "Transactions that wait for a block")
    misbehaved = metrics.counter("p2p_misbehaviour_total", "Rules of the talk that peers broke")
    invalid = metrics.counter("chain_invalid_blocks_total", "Blocks with work that fail")
  }

  func begin(at tip: Header) { height.set(Int64(tip.height)) }

  func onTip(_ body: @escaping @Sendable () -> Void) { onTip.withLock { $0 = body } }

  var waitingCount: Int { Int(waiting.value) }
  var undoneCount: UInt64 { undone.value }

  func check() throws {
    if let failure = store.failure { throw failure }
  }

  func commit(_ changes: [NodeChange]) throws { try store.commit(changes) }

  func send(_ message: PeerMessage, to peer: PeerID) { network.send(message, to: peer) }

  func broadcast(_ message: PeerMessage, to peers: [PeerID]) {
    for peer in peers { network.send(message, to: peer) }
  }

  func disconnect(_ peer: PeerID, _ reason: DisconnectReason) {
    network.disconnect(peer, reason.description)
  }

  func hasRoom(for peer: PeerID) { network.hasRoom(for: peer) }

  func report(_ event: PeerMachine.Event) {
    switch event {
    case .tipChanged(let header, let count):
      height.set(Int64(header.height))
      onTip.withLock { $0 }()
      guard count > 0 else { return }
      reorganisations.add()
      undone.add(UInt64(count))
      log.info("another branch is the chain", ["undone": "\(count)", "height": "\(header.height)"])
    case .poolChanged(let count): waiting.set(Int64(count))
    case .dial(let address): network.dial(address)
    case .banned(let address, let end):
      log.warn("peer banned", ["peer": "\(address)"])
      network.ban(address, until: end)
    case .misbehaved(let peer, let what):
      misbehaved.add()
      log.debug("peer misbehaves", ["peer": "\(peer)", "what": what.rawValue])
    case .caughtUp(let tip):
      log.info("caught up with the others", ["height": "\(tip.height)"])
    case .invalid(let id, let reason):
      invalid.add()
      log.warn("a block with work is invalid", ["block": "\(id)", "reason": "\(reason)"])
    }
  }

  func failed(_ failure: any Error) {
    log.error("the chain's store failed; the node stops", ["problem": "\(failure)"])
    onFailure(failure)
  }
}
