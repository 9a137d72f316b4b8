import Kernel
import Simulation
import TinyChain
import TinyChainPeers

/// A chain of headers alone, whose hash rate jumps: how soon blocks come as they should again.
public struct DifficultyScenario {
  /// Hash rate after the jump, times that before.
  public var jump: UInt64 = 100
  /// Half-lives from the jump to when intervals are looked at.
  public var halfLives = 8
  /// Intervals whose mean is looked at.
  public var intervals = 200
  /// What the mean may be off the network's interval, in percent.
  public var tolerance: Int64 = 25

  public init() {}

  /// The mean of the intervals, in milliseconds.
  public func meanInterval(seed: UInt64) -> Int64 {
    var random = SplitMix64(seed: seed ^ 0x6469_6666_6963_756c)
    var network = NetworkParameters.main(
      genesisTime: 1_767_225_600,
      allocations: [],
      bits: (UInt256.max >> 40).compact
    )
    network.work?.hash = .simulated
    guard let rule = network.work, case .asert(let halfLife) = rule.retarget else {
      preconditionFailure("the main network's rule")
    }
    let store = MemoryStore(NodeRecords(Chain(network)))
    var tree = HeaderTree(network, rule, source: store)
    var clock = network.genesisTime * 1_000_000_000
    var rate = (UInt64(1) << 40) / UInt64(rule.interval)
    /// Finds the next block.
    func step() {
      guard let past = tree.lineage(of: tree.best.id) else {
        preconditionFailure("the best is known")
      }
      var header = tree.sequencer.draft(after: past, at: clock / 1_000_000_000, for: .zero)
      let target = UInt256(compact: header.bits) ?? .max
      let work = UInt64(truncatingIfNeeded: UInt256.work(ofTarget: target).low)
      clock += Hashing.time(of: work, at: rate, using: &random)
      header = tree.sequencer.draft(after: past, at: clock / 1_000_000_000, for: .zero)
      (header.height, header.parent) = (past.tip.header.height + 1, past.tip.id)
      header.nonce = random.next() | 1
      do throws(Rejection) {
        let entry = try tree.add(header, id: header.id, now: clock / 1_000_000_000)
        store.note(NodeChange([.headers([entry].compactMap { $0 }), .best(tree.best.id)]))
        tree.settle()
      } catch {
        preconditionFailure("a block by the rules is refused: \(error)")
      }
    }
    for _ in 0..<100 { step() }
    rate *= jump
    let end = clock + UInt64(halfLives) * UInt64(halfLife) * 1_000_000_000
    while clock < end { step() }
    let start = clock
    for _ in 0..<intervals { step() }
    return Int64((clock - start) / 1_000_000) / Int64(intervals)
  }

  /// What is wrong with a run; nil if blocks come as they should.
  public func fault(seed: UInt64) -> String? {
    let (mean, aim) = (meanInterval(seed: seed), Cast.interval * 1_000)
    guard abs(mean - aim) * 100 > aim * tolerance else { return nil }
    return "\(halfLives) half-lives after the jump an interval is \(mean) ms on average"
  }
}
