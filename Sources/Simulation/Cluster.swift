public import Kernel

/// Some nodes in a simulated world: the second interpreter of `Machine`, beside the driver.
///
/// One `SplitMix64` decides everything that is left open, in the order in which virtual time
/// reaches it. Equal seed, world and script give the same run, down to its fingerprint.
///
/// Simulated:
/// - **Network.** Each pair of nodes that is to be connected keeps one connection, numbered anew
///   each time; both ends hear `.connected` and later `.disconnected`, each at its own time, also
///   after a `.disconnect` of their own, and never after a crash of their own. Each direction has
///   delay and loss. Connections are reliable and ordered like TCP, or lossy; see
///   `World.Delivery`. They break, stall, and are cut by partitions at any moment. What a crashed
///   or closing node sent before may still arrive, until the far end hears of the end; from then
///   on it is lost.
/// - **Disk.** Each node has a durable value, changed only by `persist`. A write takes time,
///   during which the machine decides further; later effects wait behind it, in order. Writes
///   that wait together may share a sync.
/// - **Crashes** between any two effects, within a broadcast, and during a sync. All but the
///   durable value is lost. A restart builds a machine from that.
/// - **Clocks.** Each node's clock is off and drifts by constants. It never goes back.
/// - **Timers, jobs and commands.** Timers run by the node's own clock. A job's result comes after
///   a drawn time unless the node crashed.
/// - **Byzantine nodes**, that send what they like to whom they like. See `Byzantine`.
///
/// Not simulated: the time a decision takes, bandwidth, queue limits and backpressure, message
/// encoding and authentication (a message arrives as the value that was sent), disks that lie,
/// tear writes, fill up or fail, clocks that jump, and a node that runs twice.
///
///     let cluster = Cluster(seed: 7, nodes: 4, blueprint: blueprint)
///     cluster.invariant("one value") { cluster in … }        // nil, or what is wrong
///     cluster.at(.seconds(3)) { $0.crash(2, restartAfter: .seconds(1)) }
///     cluster.startFaults(.swarm(using: &cluster.random))
///     try cluster.run(for: .seconds(30))
///     cluster.endFaults()
///     try cluster.run(for: .seconds(60), until: { … })
///     try cluster.finish()
///
/// It is a class because scripts and checkers are closures over one and the same run. It belongs
/// to one task.
public final class Cluster<M: Machine, Durable> {
  public let seed: UInt64
  public let world: World
  /// The generator of the whole run.
  ///
  /// A script that draws from it stays reproducible.
  public var random: SplitMix64
  public internal(set) var counts = Counts()
  /// Events that had an effect so far.
  public internal(set) var steps = 0
  /// Depends on everything that happened: who acted when, and what went where.
  ///
  /// Not on contents.
  public internal(set) var fingerprint: UInt64 = 0xcbf2_9ce4_8422_2325
  /// What was sent: in this step, or in the whole run if `World.keepsSentMessages`.
  public internal(set) var sent: [SentMessage<M>] = []
  /// Every command submitted, by the number of its request.
  public internal(set) var requests: [ClientRequest<M>] = []

  /// Called when a node carries out a `report`.
  public var onReport: ((_ cluster: Cluster, _ node: Int, _ event: M.Event) -> Void)?
  /// Called when a command is answered.
  ///
  /// It may submit the next.
  public var onReply: ((_ cluster: Cluster, _ request: RequestID, _ reply: M.Reply) -> Void)?

  let blueprint: Blueprint<M, Durable>
  let trace: Trace?
  var queue = EventQueue<Event>()
  var elapsedNanoseconds: UInt64 = 0
  var nodes: [Node<M, Durable>]
  var violation: Violation?
  var timerGeneration: UInt64 = 0

  // Network; see Network.swift. Pairs and directions index row by row.
  var endpoints: [Endpoint] = []
  var links: [Link]
  var conditions: [LinkConditions]
  var isStalled: [Bool]
  /// What waits behind a stall, with the endpoint it is for; and whether there is any.
  var stalled: [[(M.Message, Int)]]
  var hasStalled: [Bool]
  /// Nodes in different groups are cut from each other.
  var groups: [Int]

  // Random faults; see Faults.swift.
  var faults: FaultProfile?
  var faultGeneration = 0
  var partitionGeneration = 0

  var sentStart = 0
  var invariants: [Check] = []
  var finalChecks: [Check] = []

  struct Check {
    let name: String
    let findFault: (Cluster) -> String?
  }

  /// A packet is lost this many times in a row at most, so that even total loss only delays.
  let retransmissionsMax = 10

  enum Event {
    case boot(Int, Int)
    case connect(Int, Int)
    case connected(Int)
    case disconnected(Int)
    case arrived(M.Message, Int)
    case released(Int)
    case fired(Int, M.Timer, generation: UInt64)
    case finished(Int, Int, M.Job, JobID)
    case synced(Int, Int, Sync)
    case submitted(M.Command, RequestID)
    case fault(FaultKind, generation: Int)
    case script((Cluster) -> Void)
  }

