import Kernel

/// Elections: which slots are open, what their votes say, what this node's voters answer.
extension SmallNanoMachine {
  /// Opens a slot's election if it is ready, or for a reason that does not wait (`even`): votes,
  /// promises, a fork, a frontier that others have confirmed.
  mutating func activate(_ slot: Slot, even unready: Bool = false) {
    guard !isConfirmed(slot) else { return }
    let chained = ledger.store.block(at: slot)
    if let election = elections[slot] {
      if let chained, election.candidate(chained.hash) == nil { addChained(chained.block) }
      return
    }
    let isRecorded = recordedSlots.contains(slot)
    guard chained != nil || isRecorded else { return }
    if !unready, let chained, !isReady(chained.block) { return }
    guard elections.count < configuration.electionsMax else {
      if let chained {
        let state = ledger.store.account(slot.account)
        let stake = max(
          chained.block.balance,
          chained.block.balance.adding(chained.amount) ?? .zero
        )
        backlog.insert(slot, stake: stake, confirmedAt: state?.confirmed?.confirmedAt ?? 0)
      }
      return
    }
    backlog.remove(slot)
    var election = Election(slot: slot, now: now)
    if let chained { election.candidates.append(.init(block: chained.block)) }
    if isRecorded {
      for block in ledger.store.candidates(at: slot)
      where election.candidate(block.hash) == nil {
        election.candidates.append(.init(block: block, isStored: true))
      }
      election.restore(
        records: ledger.store.voteRecords(at: slot),
        certificates: ledger.store.certificates(at: slot),
        now: now
      )
      for record in election.records {
        guard let normal = record.latestNormal else { continue }
        _ = election.tally.insert(
          nil,
          by: record.representative,
          kind: .normal,
          round: normal.round,
          hash: normal.hash,
          current: election.round
        )
        guard let lock = record.lock else { continue }
        _ = election.tally.insert(
          nil,
          by: record.representative,
          kind: .final,
          round: lock.round,
          hash: lock.hash,
          current: election.round
        )
      }
    }
    for candidate in election.candidates {
      candidateSlots[candidate.block.hash] = slot
      for vote in cache.take(candidate.block.hash) {
        add(vote, for: candidate.block.hash, to: &election)
      }
    }
    elections[slot] = election
    due.push(slot, at: election.dueAt)
    touched.append(slot)
    if isRecorded, let below = ledger.store.account(slot.account)?.confirmed,
      below.height.next == slot.height
    {
      voidVotes(at: slot, above: below.hash)
    }
  }

  /// The chain has come to hold another block than those an open election knows.
  private mutating func addChained(_ block: Block) {
    guard var election = elections.removeValue(forKey: block.slot) else { return }
    election.candidates.append(.init(block: block))
    candidateSlots[block.hash] = block.slot
    for vote in cache.take(block.hash) { add(vote, for: block.hash, to: &election) }
    elections[block.slot] = election
    touched.append(block.slot)
  }

  /// Ready: source confirmed, and predecessor confirmed or itself open, at most 32 deep.
  private func isReady(_ block: Block) -> Bool {
    guard isSourceConfirmed(of: block) else { return false }
    let confirmed = ledger.store.account(block.account)?.confirmedHeight ?? Height(0)
    guard block.height > confirmed.next else { return true }
    guard block.height.number - confirmed.number <= Self.openChainMax else { return false }
    guard let previous = block.height.previous else { return true }
    return elections[Slot(account: block.account, height: previous)] != nil
  }

  /// Blocks of one account that may be decided at once, each on top of the other.
  static let openChainMax: UInt64 = 32

  // MARK: Counting

  mutating func count(_ vote: Verified<Vote>, from peer: PeerID) {
    let value = vote.value
    let weight = weight(value.representative)
    guard weight > .zero else { return }
    if online.hear(value.representative, timestamp: value.timestamp, now: now) {
      cachedQuorum = nil
    }
    var isNew = false
    var unknown: [BlockHash] = []
    for hash in value.hashes {
      for counted in [hash] + unlistedPredecessors(of: hash) {
        if let slot = candidateSlots[counted] {
          guard var election = elections.removeValue(forKey: slot) else { continue }
          if add(value, for: counted, to: &election) {
            isNew = true
            election.lastProgress = now
            touched.append(slot)
          }
          elections[slot] = election
        } else if let held = ledger.store.block(counted) {
          guard !isConfirmed(held.block.slot) else { continue }
          if cache.insert(value, for: counted) { isNew = true }
          activate(held.block.slot, even: true)
        } else if cache.insert(value, for: counted) {
          isNew = true
          // Junk costs whoever invents it; a hundredth of the supply is too much to risk on it.
          if weight.raw >= configuration.parameters.supply.raw / 100 { unknown.append(counted) }
        }
      }
    }
    if !unknown.isEmpty { effects.append(.send(.blockRequest(unknown), to: peer)) }
    if isNew { relay(.vote(vote), except: peer) }
  }

