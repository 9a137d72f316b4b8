import BulletproofsPlus
import Curve25519
import Kernel
import Testing

@testable import Mesh

@Suite("Ledger: application, supply and recovery")
struct LedgerTests {
  let fixture: Fixture
  let alice: AccountKeys
  let bob: AccountKeys

  init() throws {
    fixture = try Fixture()
    (alice, bob) = (fixture.owners[0], fixture.owners[1])
  }

  private func ledger() -> Ledger { Ledger(store: MemoryStore(), genesis: fixture.genesis) }

  /// Alice pays Bob and a stranger, both claim and pay on, Alice pays again: closed under
  /// predecessors and claims.
  private func history() throws -> [SettlementCertificate] {
    let carol = fixture.strangers[0]
    let a0 = try fixture.build(
      fixture.plan(alice, pay: [fixture.payee(bob, 500), fixture.payee(carol, 70)]),
      by: alice
    )
    let b0 = try fixture.build(
      fixture.plan(
        bob,
        pay: [fixture.payee(carol, 9)],
        claim: [fixture.claim(a0.transition, by: bob)]
      ),
      by: bob
    )
    let c0 = try fixture.build(
      fixture.plan(carol, claim: [fixture.claim(a0.transition, 1, by: carol)]),
      by: carol
    )
    let c1 = try fixture.build(
      fixture.plan(
        carol,
        pay: [fixture.payee(alice, 33)],
        claim: [fixture.claim(b0.transition, by: carol)],
        after: (c0.transition, c0.balance)
      ),
      by: carol
    )
    let a1 = try fixture.build(
      fixture.plan(
        alice,
        pay: [fixture.payee(bob, 1)],
        claim: [fixture.claim(c1.transition, by: alice)],
        after: (a0.transition, a0.balance)
      ),
      by: alice
    )
    return try [a0, b0, c0, c1, a1].map { try fixture.certificate($0.transition) }
  }

  @Test("Genesis balances are the supply, and an account nobody saw is empty")
  func genesis() {
    let ledger = ledger()
    #expect(ledger.isSupplyIntact())
    #expect(ledger.digest().accounts == 2)
    #expect(ledger.state(of: alice.account).balance == Commitment(publicAmount: Amount(10_000)))
    let stranger = ledger.state(of: fixture.strangers[0].account)
    #expect(stranger.balance.isIdentity)
    #expect(stranger.nextSequence == .first)
    let reopened = Ledger(store: ledger.store, genesis: fixture.genesis)
    #expect(reopened.genesisChange == nil)
  }

  @Test("Any order of delivery, with repetitions, gives the same accounts, and the supply holds")
  func commutes() throws {
    let history = try history()
    var ordered = ledger()
    var change = LedgerChange()
    for certificate in history {
      let applied = ordered.apply(certificate, into: &change)
      #expect(applied.applied == [certificate])
      #expect(ordered.isSupplyIntact())
    }
    let expected = ordered.digest()
    #expect(expected.logCount == 5)
    var random = SplitMix64(seed: 4)
    var buffered = 0
    for _ in 0..<60 {
      var ledger = ledger()
      var replica = MemoryStore()
      if let genesis = ledger.genesisChange { replica.apply(genesis) }
      var deliveries = history + history
      deliveries.shuffle(using: &random)
      for certificate in deliveries {
        var change = LedgerChange()
        let result = ledger.apply(certificate, into: &change)
        if result.outcome == .buffered { buffered += 1 }
        #expect(ledger.isSupplyIntact())
        // A restart at any point, from what was persisted.
        replica.apply(change)
        if random.next() % 4 == 0 { ledger = Ledger(store: replica, genesis: fixture.genesis) }
      }
      #expect(ledger.digest() == expected)
      #expect(ledger.store.totals.bufferCount == 0)
      #expect(ledger.store.totals.feePool == ordered.store.totals.feePool)
      #expect(ledger.missing(limit: 9).isEmpty)
      #expect(ledger.store as? MemoryStore == replica)
    }
    #expect(buffered > 60)
  }

