import Kernel

/// The votes seen for one slot, by kind, round and hash.
///
/// A valid vote counts for what it says even if its signer also said otherwise: to drop it would let
/// an equivocator split correct nodes, each missing the half that the others saw. Weights are read at
/// every question, never accumulated, because they move while a slot is open.
///
/// A settled vote counts as a normal and a final one of every round: an honest signer has confirmed
/// the block, so no other can be; a dishonest one could have cast those votes as well. Without this a
/// slot hangs for ever when some, but no quorum, confirmed it and dropped their records.
struct VoteTally: Sendable {
  /// All who said the same.
  struct Choice: Sendable {
    let kind: VoteKind
    let round: Round
    let hash: BlockHash
    /// In order of account.
    fileprivate(set) var voters: [Voter]
  }

  struct Voter: Sendable {
    let representative: Account
    /// The signed message; nil for an own vote that has not been signed yet.
    var vote: Vote?
  }

  /// Rounds kept behind and ahead of the current one.
  ///
  /// Votes outside are not lost for ever: certificates carry old ones, and a slot that enters a
  /// later round asks again.
  static let roundsKept: UInt16 = 16

  /// In order of arrival.
  private(set) var choices: [Choice] = []
  /// The highest round each representative was heard in, however far ahead.
  private var latestRounds: [(representative: Account, round: Round)] = []

  /// True if it was not known.
  mutating func insert(
    _ vote: Vote?,
    by representative: Account,
    kind: VoteKind,
    round: Round,
    hash: BlockHash,
    current: Round
  ) -> Bool {
    if kind != .settled {
      noteRound(round, of: representative)
      guard round.number <= current.number.addingSaturating(Self.roundsKept),
        current.number <= round.number.addingSaturating(Self.roundsKept)
      else { return false }
    }
    guard let index = index(kind, round, hash) else {
      let voter = Voter(representative: representative, vote: vote)
      choices.append(Choice(kind: kind, round: round, hash: hash, voters: [voter]))
      return true
    }
    let place = choices[index].voters.partitioningIndex { $0.representative >= representative }
    if place < choices[index].voters.count,
      choices[index].voters[place].representative == representative
    {
      if choices[index].voters[place].vote == nil { choices[index].voters[place].vote = vote }
      return false
    }
    let voter = Voter(representative: representative, vote: vote)
    choices[index].voters.insert(voter, at: place)
    return true
  }

  /// Forgets a candidate that can no longer win.
  mutating func remove(_ hash: BlockHash) {
    choices.removeAll { $0.hash == hash }
  }

  /// Forgets rounds that have fallen out of the window.
  mutating func prune(current: Round) {
    choices.removeAll {
      $0.kind != .settled
        && $0.round.number.addingSaturating(Self.roundsKept) < current.number
    }
  }

  /// Those whose votes count for a kind, round and hash, each once, in order of account.
  func voters(_ kind: VoteKind, _ round: Round, _ hash: BlockHash) -> [Voter] {
    let said = index(kind, round, hash).map { choices[$0].voters } ?? []
    guard kind != .settled, let settled = index(.settled, .zero, hash) else { return said }
    var all = said
    for voter in choices[settled].voters {
      let place = all.partitioningIndex { $0.representative >= voter.representative }
      if place < all.count, all[place].representative == voter.representative { continue }
      all.insert(voter, at: place)
    }
    return all
  }

  /// Whether a representative said so, or that the slot is settled.
  func hasVote(by representative: Account, _ kind: VoteKind, _ round: Round) -> Bool {
    choices.contains { choice in
      (choice.kind == .settled || choice.kind == kind && choice.round == round)
        && choice.voters.contains { $0.representative == representative }
    }
  }

  func weight(
    _ kind: VoteKind,
    _ round: Round,
    _ hash: BlockHash,
    by weight: (Account) -> Amount
  ) -> Amount {
    voters(kind, round, hash).reduce(.zero) { $0 + weight($1.representative) }
  }

  private func weight(of choice: Choice, by weight: (Account) -> Amount) -> Amount {
    self.weight(choice.kind, choice.round, choice.hash, by: weight)
  }

  /// Weight that cast any normal vote in a round, each representative once.
  func normalWeight(in round: Round, by weight: (Account) -> Amount) -> Amount {
    var counted: Set<Account> = []
    var sum = Amount.zero
    for choice in choices
    where choice.kind == .settled || choice.kind == .normal && choice.round == round {
      for voter in choice.voters where counted.insert(voter.representative).inserted {
        sum += weight(voter.representative)
      }
    }
    return sum
  }

  /// The block a quorum calls settled, or voted final for in one round.
  func winner(quorum: Amount, by weight: (Account) -> Amount) -> Choice? {
    let winners = choices.filter { choice in
      choice.kind != .normal && self.weight(of: choice, by: weight) >= quorum
    }
    return winners.first { $0.kind == .settled } ?? winners.first
  }

