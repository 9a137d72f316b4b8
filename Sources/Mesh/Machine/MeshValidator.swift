public import EdDSA
public import Kernel

/// Who is at the other end of a connection.
public enum MeshPeer: Hashable, Sendable {
  /// Proved by its handshake.
  case validator(ValidatorIndex)
  case wallet
}

/// A validator's core: votes, applies certificates, and catches up with its peers.
///
/// Deterministic; see `Kernel.Machine`. Each input is handled to its end before the next: all that it
/// changes is one `persist`, which stands before everything that leaves. A vote is therefore durable
/// before anyone sees it.
public struct MeshValidator: Machine {
  public typealias Identity = MeshPeer
  /// Signatures hold: `StatelessChecker` makes these of what comes, and what leaves is our own.
  public typealias Message = Verified<MeshMessage>
  public typealias Change = LedgerChange
  public typealias Job = ProofCheck

  public struct Configuration: Sendable {
    public let genesis: Genesis
    /// Nil for one that only follows: it lost its database, or has no part in the set.
    public let key: SecretKey?
    /// For the weights of batches: 32 bytes, new at every start.
    public let secret: SecretBytes
    /// Whether proofs of certified transitions are checked that this validator did not vote for:
    /// then it takes every validator to make money, not a quorum.
    public var checksCertifiedProofs = true
    /// Left out on purpose; nil in every validator.
    package var canary: Canary?

    public init(genesis: Genesis, key: SecretKey?, secret: SecretBytes) {
      self.genesis = genesis
      self.key = key
      self.secret = secret
    }

    /// Nil if the key is not in the set.
    var index: ValidatorIndex? { key.flatMap { genesis.validators.index(of: $0.publicKey) } }
  }

  public enum Command: Sendable {
    /// Once, before any other input.
    case start
    case status
    /// Whether the supply equation holds; reads everything.
    case audit
  }

  public enum Reply: Sendable {
    case started
    case status(Status)
    case audit(isSupplyIntact: Bool, digest: StateDigest)
  }

  public struct Status: Hashable, Sendable {
    public let validator: ValidatorIndex?
    public let isVoting: Bool
    public let totals: LedgerTotals
    /// Connected, in ascending order.
    public let validators: [ValidatorIndex]
  }

  public enum Timer: Hashable, Sendable {
    case ping
    case gaps
  }

  public indirect enum Event: Sendable {
    case voted(ValidatorVote)
    case rejected(TransitionRejection, PeerID)
    case applied(SettlementCertificate, logIndex: UInt64)
    case evidence(Evidence)
    /// More validators are faulty than may be: this one votes no more.
    case safetyFault(SettlementCertificate, TransitionRejection)
  }

  /// What is known of a connection.
  struct Peer: Sendable {
    let id: PeerID
    let identity: MeshPeer
    /// The sync request that is under way.
    var sync: Exchange?
    /// How far its log went at the last pong, or where it was first asked: what has come since has
    /// had no time to come here from its wallet.
    var logHead: UInt64 = 0
    var unansweredPings = 0
    /// Transitions that no honest wallet sends.
    var offences = 0
  }

  /// What waits for proofs to be checked, or for what goes before it in the queue.
  indirect enum Task: Sendable {
    case vote(VoteRequest, Transition, PeerID, Exchange)
    /// Without a transition nothing is left to prove.
    case settle(SettlementCertificate, Transition?, answer: (PeerID, Exchange)?)
    /// All before it has been looked at: a peer's log is known up to here.
    case cursor(ValidatorIndex, PeerID, UInt64)

    var transition: Transition? {
      switch self {
      case .vote(_, let transition, _, _): transition
      case .settle(_, let transition, _): transition
      case .cursor: nil
      }
    }
  }

  struct Subscriber: Sendable {
    let peer: PeerID
    let exchange: Exchange
    let accounts: Set<AccountID>
  }

  // What the machine knows. Internal, so that its parts can be told in files of their own.
  let configuration: Configuration
  let index: ValidatorIndex?
  var ledger: Ledger
  /// In order of their ids.
  var peers: [Peer] = []
  /// In order of their coming.
  var subscribers: [Subscriber] = []
  var queue = RingBuffer<Task>()
  /// What the running job is about.
  var running: [Task] = []
  var nextNumber: UInt64 = 1
  var areGapsAsked = false
  /// Found or heard since the start, for validators that connect later; the newest last.
  var notices: [EquivocationProof] = []

  // What lives for one input.
  var now = Instant(nanoseconds: 0)
  var effects: [Effect<Self>] = []
  var change = LedgerChange()

