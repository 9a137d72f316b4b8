import Kernel
import Testing

@testable import SmallNano

@Suite("Election") struct ElectionTests {
  let me = Account(Bytes32(words: (1, 0, 0, 0)))
  let other = Account(Bytes32(words: (2, 0, 0, 0)))
  let start = Instant(milliseconds: 1_000_000)
  let quorum = Amount(raw: 67)

  func weight(_ account: Account) -> Amount { Amount(raw: account == me ? 30 : 70) }

  func shouldLeave(
    _ election: Election,
    quorum: Amount,
    total: Amount = Amount(raw: 100),
    now: Instant
  ) -> Bool {
    election.shouldLeaveRound(
      quorum: quorum,
      total: total,
      voters: [me],
      now: now,
      by: weight
    )
  }

  func block(_ number: UInt64) -> Block {
    Block(
      account: me,
      previous: .zero,
      representative: me,
      balance: Amount(raw: UInt128(number)),
      link: Bytes32(words: (number, 1, 1, 1)),
      height: .open,
      on: NetworkParameters.dev.chainID
    )
  }

  func election(candidates: Int = 2) -> Election {
    var election = Election(slot: block(1).slot, now: start)
    for number in 1...UInt64(candidates) {
      _ = election.insertCandidate(block(number), support: .zero, keeping: nil, by: weight)
    }
    return election
  }

  func vote(
    _ account: Account,
    _ kind: VoteKind,
    _ round: UInt16,
    _ block: Block,
    in election: inout Election
  ) {
    _ = election.tally.insert(
      nil,
      by: account,
      kind: kind,
      round: Round(round),
      hash: block.hash,
      current: election.round
    )
  }

  @Test("Round 0 takes the first candidate") func firstCandidate() {
    let election = election()
    let choices = election.normalChoices(for: nil, quorum: quorum, by: weight)
    #expect(choices == [block(1).hash, block(2).hash])
  }

