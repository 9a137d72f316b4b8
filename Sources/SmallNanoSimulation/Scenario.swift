import Kernel
public import Simulation
public import SmallNano

/// One simulated smallnano network, drawn from a seed: its nodes and weights, its honest owners and
/// the one who signs two blocks for one height, its Byzantine representative, and what goes wrong.
///
/// For a while everything may fail; then all heals, the Byzantine node falls silent, and the network
/// must come to rest with every honest payment confirmed everywhere.
public struct Scenario {
  /// Nodes in a run; nil draws 3...7, rarely 20.
  public var nodes: Int?
  /// The most a seed may draw: twenty nodes take some hundred times the steps of four.
  public var nodesMax = 20
  /// Left out on purpose, for runs that must fail.
  package var canary: Canary?
  /// Time under faults.
  public var faultTime = Duration.seconds(40)
  /// Time to come to rest after healing.
  public var healingTime = Duration.seconds(900)

  public init() {}

  public func run(seed: UInt64, trace: Trace?) throws(Violation) -> Report {
    var random = SplitMix64(seed: seed ^ 0x736d_616c_6c6e_616e)
    let drawn = random.below(20) == 0 ? 20 : 3 + Int(random.below(5))
    let cast = Cast(nodes: nodes ?? min(drawn, nodesMax), using: &random)
    let checker = Checker(cast)

    var world = World()
    world.delivery = random.below(3) == 0 ? .lossy : .reliable
    world.link = LinkConditions(delay: .milliseconds(1...(5 << random.below(5))))
    world.clockSkewMax = .milliseconds(Int64(random.below(2000)))
    world.clockDriftMax = UInt32(random.below(200))
    // Every node relays every vote: messages grow with the square, and more with the votes.
    world.stepsMax *= max(1, cast.nodes * cast.nodes / 49)
    let cluster = SmallNanoCluster(
      seed: seed,
      nodes: cast.nodes,
      blueprint: blueprint(cast, checker),
      world: world,
      trace: trace
    )
    checker.watch(cluster)
    let owners = Owners(cast, checker, seed: random.next())
    owners.act(in: cluster)
    if let liar = cast.byzantine {
      let behaviour = ByzantineRepresentative(cast, checker, liar)
        .behaviour(isTwoFaced: random.below(2) == 0)
      cluster.setByzantine(liar, behaviour)
    }
    cluster.startFaults(.swarm(using: &random))
    try cluster.run(for: faultTime)

    cluster.endFaults()
    owners.stopPaying()
    if let liar = cast.byzantine { cluster.setByzantine(liar, .silent) }
    cluster.finalCheck("liveness") { owners.unsettled(in: $0) ?? checker.unsettledSlot(in: $0) }
    cluster.finalCheck("agreement") { checker.disagreement(in: $0) }
    // Looked at once a second: the question is dear, and rest is not missed by it.
    var nextLook = cluster.elapsed
    try cluster.run(for: healingTime) { cluster in
      guard cluster.elapsed >= nextLook else { return false }
      nextLook = cluster.elapsed + .seconds(1)
      return owners.unsettled(in: cluster) == nil && checker.unsettledSlot(in: cluster) == nil
        && checker.disagreement(in: cluster) == nil
    }
    return try cluster.finish()
  }

  private func blueprint(_ cast: Cast, _ checker: Checker) -> Blueprint<
    SmallNanoMachine, MemoryStore
  > {
    Blueprint(
      firstDurable: { _ in cast.firstLedger },
      boot: { start, durable in
        var configuration = SmallNanoMachine.Configuration(
          parameters: cast.parameters,
          node: cast.identity(of: start.node),
          seed: start.seed
        )
        configuration.canary = start.node == cast.byzantine ? nil : canary
        var machine = SmallNanoMachine(store: durable, configuration: configuration)
        let request = RequestID(.max)
        var effects = machine.handle(.submitted(.start, request), now: start.now)
        effects += machine.handle(
          .submitted(.setVoters(cast.voters(of: start.node)), request),
          now: start.now
        )
        return (machine, effects.filter { if case .reply = $0 { false } else { true } })
      },
      apply: { change, durable in checker.apply(change, to: &durable) },
      identity: { cast.identity(of: $0) },
      descriptions: .smallnano
    )
  }
}

public typealias SmallNanoCluster = Cluster<SmallNanoMachine, MemoryStore>

extension Descriptions<SmallNanoMachine> {
  /// Short texts; hashes by their first eight digits.
  static var smallnano: Self {
    var texts = Self()
    texts.message = { message in
      switch message {
      case .publish(let block): "publish \(short(block.value))"
      case .vote(let vote):
        "\(vote.value.kind) r\(vote.value.round) by \(short(vote.value.representative.bytes))"
          + " for \(vote.value.hashes.map { short($0.bytes) })"
      case .confirmRequest(let targets):
        "confirm? \(targets.map { short($0.hash.bytes) })"
      case .blockRequest(let hashes): "block? \(hashes.map { short($0.bytes) })"
      case .hello(let hello): "hello \(short(hello.value.representative.bytes))"
      case .pullRequest(let request): "pull \(short(request.account.bytes)) from \(request.start)"
      case .pullResponse(let response):
        "pulled \(short(response.account.bytes)) \(response.blocks.count) of \(response.head)"
      case .frontierRequest(let request): "frontiers from \(short(request.start.bytes))"
      case .frontierResponse(let frontiers): "frontiers \(frontiers.count)"
      case .receivablesRequest, .receivablesResponse: "receivables"
      }
    }
    texts.command = { command in
      guard case .process(let block) = command else { return "command" }
      return "process \(short(block.value))"
    }
    texts.reply = { reply in
      switch reply {
      case .processed(let hash): "processed \(short(hash.bytes))"
      case .rejected(let rejection): "rejected \(rejection)"
      default: "reply"
      }
    }
    texts.change = { change in "write of \(change.operations.count)" }
    texts.event = { event in
      switch event {
      case .added(let block): "added \(short(block.block))"
      case .confirmed(let block): "confirmed \(short(block.block))"
      case .rolledBack(let block): "rolled back \(short(block.block))"
      case .forked(let slot): "forked \(short(slot.account.bytes)) \(slot.height)"
      default: "\(event)"
      }
    }
    return texts
  }
}

func short(_ bytes: Bytes32) -> String { String(bytes.hex.prefix(8)) }

func short(_ block: Block) -> String {
  "\(short(block.hash.bytes)) (\(short(block.account.bytes)) \(block.height))"
}

extension SplitMix64 {
  /// 0..<limit.
  mutating func below(_ limit: UInt64) -> UInt64 { next(upperBound: limit) }
}
