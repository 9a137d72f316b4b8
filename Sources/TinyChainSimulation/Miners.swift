import Kernel
import Simulation
import TinyChain
import TinyChainPeers

/// The miners of the honest nodes: who finds the next block and when is drawn by their hash rates.
final class Miners {
  private let cast: Cast
  private var random: SplitMix64
  /// What each one is mining upon, and the number of the draw.
  private var tips: [Bytes32?]
  private var draws: [Int]
  /// Drafts that were asked for.
  private var requests: [RequestID: Int] = [:]
  /// Whose miners are on.
  var isOn: (Int) -> Bool = { _ in true }

  init(_ cast: Cast, seed: UInt64) {
    self.cast = cast
    random = SplitMix64(seed: seed)
    tips = Array(repeating: nil, count: cast.nodes)
    draws = Array(repeating: 0, count: cast.nodes)
  }

  /// Looks after the miners: each second, and whenever a tip changes.
  func tend(_ cluster: TinyChainCluster) {
    for node in 0..<cast.nodes where cast.isHonest(node) { tend(node, cluster) }
  }

  func tend(_ node: Int, _ cluster: TinyChainCluster) {
    guard cast.isHonest(node), cast.rates[node] > 0 else { return }
    guard isOn(node), let machine = cluster.machine(node) else {
      tips[node] = nil
      draws[node] += 1
      return
    }
    let tip = machine.chain.tip.id
    guard tips[node] != tip, let work = Self.work(after: machine) else { return }
    tips[node] = tip
    draws[node] += 1
    let draw = draws[node]
    let time = Hashing.time(of: work, at: cast.rates[node], using: &random)
    guard time < 86_400_000_000_000 else { return }
    cluster.after(.nanoseconds(Int64(time))) { [self] cluster in
      guard draws[node] == draw, cluster.isUp(node) else { return }
      tips[node] = nil
      find(node, cluster)
    }
  }

  /// The node finds a block now.
  func find(_ node: Int, _ cluster: TinyChainCluster) {
    requests[cluster.submit(.draft(producer: Cast.producer(node)), to: node)] = node
  }

  /// A draft gets its nonce.
  func take(_ reply: PeerMachine.Reply, to request: RequestID, _ cluster: TinyChainCluster) {
    guard case .draft(var block) = reply, let node = requests.removeValue(forKey: request) else {
      return
    }
    block.header.nonce = random.next() | 1
    cluster.submit(.mined(block), to: node)
  }

  /// Hashes that the next block takes on average.
  static func work(after machine: PeerMachine) -> UInt64? {
    guard let past = machine.tree.lineage(of: machine.chain.tip.id) else { return nil }
    let draft = machine.tree.sequencer.draft(after: past, at: 0, for: .zero)
    return UInt256(compact: draft.bits).map {
      UInt64(truncatingIfNeeded: UInt256.work(ofTarget: $0).low)
    }
  }
}