  @Test("A lock leaves one choice, until a quorum of a later round is shown for another")
  func lockHolds() {
    var election = election()
    var record = VoteRecord(representative: me, slot: election.slot, round: Round(1))
    record.lock = RoundHash(round: Round(1), hash: block(1).hash)
    vote(other, .normal, 0, block(2), in: &election)  // a quorum before the lock
    election.enter(Round(2), now: start)
    #expect(
      election.normalChoices(for: record, quorum: quorum, by: weight) == [block(1).hash]
    )
    election.enter(Round(3), now: start)
    vote(other, .normal, 2, block(2), in: &election)
    #expect(
      election.normalChoices(for: record, quorum: quorum, by: weight) == [block(2).hash]
    )
  }

  @Test("An uncontested slot never leaves round 0") func uncontested() {
    var election = election()
    vote(other, .normal, 0, block(1), in: &election)
    let late = start + .seconds(100)
    #expect(!shouldLeave(election, quorum: quorum, now: late))
    vote(me, .normal, 0, block(2), in: &election)
    #expect(shouldLeave(election, quorum: quorum, now: late))
    #expect(!shouldLeave(election, quorum: quorum, now: start + .milliseconds(499)))
  }

  @Test("A round with a winner lasts twice as long") func winnerLasts() {
    var election = election()
    vote(other, .normal, 0, block(1), in: &election)
    vote(me, .normal, 0, block(2), in: &election)
    #expect(!shouldLeave(election, quorum: quorum, now: start + .milliseconds(600)))
    #expect(shouldLeave(election, quorum: quorum, now: start + .milliseconds(1000)))
    // 70 of 100 is no quorum of 80: all have voted, nobody has won.
    let more = Amount(raw: 80)
    #expect(shouldLeave(election, quorum: more, now: start + .milliseconds(600)))
  }

  @Test("Who is ahead of all but a third waits for the others") func leaderWaits() {
    var election = election()
    vote(other, .normal, 0, block(1), in: &election)
    vote(me, .normal, 0, block(2), in: &election)
    election.enter(Round(3), now: start)
    let late = start + .seconds(100)
    #expect(!shouldLeave(election, quorum: quorum, total: Amount(raw: 90), now: late))
    #expect(shouldLeave(election, quorum: quorum, total: Amount(raw: 89), now: late))
    vote(other, .normal, 3, block(1), in: &election)
    #expect(shouldLeave(election, quorum: quorum, total: Amount(raw: 90), now: late))
  }

  @Test("Rounds last twice as long each, up to a minute") func timeouts() {
    var election = election()
    #expect(election.roundTimeout == .milliseconds(500))
    election.enter(Round(3), now: start)
    #expect(election.roundTimeout == .seconds(4))
    election.enter(Round(60000), now: start)
    #expect(election.roundTimeout == .seconds(60))
  }

  @Test("An eleventh candidate takes the place of one without votes or promises, or of none")
  func candidatesAreBounded() {
    var election = election(candidates: Election.candidatesMax)
    for number in 1...UInt64(Election.candidatesMax) where number != 3 && number != 4 {
      vote(other, .normal, 0, block(number), in: &election)
    }
    var record = VoteRecord(representative: me, slot: election.slot, round: .zero)
    record.latestNormal = RoundHash(round: .zero, hash: block(3).hash)
    election.update(record)
    let first = election.insertCandidate(block(20), support: .zero, keeping: nil, by: weight)
    #expect(first.inserted)
    #expect(first.evicted?.hash == block(4).hash)
    vote(other, .normal, 0, block(20), in: &election)
    let second = election.insertCandidate(block(21), support: .zero, keeping: nil, by: weight)
    #expect(!second.inserted)
    #expect(election.candidates.count == Election.candidatesMax)
  }

  @Test("A slot survives the last round without a trap") func lastRound() {
    #expect(Round(.max).next == Round(.max))
    var election = election()
    election.enter(Round(.max), now: start)
    _ = election.tally.insert(
      nil,
      by: other,
      kind: .normal,
      round: Round(.max),
      hash: block(1).hash,
      current: election.round
    )
    #expect(election.tally.weight(.normal, Round(.max), block(1).hash, by: weight).raw == 70)
  }
}

@Suite("Online weight") struct OnlineWeightTests {
  let now = Instant(milliseconds: 10_000_000)
  let a = Account(Bytes32(words: (1, 0, 0, 0)))

  @Test("The quorum is the least weight of which a hundredfold reaches 67 times the base")
  func quorumIsExact() {
    for base: UInt128 in [1, 2, 3, 99, 100, 101, 149, 150, 1_000_003] {
      let quorum = OnlineWeight.quorum(of: Amount(raw: base)).raw
      #expect(quorum * 100 >= 67 * base)
      #expect((quorum - 1) * 100 < 67 * base)
    }
    #expect(OnlineWeight.quorum(of: Amount(raw: .max)).raw > .max / 100 * 66)
  }

  @Test("Only a time within five minutes makes a representative online") func window() {
    var online = OnlineWeight(floor: .zero, samples: [])
    let minute: UInt64 = 60_000
    let outcome1 = online.hear(a, timestamp: now.milliseconds - 6 * minute, now: now)
    #expect(!outcome1)
    let outcome2 = online.hear(a, timestamp: now.milliseconds + 6 * minute, now: now)
    #expect(!outcome2)
    let outcome3 = online.hear(a, timestamp: .max, now: now)
    #expect(!outcome3)
    #expect(online.online(now: now) == [])
    // A clock ahead does not outlast the window.
    let outcome4 = online.hear(a, timestamp: now.milliseconds + 4 * minute, now: now)
    #expect(outcome4)
    #expect(online.online(now: now + .seconds(300)) == [a])
    #expect(online.online(now: now + .seconds(301)) == [])
  }

