import Kernel

/// From a signed transition to its certificate.
extension MeshWallet {
  /// Makes a transition durable and asks everyone to vote for it.
  mutating func propose(_ pending: WalletState.Pending) {
    if state.pending?.transition.hash != pending.transition.hash
      || state.pending?.justification != pending.justification
    {
      write(.setPending(pending))
    }
    phase = .collecting(Collection(pending: pending))
    effects.append(.setTimer(.retry, after: Self.retryInterval))
    for peer in peers { requestVote(of: peer.id, withDependencies: false) }
  }

  mutating func requestVote(of peer: PeerID, withDependencies: Bool) {
    guard case .collecting(let collection) = phase else { return }
    let transition = collection.pending.transition
    var dependencies: [SettlementCertificate] = []
    if withDependencies {
      let sources = Set(transition.body.claims.map(\.source))
      var size = 0
      for incoming in state.incoming where sources.contains(incoming.reference.source) {
        guard !dependencies.contains(where: { $0.hash == incoming.certificate.hash }) else {
          continue
        }
        size += incoming.certificate.encoded.count
        // What does not fit goes ahead by itself.
        if size > Limits.dependencyBytes {
          ask(.settle(incoming.certificate), of: peer)
        } else {
          dependencies.append(incoming.certificate)
        }
      }
    }
    var request = collection.pending.request
    request.dependencies = dependencies
    ask(.vote(request), of: peer)
  }

  /// Counts a vote; at a quorum the payment is final.
  mutating func count(_ vote: ValidatorVote) {
    guard case .collecting(var collection) = phase, vote.slot == collection.pending.transition.slot,
      vote.ballot == collection.ballot
    else { return }
    if let earlier = collection.votes[vote.validator] {
      if let proof = ValidatorEquivocationProof(earlier, vote) { accuse(proof) }
      return
    }
    guard vote.transition == collection.pending.transition.hash else { return }
    collection.votes[vote.validator] = vote
    collection.rejections[vote.validator] = nil
    phase = .collecting(collection)
    effects.append(
      .report(
        .voted(vote.validator, votes: collection.votes.count, quorum: validators.quorum)
      )
    )
    guard collection.votes.count >= validators.quorum else { return }
    let votes = collection.votes.values.sorted { $0.validator < $1.validator }
    guard let certificate = SettlementCertificate(votes, for: collection.pending.transition)
    else { preconditionFailure("votes of one ballot, epoch and transition") }
    settle(certificate, collection.pending)
  }

  private mutating func accuse(_ proof: ValidatorEquivocationProof) {
    effects.append(.report(.equivocation(proof)))
    askAll(.validatorEquivocation(proof))
  }

  /// The pending transition is certified: durable first, then handed to everyone.
  mutating func settle(_ certificate: SettlementCertificate, _ pending: WalletState.Pending) {
    write(.settle(certificate, pending.balance))
    justification = nil
    phase = .idle
    effects.append(.report(.certified(certificate)))
    // Who waits for another payment still does: this one was signed by the wallet that was lost.
    if postponed == nil { reply(.certified(certificate)) }
    deliver(certificate)
    // The next slot may have been used too by that wallet.
    if !state.remembersAll || postponed != nil { resync() }
  }

  mutating func deliver(_ certificate: SettlementCertificate) {
    guard certificate.transition != nil else { return }
    if deliveries.count == Self.deliveriesMax { deliveries.removeFirst() }
    deliveries.append(Delivery(certificate: certificate))
    askAll(.settle(certificate))
    effects.append(.setTimer(.retry, after: Self.retryInterval))
  }

  mutating func note(_ ack: CertificateAck, by validator: ValidatorIndex) {
    guard let place = deliveries.firstIndex(where: { $0.certificate.hash == ack.transition }),
      ack.status != .buffered
    else { return }
    deliveries[place].acks.insert(validator)
    if deliveries[place].acks.count >= validators.quorum, !deliveries[place].isSettled {
      deliveries[place].isSettled = true
      effects.append(.report(.settled(ack.transition)))
    }
    if deliveries[place].acks.count == validators.count { deliveries.remove(at: place) }
  }

  /// What the wallet does about a no (SPEC-003, 3.3.2).
  mutating func handle(
    _ reject: VoteReject,
    from validator: ValidatorIndex,
    at peer: PeerID
  ) {
    if reject.transition.bytes.isZero {
      return handle(refusal: reject, from: validator, at: peer)
    }
    guard case .collecting(var collection) = phase,
      reject.transition == collection.pending.transition.hash,
      collection.votes[validator] == nil
    else { return }
    effects.append(.report(.rejected(validator, reject.code)))
    collection.rejections[validator] = reject.code
    phase = .collecting(collection)
    switch reject.code {
    case .alreadySettled:
      for case .certificate(let certificate) in reject.attachments
      where certificate.slot == collection.pending.transition.slot {
        return adopt(certificate)
      }
    case .sequenceAhead:
      return sendChain(from: reject.nextSequence, to: peer)
    case .alreadyClaimed:
      for case .outputs(let references) in reject.attachments {
        collection.claimed[validator] = Set(references)
      }
      phase = .collecting(collection)
    case .unknownOutput:
      return requestVote(of: peer, withDependencies: true)
    default:
      break
    }
    reconsider(collection)
  }

  /// Whether f + 1 validators say no for good: one of them is honest, and the rules leave no choice.
  private mutating func reconsider(_ collection: Collection) {
    let codes = collection.rejections.sorted { $0.key < $1.key }.map(\.value)
    let faultsMax = validators.faultsMax
    // A bad justification is the ballot's fault, not the transition's.
    let permanent = codes.filter { !$0.isTransient && $0 != .badJustification }
    if permanent.count > faultsMax {
      // No honest validator votes for it in any ballot, whatever a faulty one says.
      let taken = collection.pending.transition.body.claims.filter { claim in
        collection.claimed.values.count { $0.contains(claim) } > faultsMax
      }
      if !taken.isEmpty { write(.markClaimed(taken)) }
      write(.setPending(nil))
      // What justified it goes with it: the next one needs a ballot of its own.
      if collection.ballot > .zero { write(.setRemembersAll(false)) }
      let code = permanent.first { code in permanent.count { $0 == code } > faultsMax }
      reply(.failed(.refused(code ?? permanent[0])))
      return becomeIdle()
    }
    if codes.count(where: { $0 == .badJustification }) > faultsMax {
      return recover(at: collection.ballot.next)
    }
    if codes.count(where: { $0 == .alreadySettled || $0 == .wrongPredecessor }) > faultsMax {
      resync()
    }
  }
}