  @Test("A claim ahead of its source stands in the equation until the source is applied")
  func claimAhead() throws {
    let a0 = try fixture.build(fixture.plan(alice, pay: [fixture.payee(bob, 1)]), by: alice)
    let a1 = try fixture.build(
      fixture.plan(alice, pay: [fixture.payee(bob, 5)], after: (a0.transition, a0.balance)),
      by: alice
    )
    let b0 = try fixture.build(
      fixture.plan(bob, claim: [fixture.claim(a1.transition, by: bob)]),
      by: bob
    )
    var ledger = ledger()
    var change = LedgerChange()
    let ahead = ledger.apply(try fixture.certificate(a1.transition), into: &change)
    #expect(ahead.outcome == .buffered)
    #expect(ahead.outputs.count == 1)
    #expect(ledger.missing(limit: 9) == [a0.transition.slot])
    let claimed = ledger.apply(try fixture.certificate(b0.transition), into: &change)
    #expect(claimed.outcome == .applied(logIndex: 1))
    #expect(ledger.isSupplyIntact())
    let rest = ledger.apply(try fixture.certificate(a0.transition), into: &change)
    #expect(rest.applied.map(\.hash) == [a0.transition.hash, a1.transition.hash])
    #expect(ledger.isSupplyIntact())
    let again = ledger.apply(try fixture.certificate(a1.transition), into: &change)
    #expect(again.outcome == .already(logIndex: 3))
  }

  @Test("Money made from nothing breaks the equation")
  func inflation() throws {
    var ledger = ledger()
    let state = ledger.state(of: alice.account)
    let richer = AccountState(
      account: state.account,
      nextSequence: state.nextSequence,
      head: state.head,
      balance: Commitment(publicAmount: Amount(10_001))
    )
    ledger.store.apply(LedgerChange([.putAccount(richer)]))
    #expect(!ledger.isSupplyIntact())
  }

  @Test("Two certificates for a slot, or one that breaks a rule, stop the validator")
  func safetyFaults() throws {
    let first = try fixture.build(fixture.plan(alice, pay: [fixture.payee(bob, 1)]), by: alice)
    let second = try fixture.build(fixture.plan(alice, pay: [fixture.payee(bob, 2)]), by: alice)
    var ledger = ledger()
    var change = LedgerChange()
    _ = ledger.apply(try fixture.certificate(first.transition), into: &change)
    let conflict = ledger.apply(try fixture.certificate(second.transition), into: &change)
    #expect(conflict.outcome == .faulted(.alreadySettled))
    #expect(ledger.store.totals.isHalted)
    #expect(ledger.store.evidence().count == 1)

    var other = self.ledger()
    let body = first.transition.body
    let unbalanced = Transition.signed(
      TransitionBody(
        network: body.network,
        sender: body.sender,
        sequence: body.sequence,
        previous: body.previous,
        fee: Amount(4),
        newBalance: body.newBalance,
        claims: body.claims,
        outputs: body.outputs,
        ownerMemo: body.ownerMemo
      ),
      proof: first.transition.proof,
      by: alice.signing
    )
    let fault = other.apply(try fixture.certificate(unbalanced), into: &change)
    #expect(fault.outcome == .faulted(.notBalanced))
    #expect(other.state(of: alice.account).nextSequence == .first)
  }

  @Test("A validator that voted for another transition keeps the proof against its owner")
  func evidenceAtSettlement() throws {
    let first = try fixture.build(fixture.plan(alice, pay: [fixture.payee(bob, 1)]), by: alice)
    let second = try fixture.build(fixture.plan(alice, pay: [fixture.payee(bob, 2)]), by: alice)
    var ledger = ledger()
    var change = LedgerChange()
    ledger.cast(fixture.vote(first.transition, by: 2), for: first.transition, into: &change)
    _ = ledger.apply(try fixture.certificate(second.transition), into: &change)
    let proof = try #require(EquivocationProof(first.transition.signed, second.transition.signed))
    #expect(ledger.store.evidence() == [.owner(proof)])
    #expect(ledger.store.lock(first.transition.slot) == nil)
    #expect(!ledger.record(.owner(proof), into: &change))
  }

  // MARK: Recovery ballots

  private func ack(
    _ index: Int,
    _ transitions: [Transition],
    slot: Slot,
    ballot: UInt32 = 1
  ) -> BallotAck {
    .signed(
      by: fixture.validators[index],
      as: ValidatorIndex(UInt16(index)),
      epoch: .zero,
      slot: slot,
      ballot: Ballot(ballot),
      transitions: transitions,
      on: fixture.genesis.id
    )
  }

