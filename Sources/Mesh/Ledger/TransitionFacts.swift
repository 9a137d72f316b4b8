/// What a validator's state holds that decides about one transition, gathered in one snapshot.
///
/// Rules 4 to 8 read nothing else, so a test states a situation by writing these down.
public struct TransitionFacts: Sendable {
  /// Nil: the account does not exist.
  public var state: AccountState?
  /// What this validator has promised about the slot.
  public var lock: SlotLock?
  /// For each claim, in order; nil for one that is not known.
  public var claims: [OutputRecord?]
  /// Whether the request's ballot acks allow this transition in its ballot.
  public var isJustified: Bool

  public init(
    state: AccountState? = nil,
    lock: SlotLock? = nil,
    claims: [OutputRecord?] = [],
    isJustified: Bool = false
  ) {
    self.state = state
    self.lock = lock
    self.claims = claims
    self.isJustified = isJustified
  }
}
