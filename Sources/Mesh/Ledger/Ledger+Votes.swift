/// Votes and promises: what this validator may sign.
extension Ledger {
  /// What becomes of a request for a vote.
  public enum Judgement: Hashable, Sendable {
    /// The same vote was cast before: say it again.
    case cast(ValidatorVote)
    /// Rules 1 to 8 hold; rule 9 is left.
    case needsProof
  }

  /// Rules 4 to 8, against the state of now.
  ///
  /// - Parameters:
  ///   - transition: rules 1 to 3 hold.
  ///   - ballot: in which a vote is asked for.
  ///   - acks: what justifies a ballot above 0; their signatures hold.
  /// - Returns: whether it is settled by an earlier vote, or by a proof still to be checked.
  /// - Throws: the first rule that is broken.
  public func judge(
    _ transition: Transition,
    ballot: Ballot,
    acks: [BallotAck]
  ) throws(TransitionRejection) -> Judgement {
    let slot = transition.slot
    let earlier = store.lock(slot)?.vote(for: transition.hash, in: ballot)
    let isCurrent = slot.sequence == state(of: slot.account).nextSequence
    // Dear, as proofs of reported transitions are verified: only where it decides.
    let isJustified =
      earlier == nil && isCurrent && ballot > .zero && justifies(acks, transition, ballot)
    return try judge(transition, ballot: ballot, isJustified: isJustified)
  }

  /// The same, for who has summed up the acks.
  package func judge(
    _ transition: Transition,
    ballot: Ballot,
    isJustified: Bool
  ) throws(TransitionRejection) -> Judgement {
    var facts = facts(for: transition.signed)
    if let vote = facts.lock?.vote(for: transition.hash, in: ballot) { return .cast(vote) }
    facts.isJustified = isJustified
    _ = try transition.signed.validated(against: facts, ballot: ballot, genesis: genesis)
    if let lock = facts.lock, lock.transitions.count >= Limits.reports,
      !lock.votes.contains(where: { $0.transition.hash == transition.hash })
    {
      throw .conflict
    }
    return .needsProof
  }

  /// The snapshot that the rules read.
  func facts(for signed: SignedBody) -> TransitionFacts {
    let state = store.account(signed.body.sender)
    let isCurrent = signed.body.sequence == state?.nextSequence ?? .first
    return TransitionFacts(
      state: state,
      lock: isCurrent ? store.lock(signed.slot) : nil,
      claims: isCurrent ? signed.body.claims.map { store.output($0) } : []
    )
  }

  /// What acks allow, as this validator's state sees the transitions in them.
  public func justification(
    _ acks: [BallotAck],
    slot: Slot,
    ballot: Ballot
  ) -> BallotJustification {
    .of(acks, slot: slot, ballot: ballot, validators: genesis.validators) { isInvalid($0) }
  }

  /// Whether acks allow a transition; the same as asking `justification`, in fewer proofs.
  private func justifies(
    _ acks: [BallotAck],
    _ transition: Transition,
    _ ballot: Ballot
  ) -> Bool {
    let slot = transition.slot
    // Its own reports never stand against it, and what was voted for here was checked then.
    let checked = (store.lock(slot)?.transitions.map(\.hash) ?? []) + [transition.hash]
    return BallotJustification.of(
      acks,
      slot: slot,
      ballot: ballot,
      validators: genesis.validators
    ) { !checked.contains($0.hash) && isInvalid($0) }.allows(transition.hash)
  }

  /// Whether a rule refuses a transition in whatever state; unknown claims do not tell.
  private func isInvalid(_ transition: Transition) -> Bool {
    var facts = facts(for: transition.signed)
    facts.lock = nil
    do throws(TransitionRejection) {
      _ = try transition.signed.validated(against: facts, ballot: .zero, genesis: genesis)
      try transition.checkRange()
      return false
    } catch {
      return !error.isTransient
    }
  }

  /// Casts a vote and locks the slot.
  ///
  /// The caller has judged the transition in this very state, and its proof holds.
  ///
  /// - Returns: the vote; it may leave when the change is durable.
  package mutating func cast(
    _ vote: ValidatorVote,
    for transition: Transition,
    into change: inout LedgerChange
  ) {
    var lock = store.lock(transition.slot) ?? SlotLock(slot: transition.slot)
    precondition(vote.ballot >= lock.promised)
    precondition(!lock.votes.contains { $0.vote.contradicts(vote) })
    lock.promised = vote.ballot
    lock.votes.append(SlotLock.CastVote(transition: transition, vote: vote))
    commit(LedgerChange([.putLock(lock)]), into: &change)
  }

  /// Promises to vote in no ballot of a slot below the given one.
  ///
  /// - Returns: what was voted for there: it goes into the ack, which may leave when the change is
  ///   durable.
  /// - Throws: `ballotSuperseded`; `sequenceAhead` and `nothingToSpend` for slots that nobody can
  ///   have used, so that a key costs no row; `alreadySettled`.
  package mutating func promise(
    _ request: BallotRequest,
    into change: inout LedgerChange
  ) throws(TransitionRejection) -> [Transition] {
    let state = state(of: request.slot.account)
    guard request.slot.sequence >= state.nextSequence else { throw .alreadySettled }
    guard request.slot.sequence == state.nextSequence else { throw .sequenceAhead }
    var lock = store.lock(request.slot) ?? SlotLock(slot: request.slot)
    guard request.ballot >= lock.promised else { throw .ballotSuperseded }
    guard store.account(request.slot.account) != nil || hasOutputs(request.slot.account) else {
      throw .nothingToSpend
    }
    if lock.promised != request.ballot {
      lock.promised = request.ballot
      commit(LedgerChange([.putLock(lock)]), into: &change)
    }
    return lock.transitions
  }

  private func hasOutputs(_ account: AccountID) -> Bool {
    !store.outputs(of: account, after: 0, limit: 1, onlyUnclaimed: false).isEmpty
  }
}
