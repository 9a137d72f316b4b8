import Kernel

/// Connections, retries, and what comes in.
extension MeshWallet {
  mutating func connect(_ id: PeerID, _ validator: ValidatorIndex) {
    let place = peers.firstIndex { id < $0.id } ?? peers.endIndex
    peers.insert((id, validator), at: place)
    if isSubscribed { ask(subscription, of: id) }
    repeatQuestion(to: id, validator)
    askForOutputs(of: id, validator)
    // Not only when idle: a wallet that resumes a payment, and only pays from then on, has income too.
    if peers.count == 1 { effects.append(.setTimer(.scan, after: Self.scanInterval)) }
    repeatSearch(at: id)
  }

  var subscription: Request {
    .subscribe(Subscription(accounts: [configuration.keys.account]))
  }

  /// What is asked of everyone now, asked of one.
  private mutating func repeatQuestion(to id: PeerID, _ validator: ValidatorIndex) {
    switch phase {
    case .idle, .building, .blocked: break
    case .resyncing(let answers):
      if answers[validator] == nil {
        ask(.account(AccountQuery(account: configuration.keys.account)), of: id)
      }
    case .collecting(let collection):
      if collection.votes[validator] == nil {
        // A validator that is behind may know none of the sources.
        requestVote(of: id, withDependencies: collection.rejections[validator] == .unknownOutput)
      }
    case .recovering(let recovery):
      if recovery.acks[validator] == nil { ask(.ballot(ballotRequest(recovery.ballot)), of: id) }
    }
    for delivery in deliveries where !delivery.acks.contains(validator) {
      ask(.settle(delivery.certificate), of: id)
    }
  }

  mutating func fire(_ timer: Timer) {
    switch timer {
    case .retry:
      reconsiderBallot()
      for peer in peers { repeatQuestion(to: peer.id, peer.validator) }
      retryFetches()
      var isAtWork = !deliveries.isEmpty || search != nil || history != nil
      switch phase {
      case .resyncing, .collecting, .recovering: isAtWork = true
      case .idle, .building, .blocked: break
      }
      if isAtWork { effects.append(.setTimer(.retry, after: Self.retryInterval)) }
    case .grace:
      if case .resyncing(let answers) = phase, answers.count >= validators.quorum {
        conclude(answers)
      }
    case .scan: scan()
    }
  }

  mutating func receive(_ message: MeshMessage, from peer: PeerID) {
    guard let validator = validator(peer) else { return }
    switch message {
    case .ping(let ping):
      let pong = Pong(ping: ping, logHead: 0)
      effects.append(.send(Verified(checked: .pong(pong)), to: peer))  // Holds no signature.
    case .pong, .request: break
    case .response(let response, let exchange):
      if case .notFound = response { noteMissing(exchange, at: validator) }
      if let sought = sought.removeValue(forKey: exchange) {
        if case .certificate = response {} else { readAgain(sought) }
      }
      receive(response, from: validator, at: peer)
      noteAnswer(exchange, by: validator)
    }
  }

  private mutating func receive(
    _ response: Response,
    from validator: ValidatorIndex,
    at peer: PeerID
  ) {
    switch response {
    // Whose vote or ack it is, its signature says.
    case .vote(let vote): count(vote)
    case .ballot(let ack): note(ack)
    case .reject(let reject): handle(reject, from: validator, at: peer)
    case .settled(let ack): note(ack, by: validator)
    case .account(let info): note(info, from: validator)
    case .certificate(let certificate): receive(certificate)
    case .outputs(let page): read(page, of: validator, at: peer)
    case .event: askForOutputs(of: peer, validator)
    case .error, .network, .notFound, .sync, .log, .digest: break
    }
  }

  private mutating func receive(_ certificate: SettlementCertificate) {
    if certificate.slot.account == configuration.keys.account, configuration.keys.full != nil {
      if certificate.slot == slot {
        adopt(certificate)
      } else if certificate.slot.sequence < state.nextSequence,
        state.certificates[certificate.slot.sequence] == nil
      {
        write(.putCertificate(certificate))
      }
    }
    takeIncoming(from: certificate)
    noteFetched(certificate)
  }

  // MARK: Income

  /// Somebody waits to know what there is.
  struct Look: Sendable {
    var requests: [RequestID]
    /// What was asked of whom, and is not answered.
    var open: [Exchange: PeerID] = [:]
    /// Have listed all they know, and shown what they listed.
    var answered: Set<ValidatorIndex> = []
  }

