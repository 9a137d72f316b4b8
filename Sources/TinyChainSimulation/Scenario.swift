import Kernel
public import Simulation
import TinyChain
public import TinyChainPeers

/// One simulated tinychain network, drawn from a seed: nodes, hash rates, owners, who lies, what fails.
///
/// For a while everything may fail; then all heals, the liar falls silent, a few more blocks are
/// found, and all nodes must be at one tip with every payment in a block.
public struct Scenario {
  /// Nodes in a run; nil draws 2...6.
  public var nodes: Int?
  /// Left out on purpose, for runs that must fail.
  package var canary: Canary?
  /// Time under faults: some forty blocks.
  public var faultTime = Duration.seconds(600)
  /// Time to come to rest after healing.
  public var healingTime = Duration.seconds(600)

  public init() {}

  public func run(seed: UInt64, trace: Trace?) throws(Violation) -> Report {
    var random = SplitMix64(seed: seed ^ 0x7469_6e79_6368_6169)
    let cast = Cast(nodes: nodes ?? 2 + random.below(5), using: &random)
    let checker = Checker(cast)
    let cluster = TinyChainCluster(
      seed: seed,
      nodes: cast.nodes,
      blueprint: blueprint(cast, checker),
      world: world(using: &random),
      trace: trace
    )
    let miners = Miners(cast, seed: random.next())
    let owners = Owners(cast, seed: random.next())
    let liar = cast.liar.map { Liar(cast, $0.node, $0.lie, seed: random.next()) }
    checker.watch(cluster) { cluster, node, event in
      switch event {
      case .tipChanged:
        miners.tend(node, cluster)
        liar?.look(at: node, cluster)
      case .invalid: liar?.caught(by: node, cluster)
      default: break
      }
    }
    cluster.onReply = { cluster, request, reply in
      miners.take(reply, to: request, cluster)
      checker.note(reply, to: request, cluster)
    }
    owners.act(in: cluster)
    liar?.act(in: cluster)
    everySecond(cluster) { cluster in
      miners.tend(cluster)
      checker.checkTables(cluster)
    }
    cluster.startFaults(faults(using: &random))
    try cluster.run(for: faultTime)

    cluster.endFaults()
    owners.stopPaying()
    liar?.stop(in: cluster)
    // Nobody mines: all come to the most work, be it at two tips that have as much.
    miners.isOn = { _ in false }
    var nextLook = cluster.elapsed
    let isSettled = try cluster.run(for: healingTime) { cluster in
      guard cluster.elapsed >= nextLook else { return false }
      nextLook = cluster.elapsed + .seconds(1)
      return checker.lag(in: cluster) == nil
    }
    if !isSettled { cluster.fail("convergence", checker.lag(in: cluster) ?? "") }

    // One node mines on: such a tie ends with the next block, and payments find their place.
    let last = (0..<cast.nodes).first { cast.isHonest($0) } ?? 0
    for time in 1...12 {
      cluster.after(.seconds(Int64(time) * 30)) { cluster in
        if cluster.isUp(last) { miners.find(last, cluster) }
      }
    }
    cluster.finalCheck("agreement") { checker.disagreement(in: $0) }
    cluster.finalCheck("liveness") { owners.unsettled(in: $0) }
    nextLook = cluster.elapsed + .seconds(45)
    try cluster.run(for: healingTime) { cluster in
      guard cluster.elapsed >= nextLook else { return false }
      nextLook = cluster.elapsed + .seconds(1)
      return checker.disagreement(in: cluster) == nil && owners.unsettled(in: cluster) == nil
    }
    return try cluster.finish()
  }

  private func everySecond(
    _ cluster: TinyChainCluster,
    _ action: @escaping (TinyChainCluster) -> Void
  ) {
    cluster.after(.seconds(1)) { cluster in
      action(cluster)
      everySecond(cluster, action)
    }
  }

  private func world(using random: inout SplitMix64) -> World {
    var world = World()
    world.link = LinkConditions(delay: .milliseconds(5...(20 << random.below(7 as UInt64))))
    world.clockSkewMax = .milliseconds(Int64(random.below(5_000 as UInt64)))
    world.clockDriftMax = UInt32(random.below(200 as UInt64))
    // Those who were banned are turned away each time they come back.
    world.connecting = .milliseconds(500...5_000)
    return world
  }

  /// Slower than for other systems, as a block comes only now and then.
  private func faults(using random: inout SplitMix64) -> FaultProfile {
    func interval(_ random: inout SplitMix64) -> Duration? {
      random.below(2 as UInt64) == 0 ? .seconds(Int64(8 << random.below(5 as UInt64))) : nil
    }
    var faults = FaultProfile()
    faults.crashInterval = interval(&random)
    faults.downTime = .milliseconds(100...90_000)
    faults.downMax = 2
    faults.partitionInterval = interval(&random)
    faults.partitionTime = .milliseconds(5_000...240_000)
    faults.cutInterval = interval(&random)
    faults.stallInterval = interval(&random)
    faults.stallTime = .milliseconds(1_000...60_000)
    faults.roughInterval = interval(&random)
    return faults
  }

  private func blueprint(_ cast: Cast, _ checker: Checker) -> Blueprint<PeerMachine, NodeDisk> {
    Blueprint(
      firstDurable: { NodeDisk(node: $0, records: NodeRecords(cast.chain)) },
      boot: { start, disk in
        var configuration = PeerMachine.Configuration(
          cast.parameters,
          nonce: start.seed | 1,
          port: 5_100,
          seed: start.seed
        )
        configuration.canary = cast.isHonest(start.node) ? canary : nil
        var machine = PeerMachine(
          store: MemoryStore(disk.records),
          chain: disk.records.chain,
          leaves: disk.records.leaves,
          pool: disk.records.pool.map(\.bytes),
          bans: disk.records.bans,
          configuration: configuration
        )
        checker.checkRestored(machine, disk)
        let effects = machine.handle(.submitted(.start, RequestID(.max)), now: start.now)
        return (machine, effects.filter { if case .reply = $0 { false } else { true } })
      },
      apply: { change, disk in checker.apply(change, to: &disk) },
      identity: { cast.link(to: $0) },
      descriptions: .tinychain
    )
  }
}

public typealias TinyChainCluster = Cluster<PeerMachine, NodeDisk>

/// What a node has on disk, and whose it is.
public struct NodeDisk {
  let node: Int
  public internal(set) var records: NodeRecords
}

extension SplitMix64 {
  mutating func below(_ limit: UInt64) -> UInt64 { next().multipliedFullWidth(by: limit).high }
  mutating func below(_ limit: Int) -> Int { Int(below(UInt64(limit))) }
}
