import Kernel
import Testing

@testable import SmallNano

@Suite("VoteTally") struct VoteTallyTests {
  let a = Account(Bytes32(words: (1, 0, 0, 0)))
  let b = Account(Bytes32(words: (2, 0, 0, 0)))
  let c = Account(Bytes32(words: (3, 0, 0, 0)))
  let d = Account(Bytes32(words: (4, 0, 0, 0)))
  let x = BlockHash(Bytes32(words: (10, 0, 0, 0)))
  let y = BlockHash(Bytes32(words: (11, 0, 0, 0)))

  /// 40, 30, 20, 10 of 100; 67 is the quorum.
  func weight(_ account: Account) -> Amount {
    Amount(raw: [a: 40, b: 30, c: 20, d: 10][account] ?? 0)
  }

  let quorum = Amount(raw: 67)

  func tally(
    _ votes: [(Account, VoteKind, UInt16, BlockHash)],
    current: UInt16 = 0
  ) -> VoteTally {
    var tally = VoteTally()
    for (account, kind, round, hash) in votes {
      _ = tally.insert(
        nil,
        by: account,
        kind: kind,
        round: Round(round),
        hash: hash,
        current: Round(current)
      )
    }
    return tally
  }

  @Test("Finals of different rounds do not add up") func finalsOfDifferentRounds() {
    let split = tally([(a, .final, 0, x), (b, .final, 1, x)])
    #expect(split.winner(quorum: quorum, by: weight) == nil)
    let whole = tally([(a, .final, 1, x), (b, .final, 1, x)])
    #expect(whole.winner(quorum: quorum, by: weight)?.hash == x)
  }

  @Test("A settled vote completes a round's finals, as its signer has confirmed the block")
  func settledCompletesFinals() throws {
    let mixed = tally([(a, .settled, 0, x), (b, .final, 3, x)])
    let winner = try #require(mixed.winner(quorum: quorum, by: weight))
    #expect(winner.hash == x)
    #expect(winner.kind == .final)
    #expect(mixed.hasVote(by: a, .final, Round(7)))
  }

  @Test("A settled quorum is told apart from finals: it speaks for what lies below too")
  func settledQuorum() throws {
    let settled = tally([
      (a, .final, 0, x), (b, .final, 0, x), (a, .settled, 0, x), (b, .settled, 0, x),
    ])
    #expect(settled.winner(quorum: quorum, by: weight)?.kind == .settled)
  }

  @Test("Who says two things counts for both") func equivocatorCountsTwice() {
    let both = tally([
      (a, .normal, 0, x), (a, .normal, 0, y), (b, .normal, 0, x), (c, .normal, 0, y),
      (d, .normal, 0, y),
    ])
    #expect(both.weight(.normal, .zero, x, by: weight) == Amount(raw: 70))
    #expect(both.weight(.normal, .zero, y, by: weight) == Amount(raw: 70))
    #expect(both.normalWeight(in: .zero, by: weight) == Amount(raw: 100))
    #expect(both.isContested(after: .zero, by: weight))
  }

  @Test("The same vote twice is one") func repeatedVote() {
    let once = tally([(a, .normal, 0, x), (a, .normal, 0, x)])
    #expect(once.weight(.normal, .zero, x, by: weight) == Amount(raw: 40))
  }

  @Test("Settled votes for another block are a contest") func settledContest() {
    let one = tally([(d, .normal, 0, x)])
    #expect(!one.isContested(after: .zero, by: weight))
    let two = tally([(d, .normal, 0, x), (a, .settled, 0, y)])
    #expect(two.isContested(after: .zero, by: weight))
  }

  @Test("More than a third in later rounds pulls the others along, to the latest they all reached")
  func joining() {
    let third = Amount(raw: 99)
    let few = tally([(b, .normal, 2, x)])
    #expect(few.roundToJoin(after: .zero, total: third, by: weight) == nil)
    let enough = tally([(b, .normal, 5, x), (d, .normal, 2, x)])
    #expect(enough.roundToJoin(after: .zero, total: third, by: weight) == Round(2))
    #expect(enough.roundToJoin(after: Round(2), total: third, by: weight) == nil)
  }

  @Test("The favourite has most weight in the newest round, and ties go to the smaller hash")
  func favourites() {
    let votes = tally([
      (a, .normal, 0, y), (c, .normal, 1, y), (b, .normal, 1, x), (d, .settled, 0, y),
    ])
    #expect(votes.favourites(below: Round(2), by: weight) == [x, y])
    #expect(votes.favourites(below: Round(1), by: weight) == [y])
    #expect(votes.favourites(below: .zero, by: weight) == [])
  }

  @Test("Rounds far from the current one take no memory") func window() {
    let far = tally([(a, .normal, 1000, x)])
    #expect(far.choices.isEmpty)
    #expect(far.roundToJoin(after: .zero, total: Amount(raw: 100), by: weight) == Round(1000))
  }
}