  mutating func look(_ request: RequestID) {
    guard looking == nil else {
      looking?.requests.append(request)
      return
    }
    looking = Look(requests: [request])
    scan()
  }

  /// Called once what was answered has been dealt with, and asked about further.
  mutating func noteAnswer(_ exchange: Exchange, by validator: ValidatorIndex) {
    guard let peer = looking?.open.removeValue(forKey: exchange), let look = looking,
      !look.open.values.contains(peer)
    else { return }
    looking?.answered.insert(validator)
    endLook()
  }

  mutating func stopLooking(at peer: PeerID) {
    guard let look = looking else { return }
    looking?.open = look.open.filter { $0.value != peer }
  }

  /// A quorum holds an honest one that has applied whatever a quorum has applied.
  private mutating func endLook() {
    guard let look = looking, look.answered.count >= validators.quorum else { return }
    looking = nil
    for request in look.requests { effects.append(.reply(.synced, request)) }
  }

  mutating func scan() {
    for missing in sought.values { readAgain(missing) }
    sought = [:]
    for peer in peers { askForOutputs(of: peer.id, peer.validator) }
    effects.append(.setTimer(.scan, after: Self.scanInterval))
  }

  /// Each validator is asked: one alone could keep money from us.
  mutating func askForOutputs(of peer: PeerID, _ validator: ValidatorIndex) {
    let query = OutputsQuery(
      account: configuration.keys.account,
      after: scanned[validator] ?? 0,
      max: UInt16(Limits.outputsPage),
      onlyUnclaimed: !isIncomeWatcher
    )
    let exchange = ask(.outputs(query), of: peer)
    looking?.open[exchange] = peer
  }

  /// A row is a hint; the certificate proves it.
  private mutating func read(
    _ page: OutputsPage,
    of validator: ValidatorIndex,
    at peer: PeerID
  ) {
    var sources: [(hash: TransitionHash, after: UInt64)] = []
    for row in page.rows {
      scanned[validator] = max(scanned[validator] ?? 0, row.index)
      guard !row.isClaimed || isIncomeWatcher, row.output.recipient == configuration.keys.account,
        !state.claimed.contains(row.reference), !state.knows(row.reference),
        !sources.contains(where: { $0.hash == row.reference.source })
      else { continue }
      sources.append((row.reference.source, after: row.index - min(1, row.index)))
    }
    for source in sources {
      let exchange = ask(.certificate(.hash(source.hash)), of: peer)
      looking?.open[exchange] = peer
      sought[exchange] = Sought(validator: validator, peer: peer, after: source.after)
    }
    if page.hasMore, !page.rows.isEmpty { askForOutputs(of: peer, validator) }
  }

  /// A row's certificate, asked of the validator that listed it.
  struct Sought: Sendable {
    let validator: ValidatorIndex
    let peer: PeerID
    /// Where its list is to be read from again if the certificate does not come.
    let after: UInt64
  }

  private mutating func readAgain(_ missing: Sought) {
    scanned[missing.validator] = min(scanned[missing.validator] ?? 0, missing.after)
  }

  /// What was asked over a connection that has ended is not answered any more.
  mutating func stopSeeking(at peer: PeerID) {
    for missing in sought.values where missing.peer == peer { readAgain(missing) }
    sought = sought.filter { $0.value.peer != peer }
  }

  /// Sees what comes, and not what becomes of it: for it claimed money is income as well.
  private var isIncomeWatcher: Bool { configuration.keys.full == nil }

  /// Whatever of a settled transition is for this account, and can be opened.
  mutating func takeIncoming(from certificate: SettlementCertificate) {
    for (index, output) in certificate.signed.body.outputs.enumerated()
    where output.recipient == configuration.keys.account {
      let reference = OutputReference(source: certificate.hash, index: UInt16(index))
      guard !state.knows(reference),
        let payment = configuration.keys.incoming.open(
          output,
          at: index,
          of: certificate.slot,
          on: configuration.genesis.id
        )
      else { continue }
      let incoming = WalletState.Incoming(
        reference: reference,
        payment: payment,
        certificate: certificate
      )
      write(.putIncoming(incoming))
      // Else it belongs to a past that is being fetched.
      if !state.claimed.contains(reference) { effects.append(.report(.received(incoming))) }
    }
  }
}
