import Kernel
package import Mesh
public import Simulation

/// One simulated MESH network, drawn from a seed: its validators and wallets, who of them lies, and what
/// goes wrong.
///
/// For a while everything may fail; then all heals, owners who sign twice stop, and the network must
/// come to rest with every honest payment settled everywhere, whatever its Byzantine validators go on
/// to say.
public struct Scenario {
  /// Validators in a run; nil draws 4...10, mostly 4.
  public var nodes: Int?
  /// The most validators that a seed may draw.
  public var nodesMax = 10
  /// Left out on purpose, for runs that must fail.
  package var canary: Canary?
  /// Time under faults.
  public var faultTime = Duration.seconds(30)
  /// Time to come to rest after healing.
  public var healingTime = Duration.seconds(600)

  public init() {}

  public func run(seed: UInt64, trace: Trace?) throws(Violation) -> Report {
    var random = SplitMix64(seed: seed ^ 0x6d65_7368_6d65_7368)
    let drawn = [4, 4, 4, 4, 5, 6, 7, 7, 8, 10].drawn(using: &random)
    let cast = Cast(validators: nodes ?? min(drawn, nodesMax), using: &random)
    let checker = Checker(cast)

    var world = World()
    world.delivery = random.below(3) == 0 ? .lossy : .reliable
    world.link = LinkConditions(delay: .milliseconds(1...(5 << UInt64(random.below(5)))))
    world.clockSkewMax = .milliseconds(Int64(random.below(2000)))
    world.clockDriftMax = UInt32(random.below(200))
    let cluster = MeshCluster(
      seed: seed,
      nodes: cast.nodeCount,
      blueprint: blueprint(cast, checker),
      world: world,
      links: cast.links,
      trace: trace
    )
    checker.watch(cluster)
    let owners = Owners(cast, checker, seed: random.next())
    owners.watch(cluster)
    owners.act(in: cluster)
    for (node, lie) in cast.liars.sorted(by: { $0.key < $1.key }) {
      cluster.setByzantine(node, ByzantineValidator(cast, node, using: &random).behaviour(lie))
    }
    let equivocators = cast.equivocatorNodes.map {
      Equivocator(cast, $0, seed: random.next())
    }
    for equivocator in equivocators { equivocator.act(in: cluster) }
    planLoss(cast, cluster, using: &random)
    var profile = FaultProfile.swarm(using: &random)
    profile.downMax = 1 + random.below(cast.validatorCount)
    cluster.startFaults(profile)
    try cluster.run(for: faultTime)

    cluster.endFaults()
    owners.close()
    for equivocator in equivocators { equivocator.stop() }
    cluster.finalCheck("liveness") { owners.unsettled(in: $0) ?? checker.ignorance(in: $0) }
    cluster.finalCheck("agreement") { checker.disagreement(in: $0) }
    // Looked at once a second: the question is dear, and rest is not missed by it.
    var nextLook = cluster.elapsed
    try cluster.run(for: healingTime) { cluster in
      guard cluster.elapsed >= nextLook else { return false }
      nextLook = cluster.elapsed + .seconds(1)
      return owners.unsettled(in: cluster) == nil && checker.ignorance(in: cluster) == nil
        && checker.disagreement(in: cluster) == nil
    }
    return try cluster.finish()
  }

  /// Once the forgetful validator loses its database.
  private func planLoss(_ cast: Cast, _ cluster: MeshCluster, using random: inout SplitMix64) {
    guard let forgetful = cast.forgetful else { return }
    let time = random.below(UInt64(faultTime.wholeMilliseconds))
    let downTime = Duration.milliseconds(Int64(random.below(3000)))
    cluster.at(.milliseconds(Int64(time))) { cluster in
      cluster.crash(forgetful, restartAfter: downTime)
      var disk = MeshDisk(of: forgetful)
      disk.isForgetful = true
      cluster.replaceDurable(of: forgetful, by: disk)
    }
  }

  private func blueprint(_ cast: Cast, _ checker: Checker) -> Blueprint<MeshNode, MeshDisk> {
    let verdicts = ProofVerdicts()
    return Blueprint(
      firstDurable: { cast.firstDisk(of: $0) },
      boot: { start, disk in
        let secret = Cast.secret(start.seed)
        var node: MeshNode
        let command: MeshNode.Command
        if let state = disk.wallet {
          let keys = cast.keys(ofWallet: start.node)
          let wallet = MeshWallet(
            state: state,
            configuration: .init(genesis: cast.genesis, keys: keys, secret: secret)
          )
          node = MeshNode(wallet, verdicts)
          command = .wallet(.resync)
        } else {
          var configuration = MeshValidator.Configuration(
            genesis: cast.genesis,
            key: disk.isForgetful ? nil : cast.validatorKeys[start.node],
            secret: secret
          )
          configuration.canary = cast.isCorrect(start.node) ? canary : nil
          node = MeshNode(
            MeshValidator(store: disk.store, configuration: configuration),
            verdicts
          )
          command = .validator(.start)
        }
        let effects = node.handle(.submitted(command, MeshNode.nobody), now: start.now)
        return (node, effects)
      },
      apply: { change, disk in checker.apply(change, to: &disk) },
      identity: { cast.identity(of: $0) },
      descriptions: .mesh
    )
  }
}

public typealias MeshCluster = Cluster<MeshNode, MeshDisk>
