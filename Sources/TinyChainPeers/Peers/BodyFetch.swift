import Kernel
import TinyChain

/// How far the bodies of better branches have come: asked for, stored, executed.
struct BodyFetch: Sendable {
  /// Blocks whose bodies are fetched ahead of execution; they lie on the disk, each under work.
  static let aheadMax = 256
  /// Branches looked at besides the heaviest: whose makers keep bodies back cannot hold up the others.
  static let branchesMax = 4
  /// Blocks that one job executes.
  static let blocksMax = 32
  /// Bytes of their bodies, beyond the first.
  static let bytesMax = 4 << 20
  /// How long a branch may go without a body before lighter ones take its place for a while.
  static let patience = Duration.seconds(60)
  static let deferral = Duration.seconds(300)
  /// Ids whose bodies are known to be stored or not, and their senders.
  static let knownMax = 4_096

  /// A branch that was executed in part, and has not yet more work than the chain.
  struct Trial: Sendable {
    var chain: Chain
    var undone: [Bytes32]
    /// As long as the branch is until it overtakes; each block has cost its work.
    var applied: [ExecutedBlock] = []
    var returned: [SignedTransaction] = []
  }

  struct Run: Sendable {
    /// The chain's tip when it began.
    let base: Bytes32
    var trial: Trial
  }

  var trial: Trial?
  var running: Run?
  /// Whether bodies are stored.
  private var isHeld: [Bytes32: Bool] = [:]
  /// Who sent them.
  private var origins: [Bytes32: PeerID] = [:]
  /// Came in the course of this input, so not yet in the store.
  private var fresh: [Bytes32: [[UInt8]]] = [:]
  private(set) var deferred: [Bytes32: Instant] = [:]
  private var waiting: (leaf: Bytes32, since: Instant)?

  /// The store has what came before.
  mutating func settle() {
    if !fresh.isEmpty { fresh = [:] }
  }

  var count: Int { isHeld.count }

  mutating func holds(_ id: Bytes32, _ store: any NodeStore) -> Bool {
    if let known = isHeld[id] { return known }
    if isHeld.count >= Self.knownMax { (isHeld, origins) = ([:], [:]) }
    let answer = store.hasBody(id)
    isHeld[id] = answer
    return answer
  }

  mutating func take(_ id: Bytes32, _ transactions: [[UInt8]], from peer: PeerID?) {
    isHeld[id] = true
    origins[id] = peer
    fresh[id] = transactions
    waiting = nil
  }

  mutating func forget(_ id: Bytes32) {
    isHeld[id] = nil
    origins[id] = nil
  }

  func body(of id: Bytes32, _ store: any NodeStore) -> [[UInt8]]? {
    fresh[id] ?? store.body(of: id)
  }

  func origin(of id: Bytes32) -> PeerID? { origins[id] }

  // MARK: Branches that do not come

  /// The heaviest branch waits for a body; one that waits too long makes way.
  mutating func wait(for leaf: Bytes32, now: Instant) {
    guard waiting?.leaf == leaf, let since = waiting?.since else {
      waiting = (leaf, now)
      return
    }
    guard now - since >= Self.patience else { return }
    if deferred.count >= HeaderTree.leavesMax { deferred = [:] }
    deferred[leaf] = now + Self.deferral
    waiting = nil
  }

  mutating func dropLate(_ now: Instant) {
    guard !deferred.isEmpty else { return }
    deferred = deferred.filter { $0.value > now }
  }

  mutating func deferLong(_ leaf: Bytes32, now: Instant) {
    deferred[leaf] = now + .seconds(3_600)
  }
}
