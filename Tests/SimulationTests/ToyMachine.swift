import Kernel
import Simulation

/// A machine with one of everything: it pledges one value for each slot, counts, reminds, squares.
///
/// Its promises: it never sends pledges of two values for one slot, and a count it has told a
/// client is never forgotten. Each `Bug` breaks one of them.
struct ToyMachine: Machine {
  enum Bug: Sendable {
    case none
    case sendsBeforePersist
    case repliesBeforePersist
    case keepsPledgesInMemory
    case iteratesSet
    case namesForeignPeer
  }

  enum Message: Hashable, Sendable {
    case ask(slot: Int, value: Int)
    case pledge(slot: Int, value: Int)
    case number(Int)
  }

  enum Command: Sendable {
    case propose(slot: Int, value: Int)
    case add
    case stream(Range<Int>)
    case remind(String, after: Duration)
    case forget(String)
    case square(Int)
    case disconnectAll
  }

  enum Event: Hashable, Sendable {
    case connected(PeerID, node: Int)
    case disconnected(PeerID)
    case number(Int)
    case pledge(slot: Int, value: Int)
    case reminded(String, at: Instant)
    case squared(Int)
  }

  enum Change: Sendable {
    case count(Int)
    case pledge(slot: Int, value: Int)
  }

  struct Square: Computation {
    let number: Int

    func run() -> Int { number * number }
  }

  struct Durable: Sendable {
    var count = 0
    var pledges: [Int: Int] = [:]

    mutating func apply(_ change: Change) {
      switch change {
      case .count(let count): self.count = count
      case .pledge(let slot, let value): pledges[slot] = value
      }
    }
  }

  typealias Identity = Int
  typealias Reply = Int
  typealias Timer = String
  typealias Job = Square

  private(set) var store: Durable
  private(set) var peers: [PeerID] = []
  /// What the interpreter did that `Machine` does not allow; nil if nothing.
  private(set) var complaint: String?
  private var seenPeers: Set<PeerID> = []
  private var lastTime = Instant(nanoseconds: 0)
  private var nextJob: UInt64 = 0
  private let bug: Bug

  init(store: Durable, bug: Bug) {
    self.store = store
    self.bug = bug
  }

  mutating func handle(_ input: Input<Self>, now: Instant) -> [Effect<Self>] {
    examine(input, now)
    switch input {
    case .connected(let peer, let node):
      peers.append(peer)
      return [.report(.connected(peer, node: node))]
    case .disconnected(let peer):
      peers.removeAll { $0 == peer }
      return [.report(.disconnected(peer))]
    case .received(.ask(let slot, let value), _):
      return pledge(slot, value)
    case .received(.pledge(let slot, let value), _):
      return [.report(.pledge(slot: slot, value: value))]
    case .received(.number(let number), _):
      return [.report(.number(number))]
    case .submitted(let command, let id):
      return obey(command, id)
    case .fired(let name):
      return [.report(.reminded(name, at: now))]
    case .finished(let square, _):
      return [.report(.squared(square))]
    }
  }

  private mutating func examine(_ input: Input<Self>, _ now: Instant) {
    if now < lastTime { complaint = "time goes back" }
    lastTime = now
    switch input {
    case .connected(let peer, _):
      if !seenPeers.insert(peer).inserted { complaint = "\(peer) is not a fresh number" }
    case .disconnected(let peer), .received(_, let peer):
      if !peers.contains(peer) { complaint = "\(peer) is not connected" }
    case .submitted, .fired, .finished: break
    }
  }

  private mutating func obey(_ command: Command, _ id: RequestID) -> [Effect<Self>] {
    switch command {
    case .propose(let slot, let value):
      return [.broadcast(.ask(slot: slot, value: value), to: peers)] + pledge(slot, value)
    case .add:
      store.count += 1
      let change = Change.count(store.count)
      return bug == .repliesBeforePersist
        ? [.reply(store.count, id), .persist(change)]
        : [.persist(change), .reply(store.count, id)]
    case .stream(let numbers):
      return numbers.map { .broadcast(.number($0), to: peers) }
    case .remind(let name, let after):
      return [.setTimer(name, after: after)]
    case .forget(let name):
      return [.cancelTimer(name)]
    case .square(let number):
      nextJob += 1
      return [.start(Square(number: number), JobID(nextJob))]
    case .disconnectAll:
      return peers.map { .disconnect($0, DisconnectReason("asked to")) }
    }
  }

  /// Speaks for the first value it is asked for, whatever it is asked later.
  private mutating func pledge(_ slot: Int, _ value: Int) -> [Effect<Self>] {
    let isNew = store.pledges[slot] == nil
    let chosen = store.pledges[slot] ?? value
    store.pledges[slot] = chosen
    let speak = Effect<Self>.broadcast(.pledge(slot: slot, value: chosen), to: audience())
    let write = Effect<Self>.persist(.pledge(slot: slot, value: chosen))
    guard isNew else { return [speak] }
    switch bug {
    case .sendsBeforePersist: return [speak, write]
    case .keepsPledgesInMemory: return [speak]
    default: return [write, speak]
    }
  }

