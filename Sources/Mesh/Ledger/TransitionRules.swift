import BulletproofsPlus
import Curve25519

// The rules that need a validator's state, in the order of their codes; among the faults of one
// transition the lowest code is the answer. Rules 1 to 3 have passed: `Transition.decode` and
// `StatelessChecker`. Rule 9 is the caller's, who checks many proofs together. A rule throws; nothing
// here changes anything.

extension SignedBody {
  /// Rules 4 to 8.
  ///
  /// - Parameters:
  ///   - facts: of the validator's state.
  ///   - ballot: in which a vote is asked for.
  ///   - genesis: tells fees.
  /// - Returns: the sender's state afterwards.
  /// - Throws: the first rule that is broken.
  public func validated(
    against facts: TransitionFacts,
    ballot: Ballot,
    genesis: Genesis
  ) throws(TransitionRejection) -> AccountState {
    let state = facts.state ?? .origin(of: body.sender, on: genesis.id)
    try followSequence(of: state)
    try avoidEquivocation(facts, ballot)
    try ownClaims(facts)
    try payFee(genesis.fees)
    try balance(state, facts)
    return state.after(self)
  }

  /// Rule 4.
  private func followSequence(of state: AccountState) throws(TransitionRejection) {
    guard body.sequence >= state.nextSequence else { throw .alreadySettled }
    guard body.sequence == state.nextSequence else { throw .sequenceAhead }
    guard body.previous == state.head else { throw .wrongPredecessor }
    guard state.suite == .ed25519 else { throw .wrongSuite }
  }

  /// Rule 5: never two transitions in one ballot, and in a later one only what the acks allow.
  private func avoidEquivocation(
    _ facts: TransitionFacts,
    _ ballot: Ballot
  ) throws(TransitionRejection) {
    for cast in facts.lock?.votes ?? [] where cast.transition.hash != hash {
      guard facts.isJustified, cast.ballot < ballot else { throw .conflict }
    }
    guard ballot >= facts.lock?.promised ?? .zero else { throw .ballotSuperseded }
    guard ballot == .zero || facts.isJustified else { throw .badJustification }
  }

  /// Rule 6.
  private func ownClaims(_ facts: TransitionFacts) throws(TransitionRejection) {
    let known = facts.claims.compactMap { $0 }
    guard known.count == body.claims.count else { throw .unknownOutput }
    guard known.allSatisfy({ $0.output.recipient == body.sender }) else { throw .notTheRecipient }
    guard known.allSatisfy({ $0.claimedBy == nil }) else { throw .alreadyClaimed }
    guard known.allSatisfy({ $0.asset == body.asset }) else { throw .assetMismatch }
    guard facts.state != nil || !known.isEmpty else { throw .nothingToSpend }
  }

  /// Rule 7: depends on the transition alone.
  func payFee(_ fees: Genesis.Fees) throws(TransitionRejection) {
    guard let minimum = fees.minimum(outputs: body.outputs.count), body.fee >= minimum else {
      throw .feeTooLow
    }
    guard !body.outputs.isEmpty || body.fee == .zero else { throw .feeOnReceive }
    guard body.outputs.allSatisfy({ $0.kind == .direct }) else { throw .outputKind }
    guard body.outputs.allSatisfy({ !$0.commitment.isIdentity }) else {
      throw .identityCommitment
    }
  }

  /// Rule 8: C_old + Σ C_claimed = C_new + Σ C_out + fee·G.
  ///
  /// Both sides are sums of at most 66 integers below 2^64, far below the group's order, so equal
  /// elements are equal integers.
  private func balance(
    _ state: AccountState,
    _ facts: TransitionFacts
  ) throws(TransitionRejection) {
    let before = facts.claims.reduce(state.balance.point) { sum, record in
      record.map { sum + $0.output.commitment.point } ?? sum
    }
    var after = body.outputs.reduce(body.newBalance.point) { $0 + $1.commitment.point }
    if body.fee > .zero {
      // G is the point of that table: nothing has to be prepared.
      let fee = Scalar(UInt128(body.fee.units))
      after = after + .multiscalarVartime([], fixed: [fee], of: .basepoint)
    }
    guard before == after else { throw .notBalanced }
  }
}

extension Transition {
  /// Rule 9: every amount is below 2^64, proved for this very transition.
  ///
  /// Nothing to do without outputs: balance and claims are in range already, and all money together
  /// is.
  public func checkRange() throws(TransitionRejection) {
    guard let claim = try readRangeClaim() else { return }
    do throws(RangeProofFailure) {
      try claim.verify()
    } catch {
      throw .proofInvalid
    }
  }

  /// What rule 9 is left to verify; nil without outputs.
  private func readRangeClaim() throws(TransitionRejection) -> RangeClaim? {
    guard let claim = [self].readRangeClaims().first else { return nil }
    return try claim.get()
  }
}

extension [Transition] {
  /// What rule 9 is left to verify of each; nil without outputs.
  ///
  /// Proofs are read together, for less than one by one.
  func readRangeClaims() -> [Result<RangeClaim?, TransitionRejection>] {
    let proved = filter { $0.body.provedCount != nil && $0.proof.count == $0.body.proofSize }
    var proofs = RangeProof.decoded(proved.map(\.proof)).makeIterator()
    return map { transition in
      Result { () throws(TransitionRejection) in
        guard transition.proof.count == transition.body.proofSize else {
          throw .proofMissingOrSurplus
        }
        guard transition.body.provedCount != nil, let proof = proofs.next() else { return nil }
        do throws(RangeProofFailure) {
          return try transition.rangeClaim(of: proof.get())
        } catch {
          throw .proofInvalid
        }
      }
    }
  }
}
