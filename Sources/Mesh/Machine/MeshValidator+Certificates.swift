import Kernel

/// Certificates, from wallets and from other validators' logs.
extension MeshValidator {
  mutating func settle(
    _ certificate: SettlementCertificate,
    for peer: PeerID,
    _ exchange: Exchange
  ) {
    guard canQueue else { return refuse(.rateLimited, "too many requests", to: peer, exchange) }
    if !take(certificate, answering: (peer, exchange)), certificate.transition == nil,
      ledger.settled(certificate.slot) == nil
    {
      refuse(.protocolViolation, "a validator needs the proof", to: peer, exchange)
    }
  }

  /// Applies a certificate now, or puts it in the queue for its proof.
  ///
  /// - Returns: whether it waits.
  mutating func take(
    _ certificate: SettlementCertificate,
    answering asker: (PeerID, Exchange)?
  ) -> Bool {
    if needsProof(certificate) {
      guard let transition = certificate.transition else { return false }
      queue.append(.settle(certificate, transition, answer: asker))
      return true
    }
    apply(certificate, answering: asker)
    return false
  }

  /// Not for what is known, nor for what this validator checked before it voted.
  func needsProof(_ certificate: SettlementCertificate) -> Bool {
    guard configuration.checksCertifiedProofs || certificate.transition == nil else {
      return false
    }
    if ledger.settled(certificate.slot) != nil { return false }
    if ledger.buffered(certificate.slot)?.hash == certificate.hash { return false }
    let lock = ledger.store.lock(certificate.slot)
    let hasVoted = lock?.votes.contains { $0.transition.hash == certificate.hash } ?? false
    return !hasVoted || certificate.transition == nil
  }

  mutating func apply(
    _ certificate: SettlementCertificate,
    answering asker: (PeerID, Exchange)?
  ) {
    let application = ledger.apply(certificate, into: &change)
    forgetClaims(of: application.applied)
    conclude(application, of: certificate, asker)
  }

  /// Says what became of a certificate: to its sender, to subscribers and to the operator.
  mutating func conclude(
    _ application: Ledger.Application,
    of certificate: SettlementCertificate,
    _ asker: (PeerID, Exchange)?
  ) {
    for settled in application.applied {
      let logIndex = ledger.store.logIndex(settled.hash) ?? 0
      effects.append(.report(.applied(settled, logIndex: logIndex)))
      tell(settled.slot.account, .settled, settled.hash, logIndex: logIndex)
    }
    for record in application.outputs {
      tell(
        record.output.recipient,
        .output,
        record.reference.source,
        logIndex: ledger.store.logIndex(record.reference.source) ?? 0,
        output: record.reference.index
      )
    }
    if application.outcome == .buffered { askForGaps() }
    if case .faulted(let rejection) = application.outcome {
      effects.append(.report(.safetyFault(certificate, rejection)))
    }
    guard let (peer, exchange) = asker else { return }
    switch application.outcome {
    case .applied(let index): acknowledge(certificate, .applied, index, peer, exchange)
    case .already(let index): acknowledge(certificate, .already, index, peer, exchange)
    case .buffered: acknowledge(certificate, .buffered, 0, peer, exchange)
    case .refused: refuse(.rateLimited, "too many certificates wait", to: peer, exchange)
    case .faulted: refuse(.internalError, "safety fault", to: peer, exchange)
    }
  }

  private mutating func acknowledge(
    _ certificate: SettlementCertificate,
    _ status: CertificateAck.Status,
    _ index: UInt64,
    _ peer: PeerID,
    _ exchange: Exchange
  ) {
    let ack = CertificateAck(transition: certificate.hash, status: status, logIndex: index)
    answer(.settled(ack), to: peer, exchange)
  }

  private mutating func tell(
    _ account: AccountID,
    _ kind: AccountEvent.Kind,
    _ transition: TransitionHash,
    logIndex: UInt64,
    output: UInt16 = 0
  ) {
    let event = AccountEvent(
      kind: kind,
      logIndex: logIndex,
      transition: transition,
      output: output
    )
    for subscriber in subscribers where subscriber.accounts.contains(account) {
      answer(.event(event), to: subscriber.peer, subscriber.exchange)
    }
  }