  private func audience() -> [PeerID] {
    switch bug {
    case .iteratesSet: Array(Set(peers))
    case .namesForeignPeer: [PeerID(1_000_000)]
    default: peers
    }
  }
}

typealias ToyCluster = Cluster<ToyMachine, ToyMachine.Durable>

extension Blueprint where M == ToyMachine, Durable == ToyMachine.Durable {
  static func toy(_ bug: ToyMachine.Bug = .none) -> Self {
    Blueprint(
      firstDurable: { _ in ToyMachine.Durable() },
      boot: { _, durable in (ToyMachine(store: durable, bug: bug), []) },
      apply: { change, durable in durable.apply(change) },
      identity: { $0 }
    )
  }
}

extension Cluster where M == ToyMachine, Durable == ToyMachine.Durable {
  /// No honest node ever sends pledges of two values for one slot.
  func forbidDoublePledges() {
    var pledged: [[Int: Int]] = Array(repeating: [:], count: nodeCount)
    invariant("one pledge a slot") { cluster in
      for message in cluster.sentInStep where message.isHonest {
        guard case .pledge(let slot, let value) = message.message else { continue }
        let earlier = pledged[message.from][slot]
        if let earlier, earlier != value {
          return "node \(message.from) pledged \(earlier) and \(value) for slot \(slot)"
        }
        pledged[message.from][slot] = value
      }
      return nil
    }
  }

  /// No machine is given what the contract of `Machine` does not allow.
  func forbidComplaints() {
    invariant("contract kept") { cluster in
      for node in 0..<cluster.nodeCount {
        if let complaint = cluster.machine(node)?.complaint { return "node \(node): \(complaint)" }
      }
      return nil
    }
  }

  /// No count told to a client is ever forgotten.
  func forbidForgottenCounts() {
    var told = Array(repeating: 0, count: nodeCount)
    onReply = { cluster, id, count in told[cluster.requests[Int(id.number)].node] = count }
    invariant("counts stay") { cluster in
      for node in 0..<cluster.nodeCount where cluster.durable(node).count < told[node] {
        return "node \(node) told \(told[node]) and has \(cluster.durable(node).count) on disk"
      }
      return nil
    }
  }
}

/// What nodes reported, in order; a class because hooks are closures.
final class Reports {
  private(set) var all: [(node: Int, event: ToyMachine.Event, elapsed: Duration)] = []

  init(of cluster: ToyCluster) {
    cluster.onReport = { [self] cluster, node, event in
      all.append((node, event, cluster.elapsed))
    }
  }

  func events(of node: Int) -> [ToyMachine.Event] {
    all.filter { $0.node == node }.map(\.event)
  }

  func numbers(at node: Int) -> [Int] {
    events(of: node).compactMap { if case .number(let number) = $0 { number } else { nil } }
  }

  func reminders(at node: Int) -> [String] {
    events(of: node).compactMap { if case .reminded(let name, _) = $0 { name } else { nil } }
  }
}

/// Pledges, counts and numbers under a swarm of faults, then peace.
func stormyRun(
  _ bug: ToyMachine.Bug = .none,
  seed: UInt64,
  trace: Trace? = nil,
  delivery: World.Delivery = .reliable
) throws(Violation) -> Report {
  var world = World()
  world.delivery = delivery
  world.clockSkewMax = .seconds(1)
  world.clockDriftMax = 200
  let cluster = ToyCluster(
    seed: seed,
    nodes: 5,
    blueprint: .toy(bug),
    world: world,
    trace: trace
  )
  cluster.forbidDoublePledges()
  cluster.forbidForgottenCounts()
  cluster.forbidComplaints()
  for step in 1...120 {
    let time = Duration.milliseconds(step * 100)
    cluster.submit(.propose(slot: step / 4, value: step), to: step % 5, after: time)
    cluster.submit(.add, to: step * 3 % 5, after: time)
    cluster.submit(.stream(0..<3), to: step * 2 % 5, after: time)
  }
  var profile = FaultProfile.swarm(using: &cluster.random)
  profile.crashInterval = .milliseconds(500)
  profile.downTime = .milliseconds(10...500)
  cluster.startFaults(profile)
  try cluster.run(for: .seconds(13))
  cluster.endFaults()
  try cluster.run(for: .seconds(10))
  cluster.finalCheck("all up and connected") { cluster in
    for a in 0..<cluster.nodeCount {
      for b in 0..<cluster.nodeCount where a != b && cluster.peer(of: a, to: b) == nil {
        return "\(a) is not connected to \(b)"
      }
    }
    return nil
  }
  return try cluster.finish()
}
