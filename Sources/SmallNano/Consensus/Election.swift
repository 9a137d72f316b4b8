import Kernel

/// One slot being decided: its candidates, the votes seen, and what the voters of this node have
/// promised about it.
///
/// The rules are Tendermint's locks (Buchman, Kwon, Milosevic 2018) without a proposer: round 0 takes
/// the first valid candidate; later rounds, needed only if the owner forks, converge by weight.
struct Election: Sendable {
  /// A valid block for the slot: the one in the chain, or one that competes with it.
  struct Candidate: Sendable {
    let block: Block
    /// Its body is in the candidates table.
    var isStored = false
  }

  /// Candidates of one slot.
  ///
  /// 10 × 256 bytes; an owner who signs more pays one work for any number of forks, so the number
  /// must be small.
  static let candidatesMax = 10

  let slot: Slot
  var candidates: [Candidate] = []
  var tally = VoteTally()
  /// Of this node's voters, in order of account.
  var records: [VoteRecord] = []
  /// Held durably: what this node's locks rest on, and the newest normal quorum it saw.
  var certificates: [Certificate] = []

  /// The round this node is in; its records' rounds are never above.
  private(set) var round = Round.zero
  private(set) var roundEnteredAt: Instant
  /// Set for good once two hashes had votes, or an own vote became void.
  var isContested = false

  var startedAt: Instant
  /// When something last happened, for expiry.
  var lastProgress: Instant
  /// Grows while nobody answers.
  var requestInterval: Duration = Self.requestIntervalMin
  /// When it wants to be looked at again; stale entries of the deadline queue differ from it.
  var dueAt: Instant

  /// First wait before missing votes are asked for.
  ///
  /// An uncontested block takes two hops, so half a second means that something was lost.
  static let requestIntervalMin = Duration.milliseconds(500)
  static let requestIntervalMax = Duration.seconds(8)
  /// Idle for so long, an election gives its place to one that waits.
  static let idleMax = Duration.seconds(300)

  init(slot: Slot, now: Instant) {
    self.slot = slot
    roundEnteredAt = now
    startedAt = now
    lastProgress = now
    dueAt = now + Self.requestIntervalMin
  }

  func candidate(_ hash: BlockHash) -> Block? {
    candidates.first { $0.block.hash == hash }?.block
  }

  /// min(2^r · 500 ms, 60 s): how long a round may take before a contested slot leaves it.
  var roundTimeout: Duration {
    round.number >= 7 ? .seconds(60) : .milliseconds(500 << Int(round.number))
  }

  /// Records and certificates of an earlier life, or of voters unlocked since.
  mutating func restore(records: [VoteRecord], certificates: [Certificate], now: Instant) {
    self.records = records.sorted { $0.representative < $1.representative }
    self.certificates = certificates
    for certificate in certificates {
      for vote in certificate.votes {
        _ = tally.insert(
          vote,
          by: vote.representative,
          kind: vote.kind,
          round: vote.round,
          hash: certificate.choice.hash,
          current: certificate.choice.round
        )
      }
    }
    if let highest = records.map(\.round).max(), highest > round {
      round = highest
      roundEnteredAt = now
    }
  }

  func record(of representative: Account) -> VoteRecord? {
    records.first { $0.representative == representative }
  }

  mutating func update(_ record: VoteRecord) {
    if let index = records.firstIndex(where: { $0.representative == record.representative }) {
      records[index] = record
    } else {
      let place = records.partitioningIndex { $0.representative >= record.representative }
      records.insert(record, at: place)
    }
  }

  /// Enters a later round: gives up the finals of all before it, for ever.
  mutating func enter(_ later: Round, now: Instant) {
    precondition(later >= round)
    round = later
    roundEnteredAt = now
    dueAt = now + roundTimeout
    tally.prune(current: later)
  }

  /// Whether the time has come to leave the round.
  ///
  /// Who is ahead of all but a third of `total` waits for them: a third can pull the others along,
  /// fewer would only run away from them, as fast as they follow.
  func shouldLeaveRound(
    quorum: Amount,
    total: Amount,
    voters: [Account],
    now: Instant,
    by weight: (Account) -> Amount
  ) -> Bool {
    guard isContested || round > .zero || tally.isContested(after: round, by: weight) else {
      return false
    }
    let elapsed = now - roundEnteredAt
    if elapsed >= roundTimeout * 2 {
      return round == .zero
        || tally.hasThird(of: total, from: round, counting: voters, by: weight)
    }
    guard elapsed >= roundTimeout else { return false }
    guard tally.normalWeight(in: round, by: weight) >= quorum else { return false }
    return tally.newestNormalQuorum(below: round.next, quorum: quorum, by: weight)?.round != round
  }

  /// What a voter with this record should vote normal for in the current round, best first.
  ///
  /// A lock, or a newer quorum that overrides it, leaves one choice; otherwise the caller takes the
  /// first that it may vote for.
  func normalChoices(
    for record: VoteRecord?,
    quorum: Amount,
    by weight: (Account) -> Amount
  ) -> [BlockHash] {
    let newest = tally.newestNormalQuorum(below: round, quorum: quorum, by: weight)
    if let lock = record?.lock {
      guard let newest, newest.round > lock.round else { return [lock.hash] }
      return [newest.hash]
    }
    if let newest { return [newest.hash] }
    let favourites = tally.favourites(below: round, by: weight)
    return favourites + candidates.map(\.block.hash).filter { !favourites.contains($0) }
  }

  /// The hash that a quorum voted normal for in the current round.
  func normalWinner(quorum: Amount, by weight: (Account) -> Amount) -> BlockHash? {
    tally.normalWinner(in: round, quorum: quorum, by: weight)
  }

  /// Adds a candidate, if there is a place.
  ///
  /// When full, the one with least weight goes if that is no more than the newcomer's `support`
  /// (the weight whose votes came before it); never one that this node voted for or is locked on,
  /// nor the one in the chain.
  mutating func insertCandidate(
    _ block: Block,
    support: Amount,
    keeping chained: BlockHash?,
    by weight: (Account) -> Amount
  ) -> (inserted: Bool, evicted: Block?) {
    guard candidate(block.hash) == nil else { return (false, nil) }
    guard candidates.count >= Self.candidatesMax else {
      candidates.append(Candidate(block: block))
      return (true, nil)
    }
    let promised = Set(
      records.flatMap { [$0.latestNormal?.hash, $0.lock?.hash] }.compactMap { $0 }
    )
    var weakest: (index: Int, weight: Amount)?
    for (index, candidate) in candidates.enumerated() {
      let hash = candidate.block.hash
      guard hash != chained, !promised.contains(hash) else { continue }
      guard !certificates.contains(where: { $0.choice.hash == hash }) else { continue }
      let backing = tally.choices.filter { $0.hash == hash }.flatMap(\.voters)
        .reduce(Amount.zero) { max($0, weight($1.representative)) }
      if weakest.map({ backing < $0.weight }) ?? true { weakest = (index, backing) }
    }
    guard let weakest, weakest.weight <= support else { return (false, nil) }
    let evicted = candidates.remove(at: weakest.index).block
    tally.remove(evicted.hash)
    candidates.append(Candidate(block: block))
    return (true, evicted)
  }
}
