import Kernel
import Mesh
import Simulation

/// What must hold in every run, whatever fails.
final class Checker {
  private let cast: Cast
  private weak var cluster: MeshCluster?

  /// Each correct validator's votes, as they left.
  private var votes: [VoteKey: TransitionHash] = [:]
  /// The correct validators that voted for a transition in a ballot.
  private var supporters: [Support: Int] = [:]
  /// The transition of each slot that has a certificate, or could have with the liars' help.
  private var certified: [Slot: TransitionHash] = [:]
  private var durableVotes: Set<DurableVote> = []
  private var durablePromises: [PromiseKey: Ballot] = [:]
  private var states: [Slot: AccountState] = [:]
  /// What each wallet has ever made durable as signed.
  private var durableTransitions: Set<TransitionHash> = []
  /// Honest wallets that were restored from their words.
  private(set) var restored: Set<Int> = []

  private struct PromiseKey: Hashable {
    let validator: Int
    let slot: Slot
  }

  private struct VoteKey: Hashable {
    let validator: Int
    let slot: Slot
    let ballot: Ballot
  }

  private struct Support: Hashable {
    let slot: Slot
    let ballot: Ballot
    let transition: TransitionHash
  }

  private struct DurableVote: Hashable {
    let validator: Int
    let support: Support
  }

  init(_ cast: Cast) {
    self.cast = cast
  }

  func noteRestored(_ wallet: Int) { restored.insert(wallet) }

  func watch(_ cluster: MeshCluster) {
    self.cluster = cluster
    cluster.invariant("certificates") { [self] cluster in
      for sent in cluster.sentInStep where sent.isHonest {
        if let fault = fault(in: sent.message.value, of: sent.from) { return fault }
      }
      return nil
    }
  }

  func fault(in message: MeshMessage, of node: Int) -> String? {
    switch message {
    case .response(.vote(let vote), _) where cast.isCorrect(node): fault(in: vote, of: node)
    case .response(.ballot(let ack), _) where cast.isCorrect(node): fault(in: ack, of: node)
    case .request(.vote(let request), _): fault(in: request, of: node)
    default: nil
    }
  }

  // MARK: What leaves

  /// No vote before its lock is durable, none against an earlier one or a promise, and never
  /// certificates for two transitions of one slot.
  private func fault(in vote: ValidatorVote, of node: Int) -> String? {
    let support = Support(slot: vote.slot, ballot: vote.ballot, transition: vote.transition)
    guard durableVotes.contains(DurableVote(validator: node, support: support)) else {
      return "validator \(node) votes for \(short(vote)) before its lock is durable"
    }
    let key = VoteKey(validator: node, slot: vote.slot, ballot: vote.ballot)
    if let earlier = votes[key] {
      guard earlier == vote.transition else {
        return "validator \(node) votes for \(short(vote)), and did for \(short(earlier.bytes))"
      }
      return nil
    }
    votes[key] = vote.transition
    let count = (supporters[support] ?? 0) + 1
    supporters[support] = count
    // All the others may lie, and then sign this too.
    guard
      count + cast.validatorCount - cast.correctValidators.count >= cast.genesis.validators.quorum
    else { return nil }
    if let other = certified[vote.slot], other != vote.transition {
      return "there are certificates for \(short(vote)) and for \(short(other.bytes))"
    }
    certified[vote.slot] = vote.transition
    return nil
  }

  /// No promise before it is durable, and none that hides a vote.
  private func fault(in ack: BallotAck, of node: Int) -> String? {
    let key = PromiseKey(validator: node, slot: ack.slot)
    guard let durable = durablePromises[key], durable >= ack.ballot else {
      return "validator \(node) promises ballot \(ack.ballot) before it is durable"
    }
    let reported = Set(ack.transitions.map(\.hash))
    let hidden = durableVotes.filter { vote in
      vote.validator == node && vote.support.slot == ack.slot && vote.support.ballot < ack.ballot
        && !reported.contains(vote.support.transition)
    }
    if let ballot = hidden.map(\.support.ballot).min() {
      return "validator \(node) hides a vote in ballot \(ballot) of \(short(ack.slot))"
    }
    return nil
  }

  /// Nothing that an honest wallet signed leaves before it is durable.
  private func fault(in request: VoteRequest, of node: Int) -> String? {
    guard cast.honestWalletNodes.contains(node),
      case .transition(let transition) = request.submission
    else { return nil }
    guard durableTransitions.contains(transition.hash) else {
      return "wallet \(node) sends \(short(transition.hash.bytes)) before it is durable"
    }
    return nil
  }

  // MARK: The disks

  func apply(_ change: MeshNode.Change, to disk: inout MeshDisk) {
    let node = disk.node
    switch change {
    case .wallet(let change):
      for case .setPending(let pending?) in change.operations {
        durableTransitions.insert(pending.transition.hash)
      }
      disk.apply(.wallet(change))
    case .validator(let change):
      guard cast.isCorrect(node) else { return disk.apply(.validator(change)) }
      for operation in change.operations {
        if let fault = fault(in: operation, of: node, on: disk.store) {
          cluster?.fail("disk", "validator \(node): \(fault)")
        }
      }
      disk.apply(.validator(change))
      guard change.operations.contains(where: { $0.movesMoney }) else { return }
      if !Ledger(store: disk.store, genesis: cast.genesis).isSupplyIntact() {
        cluster?.fail("supply", "validator \(node): the supply equation does not hold")
      }
    }
  }

