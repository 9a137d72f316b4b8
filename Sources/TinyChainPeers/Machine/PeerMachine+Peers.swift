import Kernel
import TinyChain

/// Who is connected, and for how long.
extension PeerMachine {
  /// Peers that this node called: enough that some are honest.
  static let outboundMax = 8
  /// Peers that called: 48 × ~600 KB of tables at worst = 29 MB.
  static let inboundMax = 48
  /// Hosts banned at once.
  static let bansMax = 1_024
  static let banTime = Duration.seconds(24 * 3_600)
  /// Between two hellos to one peer, which tell what has become of its chain.
  static let pollInterval = Duration.seconds(30)

  static let saveInterval = Duration.seconds(60)

  var hello: Hello {
    Hello(
      genesis: tree.genesis.id,
      nonce: configuration.nonce,
      port: configuration.port,
      tip: chain.tip.id,
      work: tip.work.bigEndianBytes
    )
  }

  var statuses: [PeerStatus] {
    peers.values.sorted { $0.id < $1.id }.map {
      PeerStatus(id: $0.id, link: $0.link, hello: $0.hello, work: $0.work, score: $0.score)
    }
  }

  /// Peers that have said hello, in their order.
  var ready: [PeerID] { peers.values.filter { $0.hello != nil }.map(\.id).sorted() }

  mutating func connect(_ id: PeerID, _ link: PeerLink) {
    peers[id] = Peer(id, link, now: now)
    if bans.contains(.init(link.address.ip.host), now: now) { return close(id, "banned") }
    let same = peers.values.count { $0.link.isOutbound == link.isOutbound }
    guard same <= (link.isOutbound ? Self.outboundMax * 2 : Self.inboundMax) else {
      return close(id, "has too many peers")
    }
    if link.isOutbound { ask(.hello(hello), of: id) }
  }

  mutating func disconnected(_ id: PeerID) {
    guard let peer = peers.removeValue(forKey: id) else { return }
    if peer.link.isOutbound, peer.hello == nil { book.failed(peer.link.address, now: now) }
    shorts.drop(from: id)
  }

  /// Ends a connection: the operator reads why, and so does the other side.
  mutating func close(_ id: PeerID, _ reason: String) {
    guard let peer = peers.removeValue(forKey: id) else { return }
    if peer.link.isOutbound { book.failed(peer.link.address, now: now) }
    shorts.drop(from: id)
    effects.append(.disconnect(id, DisconnectReason(reason)))
  }

  /// Takes the other's hello; false if that was the end.
  @discardableResult
  mutating func greet(_ hello: Hello, _ id: PeerID) -> Bool {
    guard let link = peers[id]?.link else { return false }
    if let reason = refusal(of: hello, by: id) {
      if hello.nonce == configuration.nonce { book.isOwn(link.address) }
      close(id, reason)
      return false
    }
    let isNew = peers[id]?.hello == nil
    let work = UInt256(bigEndian: hello.work)
    peers[id]?.hello = hello
    peers[id]?.work = work
    peers[id]?.blocks.insert(hello.tip)
    if hello.tip == chain.tip.id { peers[id]?.lacks.removeAll() }
    peers[id]?.nextPoll = now + Self.pollInterval
    if isNew {
      if link.isOutbound {
        book.succeeded(link.address)
        ask(.peers, of: id)
      } else if hello.port != 0 {
        book.learn(SocketAddress(link.address.ip, port: hello.port), from: link.address.ip)
      }
      ask(.list, of: id)
    }
    if work > tree.best.work || work > tip.work && tree.entry(of: hello.tip) == nil {
      askForHeaders(of: id)
    }
    return peers[id] != nil
  }

  private func refusal(of hello: Hello, by id: PeerID) -> String? {
    guard hello.version == PeerLimits.version else {
      return "speaks version \(hello.version), not \(PeerLimits.version)"
    }
    guard hello.genesis == tree.genesis.id else {
      return "another network: genesis block \(hello.genesis.hex), not \(tree.genesis.id.hex)"
    }
    guard hello.nonce != configuration.nonce else { return "is this node itself" }
    if let host = peers[id]?.link.address.ip.host,
      bans.contains(.init(host, node: hello.nonce), now: now)
    {
      return "banned"
    }
    // Of two connections the one stays that the node with the lower number made, at both ends.
    let isOutboundKept = configuration.nonce < hello.nonce
    let isDouble = peers.values.contains { $0.id != id && $0.hello?.nonce == hello.nonce }
    if isDouble, peers[id]?.link.isOutbound != isOutboundKept { return "connected twice" }
    return nil
  }

