import EventLoop
import HTTP
import Kernel
import Service
import TinyChainPeers

/// Who is to hear what peers do.
struct PeerSink: Sendable {
  let connected: @Sendable (PeerID, PeerLink) -> Void
  let disconnected: @Sendable (PeerID) -> Void
  /// The last is what the message costs, in bytes.
  let deliver: @Sendable (PeerMessage, PeerID, Int) -> DriverDelivery
}

/// Peers over HTTP: a call is a POST, its answer the response.
///
/// A peer is a node: its address with the number that it gives itself, which stands in a field of
/// every call and response. So calls over different connections belong together, and so do both
/// directions: a node that has called is called back at the port it named.
actor PeerNetwork {
  struct Settings: Sendable {
    /// This node's number: by it a node finds out that it has called itself.
    var node: UInt64
    /// Nodes in all.
    var peersMax = 64
    /// Nodes of one address: a host seldom has more, and one that makes them up fills no table.
    var peersPerHostMax = 16
    /// For a call, connecting included: 4 MiB in it are 3 Mbit/s.
    var callTimeout = Duration.seconds(12)
    /// For the machine to answer, which may execute blocks meanwhile.
    var answerTimeout = Duration.seconds(10)
    /// A node that says nothing for so long is gone.
    var silenceMax = Duration.seconds(180)
  }

  /// Calls of one peer that are answered at a time.
  private static let callsMax = 8
  /// Calls of a peer a second, and at once: what a sync asks is far less.
  private static let callsPerSecond: UInt64 = 200
  /// Failed calls in a row after which a node counts as gone.
  private static let failuresMax = 2
  private static let sweepInterval = Duration.seconds(10)
  /// Bans that are remembered.
  private static let bansMax = 1_024

  private static let banReason = "banned for what it sent"
  /// In place of a node's number in a ban.
  private static let wholeHost: UInt64 = 0

  static let nodeField = "tinychain-node"
  static let prefix = "/p2p/"

  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// What a node is known by.
  struct Node: Hashable {
    let ip: IPAddress
    let number: UInt64
  }

  private let settings: Settings
  private let log: Log
  private let metrics: PeerMetrics
  private var sink: PeerSink?
  private var peers: [PeerID: PeerConnection] = [:]
  private var known: [Node: PeerID] = [:]
  private var bans: [Node: (until: Instant, reason: String)] = [:]
  private var numbers: UInt64 = 0
  private var sweep: Timer?
  private var isStopped = false
  /// Whether a test has cut this node off from all others.
  private var isCut = false
  /// Whom it was to call meanwhile.
  private var missed: Set<SocketAddress> = []

  init(_ settings: Settings, on loop: EventLoop, log: Log, metrics: PeerMetrics) {
    (self.settings, self.loop, self.log, self.metrics) = (settings, loop, log, metrics)
  }

  func start(_ sink: PeerSink) {
    self.sink = sink
    scheduleSweep()
  }

  func stop() async {
    isStopped = true
    if let sweep { loop.cancel(sweep) }
    for peer in peers.values { close(peer, "the node is stopping") }
  }

  /// Cuts this node off, or joins it again: on a network for development, to see a fork heal.
  func setCut(_ isCut: Bool) {
    self.isCut = isCut
    if isCut {
      for peer in peers.values { close(peer, "cut off") }
    } else {
      let addresses = missed
      missed = []
      for address in addresses.sorted() { open(address) }
    }
  }

  var summaries: [PeerSummary] {
    peers.values.sorted { $0.id < $1.id }.map {
      PeerSummary(address: $0.address, isOutbound: $0.isOutbound, node: $0.node?.number)
    }
  }

  // MARK: What the machine asks, from its own loop

  nonisolated func send(_ message: PeerMessage, to peer: PeerID) {
    loop.execute { self.assumeIsolated { $0.carryOut(message, peer) } }
  }

  nonisolated func disconnect(_ peer: PeerID, _ reason: String) {
    loop.execute {
      self.assumeIsolated { network in
        if let peer = network.peers[peer] { network.close(peer, reason) }
      }
    }
  }

  nonisolated func hasRoom(for peer: PeerID) {
    loop.execute {
      self.assumeIsolated { network in
        if let peer = network.peers[peer] { network.flush(peer) }
      }
    }
  }

  nonisolated func dial(_ address: SocketAddress) {
    loop.execute { self.assumeIsolated { $0.open(address) } }
  }

  nonisolated func ban(_ address: SocketAddress, until: Instant) {
    loop.execute { self.assumeIsolated { $0.note(banOf: address, until: until) } }
  }

  /// Bans of before a restart.
  func restore(_ bans: [Ban]) {
    for ban in bans.prefix(Self.bansMax) {
      let node = Node(ip: ban.subject.host, number: ban.subject.node ?? Self.wholeHost)
      self.bans[node] = (ban.until, Self.banReason)
    }
  }

  private func carryOut(_ message: PeerMessage, _ id: PeerID) {
    guard let peer = peers[id] else { return }
    switch message {
    case .request(let request, let number):
      Task(executorPreference: loop) { await self.call(id, request, number) }
    case .answer(let answer, let number):
      peer.answer(number, Self.response(answer))
    case .unanswered, .unreadable:
      preconditionFailure("only the network says so")
    }
  }

  private static func response(_ answer: PeerAnswer) -> HTTPResponse {
    if case .busy = answer { return HTTPResponse(status: 429, text: "busy; try again later\n") }
    return HTTPResponse(contentType: "application/octet-stream", body: answer.body)
  }

  // MARK: Calling

  private func open(_ address: SocketAddress) {
    guard !isStopped, let sink else { return }
    if isCut {
      if missed.count < settings.peersMax { missed.insert(address) }
      return
    }
    numbers += 1
    let client = HTTPClient(
      to: address,
      on: loop,
      limits: HTTPMessageLimits(bodyMax: PeerLimits.bodyBytesMax)
    )
    let peer = PeerConnection(
      id: PeerID(numbers),
      address: address,
      isOutbound: true,
      client: client,
      bucket: freshBucket,
      now: loop.now
    )
    peers[peer.id] = peer
    metrics.count(peers.count)
    sink.connected(peer.id, PeerLink(address: address, isOutbound: true))
  }

  private func call(_ id: PeerID, _ request: PeerRequest, _ number: UInt64) async {
    guard let peer = peers[id] else { return }
    guard let client = peer.client else {
      return deliver(.unanswered(number: number), 0, from: peer)
    }
    guard !isCut, peers.count <= settings.peersMax else {
      deliver(.unanswered(number: number), 0, from: peer)
      return close(peer, "there are too many")
    }
    let body = request.body
    metrics.sent.add(UInt64(body.count))
    do throws(HTTPClientFailure) {
      let response = try await client.send(
        .post,
        Self.prefix + request.path.rawValue,
        fields: [
          "content-type": "application/octet-stream",
          Self.nodeField: Self.text(settings.node),
        ],
        body: body,
        timeout: settings.callTimeout
      )
      guard peers[id] === peer else { return }
      metrics.received.add(UInt64(response.body.count))
      take(response, to: request, number, from: peer)
    } catch {
      guard peers[id] === peer else { return }
      peer.failures += 1
      deliver(.unanswered(number: number), 0, from: peer)
      if case .notConnected = error { peer.failures = Self.failuresMax }
      if peer.failures >= Self.failuresMax { close(peer, "\(error)") }
    }
  }

  private func take(
    _ response: HTTPResponse,
    to request: PeerRequest,
    _ number: UInt64,
    from peer: PeerConnection
  ) {
    guard identify(peer, response) else { return }
    switch response.status {
    case 200:
      (peer.lastHeard, peer.failures) = (loop.now, 0)
      do {
        let answer = try PeerAnswer(to: request.kind, body: response.body)
        deliver(.answer(answer, number: number), response.body.count, from: peer)
      } catch {
        metrics.malformed.add()
        deliver(.unreadable(number: number), 0, from: peer)
      }
    case 429,
      503 where response.fields["retry-after"] != nil:
      // Too much at once: of this node, or of all that send it long bodies.
      peer.lastHeard = loop.now
      deliver(.answer(.busy, number: number), 0, from: peer)
    case 403:
      let reason = String(decoding: response.body.prefix(200), as: UTF8.self)
        .filter { $0 != "\n" && $0 != "\r" }
      log.warn("a peer refuses this node", ["peer": "\(peer.address)", "reason": reason])
      deliver(.unanswered(number: number), 0, from: peer)
      close(peer, "it refuses: \(reason)")
    case 409:
      // It has been restarted, or has forgotten us: whoever calls next begins with hello.
      deliver(.unanswered(number: number), 0, from: peer)
      close(peer, "it does not know this node any more")
    default:
      deliver(.unanswered(number: number), 0, from: peer)
      close(peer, "it answers with status \(response.status)")
    }
  }

  /// Learns which node has answered; false if the connection is one too many.
  private func identify(_ peer: PeerConnection, _ response: HTTPResponse) -> Bool {
    guard peer.node == nil else { return true }
    guard let number = response.fields[Self.nodeField].flatMap(Self.number) else {
      close(peer, "no node of tinychain answers there")
      return false
    }
    let node = Node(ip: peer.address.ip, number: number)
    guard number != settings.node else {
      close(peer, "that is this node itself")
      return false
    }
    guard known[node] == nil else {
      close(peer, "connected already")
      return false
    }
    peer.node = node
    known[node] = peer.id
    return true
  }

  // MARK: Being called

  /// Answers a call of `/p2p/…`.
  nonisolated func answer(_ request: HTTPRequest) async -> HTTPResponse {
    var response = await take(request)
    response.fields.append(Self.nodeField, Self.text(settings.node))
    return response
  }

  private func take(_ request: HTTPRequest) async -> HTTPResponse {
    guard !isStopped, !isCut else { return HTTPResponse(status: 503, text: "not now\n") }
    guard request.method == .post else { return HTTPResponse(status: 405, text: "POST only\n") }
    guard let path = PeerRequest.Path(rawValue: String(request.path.dropFirst(Self.prefix.count)))
    else { return HTTPResponse(status: 404, text: "there is no such call\n") }
    guard let number = request.fields[Self.nodeField].flatMap(Self.number) else {
      return HTTPResponse(status: 400, text: "\(Self.nodeField) must have 16 digits\n")
    }
    metrics.received.add(UInt64(request.body.count))
    let node = Node(ip: request.remote.ip, number: number)
    if let refusal = refusal(of: node) { return refusal }
    let call: PeerRequest
    do {
      call = try PeerRequest(path: path, body: request.body)
    } catch {
      metrics.malformed.add()
      // One is enough for the machine; more would heap up while it is busy.
      if let peer = known[node].flatMap({ peers[$0] }), peer.waiting.isEmpty {
        deliver(.unreadable(number: nil), 0, from: peer)
      }
      return HTTPResponse(status: 400, text: "the body cannot be read: \(error)\n")
    }
    let peer: PeerConnection
    if let found = known[node].flatMap({ peers[$0] }) {
      peer = found
    } else {
      guard case .hello(let hello) = call else {
        return HTTPResponse(status: 409, text: "say hello first\n")
      }
      guard let opened = open(node, port: hello.port) else {
        return HTTPResponse(status: 503, text: "every place is taken; try again later\n")
      }
      peer = opened
    }
    peer.lastHeard = loop.now
    guard peer.calls.count < Self.callsMax, peer.bucket.take(1, now: loop.now) else {
      return Self.response(.busy)
    }
    return await wait(for: call, cost: request.body.count, of: peer)
  }

  private func refusal(of node: Node) -> HTTPResponse? {
    if node.number == settings.node {
      return HTTPResponse(status: 403, text: "this is the node itself\n")
    }
    let found = bans[node] ?? bans[Node(ip: node.ip.host, number: Self.wholeHost)]
    guard let found, found.until > loop.now else { return nil }
    return HTTPResponse(status: 403, text: found.reason + "\n")
  }

  private func open(_ node: Node, port: UInt16) -> PeerConnection? {
    let ofHost = peers.values.filter { $0.address.ip.host == node.ip.host && !$0.isOutbound }
    guard ofHost.count < settings.peersPerHostMax, peers.count < settings.peersMax, let sink else {
      return nil
    }
    numbers += 1
    let address = SocketAddress(node.ip, port: port)
    let peer = PeerConnection(
      id: PeerID(numbers),
      address: address,
      isOutbound: false,
      client: port == 0
        ? nil
        : HTTPClient(
          to: address,
          on: loop,
          limits: HTTPMessageLimits(bodyMax: PeerLimits.bodyBytesMax)
        ),
      bucket: freshBucket,
      now: loop.now
    )
    peer.node = node
    peers[peer.id] = peer
    known[node] = peer.id
    metrics.count(peers.count)
    sink.connected(peer.id, PeerLink(address: address, isOutbound: false))
    return peer
  }

  private func wait(
    for request: PeerRequest,
    cost: Int,
    of peer: PeerConnection
  ) async -> HTTPResponse {
    guard let sink else { return Self.response(.busy) }
    numbers += 1
    let number = numbers
    let timer = loop.schedule(after: settings.answerTimeout) {
      peer.answer(number, HTTPResponse(status: 503, text: "no answer in time\n"))
    }
    defer { loop.cancel(timer) }
    return await withCheckedContinuation { continuation in
      guard peers[peer.id] != nil else {
        return continuation.resume(returning: Self.response(.busy))
      }
      peer.calls[number] = continuation
      if sink.deliver(.request(request, number: number), peer.id, cost) != .taken {
        peer.answer(number, Self.response(.busy))
      }
    }
  }

  // MARK: Both

  /// What was asked for is never dropped: it waits until the machine has room.
  private func deliver(_ message: PeerMessage, _ cost: Int, from peer: PeerConnection) {
    peer.waiting.append((message, cost))
    flush(peer)
  }

  private func flush(_ peer: PeerConnection) {
    while let (message, cost) = peer.waiting.first {
      guard sink?.deliver(message, peer.id, cost) != .full else { return }
      peer.waiting.removeFirst()
    }
  }

  private func close(_ peer: PeerConnection, _ reason: String) {
    guard peers.removeValue(forKey: peer.id) != nil else { return }
    if let node = peer.node, known[node] == peer.id { known[node] = nil }
    for number in peer.calls.keys.sorted() {
      peer.answer(number, HTTPResponse(status: 403, text: reason + "\n"))
    }
    if let client = peer.client { Task(executorPreference: loop) { await client.close() } }
    metrics.count(peers.count)
    log.debug("peer gone", ["peer": "\(peer.address)", "reason": reason])
    sink?.disconnected(peer.id)
  }

  /// A host on loopback has many nodes, of which one's guilt is not another's.
  private func note(banOf address: SocketAddress, until: Instant) {
    let guilty = peers.values.filter { $0.address == address }
    var nodes = guilty.compactMap(\.node)
    if !address.ip.isLoopback { nodes = [Node(ip: address.ip.host, number: Self.wholeHost)] }
    bans = bans.filter { $0.value.until > loop.now }
    guard bans.count < Self.bansMax else { return }
    for node in nodes { bans[node] = (until, Self.banReason) }
  }

  private func scheduleSweep() {
    sweep = loop.schedule(after: Self.sweepInterval) {
      self.assumeIsolated { network in
        let limit = network.loop.now + (.zero - network.settings.silenceMax)
        for peer in network.peers.values where peer.lastHeard < limit {
          network.close(peer, "silent")
        }
        network.scheduleSweep()
      }
    }
  }

  private var freshBucket: TokenBucket {
    TokenBucket(
      capacity: Self.callsPerSecond,
      perSecond: Self.callsPerSecond,
      now: loop.now
    )
  }

  private static func text(_ number: UInt64) -> String { number.littleEndianBytes.hex }

  private static func number(_ text: String) -> UInt64? {
    guard let bytes = [UInt8](hex: text), bytes.count == 8 else { return nil }
    return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
