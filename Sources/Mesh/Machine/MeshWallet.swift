public import Kernel

/// A wallet's core: one account that pays, receives, and finds its way back after a crash.
///
/// Deterministic; see `Kernel.Machine`. What was signed is durable before it leaves: the one `persist`
/// of an input stands before everything else.
public struct MeshWallet: Machine {
  public typealias Identity = ValidatorIndex
  /// Signatures hold: `StatelessChecker` makes these of what comes, and what leaves is our own.
  public typealias Message = Verified<MeshMessage>
  public typealias Change = WalletChange
  public typealias Job = TransitionBuild

  public struct Configuration: Sendable {
    public let genesis: Genesis
    public let keys: WalletKeys
    /// For salts and proofs: 32 bytes, new at every start.
    public let secret: SecretBytes

    public init(genesis: Genesis, keys: AccountKeys, secret: SecretBytes) {
      self.init(genesis: genesis, holding: .spending(keys), secret: secret)
    }

    /// For a wallet that may be one that only looks.
    public init(genesis: Genesis, holding keys: WalletKeys, secret: SecretBytes) {
      self.genesis = genesis
      self.keys = keys
      self.secret = secret
    }
  }

  public enum Command: Sendable {
    /// Looks at the account's state at the validators; once at the start, and at any doubt.
    case resync
    /// Pays; claims what is needed for it.
    case send([Payee])
    /// Claims up to 64 outputs.
    case receive
    /// Claims what one settled transition pays, and looks for it first if need be.
    case receiveFrom(TransitionHash)
    /// Looks for payments at a quorum; replies when what they list is here.
    case look
    /// Fetches what is missing of the account's own past: a restored wallet has only its newest.
    case completeHistory
    /// Hears of payments at once from now on, instead of at the next look.
    case subscribe
    case status
  }

  public enum Reply: Sendable {
    case synced
    /// Final: no other transition can take its place.
    case certified(SettlementCertificate)
    case status(Status)
    case failed(WalletFailure)
  }

  public struct Status: Sendable {
    public let balance: Amount
    /// What could be claimed.
    public let claimable: Amount
    public let nextSequence: SequenceNumber
    public let pending: TransitionHash?
    public let isIdle: Bool
    /// Why the wallet can do nothing more with this account.
    public let failure: WalletFailure?
    /// Connected, in ascending order.
    public let validators: [ValidatorIndex]
  }

  public enum Timer: Hashable, Sendable {
    /// Says again what got no answer; ends by itself when all have answered.
    case retry
    /// A quorum has answered; the others had their chance.
    case grace
    case scan
  }

  public enum Event: Sendable {
    case voted(ValidatorIndex, votes: Int, quorum: Int)
    case rejected(ValidatorIndex, TransitionRejection)
    case certified(SettlementCertificate)
    /// A quorum has applied it: every query of a quorum shows it.
    case settled(TransitionHash)
    case received(WalletState.Incoming)
    case recovering(Slot, Ballot)
    case equivocation(ValidatorEquivocationProof)
  }

  /// What the wallet is about.
  enum Phase: Sendable {
    case idle
    /// Asks how the account stands (SPEC-003, 3.7).
    case resyncing([ValidatorIndex: AccountInfo])
    case building
    /// Collects votes for the pending transition.
    case collecting(Collection)
    /// Collects promises for a new ballot (3.8).
    case recovering(Recovery)
    /// Nothing can be done for this slot any more.
    case blocked(WalletFailure)
  }

  struct Collection: Sendable {
    let pending: WalletState.Pending
    var votes: [ValidatorIndex: ValidatorVote] = [:]
    var rejections: [ValidatorIndex: TransitionRejection] = [:]
    /// Of the claims, what a validator says has been taken.
    var claimed: [ValidatorIndex: Set<OutputReference>] = [:]
    var patience = MeshWallet.patience

    var ballot: Ballot { pending.justification?.ballot ?? .zero }
  }

  struct Recovery: Sendable {
    let ballot: Ballot
    var acks: [ValidatorIndex: BallotAck] = [:]
    var refusals: [ValidatorIndex: TransitionRejection] = [:]
    var patience = MeshWallet.patience
  }

