/// Certificates: applied in any order of their coming, to the same end.
extension Ledger {
  /// What became of a certificate, and of those that had waited for it.
  public struct Application: Hashable, Sendable {
    public enum Outcome: Hashable, Sendable {
      case applied(logIndex: UInt64)
      case already(logIndex: UInt64)
      /// It waits for its predecessor, or for what it claims.
      case buffered
      /// The buffer is full; it will be pulled again.
      case refused
      /// A quorum signed what no honest validator votes for.
      case faulted(TransitionRejection)
    }

    public let outcome: Outcome
    /// All that were applied, in their order.
    public var applied: [SettlementCertificate] = []
    /// Outputs that became known.
    public var outputs: [OutputRecord] = []
  }

  /// Buffered certificates: 65,536 × ~1.4 KB.
  ///
  /// Each has a quorum's signatures, so it takes that many
  /// payments out of order to get there.
  static let bufferMax: UInt64 = 65_536

  /// Applies a certificate, or keeps it until it can be.
  ///
  /// Idempotent, and commutes with all others: any order of a set that is closed under predecessors
  /// and claims gives the same accounts.
  ///
  /// - Parameters:
  ///   - certificate: its signatures hold, and its range proof if this validator did not vote for it.
  ///   - change: gets what is to be persisted, as one transaction.
  /// - Returns: what became of it.
  public mutating func apply(
    _ certificate: SettlementCertificate,
    into change: inout LedgerChange
  ) -> Application {
    if let settled = settled(certificate.slot) {
      guard settled == certificate.hash else {
        return Application(outcome: fault(certificate, .alreadySettled, into: &change))
      }
      return Application(outcome: .already(logIndex: store.logIndex(settled) ?? 0))
    }
    if let waiting = buffered(certificate.slot) {
      guard waiting.hash == certificate.hash else {
        return Application(outcome: fault(certificate, .conflict, into: &change))
      }
      return Application(outcome: .buffered)
    }
    let outputs = recordOutputs(of: certificate, into: &change)
    var applied: [SettlementCertificate] = []
    // Whose claims may have become known, or whose predecessor is settled.
    var ready = waiters.removeValue(forKey: certificate.hash) ?? []
    let outcome = step(certificate, applied: &applied, ready: &ready, into: &change)
    while !store.totals.isHalted, let slot = ready.popLast() {
      guard let waiting = buffered(slot) else { continue }
      _ = step(waiting, applied: &applied, ready: &ready, into: &change)
    }
    return Application(outcome: outcome, applied: applied, outputs: outputs)
  }

  /// Applies one certificate if its turn has come.
  private mutating func step(
    _ certificate: SettlementCertificate,
    applied: inout [SettlementCertificate],
    ready: inout [Slot],
    into change: inout LedgerChange
  ) -> Application.Outcome {
    let signed = certificate.signed
    let facts = facts(for: signed)
    let unlocked = TransitionFacts(state: facts.state, claims: facts.claims)
    let state: AccountState
    do throws(TransitionRejection) {
      state = try signed.validated(against: unlocked, ballot: .zero, genesis: genesis)
    } catch {
      switch error {
      case .sequenceAhead, .unknownOutput:
        return buffer(certificate, isNext: error == .unknownOutput, into: &change)
      default:
        return fault(certificate, error, into: &change)
      }
    }
    settle(certificate, as: state, facts, into: &change)
    applied.append(certificate)
    ready.append(Slot(account: signed.body.sender, sequence: signed.body.sequence.next))
    return .applied(logIndex: store.totals.logCount)
  }

  /// SPEC-003, 3.3.3, step 5: one transaction.
  private mutating func settle(
    _ certificate: SettlementCertificate,
    as state: AccountState,
    _ facts: TransitionFacts,
    into change: inout LedgerChange
  ) {
    let body = certificate.signed.body
    // Another transition was chosen than the one voted for here: its owner signed both.
    if let other = facts.lock?.transitions.first(where: { $0.hash != certificate.hash }),
      let proof = EquivocationProof(other.signed, certificate.signed)
    {
      _ = record(.owner(proof), into: &change)
    }
    var totals = store.totals
    totals.logCount += 1
    if facts.state == nil { totals.accounts += 1 }
    // All fees together are below the supply.
    guard let pool = totals.feePool.adding(body.fee) else { preconditionFailure("fees overflow") }
    totals.feePool = pool
    var step = LedgerChange([
      .putAccount(state), .appendCertificate(certificate, index: totals.logCount),
    ])
    for case var record? in facts.claims {
      record.claimedBy = certificate.hash
      step.append(.putOutput(record))
    }
    for index in body.outputs.indices {
      let reference = OutputReference(source: certificate.hash, index: UInt16(index))
      guard var record = store.output(reference) else { continue }
      record.isSourceApplied = true
      step.append(.putOutput(record))
    }
    if let lock = facts.lock { step.append(.removeLock(lock.slot)) }
    if buffered(certificate.slot) != nil {
      step.append(.removeBuffered(certificate.slot))
      totals.bufferCount -= 1
    }
    step.append(.putTotals(totals))
    commit(step, into: &change)
  }

