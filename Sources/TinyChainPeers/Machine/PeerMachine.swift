public import Kernel
public import TinyChain

/// A node of a mined chain: which block is its tip, what it tells its peers, and whom it believes.
///
/// Headers come first and are judged by themselves; of those with more work than the chain the bodies
/// are fetched, from several peers at once; what was executed to the roots of its headers is the chain,
/// and only that is passed on. A peer that breaks a rule is blamed, if it was its own doing.
public struct PeerMachine: Machine {
  public typealias Identity = PeerLink
  public typealias Message = PeerMessage
  public typealias Change = NodeChange
  public typealias Job = PeerJob

  public struct Configuration: Sendable {
    public var parameters: NetworkParameters
    /// By which the node knows itself; another at each start.
    public var nonce: UInt64
    /// Where it can be called; 0 if it cannot.
    public var port: UInt16
    /// For its own choices.
    public var seed: UInt64
    package var canary: Canary?

    public init(_ parameters: NetworkParameters, nonce: UInt64, port: UInt16, seed: UInt64) {
      (self.parameters, self.nonce, self.port) = (parameters, nonce, port)
      self.seed = seed
    }
  }

  public enum Command: Sendable {
    /// The first.
    case start
    case submit(SignedTransaction)
    /// A block to be mined upon the tip.
    case draft(producer: Address)
    /// A draft with the nonce that was found.
    case mined(Block)
    /// Addresses to be called; those that are kept are called for ever.
    case addPeers([SocketAddress], keep: Bool)
    case peers
    case snapshot
  }

  public enum Reply: Sendable {
    case done
    case submitted(Bytes32)
    case rejected(Rejection)
    case draft(Block)
    /// There is nothing to mine yet: others have more, up to this height as far as their headers show.
    case catchingUp(UInt32)
    case mined(Bytes32)
    case peers([PeerStatus])
    case snapshot(Chain, best: HeaderEntry, pool: Mempool)
  }

  public enum Timer: Hashable, Sendable { case tick }

  public enum Event: Sendable {
    /// The chain has another tip; so many blocks were undone for it.
    case tipChanged(Header, undone: Int)
    case poolChanged(Int)
    /// Call this node, please.
    case dial(SocketAddress)
    /// Nothing more from or to this host, for a while.
    case banned(SocketAddress, until: Instant)
    case misbehaved(PeerID, Misbehaviour)
    /// A block with work fails, for this reason.
    case invalid(Bytes32, Rejection)
    /// What peers had at the start is here, or has not come in time: from now on the node mines.
    case caughtUp(Header)
  }

  /// Time between two looks at deadlines.
  static let tick = Duration.seconds(1)

  let configuration: Configuration
  let rule: WorkRule
  let store: any NodeStore
  public internal(set) var chain: Chain
  public internal(set) var tree: HeaderTree
  public internal(set) var pool = Mempool()
  var index = PoolIndex()
  /// Ids of transactions that are not stored yet.
  var unsaved: [Bytes32] = []

  var peers: [PeerID: Peer] = [:]
  var book = PeerBook()
  var bans: BanList
  /// The addresses that are stored, and when to look at them again.
  var saved: [SocketAddress] = []
  var nextSave = Instant(nanoseconds: 0)
  var catchUp = CatchUp()
  var fetch = BodyFetch()
  var shorts = ShortBlocks()
  var refused = RecentSet(PeerMachine.refusedMax)
  var drafts: [ExecutedBlock] = []
  var checks = 0

  var random: SplitMix64
  var now = Instant(nanoseconds: 0)
  var questions: UInt64 = 0
  var jobs: UInt64 = 0
  var effects: [Effect<Self>] = []
  var change = NodeChange()

  /// Ids of transactions that were refused lately, so that they are not fetched again: 8,192 × 100 bytes.
  static let refusedMax = 8_192

