public import Kernel

/// Faults that come by themselves, drawn from the cluster's generator.
///
/// Each kind comes on average once per its interval, or never if that is nil.
public struct FaultProfile: Hashable, Sendable {
  public var crashInterval: Duration?
  /// How long a crashed node stays down.
  public var downTime = Delay.milliseconds(10...5000)
  /// Nodes down or about to crash at any one time.
  public var downMax = 1
  /// A crash comes at once, or before one of this many next effects: so it also falls between a
  /// write and the message that speaks of it.
  public var crashPointsMax = 40
  public var partitionInterval: Duration?
  public var partitionTime = Delay.milliseconds(100...5000)
  /// Of the partitions, how many stall connections instead of severing them.
  public var stalling = Chance.percent(50)
  /// Breaks one connection, which is made anew.
  public var cutInterval: Duration?
  /// Holds up one direction between two nodes for a while.
  public var stallInterval: Duration?
  public var stallTime = Delay.milliseconds(10...2000)
  /// Puts one direction between two nodes under `roughLink`, until it is drawn again.
  public var roughInterval: Duration?
  public var roughLink = LinkConditions(
    delay: .milliseconds(1...500),
    loss: .percent(20),
    duplication: .percent(10)
  )

  public init() {}

  /// Each kind of fault present or absent, at a rate of its own: a swarm of such profiles reaches
  /// states that all faults at once, or the same mix every time, hide from each other.
  public static func swarm(using random: inout SplitMix64) -> Self {
    func interval(_ random: inout SplitMix64) -> Duration? {
      let isPresent = Chance.percent(50).occurs(using: &random)
      let milliseconds = Int64(200 << random.below(5))
      return isPresent ? .milliseconds(milliseconds) : nil
    }
    var profile = FaultProfile()
    profile.crashInterval = interval(&random)
    profile.partitionInterval = interval(&random)
    profile.cutInterval = interval(&random)
    profile.stallInterval = interval(&random)
    profile.roughInterval = interval(&random)
    return profile
  }

  fileprivate func interval(_ kind: FaultKind) -> Duration? {
    switch kind {
    case .crash: crashInterval
    case .partition: partitionInterval
    case .cut: cutInterval
    case .stall: stallInterval
    case .rough: roughInterval
    }
  }
}

enum FaultKind: CaseIterable {
  case crash, partition, cut, stall, rough
}

// MARK: Faults of a script

extension Cluster {
  /// Crashes a node now.
  ///
  /// All that is not durable is lost.
  ///
  /// - Parameters:
  ///   - node: which one; nothing happens if it is down.
  ///   - restart: how long it stays down; nil until `restart` is called.
  public func crash(_ node: Int, restartAfter restart: Duration?) {
    crash(nodes[node], downFor: restart.map(nanoseconds), why: "now")
  }

  /// Crashes a node instead of letting it carry out the `action`-th effect of the run.
  ///
  /// Effects count from 1 in the order they are carried out (`actions(of:)` tells how many were);
  /// each destination of a broadcast is one.
  public func crash(_ node: Int, atAction action: Int, restartAfter restart: Duration?) {
    nodes[node].crashPoint = action
    nodes[node].downTime = restart.map(nanoseconds)
  }

  /// Starts a node that is down.
  public func restart(_ node: Int) {
    plan(.boot(node, nodes[node].incarnation), nanoseconds: 0)
  }

  /// Cuts the groups from each other; nodes that are not named form one more group.
  ///
  /// It takes the place of an earlier partition.
  public func partition(_ isolated: [[Int]], _ kind: Partition = .severing) {
    heal()
    var assigned = [Int](repeating: 0, count: nodes.count)
    for (index, group) in isolated.enumerated() {
      for node in group { assigned[node] = index + 1 }
    }
    counts.partitions += 1
    if let trace { trace.record(line("partition \(kind) \(isolated)")) }
    switch kind {
    case .severing:
      groups = assigned
      forEachPair { a, b in
        if groups[a] != groups[b], let connection = links[linkIndex(a, b)].connection {
          breakConnection(connection)
        }
      }
    case .stalling:
      forEachPair { a, b in
        if assigned[a] != assigned[b] {
          stall(from: a, to: b)
          stall(from: b, to: a)
        }
      }
    }
  }

  /// Ends every partition and stall.
  ///
  /// Nodes that can be connected will be.
  public func heal() {
    partitionGeneration += 1
    let wasPartitioned = groups.contains { $0 != 0 } || isStalled.contains(true)
    guard wasPartitioned else { return }
    if let trace { trace.record(line("heal")) }
    for node in nodes.indices { groups[node] = 0 }
    for direction in isStalled.indices { unstall(direction) }
    forEachPair { a, b in attemptConnection(a, b) }
  }

  /// Lets nothing pass in one direction, without ending the connection.
  public func stall(from: Int, to: Int) {
    isStalled[direction(from, to)] = true
  }

  /// Lets messages pass again; those kept arrive at once, in order.
  public func unstall(from: Int, to: Int) {
    unstall(direction(from, to))
  }

  private func unstall(_ direction: Int) {
    guard isStalled[direction] else { return }
    isStalled[direction] = false
    if hasStalled[direction] { plan(.released(direction), nanoseconds: 0) }
  }

  /// Breaks the connection of two nodes, if there is one.
  ///
  /// It is made anew.
  public func cut(_ a: Int, _ b: Int) {
    guard let connection = links[linkIndex(a, b)].connection else { return }
    if let trace { trace.record(line("cut \(a)-\(b)")) }
    counts.cuts += 1
    breakConnection(connection)
  }

