public import EdDSA
public import Kernel

/// The node's core: ledger, elections, bootstrap.
///
/// Deterministic; see `Kernel.Machine`.
///
/// Each input is handled to its end before the next: all that it changes in the ledger and in what
/// this node has promised is one `persist`, which stands before everything that leaves.
public struct SmallNanoMachine: Machine {
  public typealias Identity = PublicKey
  public typealias Message = PeerMessage
  public typealias Change = LedgerChange
  public typealias Job = NoJob

  public struct Configuration: Sendable {
    public let parameters: NetworkParameters
    /// This node's own key on the wire: never a wallet's.
    public let node: PublicKey
    /// Seeds the choice of whom to relay to.
    public let seed: UInt64
    public var electionsMax = 5000
    /// Left out on purpose; nil in every node.
    package var canary: Canary?

    public init(parameters: NetworkParameters, node: PublicKey, seed: UInt64) {
      self.parameters = parameters
      self.node = node
      self.seed = seed
    }
  }

  public enum Command: Sendable {
    /// Once, before any other input.
    case start
    /// A block from this node's wallet or RPC.
    case process(Verified<Block>)
    /// The keys to vote with from now on: those of unlocked wallets. Replaces what was set before.
    case setVoters([SecretKey])
    /// The operator's word that a key without records here votes nowhere else.
    case admitVoter(Account)
    case status
    case election(BlockHash)
  }

  public enum Reply: Sendable {
    case started
    case processed(BlockHash)
    case rejected(BlockRejection)
    case voters([Account], refused: [Account])
    case admitted
    case status(ConsensusStatus)
    case election(ElectionSummary?)
  }

  public enum Timer: Hashable, Sendable {
    case elections
    case votes
    case hello
    case sample
    case bootstrap
  }

  public enum Event: Sendable {
    case added(LedgerBlock)
    case confirmed(LedgerBlock)
    case rolledBack(LedgerBlock)
    /// Two blocks of one owner for one slot, both signed.
    case forked(Slot)
    /// A key was offered to vote with that has no records here.
    case voterNotAdmitted(Account)
    /// Another node says hello for our key: it no longer votes from here.
    case voterElsewhere(Account, node: PublicKey)
    case recordsFull
  }

  // What the machine knows. Internal, so that its parts can be told in files of their own.
  let configuration: Configuration
  var ledger: Ledger
  var elections: [Slot: Election] = [:]
  /// Every candidate of every election.
  var candidateSlots: [BlockHash: Slot] = [:]
  var backlog = Backlog()
  var gaps = GapCache()
  var cache = VoteCache()
  var online: OnlineWeight
  /// In order of their ids.
  var peers: [Peer] = []
  /// The latest hello passed on, by representative, in Unix milliseconds.
  var helloTimes: [Account: UInt64] = [:]
  var voters: [Voter] = []
  var bootstrap = Bootstrap()
  var random: SplitMix64
  /// Slots with durable records of this node's voters.
  var recordedSlots: Set<Slot> = []
  var due = DeadlineQueue<Slot>()
  var outbox = VoteOutbox()

  var startedAt = Instant(nanoseconds: 0)

  // What lives for one input.
  var now = Instant(nanoseconds: 0)
  var effects: [Effect<Self>] = []
  var change = LedgerChange()
  var touched: [Slot] = []
  var retries: [BlockHash] = []
  var requests: [(peer: PeerID, target: ConfirmTarget)] = []
  var cachedQuorum: Amount?
  /// The deadline that the elections timer is set to.
  var timerAt: Instant?

  /// Blocks that may be unconfirmed at once: 65,536 × ~400 bytes of disk and index.
  static let unconfirmedMax: UInt64 = 65_536
  /// Slots that may have records: 16,384 × 64 bytes in memory.
  static let recordsMax = 16_384

  public init(store: any LedgerStore, configuration: Configuration) {
    self.configuration = configuration
    ledger = Ledger(store: store, parameters: configuration.parameters)
    online = OnlineWeight(
      floor: configuration.parameters.quorumFloor,
      samples: store.onlineSamples()
    )
    random = SplitMix64(seed: configuration.seed)
  }

  public mutating func handle(_ input: Input<Self>, now: Instant) -> [Effect<Self>] {
    self.now = max(now, self.now)
    cachedQuorum = nil
    switch input {
    case .connected(let peer, let node): connect(peer, node)
    case .disconnected(let peer): disconnect(peer)
    case .received(let message, let peer): receive(message, from: peer)
    case .submitted(let command, let request): submit(command, request)
    case .fired(let timer): fire(timer)
    }
    settleDown()
    return release()
  }

  /// Works off what the input has set in motion, until nothing is left.
  mutating func settleDown() {
    while true {
      if let hash = retries.popLast() {
        for block in gaps.take(hash) { _ = process(block, from: nil) }
      } else if let slot = touched.popLast() {
        advance(slot)
      } else if elections.count < configuration.electionsMax, let slot = backlog.popFirst() {
        activate(slot)
      } else {
        return
      }
    }
  }

  /// All that leaves, with the one write in front.
  private mutating func release() -> [Effect<Self>] {
    flushVotes()
    flushRequests()
    scheduleElections()
    if !change.isEmpty {
      effects.insert(
        .persist(change),
        at: configuration.canary == .sendBeforePersist ? effects.count : 0
      )
      change = LedgerChange()
    }
    defer { effects = [] }
    return effects
  }

