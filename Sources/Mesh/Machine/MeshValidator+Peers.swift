public import Kernel

/// Connections, and the requests that only read.
extension MeshValidator {
  mutating func connect(_ id: PeerID, _ identity: MeshPeer) {
    let place = peers.firstIndex { id < $0.id } ?? peers.endIndex
    peers.insert(Peer(id: id, identity: identity), at: place)
    catchUp(with: place)
    guard identity != .wallet else { return }
    for proof in notices { ask(.equivocation(proof), of: id) }
  }

  mutating func disconnect(_ id: PeerID) {
    peers.removeAll { $0.id == id }
    subscribers.removeAll { $0.peer == id }
  }

  mutating func noteOffence(of id: PeerID) {
    guard let place = peer(id) else { return }
    peers[place].offences += 1
    if peers[place].offences == Self.offencesMax {
      effects.append(.disconnect(id, .tooManyOffences))
    }
  }

  mutating func receive(_ message: MeshMessage, from peer: PeerID) {
    switch message {
    case .request(let request, let exchange): receive(request, from: peer, exchange)
    case .response(.sync(let response), let exchange): receive(response, from: peer, exchange)
    case .response(.log(let log), let exchange): receive(log, from: peer, exchange)
    case .response(.error, let exchange), .response(.notFound, let exchange):
      if let place = self.peer(peer), peers[place].sync == exchange { peers[place].sync = nil }
    case .response: break  // Nothing else was asked for.
    case .ping(let ping):
      let pong = Pong(ping: ping, logHead: ledger.store.totals.logCount)
      effects.append(.send(Verified(checked: .pong(pong)), to: peer))  // Holds no signature.
    case .pong(let pong):
      guard let place = self.peer(peer) else { return }
      peers[place].unansweredPings = 0
      peers[place].logHead = pong.logHead
      guard case .validator(let validator) = peers[place].identity else { return }
      if pong.logHead > ledger.store.cursor(validator) { catchUp(with: place) }
    }
  }

  private mutating func receive(_ request: Request, from peer: PeerID, _ exchange: Exchange) {
    switch request {
    case .vote(let request): vote(request, for: peer, exchange)
    case .settle(let certificate): settle(certificate, for: peer, exchange)
    case .ballot(let request): promise(request, for: peer, exchange)
    case .equivocation(let proof): note(.owner(proof), from: peer)
    case .validatorEquivocation(let proof): note(.validator(proof), from: peer)
    case .account(let query): answer(info(query), to: peer, exchange)
    case .certificate(let query): answer(certificate(query), to: peer, exchange)
    case .outputs(let query): answer(.outputs(page(query)), to: peer, exchange)
    case .network: tellNetwork(to: peer, exchange)
    case .subscribe(let subscription):
      guard subscribers.count < Self.subscribersMax else {
        return refuse(.rateLimited, "too many subscriptions", to: peer, exchange)
      }
      let accounts = Set(subscription.accounts)
      subscribers.append(Subscriber(peer: peer, exchange: exchange, accounts: accounts))
    case .sync(let request): answer(.sync(certificates(request)), to: peer, exchange)
    case .gap(let request): answer(.sync(certificates(request)), to: peer, exchange)
    case .log(let request): answer(.log(hashes(request)), to: peer, exchange)
    case .digest: answer(.digest(ledger.digest()), to: peer, exchange)
    }
  }

  private mutating func tellNetwork(to peer: PeerID, _ exchange: Exchange) {
    let genesis = configuration.genesis
    guard genesis.encodedCount <= NetworkInfo.genesisMax else {
      let reason = "the genesis is larger than a frame: have its file from whoever runs the network"
      return refuse(.frameTooLarge, reason, to: peer, exchange)
    }
    let info = NetworkInfo(
      epoch: genesis.validators.epoch,
      logHead: ledger.store.totals.logCount,
      genesis: genesis.encoded
    )
    answer(.network(info), to: peer, exchange)
  }

