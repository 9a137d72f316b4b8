import Kernel
import Service
import SmallNano
import Synchronization

/// The node around its machine: ledger file, network, observers.
///
/// `@unchecked Sendable`: `store` is touched by the driver's loop only, as every call here comes
/// from there; the rest is locked or itself safe.
final class NodeHost: DriverHost, @unchecked Sendable {
  typealias M = SmallNanoMachine

  let events = EventHub<SmallNanoMachine.Event>()
  private let store: SQLiteLedgerStore
  private let network: PeerNetwork
  private let wire: Network
  private let supply: Amount
  private let metrics: NodeMetrics
  private let log: Log
  private let onFailure: @Sendable (any Error) -> Void
  private let latestTotals: Mutex<LedgerTotals>

  init(
    store: SQLiteLedgerStore,
    network: PeerNetwork,
    parameters: NetworkParameters,
    metrics: NodeMetrics,
    log: Log,
    onFailure: @escaping @Sendable (any Error) -> Void
  ) {
    self.store = store
    self.network = network
    wire = parameters.network
    supply = parameters.supply
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
    let totals = store.totals
    guard totals.blocks == 0 || totals.sum == supply else {
      throw NodeFailure("the ledger's balances no longer add up to the supply; nothing was written")
    }
    try store.commit()
    latestTotals.withLock { $0 = totals }
  }

  func send(_ message: PeerMessage, to peer: PeerID) {
    network.send(frame: message.frame(on: wire), to: [peer])
  }

  func broadcast(_ message: PeerMessage, to peers: [PeerID]) {
    network.send(frame: message.frame(on: wire), to: peers)
  }

  func disconnect(_ peer: PeerID, _ reason: DisconnectReason) {
    network.disconnect(peer, reason)
  }

  func hasRoom(for peer: PeerID) {
    network.hasRoom(for: peer)
  }

  func report(_ event: SmallNanoMachine.Event) {
    metrics.count(event)
    switch event {
    case .added, .confirmed: break
    case .rolledBack(let block):
      log.warn(
        "block rolled back",
        ["block": "\(block.hash)", "account": "\(block.block.account)"]
      )
    case .forked(let slot):
      log.warn("fork", ["account": "\(slot.account)", "height": "\(slot.height)"])
    case .voterNotAdmitted(let account):
      log.warn(
        "voting key has no records here; run `smallnano wallet vote-here` if it votes nowhere else",
        ["account": "\(account)"]
      )
    case .voterElsewhere(let account, let node):
      log.error(
        "another node votes with our key; it no longer votes from here",
        ["account": "\(account)", "node": "\(node)"]
      )
    case .recordsFull:
      log.warn("vote records are full; no new slot is voted on")
    }
    events.send(event)
  }

  func failed(_ failure: any Error) {
    log.error("the ledger failed; the node stops", ["problem": "\(failure)"])
    onFailure(failure)
  }
}

/// Tells events to any number of subscribers.
final class EventHub<Event: Sendable>: Sendable {
  private struct Subscribers: Sendable {
    var last = 0
    var continuations: [Int: AsyncStream<Event>.Continuation] = [:]
    var isFinished = false
  }

  private let subscribers = Mutex(Subscribers())

  /// Events unread before the oldest are dropped.
  static var unreadMax: Int { 1024 }

  func subscribe() -> AsyncStream<Event> {
    let (stream, continuation) = AsyncStream.makeStream(
      of: Event.self,
      bufferingPolicy: .bufferingNewest(Self.unreadMax)
    )
    let number: Int? = subscribers.withLock { subscribers in
      guard !subscribers.isFinished else { return nil }
      subscribers.last += 1
      subscribers.continuations[subscribers.last] = continuation
      return subscribers.last
    }
    guard let number else {
      continuation.finish()
      return stream
    }
    continuation.onTermination = { [weak self] _ in
      self?.subscribers.withLock { _ = $0.continuations.removeValue(forKey: number) }
    }
    return stream
  }

  func send(_ event: Event) {
    let all = subscribers.withLock { Array($0.continuations.values) }
    for continuation in all { continuation.yield(event) }
  }

  func finish() {
    let all = subscribers.withLock { subscribers in
      subscribers.isFinished = true
      defer { subscribers.continuations = [:] }
      return Array(subscribers.continuations.values)
    }
    for continuation in all { continuation.finish() }
  }
}
