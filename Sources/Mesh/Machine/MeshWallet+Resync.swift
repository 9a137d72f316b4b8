import BulletproofsPlus
import Kernel

/// After a crash, a restore, or a doubt (SPEC-003, 3.7 and 3.8).
extension MeshWallet {
  mutating func resync() {
    // Who sees the income alone has nothing to learn from the account's own chain.
    guard configuration.keys.full != nil else { return becomeIdle() }
    phase = .resyncing([:])
    askAll(.account(AccountQuery(account: configuration.keys.account)))
    effects.append(.setTimer(.retry, after: Self.retryInterval))
  }

  mutating func note(_ info: AccountInfo, from validator: ValidatorIndex) {
    guard case .resyncing(var answers) = phase, info.state.account == configuration.keys.account
    else { return }
    answers[validator] = info
    phase = .resyncing(answers)
    if answers.count == validators.count {
      effects.append(.cancelTimer(.grace))
      conclude(answers)
    } else if answers.count == validators.quorum {
      effects.append(.setTimer(.grace, after: Self.graceInterval))
    }
  }

  /// A quorum has answered: adopt the newest certificate, then what is pending.
  mutating func conclude(_ answers: [ValidatorIndex: AccountInfo]) {
    let ordered = answers.sorted { $0.key < $1.key }.map(\.value)
    let newest = ordered.compactMap(\.certificate)
      .filter { $0.slot.account == configuration.keys.account }
      .max { $0.slot.sequence < $1.slot.sequence }
    if let newest, newest.slot.sequence >= state.nextSequence {
      guard take(newest) else { return block(.unreadable(newest.hash)) }
    }
    bringUp(answers)
    guard configuration.keys.spending != nil else { return becomeIdle() }
    var candidates: [Transition] = []
    for transition in ordered.flatMap(\.pending).map(\.transition)
    where transition.slot == slot && !candidates.contains(where: { $0.hash == transition.hash }) {
      candidates.append(transition)
    }
    if let pending = state.pending {
      // Its own word first; whatever else was signed, the ballots sort out.
      propose(pending)
    } else if candidates.count == 1,
      ordered.allSatisfy({ $0.pending.allSatisfy { $0.ballot == .zero } })
    {
      adopt(pending: candidates[0])
    } else if !candidates.isEmpty {
      recover(at: (ordered.flatMap(\.pending).map(\.ballot).max() ?? .zero).next)
    } else if state.remembersAll {
      becomeIdle()
    } else {
      // Something signed may sit with those that did not answer or did not tell, or be on its way.
      recover(at: Ballot(1))
    }
  }

  /// Hands validators what they have not applied of the own chain.
  ///
  /// This wallet may have been stopped between its certificate and the first that heard of it: then
  /// nobody else has it.
  private mutating func bringUp(_ answers: [ValidatorIndex: AccountInfo]) {
    let behind = answers.filter { $0.value.state.nextSequence < state.nextSequence }
      .sorted { $0.key < $1.key }
    for (validator, info) in behind {
      guard let peer = peers.first(where: { $0.validator == validator }) else { continue }
      sendChain(from: info.state.nextSequence, to: peer.id)
    }
    guard answers.count - behind.count < validators.quorum,
      let last = state.nextSequence.previous, let head = state.certificates[last],
      !deliveries.contains(where: { $0.certificate.hash == head.hash })
    else { return }
    deliver(head)
  }

  /// Takes over a newer certificate of the own chain; false if it cannot be read.
  private mutating func take(_ certificate: SettlementCertificate) -> Bool {
    guard let memo = configuration.keys.full?.open(certificate.signed.body) else { return false }
    let pending = state.pending
    write(.settle(certificate, memo.balance))
    justification = nil
    effects.append(.report(.certified(certificate)))
    let isOwn = pending?.transition.hash == certificate.hash
    // Somebody else holds these keys too, or this wallet was restored.
    if !isOwn, state.remembersAll { write(.setRemembersAll(false)) }
    if pending != nil, postponed == nil {
      reply(isOwn ? .certified(certificate) : .failed(.overtaken(by: certificate.hash)))
    }
    deliver(certificate)
    return true
  }

  /// A certificate for the slot that the wallet is at work on.
  mutating func adopt(_ certificate: SettlementCertificate) {
    guard certificate.slot == slot else { return }
    guard take(certificate) else { return block(.unreadable(certificate.hash)) }
    resync()
  }

  /// A transition that this account signed and forgot: it is resumed, unchanged.
  private mutating func adopt(
    pending transition: Transition,
    _ justification: WalletState.Justification? = nil
  ) {
    guard let memo = configuration.keys.full?.open(transition.body) else {
      return block(.unreadable(transition.hash))
    }
    if let own = state.pending, own.transition.hash != transition.hash, postponed == nil {
      reply(.failed(.overtaken(by: transition.hash)))
    }
    propose(
      WalletState.Pending(
        transition: transition,
        balance: memo.balance,
        justification: justification
      )
    )
  }