  private mutating func receive(_ message: PeerMessage, from peer: PeerID) {
    switch message {
    case .publish(let block): _ = process(block, from: peer)
    case .vote(let vote): count(vote, from: peer)
    case .confirmRequest(let targets): answer(targets, to: peer)
    case .blockRequest(let hashes): answer(hashes, to: peer)
    case .hello(let hello): greet(hello, from: peer)
    case .pullRequest(let request):
      effects.append(.send(.pullResponse(request.answer(from: ledger.store)), to: peer))
    case .pullResponse(let response): receive(response, from: peer)
    case .frontierRequest(let request):
      effects.append(.send(.frontierResponse(request.answer(from: ledger.store)), to: peer))
    case .frontierResponse(let frontiers): receive(frontiers, from: peer)
    case .receivablesRequest(let request):
      effects.append(.send(.receivablesResponse(request.answer(from: ledger.store)), to: peer))
    case .receivablesResponse: break  // for adopting pruned accounts; nothing asks yet
    }
  }

  private mutating func submit(_ command: Command, _ request: RequestID) {
    let reply: Reply
    switch command {
    case .start:
      start()
      reply = .started
    case .process(let block):
      switch process(block, from: nil) {
      case nil, .alreadyKnown?: reply = .processed(block.value.hash)
      case let rejection?: reply = .rejected(rejection)
      }
    case .setVoters(let keys): reply = setVoters(keys)
    case .admitVoter(let account):
      admit(account)
      reply = .admitted
    case .status: reply = .status(status)
    case .election(let hash): reply = .election(summary(of: hash))
    }
    effects.append(.reply(reply, request))
  }

  private mutating func fire(_ timer: Timer) {
    switch timer {
    case .elections:
      timerAt = nil
      checkDueElections()
    case .votes: outbox.isTimerSet = false
    case .hello: sayHello()
    case .sample: sampleOnline()
    case .bootstrap: continueBootstrap()
    }
  }

  private mutating func start() {
    startedAt = now
    if let genesis = ledger.genesisChange { change.append(contentsOf: genesis) }
    restoreElections()
    effects.append(.setTimer(.hello, after: Self.helloInterval))
    effects.append(.setTimer(.sample, after: OnlineWeight.sampleInterval))
    effects.append(.setTimer(.bootstrap, after: Bootstrap.interval))
  }

  /// Loads what was being decided when the node stopped: slots with promises first, then all others
  /// that are unconfirmed.
  private mutating func restoreElections() {
    var slot = Slot(account: .burn, height: Height(0))
    while true {
      let page = ledger.store.slotsWithRecords(from: slot, limit: 256)
      for each in page {
        recordedSlots.insert(each)
        activate(each, even: true)
      }
      guard page.count == 256, let last = page.last else { break }
      slot = Slot(account: last.account, height: last.height.next)
    }
    var account = Account.burn
    while true {
      let page = ledger.store.unconfirmedAccounts(from: account, limit: 256)
      for each in page {
        let first = Slot(account: each.account, height: each.state.confirmedHeight.next)
        activate(first)
      }
      guard page.count == 256, let last = page.last?.account.successor else { break }
      account = last
    }
  }

  /// Adds to this input's write; the store shows it at once.
  mutating func write(_ operation: LedgerChange.Operation) {
    ledger.store.apply(LedgerChange([operation]))
    change.append(operation)
  }

  // MARK: What every part asks.

  func weight(_ account: Account) -> Amount {
    if let bootstrap = configuration.parameters.bootstrap,
      ledger.store.totals.confirmedBlocks < bootstrap.confirmedBlocks
    {
      return bootstrap.weight(of: account)
    }
    return ledger.weight(of: account)
  }

  /// What `weight * 100 >= 67 * D` asks for now.
  var quorum: Amount {
    mutating get {
      if let cachedQuorum { return cachedQuorum }
      let quorum = OnlineWeight.quorum(of: base)
      cachedQuorum = quorum
      return quorum
    }
  }

  /// What two thirds are taken of.
  ///
  /// A node that has just started has heard nobody yet: it takes everyone for online, until it has
  /// listened for a whole window or knows a trend. Otherwise a restart would shrink its quorum to
  /// what it votes with itself.
  var base: Amount {
    let heard = online.base(now: now) { weight($0) }
    guard online.trend == .zero, now - startedAt < OnlineWeight.window else { return heard }
    return max(heard, ledger.representatives.reduce(.zero) { $0 + $1.weight })
  }

  func isConfirmed(_ slot: Slot) -> Bool {
    guard let state = ledger.store.account(slot.account) else { return false }
    return slot.height <= state.confirmedHeight
  }

  /// Whether a hash is a confirmed block of the chain.
  func isConfirmed(_ hash: BlockHash) -> Bool {
    guard let held = ledger.store.block(hash) else { return false }
    return isConfirmed(held.block.slot)
  }
}

/// Faults switched on to see the simulator catch them: each leaves out one thing that safety or
/// liveness needs.
///
/// A simulator that does not find them in time is broken itself.
package enum Canary: String, Sendable, CaseIterable {
  /// Votes leave before their record is durable.
  case sendBeforePersist
  /// Peers are asked in the order of a Set, which differs from run to run.
  case iterateSet
  /// A final is cast for a round that was left.
  case finalForLeftRound
  /// A vote for a block counts for its predecessors too.
  case countUnlistedPredecessors
  /// A vote is dropped because its signer also voted otherwise.
  case dropEquivocators
}