  /// A node as it was stored.
  ///
  /// - Parameters:
  ///   - store: what it has.
  ///   - chain: at the tip that was executed; its parameters are those of a mined network.
  ///   - leaves: ends of the stored branches with more work than that, first seen first.
  ///   - pool: transactions that waited for a block; those that do so no more are forgotten with the
  ///     first input.
  ///   - bans: those that it has made.
  ///   - configuration: who it is.
  public init(
    store: any NodeStore,
    chain: Chain,
    leaves: [HeaderEntry],
    pool: [[UInt8]] = [],
    bans: [Ban] = [],
    configuration: Configuration
  ) {
    guard let rule = configuration.parameters.work else {
      preconditionFailure("nobody mines this network")
    }
    (self.store, self.chain, self.rule) = (store, chain, rule)
    self.configuration = configuration
    self.bans = BanList(bans, countMax: Self.bansMax)
    tree = HeaderTree(
      configuration.parameters,
      rule,
      source: store,
      leaves: leaves,
      executed: store.entry(of: chain.tip.id)
    )
    random = SplitMix64(seed: configuration.seed)
    restorePool(pool)
  }

  /// The end of the chain as it was executed.
  var tip: HeaderEntry {
    guard let entry = tree.entry(of: chain.tip.id) else { preconditionFailure("it was stored") }
    return entry
  }

  var seconds: UInt64 { now.milliseconds / 1_000 }

  public mutating func handle(_ input: Input<Self>, now: Instant) -> [Effect<Self>] {
    self.now = max(now, self.now)
    tree.settle()
    fetch.settle()
    catchUp.begin(self.now)
    let best = tree.best.id
    switch input {
    case .connected(let peer, let link): connect(peer, link)
    case .disconnected(let peer): disconnected(peer)
    case .received(let message, let peer): receive(message, from: peer)
    case .submitted(let command, let request): submit(command, request)
    case .fired(.tick): tickOver()
    case .finished(.arrived(let arrival), _): take(arrival)
    case .finished(.checked(let results, let peer), _): take(results, from: peer)
    case .finished(.drafted(let block, let request), _): take(draft: block, for: request)
    }
    advance()
    flushOffers()
    lookWhetherCaughtUp()
    if tree.best.id != best { change.operations.append(.best(tree.best.id)) }
    return release()
  }

  /// All that leaves, with the one write in front.
  private mutating func release() -> [Effect<Self>] {
    defer { (effects, change) = ([], NodeChange()) }
    guard !change.isEmpty else { return effects }
    store.note(change)
    return [.persist(change)] + effects
  }

  private mutating func submit(_ command: Command, _ request: RequestID) {
    switch command {
    case .start:
      effects.append(.setTimer(.tick, after: Self.tick))
      if pool.count > 0 { effects.append(.report(.poolChanged(pool.count))) }
      effects.append(.reply(.done, request))
    case .submit(let transaction): submit(transaction, request)
    case .draft(let producer): draft(for: producer, request)
    case .mined(let block): mined(block, request)
    case .addPeers(let addresses, let keep):
      for address in addresses { book.learn(address, from: nil, isKept: keep) }
      dial()
      effects.append(.reply(.done, request))
    case .peers: effects.append(.reply(.peers(statuses), request))
    case .snapshot:
      effects.append(.reply(.snapshot(chain, best: tree.best, pool: pool), request))
    }
  }

  mutating func start(_ job: PeerJob) -> JobID {
    jobs += 1
    effects.append(.start(job, JobID(jobs)))
    return JobID(jobs)
  }

  private mutating func receive(_ message: PeerMessage, from id: PeerID) {
    guard peers[id] != nil else { return }  // what was under way when it was sent off
    switch message {
    case .request(let request, let number): serve(request, number, to: id)
    case .answer(let answer, let number):
      guard let question = peers[id]?.questions.removeValue(forKey: number) else { return }
      take(answer, to: question.request, from: id)
    case .unanswered(let number):
      guard let question = peers[id]?.questions.removeValue(forKey: number) else { return }
      stalled(question.request, id)
    case .unreadable(let number):
      if let number { peers[id]?.questions[number] = nil }
      blame(id, .unreadable)
    }
  }

