import Kernel

/// Faults switched on to see the simulator catch them: each leaves out one thing that safety needs.
package enum Canary: String, Sendable, CaseIterable {
  /// Votes leave before their lock is durable.
  case sendBeforePersist
  /// A higher ballot is taken for justified without acks.
  case ignoreJustification
  /// A ballot is acknowledged, and votes in lower ones are cast all the same.
  case forgetPromise
  /// Applying a certificate does not mark what it claims.
  case forgetClaims
  /// Certificates come from wallets alone: what one peer was given never reaches the others.
  case neverCatchUp
}

extension MeshValidator {
  /// The vote's judgement, with any ballot above 0 taken for justified if the canary says so.
  func judge(
    _ transition: Transition,
    _ request: VoteRequest
  ) throws(TransitionRejection) -> Ledger.Judgement {
    guard configuration.canary == .ignoreJustification, request.ballot > .zero else {
      return try ledger.judge(transition, ballot: request.ballot, acks: request.acks)
    }
    return try ledger.judge(transition, ballot: request.ballot, isJustified: true)
  }

  /// Promises a ballot; on a copy that is thrown away if the canary says so.
  mutating func keepPromise(
    _ request: BallotRequest
  ) throws(TransitionRejection) -> [Transition] {
    guard configuration.canary == .forgetPromise else {
      return try ledger.promise(request, into: &change)
    }
    var forgotten = ledger
    var dropped = LedgerChange()
    return try forgotten.promise(request, into: &dropped)
  }

  /// What the canary leaves out of an application.
  mutating func forgetClaims(of applied: [SettlementCertificate]) {
    guard configuration.canary == .forgetClaims else { return }
    for claim in applied.flatMap(\.signed.body.claims) {
      guard var record = ledger.store.output(claim) else { continue }
      record.claimedBy = nil
      ledger.commit(LedgerChange([.putOutput(record)]), into: &change)
    }
  }
}