  mutating func fire(_ timer: Timer) {
    switch timer {
    case .ping:
      for place in peers.indices where peers[place].identity != .wallet {
        let id = peers[place].id
        guard peers[place].unansweredPings < Self.unansweredMax else {
          effects.append(.disconnect(id, .unanswered))
          continue
        }
        peers[place].unansweredPings += 1
        // An answer that never came must not keep us from asking again.
        peers[place].sync = nil
        let ping = Ping(nonce: nextNumber, sentMs: now.milliseconds)
        nextNumber += 1
        effects.append(.send(Verified(checked: .ping(ping)), to: id))  // Holds no signature.
      }
      effects.append(.setTimer(.ping, after: Self.pingInterval))
    case .gaps:
      areGapsAsked = false
      askForGaps()
    }
  }

  // MARK: Reads

  private func info(_ query: AccountQuery) -> Response {
    guard query.asset == configuration.genesis.asset.id else { return .notFound }
    let state = ledger.state(of: query.account)
    let certificate = state.nextSequence.previous.flatMap { sequence in
      ledger.settled(Slot(account: query.account, sequence: sequence))
        .flatMap { ledger.store.certificate($0) }
    }
    let lock = ledger.store.lock(Slot(account: query.account, sequence: state.nextSequence))
    let pending = lock?.transitions.map { transition in
      AccountInfo.Pending(
        ballot: lock?.votes.last { $0.transition.hash == transition.hash }?.ballot ?? .zero,
        transition: transition
      )
    }
    return .account(AccountInfo(state: state, certificate: certificate, pending: pending ?? []))
  }

  private func certificate(_ query: CertificateQuery) -> Response {
    let hash: TransitionHash? =
      switch query {
      case .hash(let hash): hash
      case .slot(let slot): ledger.settled(slot)
      }
    return hash.flatMap { ledger.store.certificate($0) }.map { .certificate($0) } ?? .notFound
  }

  private func page(_ query: OutputsQuery) -> OutputsPage {
    let limit = min(Int(query.max), Limits.outputsPage)
    let records = ledger.store.outputs(
      of: query.account,
      after: query.after,
      limit: limit + 1,
      onlyUnclaimed: query.onlyUnclaimed
    )
    return OutputsPage(
      rows: records.prefix(limit).map { record in
        OutputsPage.Row(
          index: record.index,
          reference: record.reference,
          source: record.source,
          asset: record.asset,
          isClaimed: record.claimedBy != nil,
          output: record.output
        )
      },
      hasMore: records.count > limit
    )
  }

  private func hashes(_ request: LogRequest) -> LogHashes {
    LogHashes(
      first: request.from,
      head: ledger.store.totals.logCount,
      hashes: ledger.store.log(from: max(request.from, 1), limit: Int(request.max))
    )
  }

  private func certificates(_ request: SyncRequest) -> SyncResponse {
    // The last number stands for an answer without a place in the log.
    let from = min(max(request.from, 1), .max - 1)
    let hashes = ledger.store.log(from: from, limit: Int(request.max))
    return SyncResponse(
      first: from,
      head: ledger.store.totals.logCount,
      certificates: fitting(hashes.lazy.compactMap { ledger.store.certificate($0) })
    )
  }

  private func certificates(_ request: GapRequest) -> SyncResponse {
    var slot = request.from
    var hashes: [TransitionHash] = []
    while hashes.count < Int(request.max), let hash = ledger.settled(slot) {
      hashes.append(hash)
      slot = Slot(account: slot.account, sequence: slot.sequence.next)
    }
    return SyncResponse(
      first: nil,
      head: ledger.store.totals.logCount,
      certificates: fitting(hashes.lazy.compactMap { ledger.store.certificate($0) })
    )
  }

  /// As many as fit a frame; always one, which does.
  private func fitting(
    _ certificates: some Sequence<SettlementCertificate>
  ) -> [SettlementCertificate] {
    var taken: [SettlementCertificate] = []
    var size = 0
    for certificate in certificates {
      size += 4 + certificate.encoded.count
      guard size <= Limits.syncBytes || taken.isEmpty else { break }
      taken.append(certificate)
    }
    return taken
  }
}

extension DisconnectReason {
  /// With close code `rateLimited`.
  public static let tooManyOffences = DisconnectReason("too many invalid transitions")
  /// With close code `timeout`.
  public static let unanswered = DisconnectReason("does not answer")
}