  private mutating func take(_ answer: PeerAnswer, to request: PeerRequest, from id: PeerID) {
    if case .busy = answer { return busy(request, id) }
    peers[id]?.stalls = 0
    switch (request, answer) {
    case (.hello, .hello(let hello)): greet(hello, id)
    case (.headers, .headers(let headers)): take(headers, from: id)
    case (.bodies(let ids), .bodies(let bodies)): take(bodies, asked: ids, from: id)
    case (.short(let block), .missing(let indices)): complete(block, indices, for: id)
    case (.offer(let offered), .ids(let wanted)): push(wanted, of: offered, to: id)
    case (.list, .ids(let ids)): fetch(offered: ids, from: id)
    case (.fetch, .transactions(let transactions)): check(transactions, from: id)
    case (.peers, .addresses(let addresses)): learn(addresses, from: id)
    case (.complete, .done), (.push, .done): break
    default: blame(id, .unreadable)
    }
  }

  private mutating func serve(_ request: PeerRequest, _ number: UInt64, to id: PeerID) {
    guard let peer = peers[id] else { return }
    if case .hello(let hello) = request {
      guard greet(hello, id) else { return }
      return answer(.hello(self.hello), number, to: id)
    }
    guard peer.hello != nil else { return close(id, "asks before it says hello") }
    guard pay(cost(of: request), by: id) else { return answer(.busy, number, to: id) }
    switch request {
    case .hello: break
    case .headers(let locator):
      let headers = tree.headers(after: locator, limit: PeerLimits.headersMax)
      answer(.headers(headers), number, to: id)
    case .bodies(let ids): answer(.bodies(bodies(ids, for: id)), number, to: id)
    case .short(let block): answer(.missing(take(block, from: id)), number, to: id)
    case .complete(let block, let transactions):
      answer(.done, number, to: id)
      take(transactions, missingOf: block, from: id)
    case .offer(let ids): answer(.ids(wanted(of: ids, by: id)), number, to: id)
    case .push(let transactions):
      answer(.done, number, to: id)
      check(transactions, from: id)
    case .fetch(let ids): answer(.transactions(transactions(ids, for: id)), number, to: id)
    case .list:
      let ids = pool.offers(upon: chain).prefix(PeerLimits.offersMax).map(\.id)
      answer(.ids(ids), number, to: id)
    case .peers:
      let addresses = book.sample(PeerLimits.addressesMax, using: &random)
      answer(.addresses(addresses), number, to: id)
    }
  }

  private mutating func answer(_ answer: PeerAnswer, _ number: UInt64, to id: PeerID) {
    guard peers[id] != nil else { return }
    effects.append(.send(.answer(answer, number: number), to: id))
  }

  /// Asks a peer; false, with nothing done, if it has enough to answer, is busy, or has called from
  /// where nobody can call it back: then it asks.
  @discardableResult
  mutating func ask(_ request: PeerRequest, of id: PeerID, within time: Duration = patience) -> Bool
  {
    guard let peer = peers[id], peer.questions.count < Peer.questionsMax, peer.busyUntil <= now,
      peer.link.address.port != 0
    else { return false }
    questions += 1
    peers[id]?.questions[questions] = .init(request: request, deadline: now + time)
    effects.append(.send(.request(request, number: questions), to: id))
    return true
  }

  /// How long an answer may take: 4 MiB over a line of 2 Mbit/s.
  static let patience = Duration.seconds(20)
}

/// A peer as operators see it.
public struct PeerStatus: Sendable {
  public let id: PeerID
  public let link: PeerLink
  /// Nil until it has said hello.
  public let hello: Hello?
  public let work: UInt256
  public let score: Int
}

/// Bugs to be planted, for a simulator that has to find them.
package enum Canary: String, Sendable, CaseIterable {
  /// A block is believed for its work alone: what executing it comes to is not compared.
  case acceptUnexecutedTip
  /// What was found invalid is not stored, and so tried again after a restart.
  case forgetInvalid
  /// The chain with most blocks wins, whatever work is in them.
  case ignoreWork
  /// Transactions of blocks that are undone do not wait again.
  case dropUndoneTransactions
  /// Who submits a transaction hears that it was taken before it is stored.
  case forgetSubmitted
  /// Blocks are mined upon a tip that others have long left behind.
  case mineBehind
}
