public import BulletproofsPlus
public import Kernel

/// All that a wallet must not forget between two starts, beside its keys.
///
/// The rest can be fetched again: balance and payments lie in owner memos, receipts at validators.
public struct WalletState: Sendable {
  /// A transition that was signed, and so may be certified one day: durable before it leaves.
  public struct Pending: Sendable {
    public let transition: Transition
    /// Opens the balance that it leaves.
    public let balance: Opening
    /// Of the ballot in which it is proposed, if that is above 0.
    ///
    /// As durable as the transition: a wallet that went back to ballot 0 would need another ballot, in
    /// which what it has forgotten may turn up beside this.
    public let justification: Justification?

    public init(transition: Transition, balance: Opening, justification: Justification? = nil) {
      precondition(justification?.slot ?? transition.slot == transition.slot)
      self.transition = transition
      self.balance = balance
      self.justification = justification
    }

    /// From what a store kept; nil if no transition is asked for in it.
    public init?(_ request: VoteRequest, balance: Opening) {
      guard case .transition(let transition) = request.submission else { return nil }
      self.transition = transition
      self.balance = balance
      justification =
        request.ballot == .zero
        ? nil : Justification(slot: transition.slot, ballot: request.ballot, acks: request.acks)
    }

    /// What validators are asked, which is all that a store needs to keep.
    public var request: VoteRequest {
      VoteRequest(
        ballot: justification?.ballot ?? .zero,
        acks: justification?.acks ?? [],
        submission: .transition(transition)
      )
    }
  }

  /// A quorum's acks, with which something may be proposed in a ballot above 0.
  public struct Justification: Hashable, Sendable {
    public let slot: Slot
    public let ballot: Ballot
    public let acks: [BallotAck]

    public init(slot: Slot, ballot: Ballot, acks: [BallotAck]) {
      self.slot = slot
      self.ballot = ballot
      self.acks = acks
    }
  }

  /// Money that can be claimed, or was.
  public struct Incoming: Sendable {
    public let reference: OutputReference
    public let payment: IncomingPayment
    /// Of the transition that made it: proves it to validators that have not heard of it.
    public let certificate: SettlementCertificate

    public init(
      reference: OutputReference,
      payment: IncomingPayment,
      certificate: SettlementCertificate
    ) {
      self.reference = reference
      self.payment = payment
      self.certificate = certificate
    }
  }

  public private(set) var nextSequence: SequenceNumber
  public private(set) var head: TransitionHash
  public private(set) var balance: Opening
  public private(set) var pending: Pending?
  /// Of the own chain, as far as they were seen.
  public private(set) var certificates: [SequenceNumber: SettlementCertificate] = [:]
  /// In the order of their coming.
  public private(set) var incoming: [Incoming] = []
  public private(set) var claimed: Set<OutputReference> = []
  /// References of `incoming`.
  private var known: Set<OutputReference> = []
  /// Whether everything that was ever signed for the next slot stands here: not so in a wallet that
  /// was restored from its words.
  public private(set) var remembersAll: Bool

  /// A wallet that has seen nothing.
  ///
  /// - Parameters:
  ///   - account: its own.
  ///   - genesis: may give it a balance.
  ///   - remembersAll: true for keys made just now, false for those restored.
  public init(account: AccountID, genesis: Genesis, remembersAll: Bool) {
    let allocation = genesis.allocations.first { $0.account == account }
    nextSequence = .first
    head = account.origin(on: genesis.id)
    balance = Opening(value: allocation?.amount.units ?? 0, blinding: .zero)
    self.remembersAll = remembersAll
  }

  public func knows(_ reference: OutputReference) -> Bool { known.contains(reference) }

  public var claimable: [Incoming] { incoming.filter { !claimed.contains($0.reference) } }

  public mutating func apply(_ change: WalletChange) {
    for operation in change.operations {
      switch operation {
      case .setPending(let pending): self.pending = pending
      case .settle(let certificate, let balance):
        nextSequence = certificate.slot.sequence.next
        head = certificate.hash
        self.balance = balance
        pending = nil
        certificates[certificate.slot.sequence] = certificate
        claimed.formUnion(certificate.signed.body.claims)
      case .putCertificate(let certificate):
        certificates[certificate.slot.sequence] = certificate
        claimed.formUnion(certificate.signed.body.claims)
      case .putIncoming(let incoming):
        guard known.insert(incoming.reference).inserted else { continue }
        self.incoming.append(incoming)
      case .markClaimed(let references): claimed.formUnion(references)
      case .setRemembersAll(let remembers): remembersAll = remembers
      }
    }
  }
}

/// One atomic, durable write of a wallet.
public struct WalletChange: Sendable {
  public enum Operation: Sendable {
    case setPending(WalletState.Pending?)
    /// The newest certificate of the own chain, with the opening of its balance.
    case settle(SettlementCertificate, Opening)
    /// An older one.
    case putCertificate(SettlementCertificate)
    case putIncoming(WalletState.Incoming)
    /// Taken by a transition that this wallet has forgotten.
    case markClaimed([OutputReference])
    case setRemembersAll(Bool)
  }

  public private(set) var operations: [Operation]

  public init(_ operations: [Operation] = []) { self.operations = operations }

  public var isEmpty: Bool { operations.isEmpty }

  public mutating func append(_ operation: Operation) { operations.append(operation) }
}

/// Proving and signing, outside the machine's loop: milliseconds.
public struct TransitionBuild: Computation {
  let plan: TransitionPlan
  let keys: AccountKeys
  let genesis: Genesis
  let secret: SecretBytes
  let number: UInt64

  public func run() -> Result<TransitionPlan.Built, PlanFailure> {
    var random = SecretGenerator(secret, number: number)
    do throws(PlanFailure) {
      return .success(try plan.build(with: keys, on: genesis, using: &random))
    } catch {
      return .failure(error)
    }
  }
}

/// Why a wallet's command came to nothing.
public enum WalletFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// Another payment, or the look at the account's state, is not finished.
  case busy
  case plan(PlanFailure)
  /// f + 1 validators refuse it by a rule; it can never be certified, and nothing was paid.
  case refused(TransitionRejection)
  /// Another transition was settled in its place.
  case overtaken(by: TransitionHash)
  /// This account signed several transitions for its slot: none may ever get a quorum.
  case slotBlocked
  /// A transition of this account that its keys cannot read.
  case unreadable(TransitionHash)
  /// It holds no key to sign with.
  case watchOnly
  /// A quorum's worth of validators knows no such payment.
  case noSuchPayment(TransitionHash)
  /// This account has received it already.
  case alreadyReceived(TransitionHash)

  public var description: String {
    switch self {
    case .busy: "the wallet is busy with something else"
    case .plan(let failure): failure.description
    case .refused(let code): "the validators refuse it: \(code.rawValue) \(code)"
    case .overtaken(let hash): "the account did something else meanwhile: \(hash)"
    case .slotBlocked: "the account has signed contradicting transitions and is blocked"
    case .unreadable(let hash): "the account's transition \(hash) was not made with these keys"
    case .watchOnly: "this wallet only watches: it holds no key to pay with"
    case .noSuchPayment(let hash): "the validators know of no payment \(hash)"
    case .alreadyReceived(let hash): "the payment \(hash) has been received already"
    }
  }
}
