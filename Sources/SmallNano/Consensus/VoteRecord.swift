/// A hash voted for in a round.
public struct RoundHash: Hashable, Sendable, BitwiseCopyable {
  public let round: Round
  public let hash: BlockHash

  public init(round: Round, hash: BlockHash) {
    self.round = round
    self.hash = hash
  }
}

/// What one representative has promised about one slot: durable before any vote leaves.
///
/// From these few fields follow all votes it may still cast: the round never decreases, one normal
/// vote a round (`latestNormal.round == round` means cast), one final a round
/// (`lock.round == round` means cast), and never a final below `round`.
public struct VoteRecord: Hashable, Sendable {
  public let representative: Account
  public let slot: Slot
  public var round: Round
  public var latestNormal: RoundHash?
  /// Its final vote of the highest round.
  public var lock: RoundHash?

  public init(
    representative: Account,
    slot: Slot,
    round: Round,
    latestNormal: RoundHash? = nil,
    lock: RoundHash? = nil
  ) {
    self.representative = representative
    self.slot = slot
    self.round = round
    self.latestNormal = latestNormal
    self.lock = lock
  }
}

/// The signed normal votes by which a quorum chose a hash in a round: what a lock rests on, and what
/// moves others off theirs.
public struct Certificate: Hashable, Sendable {
  public let slot: Slot
  public let choice: RoundHash
  public let votes: [Vote]

  public init(slot: Slot, choice: RoundHash, votes: [Vote]) {
    self.slot = slot
    self.choice = choice
    self.votes = votes
  }
}