  @Test("The base is the largest of online, trend and floor, and never nothing") func base() {
    let empty = OnlineWeight(floor: .zero, samples: [])
    #expect(empty.base(now: now, by: { _ in .zero }) == Amount(raw: 1))
    let samples = [10, 90, 80].map { OnlineSample(time: now, weight: Amount(raw: $0)) }
    var online = OnlineWeight(floor: Amount(raw: 50), samples: samples)
    #expect(online.base(now: now, by: { _ in Amount(raw: 60) }) == Amount(raw: 80))
    _ = online.hear(a, timestamp: now.milliseconds, now: now)
    #expect(online.base(now: now, by: { _ in Amount(raw: 85) }) == Amount(raw: 85))
  }
}

@Suite("Bounded tables of consensus") struct ConsensusTableTests {
  func hash(_ number: Int) -> BlockHash { BlockHash(Bytes32(words: (UInt64(number), 9, 0, 0))) }

  func vote(by number: UInt64, round: UInt16 = 0, for hash: BlockHash) -> Vote {
    Vote(
      representative: Account(Bytes32(words: (number, 0, 0, 0))),
      kind: .normal,
      round: Round(round),
      timestamp: 0,
      hashes: [hash],
      signature: .zero
    )
  }

  @Test("Who votes for junk displaces only its own votes") func junkVotes() {
    var cache = VoteCache()
    let outcome5 = cache.insert(vote(by: 1, for: hash(0)), for: hash(0))
    #expect(outcome5)
    for number in 1...2000 { _ = cache.insert(vote(by: 2, for: hash(number)), for: hash(number)) }
    #expect(cache.count == 1 + VoteCache.hashesPerRepresentativeMax)
    let outcome6 = cache.take(hash(0))
    #expect(outcome6.count == 1)
    let outcome7 = cache.take(hash(0))
    #expect(outcome7.isEmpty)
  }

  @Test("The cache of votes stays within its bound, oldest first") func cacheBound() {
    var cache = VoteCache()
    for number in 0..<(VoteCache.hashesMax + 100) {
      _ = cache.insert(vote(by: UInt64(number), for: hash(number)), for: hash(number))
    }
    #expect(cache.count == VoteCache.hashesMax)
    let outcome8 = cache.take(hash(0))
    #expect(outcome8.isEmpty)
    let outcome9 = cache.take(hash(VoteCache.hashesMax))
    #expect(outcome9.count == 1)
  }

  @Test("Blocks that wait stay within their bound") func gapBound() {
    var gaps = GapCache()
    for number in 0..<(GapCache.blocksMax + 50) {
      let block = Block(
        account: .burn,
        previous: hash(number),
        representative: .burn,
        balance: Amount(raw: UInt128(number)),
        link: .zero,
        height: Height(2),
        on: NetworkParameters.dev.chainID
      )
      let isNew = gaps.insert(Verified(checked: block), missing: hash(number))
      let isNewAgain = gaps.insert(Verified(checked: block), missing: hash(number))
      #expect(isNew && !isNewAgain)
    }
    #expect(gaps.count == GapCache.blocksMax)
    let outcome10 = gaps.take(hash(0))
    #expect(outcome10.isEmpty)
    let outcome11 = gaps.take(hash(100))
    #expect(outcome11.count == 1)
    #expect(gaps.count == GapCache.blocksMax - 1)
  }

  @Test("The backlog serves magnitudes in turn, and who waited longest first") func backlogOrder() {
    var backlog = Backlog()
    func slot(_ number: UInt64) -> Slot {
      Slot(account: Account(Bytes32(words: (number, 0, 0, 0))), height: .open)
    }
    for number in 1...5 as ClosedRange<UInt64> {
      backlog.insert(slot(number), stake: Amount(raw: 2), confirmedAt: UInt32(10 - number))
    }
    backlog.insert(slot(9), stake: Amount(raw: 1 << 100), confirmedAt: 99)
    #expect(backlog.last == slot(1))
    let order = (0..<6).compactMap { _ in backlog.popFirst() }
    #expect(order == [5, 9, 4, 3, 2, 1].map(slot))
    let outcome12 = backlog.popFirst()
    #expect(outcome12 == nil)
    #expect(backlog.count == 0)
  }
}