  /// True if it was not known.
  @discardableResult
  mutating func add(_ vote: Vote, for hash: BlockHash, to election: inout Election) -> Bool {
    if configuration.canary == .dropEquivocators,
      election.tally.hasVote(by: vote.representative, vote.kind, vote.round),
      !election.tally.voters(vote.kind, vote.round, hash).contains(where: {
        $0.representative == vote.representative
      })
    {
      return false
    }
    return election.tally.insert(
      vote,
      by: vote.representative,
      kind: vote.kind,
      round: vote.round,
      hash: hash,
      current: election.round
    )
  }

  private func unlistedPredecessors(of hash: BlockHash) -> [BlockHash] {
    guard configuration.canary == .countUnlistedPredecessors else { return [] }
    var predecessors: [BlockHash] = []
    var next = candidateSlots[hash].flatMap { elections[$0]?.candidate(hash)?.previous }
    while let hash = next, candidateSlots[hash] != nil {
      predecessors.append(hash)
      next = candidateSlots[hash].flatMap { elections[$0]?.candidate(hash)?.previous }
    }
    return predecessors
  }

  // MARK: Deciding

  /// Looks at a slot after something changed: confirm, join, vote.
  mutating func advance(_ slot: Slot) {
    let quorum = self.quorum
    guard let winner = elections[slot]?.tally.winner(quorum: quorum, by: { weight($0) }) else {
      vote(on: slot)
      return
    }
    if !settle(slot, on: winner) { vote(on: slot) }
  }

  private mutating func vote(on slot: Slot) {
    guard !voters.isEmpty, var election = elections.removeValue(forKey: slot) else { return }
    defer { elections[slot] = election }
    let total = base
    if let later = election.tally.roundToJoin(
      after: election.round,
      total: total,
      by: { weight($0) }
    ) {
      enter(later, in: &election)
    }
    guard recordedSlots.count < Self.recordsMax || recordedSlots.contains(slot) else {
      effects.append(.report(.recordsFull))
      return
    }
    for voter in voters { castNormal(voter, in: &election) }
    for voter in voters { castFinal(voter, in: &election) }
    keepNewestQuorum(of: &election)
  }

  /// Enters a round; every voter with a record gives up the finals of those before it.
  mutating func enter(_ round: Round, in election: inout Election) {
    election.enter(round, now: now)
    due.push(election.slot, at: election.dueAt)
    for var record in election.records where record.round < round {
      record.round = round
      election.update(record)
      write(.putVoteRecord(record))
    }
  }

  private mutating func castNormal(_ voter: Voter, in election: inout Election) {
    guard weight(voter.account) > .zero else { return }
    let held = election.record(of: voter.account)
    guard held?.isAbstention != true, held?.latestNormal?.round != election.round || held == nil
    else {
      return
    }
    let choices = election.normalChoices(for: held, quorum: quorum, by: { weight($0) })
    for hash in choices {
      guard let block = election.candidate(hash), mayVoteNormal(for: block, as: voter) else {
        continue
      }
      var record =
        held
        ?? VoteRecord(representative: voter.account, slot: election.slot, round: election.round)
      record.round = election.round
      record.latestNormal = RoundHash(round: election.round, hash: hash)
      promise(record, on: block, in: &election)
      cast(.normal, hash, as: voter, in: &election)
      return
    }
  }

  private mutating func castFinal(_ voter: Voter, in election: inout Election) {
    guard let held = election.record(of: voter.account), !held.isAbstention else { return }
    var round = election.round
    var winner = election.normalWinner(quorum: quorum, by: { weight($0) })
    if configuration.canary == .finalForLeftRound, winner == nil,
      let left = election.tally.newestNormalQuorum(
        below: election.round,
        quorum: quorum,
        by: { weight($0) }
      )
    {
      round = left.round
      winner = left.hash
    }
    guard let hash = winner, held.lock?.round != round else { return }
    guard let block = election.candidate(hash), mayVoteFinal(for: block, as: voter) else { return }
    var record = held
    record.lock = RoundHash(round: round, hash: hash)
    promise(record, on: block, in: &election)
    cast(.final, hash, as: voter, in: &election, round: round)
  }

  private mutating func promise(
    _ record: VoteRecord,
    on block: Block,
    in election: inout Election
  ) {
    election.update(record)
    recordedSlots.insert(election.slot)
    write(.putVoteRecord(record))
    guard let index = election.candidates.firstIndex(where: { $0.block.hash == block.hash }),
      !election.candidates[index].isStored,
      ledger.store.block(at: election.slot)?.hash != block.hash
    else { return }
    election.candidates[index].isStored = true
    write(.putCandidate(block))
  }