  /// The certificate alone proves its outputs: recipients wait for nobody's history.
  private mutating func recordOutputs(
    of certificate: SettlementCertificate,
    into change: inout LedgerChange
  ) -> [OutputRecord] {
    let body = certificate.signed.body
    var totals = store.totals
    var records: [OutputRecord] = []
    for (index, output) in body.outputs.enumerated() {
      let reference = OutputReference(source: certificate.hash, index: UInt16(index))
      guard store.output(reference) == nil else { continue }
      totals.outputCount += 1
      records.append(
        OutputRecord(
          index: totals.outputCount,
          reference: reference,
          source: body.slot,
          asset: body.asset,
          output: output,
          isSourceApplied: false
        )
      )
    }
    guard !records.isEmpty else { return [] }
    var step = LedgerChange(records.map { .putOutput($0) })
    step.append(.putTotals(totals))
    commit(step, into: &change)
    return records
  }

  // MARK: The buffer

  private mutating func buffer(
    _ certificate: SettlementCertificate,
    isNext: Bool,
    into change: inout LedgerChange
  ) -> Application.Outcome {
    if buffered(certificate.slot) == nil {
      var totals = store.totals
      guard totals.bufferCount < Self.bufferMax else { return .refused }
      totals.bufferCount += 1
      commit(LedgerChange([.putBuffered(certificate), .putTotals(totals)]), into: &change)
    }
    if isNext { wait(certificate) }
    return .buffered
  }

  /// Notes which transitions a certificate at its account's next slot waits for.
  private mutating func wait(_ certificate: SettlementCertificate) {
    for claim in certificate.signed.body.claims where store.output(claim) == nil {
      let slots = waiters[claim.source] ?? []
      if !slots.contains(certificate.slot) { waiters[claim.source] = slots + [certificate.slot] }
    }
  }

  /// What waits, after a restart.
  mutating func restoreWaiters() {
    var slot = Slot(account: AccountID(.zero), sequence: .first)
    while true {
      let page = store.bufferedSlots(from: slot, limit: 256)
      for each in page {
        guard let certificate = buffered(each) else { continue }
        if each.sequence == state(of: each.account).nextSequence { wait(certificate) }
      }
      guard page.count == 256, let last = page.last else { return }
      slot = Slot(account: last.account, sequence: last.sequence.next)
    }
  }

  /// The predecessors and claims that buffered certificates wait for: where to ask from.
  public func missing(limit: Int) -> [Slot] {
    var gaps: [Slot] = []
    var slot = Slot(account: AccountID(.zero), sequence: .first)
    while gaps.count < limit {
      let page = store.bufferedSlots(from: slot, limit: 256)
      for each in page {
        let next = state(of: each.account).nextSequence
        if each.sequence > next, gaps.last?.account != each.account, gaps.count < limit {
          gaps.append(Slot(account: each.account, sequence: next))
        }
      }
      guard page.count == 256, let last = page.last else { break }
      slot = Slot(account: last.account, sequence: last.sequence.next)
    }
    return gaps
  }

  // MARK: Faults

  private mutating func fault(
    _ certificate: SettlementCertificate,
    _ rejection: TransitionRejection,
    into change: inout LedgerChange
  ) -> Application.Outcome {
    _ = record(.certificate(certificate, rejection), into: &change)
    var totals = store.totals
    totals.isHalted = true
    commit(LedgerChange([.putTotals(totals)]), into: &change)
    return .faulted(rejection)
  }

  /// A certified transition whose range proof does not hold.
  public mutating func faultOfProof(
    _ certificate: SettlementCertificate,
    into change: inout LedgerChange
  ) -> Application {
    Application(outcome: fault(certificate, .proofInvalid, into: &change))
  }
}