  /// A certificate on its way to the validators.
  struct Delivery: Sendable {
    let certificate: SettlementCertificate
    var acks: Set<ValidatorIndex> = []
    var isSettled = false
  }

  let configuration: Configuration
  public internal(set) var state: WalletState
  var phase = Phase.idle
  /// Lets any transition be proposed in a slot that had to be recovered.
  var justification: WalletState.Justification?
  /// Who waits for the phase to end.
  var waiting: RequestID?
  /// What the waiting one wants done when it is clear how the slot stands.
  var postponed: [Payee]?
  /// In order of their ids.
  var peers: [(id: PeerID, validator: ValidatorIndex)] = []
  var deliveries: [Delivery] = []
  var looking: Look?
  var search: Search?
  var history: HistoryFetch?
  var isSubscribed = false
  /// How far each validator's list of outputs was read.
  var scanned: [ValidatorIndex: UInt64] = [:]
  /// Certificates that those lists named, and that were asked for.
  var sought: [Exchange: Sought] = [:]
  var nextNumber: UInt64 = 1

  // What lives for one input.
  var effects: [Effect<Self>] = []
  var change = WalletChange()

  static let retryInterval = Duration.seconds(1)
  static let graceInterval = Duration.seconds(2)
  /// Retries before f validators or fewer, who may be lying, make the wallet leave a ballot.
  static let patience = 10
  static let scanInterval = Duration.seconds(10)
  /// Certificates of the past that are asked for at a time; a connection carries 64 questions.
  static let fetchesMax = 48
  /// Certificates that are still being handed out; older ones the validators pass on themselves.
  static let deliveriesMax = 64

  public init(state: WalletState, configuration: Configuration) {
    self.state = state
    self.configuration = configuration
  }

  public mutating func handle(_ input: Input<Self>, now: Instant) -> [Effect<Self>] {
    switch input {
    case .connected(let peer, let validator): connect(peer, validator)
    case .disconnected(let peer):
      peers.removeAll { $0.id == peer }
      stopLooking(at: peer)
      stopSeeking(at: peer)
    case .received(let message, let peer): receive(message.value, from: peer)
    case .submitted(let command, let request): submit(command, request)
    case .fired(let timer): fire(timer)
    case .finished(let result, _): finish(result)
    }
    if !change.isEmpty {
      effects.insert(.persist(change), at: 0)
      change = WalletChange()
    }
    defer { effects = [] }
    return effects
  }

  /// Whether nothing is under way: no payment, no doubt, no certificate that less than a quorum has applied.
  package var isAtRest: Bool {
    if case .idle = phase {
      state.pending == nil && deliveries.allSatisfy(\.isSettled)
    } else {
      false
    }
  }

  // MARK: Commands

  private mutating func submit(_ command: Command, _ request: RequestID) {
    switch command {
    case .resync:
      switch phase {
      case .idle, .resyncing, .blocked:
        guard waiting == nil else { return fail(.busy, request) }
        waiting = request
        resync()
      case .building, .collecting, .recovering: fail(.busy, request)
      }
    case .send(let payees): plan(payees, request)
    case .receive: plan([], request)
    case .receiveFrom(let hash): receive(from: hash, request)
    case .look: look(request)
    case .completeHistory: completeHistory(request)
    case .subscribe:
      if !isSubscribed { askAll(subscription) }
      isSubscribed = true
      effects.append(.reply(.synced, request))
    case .status: effects.append(.reply(.status(status), request))
    }
  }

  mutating func fail(_ failure: WalletFailure, _ request: RequestID) {
    effects.append(.reply(.failed(failure), request))
  }

  private var status: Status {
    let claimable = state.claimable.reduce(Amount.zero) { sum, incoming in
      sum.adding(incoming.payment.amount) ?? sum  // All money together fits.
    }
    var isIdle = false
    var failure: WalletFailure?
    switch phase {
    case .idle: isIdle = true
    case .blocked(let reason): failure = reason
    case .resyncing, .building, .collecting, .recovering: break
    }
    return Status(
      balance: Amount(state.balance.value),
      claimable: claimable,
      nextSequence: state.nextSequence,
      pending: state.pending?.transition.hash,
      isIdle: isIdle,
      failure: failure,
      validators: peers.map(\.validator).sorted()
    )
  }