  func fault(
    in operation: LedgerChange.Operation,
    of node: Int,
    on store: MemoryStore
  ) -> String? {
    switch operation {
    case .putLock(let lock):
      let key = PromiseKey(validator: node, slot: lock.slot)
      let promised = durablePromises[key] ?? .zero
      guard lock.promised >= promised else { return "a promise is taken back" }
      durablePromises[key] = lock.promised
      for vote in lock.votes.map(\.vote) {
        let support = Support(slot: vote.slot, ballot: vote.ballot, transition: vote.transition)
        let isNew = durableVotes.insert(DurableVote(validator: node, support: support)).inserted
        if isNew, vote.ballot < promised {
          return "votes for \(short(vote)), and has promised ballot \(promised)"
        }
      }
    case .putAccount(let state):
      let slot = Slot(account: state.account, sequence: state.nextSequence)
      if let other = states[slot], other != state {
        return "\(short(slot)) is not what it is elsewhere"
      }
      states[slot] = state
      if let before = store.account(state.account), state.nextSequence <= before.nextSequence {
        return "\(short(slot)) comes after \(before.nextSequence)"
      }
    case .appendCertificate(let certificate, _):
      if let other = certified[certificate.slot], other != certificate.hash {
        return "\(short(certificate.hash.bytes)) settles a slot of \(short(other.bytes))"
      }
      certified[certificate.slot] = certificate.hash
    case .putEvidence(let evidence): return fault(in: evidence)
    case .putTotals(let totals):
      if totals.isHalted { return "halted by a safety fault" }
    case .removeLock, .putOutput, .putBuffered, .removeBuffered, .putCursor: break
    }
    return nil
  }

  private func fault(in evidence: Evidence) -> String? {
    switch evidence {
    case .owner(let proof):
      guard let wallet = cast.honestWallet(of: proof.slot.account), !restored.contains(wallet)
      else {
        return nil
      }
      return "wallet \(wallet) has signed two transitions for \(short(proof.slot))"
    case .validator(let proof):
      let node = Int(proof.a.validator.number)
      return cast.isCorrect(node) ? "validator \(node) is proved to have voted twice" : nil
    case .certificate(let certificate, let rejection):
      return "\(short(certificate.hash.bytes)) is certified and breaks rule \(rejection)"
    }
  }

  // MARK: When all has come to rest

  /// Correct validators whose states differ.
  func disagreement(in cluster: MeshCluster) -> String? {
    var first: (node: Int, digest: StateDigest)?
    var nodes = cast.correctValidators
    if let forgetful = cast.forgetful { nodes.append(forgetful) }
    for node in nodes {
      let store = cluster.durable(node).store
      guard store.totals.bufferCount == 0 else {
        return "\(store.totals.bufferCount) certificates wait at validator \(node)"
      }
      let digest = Ledger(store: store, genesis: cast.genesis).digest()
      if let first, first.digest != digest {
        return "validators \(first.node) and \(node) have different states"
      }
      first = first ?? (node, digest)
    }
    return nil
  }

  /// Honest wallets that do not know what they have.
  func ignorance(in cluster: MeshCluster) -> String? {
    guard let validator = cast.correctValidators.first else { return nil }
    let store = cluster.durable(validator).store
    for node in cast.honestWalletNodes {
      guard let wallet = cluster.durable(node).wallet else { return "wallet \(node) has no state" }
      let account = cast.keys(ofWallet: node).account
      if let state = store.account(account) {
        guard state.nextSequence == wallet.nextSequence, state.head == wallet.head,
          state.balance == Commitment(wallet.balance)
        else { return "wallet \(node) is not where its account is" }
      }
      let claimable = Set(wallet.claimable.map(\.reference))
      for output in store.outputs(of: account, after: 0, limit: .max, onlyUnclaimed: true)
      where !claimable.contains(output.reference) {
        return "wallet \(node) does not know that it can claim output \(output.index)"
      }
    }
    return nil
  }
}

extension LedgerChange.Operation {
  fileprivate var movesMoney: Bool {
    switch self {
    case .putAccount, .putOutput, .appendCertificate: true
    case .putLock, .removeLock, .putBuffered, .removeBuffered, .putEvidence, .putCursor, .putTotals:
      false
    }
  }
}

func short(_ bytes: Bytes32) -> String { String(bytes.hex.prefix(8)) }

func short(_ slot: Slot) -> String { "\(short(slot.account.bytes)):\(slot.sequence)" }

func short(_ vote: ValidatorVote) -> String {
  "\(short(vote.transition.bytes)) at \(short(vote.slot)) in ballot \(vote.ballot)"
}