  private mutating func cast(
    _ kind: VoteKind,
    _ hash: BlockHash,
    as voter: Voter,
    in election: inout Election,
    round: Round? = nil
  ) {
    let round = round ?? election.round
    _ = election.tally.insert(
      nil,
      by: voter.account,
      kind: kind,
      round: round,
      hash: hash,
      current: election.round
    )
    outbox.append(hash, by: voter.account, kind: kind, round: round)
    election.lastProgress = now
    touched.append(election.slot)
    let next = Slot(account: election.slot.account, height: election.slot.height.next)
    if elections[next] != nil { touched.append(next) }
  }

  /// Predecessor confirmed or this voter's latest normal vote; source confirmed.
  private func mayVoteNormal(for block: Block, as voter: Voter) -> Bool {
    isValidCandidate(block) && isSourceConfirmed(of: block)
      && (block.previous.isZero || isConfirmed(block.previous)
        || recordBelow(block, of: voter)?.latestNormal?.hash == block.previous)
  }

  /// Predecessor confirmed or this voter's lock; source confirmed.
  private func mayVoteFinal(for block: Block, as voter: Voter) -> Bool {
    isValidCandidate(block) && isSourceConfirmed(of: block)
      && (block.previous.isZero || isConfirmed(block.previous)
        || recordBelow(block, of: voter)?.lock?.hash == block.previous)
  }

  private func recordBelow(_ block: Block, of voter: Voter) -> VoteRecord? {
    guard let height = block.height.previous else { return nil }
    return elections[Slot(account: block.account, height: height)]?.record(of: voter.account)
  }

  // MARK: Certificates

  /// Keeps the votes that prove the newest normal quorum, and those that the locks rest on.
  private mutating func keepNewestQuorum(of election: inout Election) {
    guard
      let newest = election.tally.newestNormalQuorum(
        below: election.round.next,
        quorum: quorum,
        by: { weight($0) }
      ),
      !election.certificates.contains(where: { $0.choice == newest })
    else { return }
    if let known = election.certificates.map(\.choice.round).max(), known >= newest.round { return }
    var votes: [Vote] = []
    var proven = Amount.zero
    for entry in election.tally.voters(.normal, newest.round, newest.hash) {
      guard let vote = entry.vote ?? sign(newest, by: entry.representative) else { continue }
      votes.append(vote)
      proven += weight(entry.representative)
      if proven >= quorum { break }
    }
    guard proven >= quorum else { return }
    let locks = election.records.compactMap(\.lock)
    for old in election.certificates where !locks.contains(old.choice) {
      write(.removeCertificate(election.slot, old.choice))
    }
    election.certificates.removeAll { !locks.contains($0.choice) }
    let certificate = Certificate(slot: election.slot, choice: newest, votes: votes)
    election.certificates.append(certificate)
    write(.putCertificate(certificate))
    recordedSlots.insert(election.slot)
  }

  /// An own normal vote that has not left yet, as a message of its own.
  private func sign(_ choice: RoundHash, by representative: Account) -> Vote? {
    voters.first { $0.account == representative }?
      .sign(.normal, choice.round, [choice.hash], now: now, on: ledger.parameters.chainID).value
  }

  // MARK: Deadlines

  /// Rounds that have lasted, votes that are missing, elections that lead nowhere.
  mutating func checkDueElections() {
    var checked = 0
    while checked < Self.dueMax, let entry = due.pop(due: now) {
      guard let election = elections[entry.key], election.dueAt == entry.deadline else { continue }
      checked += 1
      checkDue(entry.key)
    }
  }

  /// Elections looked at in one input.
  static let dueMax = 512

  private mutating func checkDue(_ slot: Slot) {
    guard var election = elections.removeValue(forKey: slot) else { return }
    let idle = now - election.lastProgress
    if idle > Election.idleMax, backlog.count > 0, election.records.isEmpty {
      for candidate in election.candidates { candidateSlots[candidate.block.hash] = nil }
      return
    }
    if !voters.isEmpty,
      election.shouldLeaveRound(
        quorum: quorum,
        total: base,
        voters: voters.map(\.account),
        now: now,
        by: { weight($0) }
      ),
      election.round.next > election.round
    {
      enter(election.round.next, in: &election)
    } else {
      election.requestInterval = min(election.requestInterval * 2, Election.requestIntervalMax)
    }
    let isContested =
      election.isContested || election.round > .zero
      || election.tally.isContested(after: election.round, by: { weight($0) })
    election.isContested = isContested
    let wait =
      isContested && !voters.isEmpty
      ? min(election.roundTimeout, Election.requestIntervalMax) : election.requestInterval
    election.dueAt = now + wait
    due.push(slot, at: election.dueAt)
    requestMissingVotes(of: election)
    elections[slot] = election
    touched.append(slot)
  }

  mutating func scheduleElections() {
    while let first = due.first, elections[first.key]?.dueAt != first.deadline {
      _ = due.pop(due: first.deadline)
    }
    guard let deadline = due.first?.deadline, timerAt.map({ deadline < $0 }) ?? true else { return }
    timerAt = deadline
    effects.append(.setTimer(.elections, after: deadline > now ? deadline - now : .zero))
  }
}