  /// Requests that may wait: 4,096 × ~2 KB; a validator works that off in seconds.
  static let queueMax = 4096
  /// Proofs in one job: 256 would share one equation, and make the first wait for the last.
  static let proofsMax = 64
  static let pingInterval = Duration.seconds(10)
  static let unansweredMax = 3
  static let gapInterval = Duration.seconds(1)
  /// Offences until a connection ends.
  static let offencesMax = 5
  /// What a validator that was away is told of: 64 × 268 bytes.
  static let noticesMax = 64
  /// Subscriptions: 1,024 × at most 255 accounts of 32 bytes.
  static let subscribersMax = 1024

  public init(store: any LedgerStore, configuration: Configuration) {
    self.configuration = configuration
    index = configuration.index
    ledger = Ledger(store: store, genesis: configuration.genesis)
  }

  public mutating func handle(_ input: Input<Self>, now: Instant) -> [Effect<Self>] {
    self.now = max(now, self.now)
    switch input {
    case .connected(let peer, let identity): connect(peer, identity)
    case .disconnected(let peer): disconnect(peer)
    case .received(let message, let peer): receive(message.value, from: peer)
    case .submitted(let command, let request): submit(command, request)
    case .fired(let timer): fire(timer)
    case .finished(let verdicts, _): finish(verdicts)
    }
    startJob()
    return release()
  }

  /// All that leaves, with the one write in front.
  private mutating func release() -> [Effect<Self>] {
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

  private mutating func submit(_ command: Command, _ request: RequestID) {
    switch command {
    case .start:
      if let genesis = ledger.genesisChange { change.append(contentsOf: genesis) }
      effects.append(.setTimer(.ping, after: Self.pingInterval))
      askForGaps()
      effects.append(.reply(.started, request))
    case .status:
      effects.append(.reply(.status(status), request))
    case .audit:
      let reply = Reply.audit(isSupplyIntact: ledger.isSupplyIntact(), digest: ledger.digest())
      effects.append(.reply(reply, request))
    }
  }

  private var status: Status {
    Status(
      validator: index,
      isVoting: isVoting,
      totals: ledger.store.totals,
      validators: peers.compactMap { peer in
        if case .validator(let index) = peer.identity { index } else { nil }
      }.sorted()
    )
  }

  var isVoting: Bool {
    index != nil && !ledger.store.totals.isHalted && !ledger.store.hasFailed
  }

  // MARK: What every part does.

  mutating func answer(_ response: Response, to peer: PeerID, _ exchange: Exchange) {
    // Made here: its signatures are our own, or were checked when they came.
    effects.append(.send(Verified(checked: .response(response, exchange)), to: peer))
  }

  mutating func refuse(
    _ code: CloseCode,
    _ reason: String,
    to peer: PeerID,
    _ exchange: Exchange
  ) {
    answer(.error(Farewell(code: code, reason: reason)), to: peer, exchange)
  }

  /// Opens a stream of our own.
  @discardableResult
  mutating func ask(_ request: Request, of peer: PeerID) -> Exchange {
    let exchange = Exchange(nextNumber)
    nextNumber += 1
    // Made here, or checked when it came.
    effects.append(.send(Verified(checked: .request(request, exchange)), to: peer))
    return exchange
  }

  func peer(_ id: PeerID) -> Int? { peers.firstIndex { $0.id == id } }

  // MARK: Proofs

  var canQueue: Bool { queue.count < Self.queueMax }

  /// The next batch, if none is being checked.
  private mutating func startJob() {
    while running.isEmpty, !queue.isEmpty {
      while running.count < Self.proofsMax, let task = queue.popFirst() {
        running.append(withoutNeedlessProof(task))
      }
      let transitions = running.compactMap(\.transition)
      guard !transitions.isEmpty else {
        finish([])
        continue
      }
      let number = nextNumber
      nextNumber += 1
      let job = ProofCheck(
        transitions: transitions,
        secret: configuration.secret,
        number: number
      )
      effects.append(.start(job, JobID(number)))
    }
  }

  /// The same certificate comes from several peers: only the first of them costs a proof.
  private func withoutNeedlessProof(_ task: Task) -> Task {
    if case .settle(let certificate, .some, let asker) = task, !needsProof(certificate) {
      return .settle(certificate, nil, answer: asker)
    }
    return task
  }

  private mutating func finish(_ verdicts: [Bool]) {
    let tasks = running
    running = []
    precondition(verdicts.count == tasks.count { $0.transition != nil })
    var verdicts = verdicts.makeIterator()
    for task in tasks {
      switch task {
      case .vote(let request, let transition, let peer, let exchange):
        conclude(
          request,
          transition,
          isProved: verdicts.next() ?? false,
          for: peer,
          exchange
        )
      case .settle(let certificate, nil, let asker):
        apply(certificate, answering: asker)
      case .settle(let certificate, .some, let asker):
        if verdicts.next() ?? false {
          apply(certificate, answering: asker)
        } else {
          conclude(ledger.faultOfProof(certificate, into: &change), of: certificate, asker)
        }
      case .cursor(let validator, let peer, let index):
        advance(validator, at: peer, to: index)
      }
    }
  }
}