  // MARK: Catching up

  /// Asks what a peer's log holds beyond what was seen of it.
  ///
  /// Nearly all of it came from wallets already: hashes tell what did not.
  mutating func catchUp(with place: Int) {
    guard case .validator(let validator) = peers[place].identity, peers[place].sync == nil,
      configuration.canary != .neverCatchUp
    else { return }
    let request = LogRequest(from: ledger.store.cursor(validator) + 1)
    peers[place].sync = ask(.log(request), of: peers[place].id)
  }

  /// Passes over what is settled here, and asks for the certificates of what follows.
  mutating func receive(_ log: LogHashes, from peer: PeerID, _ exchange: Exchange) {
    guard let place = self.peer(peer), case .validator(let validator) = peers[place].identity,
      peers[place].sync == exchange
    else { return }
    peers[place].sync = nil
    if peers[place].logHead == 0 { peers[place].logHead = log.head }
    let cursor = ledger.store.cursor(validator)
    guard log.first == cursor + 1, !log.hashes.isEmpty else { return }
    let known = log.hashes.prefix { ledger.store.logIndex($0) != nil }.count
    if known > 0 { ledger.advance(validator, to: cursor + UInt64(known), into: &change) }
    let missing = log.hashes[known...].prefix(Limits.syncCertificates)
      .prefix { ledger.store.logIndex($0) == nil }.count
    if missing > 0 {
      let request = SyncRequest(from: cursor + UInt64(known) + 1, max: UInt16(missing))
      peers[place].sync = ask(.sync(request), of: peer)
    } else if peers[place].logHead > cursor + UInt64(known) {
      catchUp(with: place)
    }
  }

  mutating func receive(_ response: SyncResponse, from peer: PeerID, _ exchange: Exchange) {
    guard let place = self.peer(peer), case .validator(let validator) = peers[place].identity
    else { return }
    // What it holds proves itself, asked for or not.
    guard canQueue else { return }
    for certificate in response.certificates where certificate.transition != nil {
      _ = take(certificate, answering: nil)
    }
    guard peers[place].sync == exchange, let first = response.first else { return }
    let cursor = ledger.store.cursor(validator)
    guard first == cursor + 1, !response.certificates.isEmpty else {
      peers[place].sync = nil
      return
    }
    // Only when all before it has been applied: what is in the queue dies with the process.
    queue.append(.cursor(validator, peer, cursor + UInt64(response.certificates.count)))
  }

  mutating func advance(_ validator: ValidatorIndex, at peer: PeerID, to index: UInt64) {
    guard ledger.store.totals.bufferCount < Ledger.bufferMax else { return }
    ledger.advance(validator, to: index, into: &change)
    guard let place = self.peer(peer) else { return }
    peers[place].sync = nil
    if peers[place].logHead > index { catchUp(with: place) }
  }

  /// Asks for the predecessors that buffered certificates wait for, from one peer after the other.
  mutating func askForGaps() {
    guard !areGapsAsked, ledger.store.totals.bufferCount > 0 else { return }
    areGapsAsked = true
    effects.append(.setTimer(.gaps, after: Self.gapInterval))
    let validators = peers.filter { $0.identity != .wallet }
    guard !validators.isEmpty else { return }
    for slot in ledger.missing(limit: 16) {
      let turn = Int(nextNumber % UInt64(validators.count))
      ask(.gap(GapRequest(from: slot)), of: validators[turn].id)
    }
  }
}

extension Ledger {
  /// Notes how much of a peer's log has been taken over.
  mutating func advance(
    _ validator: ValidatorIndex,
    to index: UInt64,
    into change: inout LedgerChange
  ) {
    guard index > store.cursor(validator) else { return }
    commit(LedgerChange([.putCursor(validator, index)]), into: &change)
  }
}