  /// A cluster at its first moment.
  ///
  /// The nodes, numbered from 0, boot as the first steps of `run`.
  ///
  /// - Parameters:
  ///   - seed: decides all that is left open.
  ///   - count: how many nodes.
  ///   - blueprint: how to make them.
  ///   - world: what they live in.
  ///   - pairs: who is to be connected; nil for everyone with everyone.
  ///   - trace: records each step in words, if given.
  public init(
    seed: UInt64,
    nodes count: Int,
    blueprint: Blueprint<M, Durable>,
    world: World = World(),
    links pairs: [(Int, Int)]? = nil,
    trace: Trace? = nil
  ) {
    precondition(count > 0)
    precondition(world.clockDriftMax < 1_000_000)
    precondition(world.disk.groupMax > 0)
    self.seed = seed
    self.world = world
    self.blueprint = blueprint
    self.trace = trace
    var random = SplitMix64(seed: seed)
    nodes = (0..<count).map { number in
      let clock = NodeClock(world: world, using: &random)
      return Node(number: number, clock: clock, durable: blueprint.firstDurable(number))
    }
    self.random = random
    links = Array(repeating: Link(isWanted: pairs == nil), count: count * count)
    conditions = Array(repeating: world.link, count: count * count)
    isStalled = Array(repeating: false, count: count * count)
    stalled = Array(repeating: [], count: count * count)
    hasStalled = Array(repeating: false, count: count * count)
    groups = Array(repeating: 0, count: count)
    for (a, b) in pairs ?? [] { links[linkIndex(a, b)].isWanted = true }
    for number in 0..<count { queue.push(.boot(number, 0), at: 0) }
  }
}

// MARK: Reading

extension Cluster {
  public var nodeCount: Int { nodes.count }

  /// Virtual time since the start.
  public var elapsed: Duration { .nanoseconds(Int64(elapsedNanoseconds)) }

  /// The true time; nodes' clocks may differ.
  public var now: Instant { Instant(nanoseconds: world.epoch.nanoseconds + elapsedNanoseconds) }

  /// What was sent since the last step began: what an invariant looks at.
  public var sentInStep: ArraySlice<SentMessage<M>> { sent[sentStart...] }

  public func isUp(_ node: Int) -> Bool { nodes[node].machine != nil }

  /// The machine as it stands; nil while the node is down.
  public func machine(_ node: Int) -> M? { nodes[node].machine }

  /// What is on the node's disk: after a crash now, it would start from this.
  public func durable(_ node: Int) -> Durable { nodes[node].durable }

  /// The effects a node has carried out in this run, hence its crash points so far.
  public func actions(of node: Int) -> Int { nodes[node].actions }

  public func clock(of node: Int) -> Instant {
    nodes[node].clock.reading(at: elapsedNanoseconds)
  }

  /// The node at the other end of a connection.
  public func remote(of peer: PeerID) -> Int { endpoints[Int(peer.number)].remote }

  /// A node's number for its present connection to another, if its machine was told of one.
  public func peer(of node: Int, to remote: Int) -> PeerID? {
    guard let connection = links[linkIndex(node, remote)].connection else { return nil }
    let own = endpoints[connection].node == node ? connection : connection ^ 1
    return endpoints[own].state == .open ? PeerID(UInt64(own)) : nil
  }

  public var report: Report {
    Report(seed: seed, steps: steps, elapsed: elapsed, counts: counts, fingerprint: fingerprint)
  }
}

// MARK: Script and checks

extension Cluster {
  /// Checked after every step; the closure returns nil, or what is wrong.
  public func invariant(_ name: String, _ findFault: @escaping (Cluster) -> String?) {
    invariants.append(Check(name: name, findFault: findFault))
  }

  /// Checked by `finish`; the closure returns nil, or what is wrong.
  public func finalCheck(_ name: String, _ findFault: @escaping (Cluster) -> String?) {
    finalChecks.append(Check(name: name, findFault: findFault))
  }

  /// Runs `action` when `time` has passed since the start.
  public func at(_ time: Duration, _ action: @escaping (Cluster) -> Void) {
    queue.push(.script(action), at: max(nanoseconds(time), elapsedNanoseconds))
  }

  /// Runs `action` when `delay` has passed from now.
  ///
  /// It may plan itself again.
  public func after(_ delay: Duration, _ action: @escaping (Cluster) -> Void) {
    plan(.script(action), nanoseconds: nanoseconds(delay))
  }

  /// Submits a command to a node when `delay` has passed.
  ///
  /// A node that is down refuses it.
  @discardableResult
  public func submit(
    _ command: M.Command,
    to node: Int,
    after delay: Duration = .zero
  ) -> RequestID {
    let id = RequestID(UInt64(requests.count))
    requests.append(ClientRequest(node: node))
    plan(.submitted(command, id), nanoseconds: nanoseconds(delay))
    return id
  }

  /// Ends the run with a violation, from within a script, a hook or a check.
  public func fail(_ check: String, _ text: String) {
    guard violation == nil else { return }
    violation = Violation(
      seed: seed,
      step: steps,
      elapsed: elapsed,
      check: check,
      text: text,
      tail: trace?.tail ?? []
    )
  }
}
