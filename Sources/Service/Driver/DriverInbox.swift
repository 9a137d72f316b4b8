import Kernel

/// What waits for a machine, in lanes.
///
/// Connections that come and go stand first: there are few, and a message must not overtake them.
/// Then the machine serves in turn what must never be dropped (timers, jobs, commands) and what
/// peers say, so that neither can hold up the other. Peers are bounded and served round-robin.
struct DriverInbox<M: Machine>: Sendable {
  enum Item: Sendable {
    case input(Input<M>)
    /// Counts only if the timer is still of that generation when its turn comes.
    case fired(M.Timer, generation: UInt64)
  }

  private var connections = RingBuffer<Input<M>>()
  private var urgent = RingBuffer<Item>()
  private var messages: FairQueue<PeerID, M.Message>
  private var isPeersTurn = false
  /// Asked by membership only.
  private var connected: Set<PeerID> = []
  private var refused: Set<PeerID> = []

  init(limits: DriverLimits) {
    messages = FairQueue(
      limits: FairQueue.Limits(
        sources: limits.peersMax,
        elementsPerSource: limits.messagesPerPeer,
        costPerSource: limits.costPerPeer,
        quantum: limits.quantum
      )
    )
  }

  var isEmpty: Bool { connections.isEmpty && urgent.isEmpty && messages.isEmpty }

  mutating func connect(_ peer: PeerID, _ identity: M.Identity) {
    let isNew = connected.insert(peer).inserted
    precondition(isNew)
    connections.append(.connected(peer, identity))
  }

  /// Forgets what the peer said and is not handled; false if it is gone already.
  mutating func disconnect(_ peer: PeerID) -> Bool {
    guard connected.remove(peer) != nil else { return false }
    refused.remove(peer)
    messages.remove(peer)
    connections.append(.disconnected(peer))
    return true
  }

  mutating func push(_ item: Item) {
    urgent.append(item)
  }

  mutating func push(_ message: M.Message, from peer: PeerID, cost: Int) -> DriverDelivery {
    guard connected.contains(peer) else { return .gone }
    do {
      try messages.push(message, from: peer, cost: max(1, cost))
      return .taken
    } catch {
      refused.insert(peer)
      return .full
    }
  }

  /// The next item, and the peer that was refused before and has room again by it.
  mutating func pop() -> (item: Item, hasRoom: PeerID?)? {
    if let input = connections.popFirst() { return (.input(input), nil) }
    if !isPeersTurn || messages.isEmpty, let item = urgent.popFirst() {
      isPeersTurn = true
      return (item, nil)
    }
    isPeersTurn = false
    guard let (peer, message) = messages.pop() else { return nil }
    let isRelieved =
      messages.count(of: peer) <= messages.limits.elementsPerSource / 2
      && refused.remove(peer) != nil
    return (.input(.received(message, from: peer)), isRelieved ? peer : nil)
  }

  /// Lets go of everything.
  mutating func close() {
    connections = RingBuffer()
    urgent = RingBuffer()
    messages = FairQueue(limits: messages.limits)
    connected = []
    refused = []
  }
}
