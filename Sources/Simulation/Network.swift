public import Kernel

/// One end of a connection.
///
/// The peer numbers of the two ends differ in the lowest bit only.
struct Endpoint {
  enum State {
    /// The machine will be told soon.
    case opening
    /// The machine was told of the connection and not of its end.
    case open
    /// The machine asked to disconnect and will be told that it is done. Nothing arrives any more.
    case closing
    case closed
  }

  let node: Int
  let remote: Int
  var state = State.opening
  /// Nothing passes any more, though this end may not know yet.
  var isBroken = false
  /// In reliable mode nothing arrives before this; at first the time of `.connected`.
  var arrivalMin: UInt64
}

/// Two nodes that are to be connected.
struct Link {
  var isWanted: Bool
  /// The even peer number of the connection, until both ends have closed.
  var connection: Int?
  var isAttemptPlanned = false
}

/// What was carried out as sent.
///
/// Whether it arrives is another matter.
public struct SentMessage<M: Machine> {
  public let step: Int
  public let elapsed: Duration
  public let from: Int
  public let to: Int
  /// The sender's number for the connection.
  public let peer: PeerID
  public let message: M.Message
  /// False for all that a Byzantine node sends.
  public let isHonest: Bool
}

/// How a partition treats what crosses it.
public enum Partition: Sendable {
  /// Connections across it break: what is in flight is lost, both ends learn of it in their time.
  case severing
  /// Connections across it stay, and nothing passes until it heals. Reliable messages are kept
  /// and arrive then; lossy ones are lost.
  case stalling
}

// MARK: Connections

extension Cluster {
  func linkIndex(_ a: Int, _ b: Int) -> Int {
    precondition(a != b)
    return min(a, b) * nodes.count + max(a, b)
  }

  func direction(_ from: Int, _ to: Int) -> Int { from * nodes.count + to }

  /// Plans to connect two nodes, if nothing stands in the way.
  func attemptConnection(_ a: Int, _ b: Int) {
    let index = linkIndex(a, b)
    guard canConnect(a, b), !links[index].isAttemptPlanned else { return }
    links[index].isAttemptPlanned = true
    plan(.connect(min(a, b), max(a, b)), after: world.connecting)
  }

  private func canConnect(_ a: Int, _ b: Int) -> Bool {
    let link = links[linkIndex(a, b)]
    return link.isWanted && link.connection == nil && groups[a] == groups[b]
      && nodes[a].machine != nil && nodes[b].machine != nil
  }

  /// A new connection, of which each end is told at its own time.
  func connect(_ a: Int, _ b: Int) -> Bool {
    let index = linkIndex(a, b)
    links[index].isAttemptPlanned = false
    guard canConnect(a, b) else { return false }
    let number = endpoints.count
    links[index].connection = number
    for (node, remote) in [(a, b), (b, a)] {
      let wait = world.connecting.draw(using: &random)
      let peer = endpoints.count
      endpoints.append(
        Endpoint(node: node, remote: remote, arrivalMin: elapsedNanoseconds + wait)
      )
      plan(.connected(peer), nanoseconds: wait)
    }
    counts.connections += 1
    return true
  }

  func openEnd(_ number: Int) -> Bool {
    guard endpoints[number].state == .opening else { return false }
    let node = nodes[endpoints[number].node]
    endpoints[number].state = .open
    give(.connected(PeerID(UInt64(number)), blueprint.identity(endpoints[number].remote)), to: node)
    return true
  }

  /// The machine of this end is told that the connection has ended, if it is still there.
  func closeEnd(_ number: Int) -> Bool {
    let state = endpoints[number].state
    guard state == .open || state == .closing else { return false }
    let node = nodes[endpoints[number].node]
    markClosed(number)
    give(.disconnected(PeerID(UInt64(number))), to: node)
    return true
  }

  /// The end of a node that crashed, or of a machine that was never told.
  func dropEnd(_ number: Int) {
    if endpoints[number].state != .closed { markClosed(number) }
  }

  private func markClosed(_ number: Int) {
    endpoints[number].state = .closed
    guard endpoints[number ^ 1].state == .closed else { return }
    let (a, b) = (endpoints[number].node, endpoints[number].remote)
    links[linkIndex(a, b)].connection = nil
    attemptConnection(a, b)
  }

  /// This end will learn that the connection has ended.
  func endSoon(_ number: Int) {
    switch endpoints[number].state {
    case .opening: dropEnd(number)
    case .open: plan(.disconnected(number), after: world.detection)
    case .closing, .closed: break
    }
  }

  /// Breaks a connection for both ends; what is in flight is lost.
  func breakConnection(_ number: Int) {
    guard !endpoints[number].isBroken else { return }
    endpoints[number].isBroken = true
    endpoints[number ^ 1].isBroken = true
    endSoon(number)
    endSoon(number ^ 1)
  }

