import Kernel

/// Votes and ballots.
extension MeshValidator {
  mutating func vote(_ request: VoteRequest, for peer: PeerID, _ exchange: Exchange) {
    guard isVoting else {
      return refuse(.internalError, "this validator does not vote", to: peer, exchange)
    }
    guard canQueue else { return refuse(.rateLimited, "too many requests", to: peer, exchange) }
    var awaited = 0
    for certificate in request.dependencies where take(certificate, answering: nil) {
      awaited += 1
    }
    switch request.submission {
    case .refused(let rejection, _):
      reject(request, rejection, to: peer, exchange)
    case .transition(let transition):
      do throws(TransitionRejection) {
        switch try judge(transition, request) {
        case .cast(let vote): answer(.vote(vote), to: peer, exchange)
        case .needsProof where transition.proof.isEmpty && awaited == 0:
          cast(transition, in: request.ballot, for: peer, exchange)
        case .needsProof: queue.append(.vote(request, transition, peer, exchange))
        }
      } catch .unknownOutput where awaited > 0 {
        queue.append(.vote(request, transition, peer, exchange))
      } catch {
        reject(request, error, to: peer, exchange)
      }
    }
  }

  /// The proof has been checked; the state may have changed meanwhile.
  mutating func conclude(
    _ request: VoteRequest,
    _ transition: Transition,
    isProved: Bool,
    for peer: PeerID,
    _ exchange: Exchange
  ) {
    guard isVoting else {
      return refuse(.internalError, "this validator does not vote", to: peer, exchange)
    }
    do throws(TransitionRejection) {
      switch try judge(transition, request) {
      case .cast(let vote): answer(.vote(vote), to: peer, exchange)
      case .needsProof:
        guard isProved else { throw .proofInvalid }
        cast(transition, in: request.ballot, for: peer, exchange)
      }
    } catch {
      reject(request, error, to: peer, exchange)
    }
  }

  private mutating func cast(
    _ transition: Transition,
    in ballot: Ballot,
    for peer: PeerID,
    _ exchange: Exchange
  ) {
    guard let key = configuration.key, let index else { return }
    let vote = ValidatorVote.signed(
      by: key,
      as: index,
      ballot: ballot,
      epoch: configuration.genesis.validators.epoch,
      slot: transition.slot,
      transition: transition.hash,
      on: configuration.genesis.id
    )
    ledger.cast(vote, for: transition, into: &change)
    effects.append(.report(.voted(vote)))
    answer(.vote(vote), to: peer, exchange)
  }

  private mutating func reject(
    _ request: VoteRequest,
    _ rejection: TransitionRejection,
    to peer: PeerID,
    _ exchange: Exchange
  ) {
    effects.append(.report(.rejected(rejection, peer)))
    var next = SequenceNumber.first
    var attachments: [VoteReject.Attachment] = []
    if case .transition(let transition) = request.submission {
      next = ledger.state(of: transition.body.sender).nextSequence
      attachments = self.attachments(for: rejection, of: transition)
    }
    let reject = VoteReject(
      transition: request.submission.hash,
      code: rejection,
      nextSequence: next,
      attachments: attachments
    )
    answer(.reject(reject), to: peer, exchange)
    if [3, 8, 9].contains(rejection.rawValue / 100) { noteOffence(of: peer) }
  }

  /// What lets the wallet go on.
  private mutating func attachments(
    for rejection: TransitionRejection,
    of transition: Transition
  ) -> [VoteReject.Attachment] {
    switch rejection {
    case .alreadySettled:
      let settled = ledger.settled(transition.slot)
      return settled.flatMap { ledger.store.certificate($0) }.map { [.certificate($0)] } ?? []
    case .unknownOutput:
      let unknown = transition.body.claims.filter { ledger.store.output($0) == nil }
      return [.outputs(unknown)]
    case .alreadyClaimed:
      let claimed = transition.body.claims.filter { ledger.store.output($0)?.claimedBy != nil }
      return [.outputs(claimed)]
    case .conflict:
      let lock = ledger.store.lock(transition.slot)
      guard let other = lock?.transitions.first(where: { $0.hash != transition.hash }),
        let proof = EquivocationProof(other.signed, transition.signed)
      else { return [] }
      note(proof)
      return [.equivocation(proof), .pending(other)]
    default:
      return []
    }
  }

  /// Keeps evidence and tells the other validators; it never changes what is valid.
  private mutating func note(_ proof: EquivocationProof) {
    guard ledger.record(.owner(proof), into: &change) else { return }
    effects.append(.report(.evidence(.owner(proof))))
    remember(proof)
    for peer in peers where peer.identity != .wallet { ask(.equivocation(proof), of: peer.id) }
  }

  /// Evidence from another validator.
  mutating func note(_ evidence: Evidence, from peer: PeerID) {
    guard let index = self.peer(peer), peers[index].identity != .wallet else { return }
    // Only about accounts that exist: keys cost nothing.
    let slot = evidence.key.slot
    guard ledger.store.account(slot.account) != nil,
      slot.sequence <= ledger.state(of: slot.account).nextSequence,
      ledger.record(evidence, into: &change)
    else { return }
    effects.append(.report(.evidence(evidence)))
    if case .owner(let proof) = evidence { remember(proof) }
  }

  private mutating func remember(_ proof: EquivocationProof) {
    if notices.count == Self.noticesMax { notices.removeFirst() }
    notices.append(proof)
  }

  mutating func promise(_ request: BallotRequest, for peer: PeerID, _ exchange: Exchange) {
    guard isVoting, let key = configuration.key, let index else {
      return refuse(.internalError, "this validator does not vote", to: peer, exchange)
    }
    do throws(TransitionRejection) {
      let transitions = try keepPromise(request)
      let ack = BallotAck.signed(
        by: key,
        as: index,
        epoch: configuration.genesis.validators.epoch,
        slot: request.slot,
        ballot: request.ballot,
        transitions: transitions,
        on: configuration.genesis.id
      )
      answer(.ballot(ack), to: peer, exchange)
    } catch {
      if error == .alreadySettled, let hash = ledger.settled(request.slot),
        let certificate = ledger.store.certificate(hash)
      {
        return answer(.certificate(certificate), to: peer, exchange)
      }
      let reject = VoteReject(
        transition: TransitionHash(.zero),
        code: error,
        nextSequence: ledger.state(of: request.slot.account).nextSequence
      )
      answer(.reject(reject), to: peer, exchange)
    }
  }
}