  /// It is known how the account stands, and nothing is under way.
  mutating func becomeIdle() {
    phase = .idle
    scan()
    guard let payees = postponed.take() else { return reply(.synced) }
    guard let request = waiting.take() else { return }
    if maySign {
      plan(payees, request)
    } else {
      // No validator knows of anything that this account could spend.
      fail(.plan(.insufficientFunds), request)
    }
  }

  /// Starts a payment, or a mere claim without payees.
  ///
  /// - Parameters:
  ///   - payees: at most 15.
  ///   - request: waits for the certificate.
  ///   - source: claim what this transition pays, and nothing else.
  mutating func plan(_ payees: [Payee], _ request: RequestID, from source: TransitionHash? = nil) {
    guard let keys = configuration.keys.spending else { return fail(.watchOnly, request) }
    switch phase {
    case .idle: break
    case .blocked(let failure): return fail(failure, request)
    case .resyncing, .building, .collecting, .recovering: return fail(.busy, request)
    }
    // A restored wallet may have signed something for this slot that it does not know.
    guard maySign else {
      waiting = request
      postponed = payees
      return resync()
    }
    let fee = configuration.genesis.fees.minimum(outputs: payees.count) ?? Amount(.max)
    let needed = payees.reduce(fee) { $0.adding($1.amount) ?? Amount(.max) }
    let needsClaims = payees.isEmpty || needed > Amount(state.balance.value)
    let claimable = state.claimable.filter { source == nil || $0.reference.source == source }
    let claims = needsClaims ? Array(claimable.prefix(Limits.claims)) : []
    let plan = TransitionPlan(
      slot: slot,
      previous: state.head,
      balance: state.balance,
      claims: claims.map {
        TransitionPlan.Claim(reference: $0.reference, opening: $0.payment.opening)
      },
      payees: payees
    )
    waiting = request
    phase = .building
    let number = nextNumber
    nextNumber += 1
    let job = TransitionBuild(
      plan: plan,
      keys: keys,
      genesis: configuration.genesis,
      secret: configuration.secret,
      number: number
    )
    effects.append(.start(job, JobID(number)))
  }

  private mutating func finish(_ result: Result<TransitionPlan.Built, PlanFailure>) {
    guard case .building = phase else { return }
    switch result {
    case .failure(let failure):
      phase = .idle
      reply(.failed(.plan(failure)))
    case .success(let built):
      let justification = justification.flatMap { $0.slot == slot ? $0 : nil }
      // Nothing else can get a quorum here, whatever was signed and forgotten.
      if !state.remembersAll { write(.setRemembersAll(true)) }
      propose(
        WalletState.Pending(
          transition: built.transition,
          balance: built.balance,
          justification: justification
        )
      )
    }
  }

  // MARK: What every part does.

  /// Whether nothing that was signed for the next slot, and forgotten, can get in the way.
  private var maySign: Bool { state.remembersAll || justification?.slot == slot }

  var slot: Slot { Slot(account: configuration.keys.account, sequence: state.nextSequence) }
  var validators: ValidatorSet { configuration.genesis.validators }

  mutating func write(_ operation: WalletChange.Operation) {
    state.apply(WalletChange([operation]))
    change.append(operation)
  }

  mutating func reply(_ reply: Reply) {
    guard let request = waiting.take() else { return }
    effects.append(.reply(reply, request))
  }

  @discardableResult
  mutating func ask(_ request: Request, of peer: PeerID) -> Exchange {
    let exchange = Exchange(nextNumber)
    nextNumber += 1
    // Made here, or checked when it came.
    effects.append(.send(Verified(checked: .request(request, exchange)), to: peer))
    return exchange
  }

  mutating func askAll(_ request: Request) {
    for peer in peers { ask(request, of: peer.id) }
  }

  func validator(_ peer: PeerID) -> ValidatorIndex? {
    peers.first { $0.id == peer }?.validator
  }
}