  /// Carries out `.disconnect`.
  ///
  /// What was sent before may still arrive, until the far end learns.
  func hangUp(_ peer: PeerID, _ node: Node<M, Durable>) {
    guard let number = ownEndpoint(peer, node) else { return }
    guard endpoints[number].state == .open else { return }
    endpoints[number].state = .closing
    plan(.disconnected(number), nanoseconds: 0)
    endSoon(number ^ 1)
  }

  /// The number of a peer that this node was told of; anything else is a bug of the machine.
  func ownEndpoint(_ peer: PeerID, _ node: Node<M, Durable>) -> Int? {
    guard peer.number < UInt64(endpoints.count), endpoints[Int(peer.number)].node == node.number
    else {
      fail("contract", "node \(node.number) names \(peer), which is not its own")
      return nil
    }
    return Int(peer.number)
  }
}

// MARK: Messages

extension Cluster {
  func send(_ message: M.Message, from node: Node<M, Durable>, to peer: PeerID) {
    guard let number = ownEndpoint(peer, node) else { return }
    guard let byzantine = node.byzantine else {
      transmit(message, number, isHonest: true)
      return
    }
    let remote = endpoints[number].remote
    for replacement in byzantine.outgoing(message, remote, &node.byzantineRandom) {
      transmit(replacement, number, isHonest: false)
    }
  }

  func transmit(_ message: M.Message, _ number: Int, isHonest: Bool) {
    let (from, to) = (endpoints[number].node, endpoints[number].remote)
    counts.sent += 1
    sent.append(
      SentMessage(
        step: steps,
        elapsed: elapsed,
        from: from,
        to: to,
        peer: PeerID(UInt64(number)),
        message: message,
        isHonest: isHonest
      )
    )
    guard endpoints[number].state == .open, !endpoints[number].isBroken else {
      counts.lost += 1
      return
    }
    let conditions = conditions[direction(from, to)]
    switch world.delivery {
    case .reliable: transmitInOrder(message, to: number ^ 1, conditions)
    case .lossy: transmitLossy(message, to: number ^ 1, conditions)
    }
  }

  private func transmitInOrder(_ message: M.Message, to number: Int, _ conditions: LinkConditions) {
    var arrival = elapsedNanoseconds + conditions.delay.draw(using: &random)
    for _ in 0..<retransmissionsMax {
      guard conditions.loss.occurs(using: &random) else { break }
      arrival += conditions.retransmission.draw(using: &random)
      counts.retransmitted += 1
    }
    // Equal times keep their order in the queue.
    arrival = max(arrival, endpoints[number].arrivalMin)
    endpoints[number].arrivalMin = arrival
    deliver(message, number, at: arrival)
  }

  private func transmitLossy(_ message: M.Message, to number: Int, _ conditions: LinkConditions) {
    if conditions.loss.occurs(using: &random) {
      counts.lost += 1
      return
    }
    let copies = conditions.duplication.occurs(using: &random) ? 2 : 1
    counts.duplicated += copies - 1
    for _ in 0..<copies {
      let arrival = elapsedNanoseconds + conditions.delay.draw(using: &random)
      deliver(message, number, at: max(arrival, endpoints[number].arrivalMin))
    }
  }

  private func deliver(_ message: M.Message, _ number: Int, at arrival: UInt64) {
    mix(UInt64(number), arrival)
    queue.push(.arrived(message, number), at: arrival)
  }

  /// A message reaches an end: it is received, kept behind a stalled link, or lost.
  func arrive(_ message: M.Message, _ number: Int) -> Bool {
    let end = endpoints[number]
    let direction = direction(end.remote, end.node)
    guard isStalled[direction] || hasStalled[direction] else { return receive(message, number) }
    switch world.delivery {
    case .reliable:
      stalled[direction].append((message, number))
      hasStalled[direction] = true
    case .lossy:
      counts.lost += 1
    }
    return false
  }

  /// The first message behind a link that no longer stalls; the others follow one by one, and
  /// what arrives meanwhile queues behind them.
  func release(_ direction: Int) -> Bool {
    guard !isStalled[direction], hasStalled[direction] else { return false }
    let (message, number) = stalled[direction].removeFirst()
    hasStalled[direction] = !stalled[direction].isEmpty
    if hasStalled[direction] { plan(.released(direction), nanoseconds: 0) }
    return receive(message, number)
  }

  private func receive(_ message: M.Message, _ number: Int) -> Bool {
    let end = endpoints[number]
    guard end.state == .open, !end.isBroken else {
      counts.lost += 1
      return false
    }
    counts.delivered += 1
    let node = nodes[end.node]
    if let byzantine = node.byzantine {
      for (to, injected) in byzantine.incoming(message, end.remote, &node.byzantineRandom) {
        inject(injected, from: end.node, to: to)
      }
    }
    give(.received(message, from: PeerID(UInt64(number))), to: node)
    return true
  }
}