  @Test("A quorum's acks allow what was reported, and only that")
  func justification() throws {
    let first = try fixture.build(fixture.plan(alice, pay: [fixture.payee(bob, 1)]), by: alice)
      .transition
    let second = try fixture.build(fixture.plan(alice, pay: [fixture.payee(bob, 2)]), by: alice)
      .transition
    let slot = first.slot
    let ledger = ledger()
    func outcome(_ acks: [BallotAck]) -> BallotJustification {
      ledger.justification(acks, slot: slot, ballot: Ballot(1))
    }
    let none = (0..<4).map { ack($0, [], slot: slot) }
    #expect(outcome(Array(none.prefix(2))) == .insufficient)
    #expect(outcome([none[0], none[0], none[0]]) == .insufficient)
    let other = Slot(account: bob.account, sequence: .first)
    #expect(outcome((0..<4).map { ack($0, [], slot: other) }) == .insufficient)
    #expect(outcome((0..<4).map { ack($0, [], slot: slot, ballot: 2) }) == .insufficient)
    #expect(outcome(Array(none.prefix(3))) == .free)
    #expect(outcome(none.prefix(2) + [ack(3, [first], slot: slot)]) == .bound(first))
    let split = outcome([none[0], ack(1, [first], slot: slot), ack(2, [second], slot: slot)])
    guard case .split(let several) = split else {
      Issue.record("two valid transitions leave no choice")
      return
    }
    #expect(several.count == 2)
    #expect(!split.allows(first.hash))
    // A Byzantine validator reports what its owner signed by mistake: it does not bind.
    let body = second.body
    let invalid = Transition.signed(
      TransitionBody(
        network: body.network,
        sender: body.sender,
        sequence: body.sequence,
        previous: body.previous,
        fee: .zero,
        newBalance: body.newBalance,
        claims: body.claims,
        outputs: body.outputs,
        ownerMemo: body.ownerMemo
      ),
      proof: second.proof,
      by: alice.signing
    )
    #expect(outcome([none[0], none[1], ack(2, [invalid], slot: slot)]) == .free)
    #expect(
      outcome([none[0], ack(1, [first], slot: slot), ack(2, [invalid], slot: slot)])
        == .bound(first)
    )
  }

  @Test("A justified ballot moves a locked validator to what may be certified, and no further")
  func recovery() throws {
    let first = try fixture.build(fixture.plan(alice, pay: [fixture.payee(bob, 1)]), by: alice)
      .transition
    let second = try fixture.build(fixture.plan(alice, pay: [fixture.payee(bob, 2)]), by: alice)
      .transition
    let slot = first.slot
    var ledger = ledger()
    var change = LedgerChange()
    ledger.cast(fixture.vote(first, by: 0), for: first, into: &change)
    let request = BallotRequest(slot: slot, ballot: Ballot(1), signature: .zero)
    #expect(try ledger.promise(request, into: &change) == [first])
    // Three others that saw nothing: the owner may propose anew, and this validator follows.
    let acks = (1..<4).map { ack($0, [], slot: slot) }
    #expect(try ledger.judge(second, ballot: Ballot(1), acks: acks) == .needsProof)
    ledger.cast(fixture.vote(second, by: 0, ballot: Ballot(1)), for: second, into: &change)
    #expect(
      try ledger.judge(second, ballot: Ballot(1), acks: acks)
        == .cast(fixture.vote(second, by: 0, ballot: Ballot(1)))
    )
    #expect(throws: TransitionRejection.conflict) {
      try ledger.judge(first, ballot: Ballot(1), acks: acks)
    }
    #expect(try ledger.promise(request, into: &change).count == 2)
    let lower = BallotRequest(slot: slot, ballot: Ballot(2), signature: .zero)
    _ = try ledger.promise(lower, into: &change)
    #expect(throws: TransitionRejection.ballotSuperseded) {
      try ledger.promise(request, into: &change)
    }
  }

  @Test("Nobody gets a row for a slot that cannot be in use")
  func promises() throws {
    var ledger = ledger()
    var change = LedgerChange()
    func request(_ account: AccountID, _ sequence: UInt64) -> BallotRequest {
      let slot = Slot(account: account, sequence: SequenceNumber(sequence))
      return BallotRequest(slot: slot, ballot: Ballot(1), signature: .zero)
    }
    #expect(throws: TransitionRejection.sequenceAhead) {
      try ledger.promise(request(alice.account, 1), into: &change)
    }
    let stranger = fixture.strangers[0]
    #expect(throws: TransitionRejection.nothingToSpend) {
      try ledger.promise(request(stranger.account, 0), into: &change)
    }
    #expect(change.isEmpty)
    let paid = try fixture.build(fixture.plan(alice, pay: [fixture.payee(stranger, 1)]), by: alice)
    _ = ledger.apply(try fixture.certificate(paid.transition), into: &change)
    #expect(try ledger.promise(request(stranger.account, 0), into: &change).isEmpty)
    #expect(throws: TransitionRejection.alreadySettled) {
      try ledger.promise(request(alice.account, 0), into: &change)
    }
  }
}
