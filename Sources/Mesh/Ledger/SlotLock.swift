/// What this validator has promised about a slot that is not settled: durable before any vote leaves.
public struct SlotLock: Hashable, Sendable {
  /// A vote with the transition it is for, complete: recovery reports it.
  public struct CastVote: Hashable, Sendable {
    public let transition: Transition
    public let vote: ValidatorVote

    public init(transition: Transition, vote: ValidatorVote) {
      self.transition = transition
      self.vote = vote
    }

    public var ballot: Ballot { vote.ballot }
  }

  public let slot: Slot
  /// No vote in a lower ballot from here on.
  public var promised: Ballot
  /// In ascending order of ballots: at most one for each.
  public var votes: [CastVote]

  public init(slot: Slot, promised: Ballot = .zero, votes: [CastVote] = []) {
    self.slot = slot
    self.promised = promised
    self.votes = votes
  }

  /// Each transition once, by hash.
  public var transitions: [Transition] {
    var distinct: [Transition] = []
    for cast in votes where !distinct.contains(where: { $0.hash == cast.transition.hash }) {
      distinct.append(cast.transition)
    }
    return distinct.sorted { $0.hash < $1.hash }
  }

  /// The vote for a transition in a ballot, if it was cast.
  func vote(for transition: TransitionHash, in ballot: Ballot) -> ValidatorVote? {
    votes.first { $0.ballot == ballot && $0.transition.hash == transition }?.vote
  }
}
