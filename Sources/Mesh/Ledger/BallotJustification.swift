/// What a quorum's ballot acks allow (SPEC-003, 3.8).
///
/// If a transition was certified in an earlier ballot, its quorum and that of the acks share an honest
/// validator; it voted before it promised, so it reports the transition, and nothing else may be
/// proposed.
public enum BallotJustification: Hashable, Sendable {
  /// Fewer than a quorum of validators, or acks of another slot or ballot.
  case insufficient
  /// No valid transition was reported: any may be proposed.
  case free
  /// Only this one.
  case bound(Transition)
  /// The owner signed several: the slot waits for an order, or for another epoch.
  case split([Transition])

  /// Sums up acks whose signatures hold, with those of the transitions in them.
  ///
  /// - Parameters:
  ///   - acks: of any slot and ballot; those of others do not count.
  ///   - slot: to be recovered.
  ///   - ballot: in which.
  ///   - validators: whose quorum counts.
  ///   - isInvalid: whether a reported transition breaks a rule that no other state can mend; an
  ///     honest validator reports none.
  /// - Returns: what may be proposed.
  public static func of(
    _ acks: [BallotAck],
    slot: Slot,
    ballot: Ballot,
    validators: ValidatorSet,
    isInvalid: (Transition) -> Bool
  ) -> BallotJustification {
    let counted = acks.filter {
      $0.slot == slot && $0.ballot == ballot && validators.key($0.validator) != nil
    }
    guard Set(counted.map(\.validator)).count >= validators.quorum else { return .insufficient }
    var reported: [TransitionHash: Transition] = [:]
    for transition in counted.flatMap(\.transitions) { reported[transition.hash] = transition }
    let valid = reported.values.sorted { $0.hash < $1.hash }.filter { !isInvalid($0) }
    switch valid.count {
    case 0: return .free
    case 1: return .bound(valid[0])
    default: return .split(valid)
    }
  }

  /// Whether a transition may be proposed.
  public func allows(_ transition: TransitionHash) -> Bool {
    switch self {
    case .insufficient, .split: false
    case .free: true
    case .bound(let bound): bound.hash == transition
    }
  }
}