  /// The hash that a quorum voted normal for in a round.
  func normalWinner(
    in round: Round,
    quorum: Amount,
    by weight: (Account) -> Amount
  ) -> BlockHash? {
    choices.first { choice in
      choice.kind == .normal && choice.round == round
        && self.weight(of: choice, by: weight) >= quorum
    }?.hash
  }

  /// The choice of the newest round below `limit` that a quorum voted normal for.
  func newestNormalQuorum(
    below limit: Round,
    quorum: Amount,
    by weight: (Account) -> Amount
  ) -> RoundHash? {
    var newest: RoundHash?
    for choice in choices where choice.kind == .normal && choice.round < limit {
      guard newest.map({ $0.round < choice.round }) ?? true else { continue }
      if self.weight(of: choice, by: weight) >= quorum {
        newest = RoundHash(round: choice.round, hash: choice.hash)
      }
    }
    return newest
  }

  /// The hashes of the newest round below `limit` with normal votes: most weight first, ties to
  /// the smaller hash.
  func favourites(below limit: Round, by weight: (Account) -> Amount) -> [BlockHash] {
    let newest = choices.filter { $0.kind == .normal && $0.round < limit }.map(\.round).max()
    guard let newest else { return [] }
    var ranked: [(hash: BlockHash, weight: Amount)] = []
    for choice in choices
    where choice.kind == .settled || choice.kind == .normal && choice.round == newest {
      guard !ranked.contains(where: { $0.hash == choice.hash }) else { continue }
      let support = self.weight(.normal, newest, choice.hash, by: weight)
      ranked.append((choice.hash, support))
    }
    ranked.sort { $0.weight != $1.weight ? $0.weight > $1.weight : $0.hash < $1.hash }
    return ranked.map(\.hash)
  }

  /// What `favourites` of the current round and of the next read, as messages; the heaviest first.
  func contest(
    in current: Round,
    by weight: (Account) -> Amount
  ) -> [Vote] {
    var votes: [Vote] = []
    for choice in choices {
      let isRecent = choice.round == current || choice.round.next == current
      guard choice.kind == .settled || choice.kind == .normal && isRecent else { continue }
      for case let vote? in choice.voters.map(\.vote) where !votes.contains(vote) {
        votes.append(vote)
      }
    }
    return votes.sorted { weight($0.representative) > weight($1.representative) }
  }

  /// The latest round that more than a third of `total` has reached, if it lies after `current`.
  func roundToJoin(
    after current: Round,
    total: Amount,
    by weight: (Account) -> Amount
  ) -> Round? {
    var sum = Amount.zero
    for entry in latestRounds.filter({ $0.round > current }).sorted(by: { $0.round > $1.round }) {
      sum += weight(entry.representative)
      // Divided rather than multiplied: weights are peers' business, the product must not trap.
      if sum.raw > total.raw / 3 { return entry.round }
    }
    return nil
  }

  /// Whether more than a third of `total` is in `round` or later; `own` are, heard or not.
  ///
  /// Who calls the slot settled is in every round, as such a vote counts in each: nobody waits for
  /// those who have arrived.
  func hasThird(
    of total: Amount,
    from round: Round,
    counting own: [Account],
    by weight: (Account) -> Amount
  ) -> Bool {
    let arrived = choices.filter { $0.kind == .settled }.flatMap(\.voters).map(\.representative)
    let late = latestRounds.filter { $0.round >= round }.map(\.representative)
    let counted = Set(own + arrived + late)
    return counted.reduce(Amount.zero) { $0 + weight($1) }.raw > total.raw / 3
  }

  /// Whether anyone of weight speaks in a later round, or for a second hash.
  func isContested(after current: Round, by weight: (Account) -> Amount) -> Bool {
    var seen: BlockHash?
    for choice in choices where choice.voters.contains(where: { weight($0.representative) > .zero })
    {
      if let seen, seen != choice.hash { return true }
      seen = choice.hash
    }
    return latestRounds.contains { $0.round > current && weight($0.representative) > .zero }
  }

  private func index(_ kind: VoteKind, _ round: Round, _ hash: BlockHash) -> Int? {
    choices.firstIndex { $0.hash == hash && $0.round == round && $0.kind == kind }
  }

  private mutating func noteRound(_ round: Round, of representative: Account) {
    guard round > .zero else { return }
    if let index = latestRounds.firstIndex(where: { $0.representative == representative }) {
      latestRounds[index].round = max(latestRounds[index].round, round)
    } else {
      latestRounds.append((representative, round))
    }
  }
}

extension UInt16 {
  fileprivate func addingSaturating(_ other: Self) -> Self {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}

extension RandomAccessCollection where Index == Int {
  /// The first index where the predicate holds, in a collection where it holds from some place on.
  func partitioningIndex(where predicate: (Element) -> Bool) -> Int {
    var low = startIndex
    var high = endIndex
    while low < high {
      let middle = low + (high - low) / 2
      if predicate(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