  /// Decides whether two nodes are to be connected at all.
  public func setLinked(_ a: Int, _ b: Int, _ isWanted: Bool) {
    links[linkIndex(a, b)].isWanted = isWanted
    if isWanted {
      attemptConnection(a, b)
    } else {
      cut(a, b)
    }
  }

  /// Replaces the conditions of one direction.
  public func setLink(from: Int, to: Int, _ conditions: LinkConditions) {
    self.conditions[direction(from, to)] = conditions
  }

  /// Replaces the conditions of all links.
  public func setLinks(_ conditions: LinkConditions) {
    for index in self.conditions.indices { self.conditions[index] = conditions }
  }

  func crash(_ node: Node<M, Durable>, downFor downTime: UInt64?, why: String) {
    guard node.machine != nil else { return }
    if let trace { trace.record(line(node.number, "crash \(why), after \(node.actions) effects")) }
    counts.crashes += 1
    mix(UInt64(node.number), UInt64(node.actions))
    node.machine = nil
    node.incarnation += 1
    node.effects = EffectQueue()
    node.isSyncing = false
    node.timers.removeAll()
    node.crashPoint = nil
    for other in nodes.indices where other != node.number {
      guard let connection = links[linkIndex(node.number, other)].connection else { continue }
      let own = endpoints[connection].node == node.number ? connection : connection ^ 1
      // What was sent before the crash may still arrive, until the far end learns.
      dropEnd(own)
      endSoon(own ^ 1)
    }
    for request in requests.indices
    where requests[request].node == node.number && requests[request].outcome.isWaiting {
      requests[request].outcome = .lost
    }
    if let downTime {
      plan(.boot(node.number, node.incarnation), nanoseconds: downTime)
    }
  }

  func forEachPair(_ body: (Int, Int) -> Void) {
    for a in nodes.indices {
      for b in nodes.indices where a < b { body(a, b) }
    }
  }
}

// MARK: Random faults

extension Cluster {
  /// Lets faults come by themselves from now on.
  public func startFaults(_ profile: FaultProfile) {
    faultGeneration += 1
    faults = profile
    for kind in FaultKind.allCases { planFault(kind) }
  }

  /// Ends what `startFaults` began, armed crashes, partitions and stalls, and restores the links.
  ///
  /// Nodes that are down come back when their time has come; those that a script crashed for
  /// ever stay down. Byzantine nodes stay as they are.
  public func endFaults() {
    faultGeneration += 1
    faults = nil
    for node in nodes { node.crashPoint = nil }
    heal()
    setLinks(world.link)
  }

  /// Plans the next fault of a kind: uniformly within twice the mean interval.
  private func planFault(_ kind: FaultKind) {
    guard let mean = faults?.interval(kind) else { return }
    let wait = random.below(2 * nanoseconds(mean) + 1)
    plan(.fault(kind, generation: faultGeneration), nanoseconds: wait)
  }

  func strike(_ kind: FaultKind, generation: Int) -> Bool {
    guard let profile = faults, generation == faultGeneration else { return false }
    defer { planFault(kind) }
    switch kind {
    case .crash: strikeCrash(profile)
    case .partition: strikePartition(profile)
    case .cut: drawPair { a, b in cut(a, b) }
    case .stall: drawPair { from, to in strikeStall(from, to, profile) }
    case .rough:
      drawPair { from, to in
        let direction = direction(from, to)
        let isRough = conditions[direction] == profile.roughLink
        conditions[direction] = isRough ? world.link : profile.roughLink
      }
    }
    return true
  }

  private func strikeCrash(_ profile: FaultProfile) {
    let threatened = nodes.count { $0.machine == nil || $0.crashPoint != nil }
    let victim = nodes[random.below(nodes.count)]
    guard threatened < profile.downMax, victim.machine != nil, victim.crashPoint == nil else {
      return
    }
    let downTime = profile.downTime.draw(using: &random)
    let ahead = random.below(profile.crashPointsMax + 1)
    if ahead == 0 {
      crash(victim, downFor: downTime, why: "by chance")
    } else {
      let point = victim.actions + ahead
      victim.crashPoint = point
      victim.downTime = downTime
      // A node with nothing to do would never come to its crash point.
      let patience = 2 * nanoseconds(profile.crashInterval ?? .zero)
      let number = victim.number
      plan(
        .script { cluster in
          let victim = cluster.nodes[number]
          guard victim.crashPoint == point else { return }
          cluster.crash(victim, downFor: victim.downTime, why: "by chance")
        },
        nanoseconds: patience
      )
    }
  }

  private func strikePartition(_ profile: FaultProfile) {
    guard nodes.count > 1 else { return }
    var order = Array(nodes.indices)
    for index in order.indices.dropLast() {
      order.swapAt(index, index + random.below(order.count - index))
    }
    let size = 1 + random.below(nodes.count - 1)
    let stalls = profile.stalling.occurs(using: &random)
    partition([order.prefix(size).sorted()], stalls ? .stalling : .severing)
    let generation = partitionGeneration
    let time = profile.partitionTime.draw(using: &random)
    plan(
      .script { cluster in
        if cluster.partitionGeneration == generation { cluster.heal() }
      },
      nanoseconds: time
    )
  }

  private func strikeStall(_ from: Int, _ to: Int, _ profile: FaultProfile) {
    stall(from: from, to: to)
    let time = profile.stallTime.draw(using: &random)
    plan(.script { cluster in cluster.unstall(from: from, to: to) }, nanoseconds: time)
  }

  private func drawPair(_ body: (Int, Int) -> Void) {
    guard nodes.count > 1 else { return }
    let a = random.below(nodes.count)
    let b = random.below(nodes.count - 1)
    body(a, b < a ? b : b + 1)
  }
}