  // MARK: Blame

  mutating func blame(_ id: PeerID, _ misbehaviour: Misbehaviour) {
    guard let peer = peers[id] else { return }
    peers[id]?.score += misbehaviour.score
    if misbehaviour != .flooding { effects.append(.report(.misbehaved(id, misbehaviour))) }
    guard peer.score + misbehaviour.score >= Misbehaviour.scoreMax else { return }
    let (host, end) = (peer.link.address.ip.host, now + Self.banTime)
    // A host that stands on its own feet: whoever else is on this machine is not it.
    let isAlone = !peer.link.address.ip.isLoopback
    if isAlone || peer.hello != nil {
      let ban = Ban(.init(host, node: isAlone ? nil : peer.hello?.nonce), until: end)
      if bans.insert(ban, now: now) { change.operations.append(.banned(ban, now: now)) }
    }
    book.forget(peer.link.address)
    effects.append(.report(.banned(peer.link.address, until: end)))
    close(id, "banned: \(misbehaviour.rawValue)")
  }

  /// A question was not answered in time: what it was for is asked of others.
  mutating func stalled(_ request: PeerRequest, _ id: PeerID) {
    if case .headers = request { peers[id]?.sync = nil }
    peers[id]?.stalls += 1
    guard let peer = peers[id], peer.stalls >= Peer.stallsMax || peer.hello == nil else { return }
    close(id, "does not answer")
  }

  mutating func busy(_ request: PeerRequest, _ id: PeerID) {
    peers[id]?.busyUntil = now + .seconds(2)
  }

  /// Takes from what a peer may ask for; whoever goes on asking is blamed.
  mutating func pay(_ units: UInt64, by id: PeerID) -> Bool {
    if peers[id]?.units.take(min(units, Peer.unitsMax), now: now) == true { return true }
    blame(id, .flooding)
    return false
  }

  /// In units of 50 µs; bodies and transactions are paid for one by one.
  func cost(of request: PeerRequest) -> UInt64 {
    switch request {
    case .hello, .bodies, .complete, .peers: 1
    case .offer(let ids): 1 + UInt64(ids.count) / 64
    case .fetch(let ids): 1 + UInt64(ids.count) / 16
    case .push(let transactions): UInt64(transactions.count)
    case .headers, .short: 20
    case .list: 40
    }
  }

  // MARK: Time

  mutating func tickOver() {
    effects.append(.setTimer(.tick, after: Self.tick))
    for id in peers.keys.sorted() {
      guard let peer = peers[id] else { continue }
      for (number, question) in peer.questions.sorted(by: { $0.key < $1.key })
      where question.deadline <= now {
        peers[id]?.questions[number] = nil
        stalled(question.request, id)
      }
      guard let peer = peers[id], peer.hello != nil, peer.nextPoll <= now else { continue }
      peers[id]?.nextPoll = now + Self.pollInterval
      ask(.hello(hello), of: id)
      if peer.link.isOutbound { ask(.list, of: id) }
    }
    shorts.dropLate(now)
    fetch.dropLate(now)
    saveAddresses()
    savePool()
    dial()
  }

  /// Keeps the addresses of nodes that answered, now and then: where to begin after a restart.
  private mutating func saveAddresses() {
    guard now >= nextSave else { return }
    nextSave = now + Self.saveInterval
    let reached = book.reached
    guard reached != saved else { return }
    saved = reached
    change.operations.append(.addresses(reached))
  }

  mutating func dial() {
    let outbound = peers.values.filter(\.link.isOutbound)
    guard outbound.count < Self.outboundMax else { return }
    let connected = Set(peers.values.map(\.link.address))
    guard let address = book.next(except: connected, now: now, using: &random) else { return }
    book.failed(address, now: now)  // until it answers
    effects.append(.report(.dial(address)))
  }

  mutating func learn(_ addresses: [SocketAddress], from id: PeerID) {
    guard let source = peers[id]?.link.address.ip.host else { return }
    for address in addresses { book.learn(address, from: source) }
    dial()
  }
}