  /// A no to a ballot.
  mutating func handle(
    refusal reject: VoteReject,
    from validator: ValidatorIndex,
    at peer: PeerID
  ) {
    guard case .recovering(var recovery) = phase else { return }
    switch reject.code {
    case .sequenceAhead: return sendChain(from: reject.nextSequence, to: peer)
    case .ballotSuperseded, .alreadySettled, .nothingToSpend:
      recovery.refusals[validator] = reject.code
    default: return
    }
    phase = .recovering(recovery)
    // With a quorum of them no quorum can have voted here, and there is nothing to spend yet.
    if recovery.refusals.values.count(where: { $0 == .nothingToSpend }) >= validators.quorum {
      becomeIdle()
    }
  }

  /// A second has passed without a quorum: somebody may stand in the way of this ballot.
  ///
  /// f + 1 that say so are believed at once. Fewer may all be lying: to leave a ballot in which the
  /// honest ones are about to vote could end with two transitions that both have votes. Yet one that
  /// speaks the truth must not hold up the payment for ever.
  mutating func reconsiderBallot() {
    switch phase {
    case .collecting(var collection):
      let codes = collection.rejections.values
      let barring = codes.count { $0 == .conflict || $0 == .ballotSuperseded }
      guard barring > 0, codes.count + collection.votes.count >= validators.quorum else { return }
      collection.patience -= 1
      phase = .collecting(collection)
      if barring > validators.faultsMax || collection.patience == 0 {
        recover(at: collection.ballot.next)
      }
    case .recovering(var recovery):
      let refusals = recovery.refusals.values
      guard !refusals.isEmpty, recovery.acks.count + refusals.count >= validators.quorum else {
        return
      }
      recovery.patience -= 1
      phase = .recovering(recovery)
      let superseding = refusals.count { $0 == .ballotSuperseded }
      if superseding > validators.faultsMax || (superseding > 0 && recovery.patience == 0) {
        recover(at: recovery.ballot.doubled)
      } else if refusals.contains(.alreadySettled) {
        resync()
      }
    case .idle, .resyncing, .building, .blocked: break
    }
  }

  /// A validator that is behind needs the chain in its order.
  mutating func sendChain(from sequence: SequenceNumber, to peer: PeerID) {
    var sequence = sequence
    while let certificate = state.certificates[sequence] {
      ask(.settle(certificate), of: peer)
      sequence = sequence.next
    }
  }

  private mutating func block(_ failure: WalletFailure) {
    phase = .blocked(failure)
    postponed = nil
    reply(.failed(failure))
  }

  // MARK: Recovery ballots

  mutating func recover(at ballot: Ballot) {
    phase = .recovering(Recovery(ballot: ballot))
    justification = nil
    effects.append(.report(.recovering(slot, ballot)))
    effects.append(.setTimer(.retry, after: Self.retryInterval))
    askAll(.ballot(ballotRequest(ballot)))
  }

  func ballotRequest(_ ballot: Ballot) -> BallotRequest {
    guard let keys = configuration.keys.spending else {
      preconditionFailure("who only looks recovers nothing")
    }
    return .signed(
      slot: slot,
      ballot: ballot,
      by: keys.signing,
      on: configuration.genesis.id
    )
  }

  mutating func note(_ ack: BallotAck) {
    guard case .recovering(var recovery) = phase, ack.slot == slot, ack.ballot == recovery.ballot
    else { return }
    recovery.acks[ack.validator] = ack
    phase = .recovering(recovery)
    let ballot = recovery.ballot
    let ordered = recovery.acks.sorted { $0.key < $1.key }.map(\.value)
    let outcome = BallotJustification.of(
      ordered,
      slot: slot,
      ballot: ballot,
      validators: validators
    ) { isInvalid($0) }
    let justification = WalletState.Justification(slot: slot, ballot: ballot, acks: ordered)
    switch outcome {
    case .insufficient: return
    case .free:
      if let pending = state.pending {
        propose(pending.justified(by: justification))
      } else {
        self.justification = justification
        becomeIdle()
      }
    case .bound(let transition):
      if let pending = state.pending, pending.transition.hash == transition.hash {
        propose(pending.justified(by: justification))
      } else {
        adopt(pending: transition, justification)
      }
    case .split: block(.slotBlocked)
    }
  }

  /// As validators judge it (rules 7, 8 and 9), from what this wallet knows of its own account.
  private func isInvalid(_ transition: Transition) -> Bool {
    let account = AccountState(
      account: slot.account,
      nextSequence: state.nextSequence,
      head: state.head,
      balance: Commitment(state.balance)
    )
    let facts = TransitionFacts(
      state: account,
      claims: transition.body.claims.map { record(of: $0) }
    )
    do throws(TransitionRejection) {
      _ = try transition.signed.validated(
        against: facts,
        ballot: .zero,
        genesis: configuration.genesis
      )
      try transition.checkRange()
      return false
    } catch {
      return !error.isTransient
    }
  }

  private func record(of reference: OutputReference) -> OutputRecord? {
    guard
      let body = state.incoming.first(where: { $0.reference == reference })?.certificate.signed
        .body
    else { return nil }
    return OutputRecord(
      index: 0,
      reference: reference,
      source: body.slot,
      asset: body.asset,
      output: body.outputs[Int(reference.index)],
      isSourceApplied: false,
      // By something earlier in the own chain; which, does not matter here.
      claimedBy: state.claimed.contains(reference) ? state.head : nil
    )
  }
}

extension WalletState.Pending {
  fileprivate func justified(by justification: WalletState.Justification) -> Self {
    WalletState.Pending(
      transition: transition,
      balance: balance,
      justification: justification
    )
  }
}
