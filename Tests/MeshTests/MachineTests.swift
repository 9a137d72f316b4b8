import Kernel
import Testing

@testable import Mesh

@Suite("Validators and wallets together")
struct MachineTests {
  let fixture: Fixture

  init() throws {
    fixture = try Fixture()
  }

  @Test(
    "Alice pays Bob 500, Bob receives, all validators agree",
    arguments: 1...4 as ClosedRange<UInt64>
  )
  func payment(seed: UInt64) throws {
    var cluster = Cluster(fixture, seed: seed)
    cluster.command(0, .send([cluster.payee(1, 500)]))
    cluster.run()
    let certificate = try #require(cluster.certified(0))
    #expect(fixture.failure(certificate) == nil)
    #expect(cluster.balance(0) == 9_497)
    cluster.step(wallet: 1, .fired(.scan))
    cluster.run()
    cluster.command(1, .receive)
    cluster.run()
    #expect(cluster.certified(1) != nil)
    #expect(cluster.balance(1) == 10_500)
    cluster.runTimers()
    cluster.expectAgreement()
    #expect(cluster.validators[0].disk.totals.logCount == 2)
    let isSettled = cluster.wallets[0].events.contains { event in
      if case .settled(certificate.hash) = event { true } else { false }
    }
    #expect(isSettled)
  }

  @Test("Three of four validators suffice, and the fourth catches up by itself")
  func catchUp() throws {
    var cluster = Cluster(fixture, seed: 9)
    cluster.stop(2)
    for units in [1, 2, 3] as [UInt64] {
      cluster.command(0, .send([cluster.payee(2, units)]))
      cluster.run()
      #expect(cluster.certified(0) != nil)
    }
    #expect(cluster.validators[2].disk.totals.logCount == 0)
    cluster.start(2)
    cluster.run()
    cluster.runTimers()
    #expect(cluster.validators[2].disk.totals.logCount == 3)
    cluster.expectAgreement()
    // And a claim that needs what it missed passes with it.
    cluster.stop(0)
    cluster.step(wallet: 2, .fired(.scan))
    cluster.run()
    cluster.command(2, .receive)
    cluster.run()
    #expect(cluster.balance(2) == 6)
  }

  @Test("Two are too few; the payment waits and goes through when the third is back")
  func waits() {
    var cluster = Cluster(fixture, seed: 3)
    cluster.stop(1)
    cluster.stop(2)
    cluster.command(0, .send([cluster.payee(1, 5)]))
    cluster.run()
    cluster.runTimers()
    #expect(cluster.certified(0) == nil)
    cluster.start(1)
    cluster.run()
    #expect(cluster.certified(0) != nil)
    cluster.start(2)
    cluster.run()
    cluster.runTimers()
    cluster.expectAgreement()
  }

  @Test("A validator killed at any moment never votes twice and loses nothing")
  func crashes() {
    for seed in 1...6 as ClosedRange<UInt64> {
      var cluster = Cluster(fixture, seed: seed)
      var chance = SplitMix64(seed: seed)
      for round in 0..<4 {
        cluster.command(round % 2, .send([cluster.payee(1 - round % 2, 5)]))
        var steps = chance.next() % 40
        while steps > 0, cluster.advance() { steps -= 1 }
        let victim = Int(chance.next() % 4)
        cluster.stop(victim)
        cluster.start(victim)
        cluster.run()
        cluster.runTimers()
        #expect(cluster.certified(round % 2) != nil)
      }
      cluster.expectAgreement()
    }
  }

  @Test("Without money, and beyond what one has, nothing is signed")
  func insufficientFunds() {
    var cluster = Cluster(fixture, seed: 1)
    cluster.command(2, .send([cluster.payee(1, 5)]))
    cluster.run()
    guard case .failed(.plan(.insufficientFunds))? = cluster.wallets[2].replies.first else {
      Issue.record("a stranger has nothing to pay with")
      return
    }
    #expect(cluster.wallets[2].disk.pending == nil)
    cluster.command(2, .receive)
    cluster.run()
    guard case .failed(.plan(.nothingToDo))? = cluster.wallets[2].replies.first else {
      Issue.record("a stranger has nothing to claim")
      return
    }
  }

  @Test("A wallet that crashed before its certificate resumes the same transition")
  func walletCrash() throws {
    for seed in 1...6 as ClosedRange<UInt64> {
      var cluster = Cluster(fixture, seed: seed)
      cluster.command(0, .send([cluster.payee(1, 500)]))
      while cluster.wallets[0].disk.pending == nil, cluster.advance() {}
      let signed = try #require(cluster.wallets[0].disk.pending?.transition.hash)
      for _ in 0..<(seed * 2) { _ = cluster.advance() }
      cluster.restart(wallet: 0)
      cluster.run()
      cluster.runTimers()
      #expect(cluster.wallets[0].disk.head == signed)
      #expect(cluster.balance(0) == 9_497)
      cluster.expectAgreement()
    }
  }

  @Test("Restored from its words, a wallet shows its balance and pays on")
  func restore() throws {
    var cluster = Cluster(fixture, seed: 5)
    cluster.command(0, .send([cluster.payee(1, 500)]))
    cluster.run()
    cluster.restart(wallet: 0, fromWords: true)
    cluster.run()
    cluster.runTimers()
    #expect(cluster.balance(0) == 9_497)
    cluster.command(0, .send([cluster.payee(1, 1)]))
    cluster.run()
    cluster.runTimers()
    #expect(cluster.certified(0) != nil)
    #expect(cluster.balance(0) == 9_493)
    cluster.expectAgreement()
  }

  @Test("Restored while a forgotten transition has votes: it is found and finished")
  func restoreWithPending() throws {
    for seed in 1...4 as ClosedRange<UInt64> {
      var cluster = Cluster(fixture, seed: seed)
      // Votes are cast, and none comes back.
      cluster.isCut = { letter in
        if case .response(.vote, _) = letter.message { letter.to == .wallet(0) } else { false }
      }
      cluster.command(0, .send([cluster.payee(1, 500)]))
      cluster.run()
      let forgotten = try #require(cluster.wallets[0].disk.pending?.transition.hash)
      cluster.isCut = { _ in false }
      cluster.restart(wallet: 0, fromWords: true)
      cluster.run()
      cluster.runTimers()
      #expect(cluster.wallets[0].disk.certificates[.first]?.hash == forgotten)
      #expect(cluster.balance(0) == 9_497)
      cluster.expectAgreement()
    }
  }

  @Test("Restored while the only voter is away: a recovery ballot frees the slot, once")
  func recoveryBallot() throws {
    for seed in 1...4 as ClosedRange<UInt64> {
      var cluster = Cluster(fixture, seed: seed)
      cluster.isCut = { letter in
        if case .request(.vote, _) = letter.message { letter.to != .validator(3) } else { false }
      }
      cluster.command(0, .send([cluster.payee(1, 500)]))
      cluster.run()
      let forgotten = try #require(cluster.wallets[0].disk.pending?.transition)
      #expect(cluster.validators[3].disk.lock(forgotten.slot) != nil)
      cluster.isCut = { _ in false }
      cluster.stop(3)
      cluster.restart(wallet: 0, fromWords: true)
      cluster.run()
      cluster.runTimers()
      cluster.command(0, .send([cluster.payee(1, 7)]))
      cluster.run()
      cluster.runTimers()
      let certificate = try #require(cluster.certified(0))
      #expect(certificate.hash != forgotten.hash)
      #expect(certificate.ballot > .zero)
      #expect(fixture.failure(certificate) == nil)
      // The voter comes back, and keeps what proves that the owner signed two.
      cluster.start(3)
      cluster.run()
      cluster.runTimers()
      cluster.expectAgreement()
      #expect(cluster.validators[3].disk.evidence().count == 1)
    }
  }

  @Test("A vote that an earlier quorum may rest on binds the recovery")
  func recoveryBinds() throws {
    for seed in 1...4 as ClosedRange<UInt64> {
      var cluster = Cluster(fixture, seed: seed)
      // Validators 1, 2 and 3 vote, and the wallet that could have made the certificate is gone.
      cluster.isCut = { letter in
        switch letter.message {
        case .request(.vote, _): letter.to == .validator(0)
        case .response(.vote, _): true
        default: false
        }
      }
      cluster.command(0, .send([cluster.payee(1, 500)]))
      cluster.run()
      let signed = try #require(cluster.wallets[0].disk.pending?.transition)
      cluster.isCut = { _ in false }
      cluster.stop(1)
      let slot = signed.slot
      var acks: [BallotAck] = []
      for index in [0, 2, 3] {
        var ledger = Ledger(store: cluster.validators[index].disk, genesis: fixture.genesis)
        var change = LedgerChange()
        let request = BallotRequest(slot: slot, ballot: Ballot(1), signature: .zero)
        acks.append(
          .signed(
            by: fixture.validators[index],
            as: ValidatorIndex(UInt16(index)),
            epoch: .zero,
            slot: slot,
            ballot: Ballot(1),
            transitions: try ledger.promise(request, into: &change),
            on: fixture.genesis.id
          )
        )
      }
      let outcome = BallotJustification.of(
        acks,
        slot: slot,
        ballot: Ballot(1),
        validators: fixture.genesis.validators
      ) { _ in false }
      #expect(outcome == .bound(signed))
      cluster.restart(wallet: 0, fromWords: true)
      cluster.run()
      cluster.runTimers()
      #expect(cluster.wallets[0].disk.certificates[.first]?.hash == signed.hash)
    }
  }

  @Test("An owner who signs two: at most one is certified, evidence is kept and passed on")
  func doubleSpend() throws {
    var cluster = Cluster(fixture, seed: 2)
    let alice = fixture.owners[0]
    let first = try fixture.build(
      fixture.plan(alice, pay: [fixture.payee(fixture.owners[1], 500)]),
      by: alice
    ).transition
    let second = try fixture.build(
      fixture.plan(alice, pay: [fixture.payee(fixture.strangers[0], 500)]),
      by: alice
    ).transition
    func ask(_ transition: Transition, _ index: Int) {
      let request = VoteRequest(submission: .transition(transition))
      cluster.letters.append(
        .init(
          from: .wallet(0),
          to: .validator(index),
          message: .request(.vote(request), Exchange(UInt64(1000 + index)))
        )
      )
    }
    for index in 0..<4 { ask(index < 2 ? first : second, index) }
    cluster.run()
    for index in 0..<4 { ask(index < 2 ? second : first, index) }
    cluster.run()
    let proof = try #require(EquivocationProof(first.signed, second.signed))
    for validator in cluster.validators {
      #expect(validator.disk.evidence() == [.owner(proof)])
      #expect(validator.disk.totals.logCount == 0)
    }
    let hashes = cluster.votes.values.sorted()
    #expect(hashes == [first.hash, first.hash, second.hash, second.hash].sorted())
  }

  @Test("A wallet that is told no by one validator alone goes on")
  func oneLiar() throws {
    var cluster = Cluster(fixture, seed: 2)
    cluster.isCut = { letter in
      if case .request(.vote, _) = letter.message { letter.to == .validator(1) } else { false }
    }
    cluster.command(0, .send([cluster.payee(1, 5)]))
    while cluster.wallets[0].machine.state.pending == nil, cluster.advance() {}
    let hash = try #require(cluster.wallets[0].machine.state.pending?.transition.hash)
    for code in TransitionRejection.allCases {
      let reject = VoteReject(transition: hash, code: code, nextSequence: .first)
      let message = Verified<MeshMessage>(checked: .response(.reject(reject), Exchange(1)))
      cluster.step(wallet: 0, .received(message, from: PeerID(1)))
    }
    cluster.run()
    #expect(cluster.certified(0) != nil)
  }
}

@Suite("A wallet's steps")
struct WalletTests {
  let fixture: Fixture

  init() throws {
    fixture = try Fixture()
  }

  private func reject(
    _ cluster: inout Cluster,
    _ code: TransitionRejection,
    by validator: UInt64
  ) {
    guard let hash = cluster.wallets[0].machine.state.pending?.transition.hash else { return }
    let reject = VoteReject(transition: hash, code: code, nextSequence: .first)
    let message = Verified<MeshMessage>(checked: .response(.reject(reject), Exchange(1)))
    cluster.step(wallet: 0, .received(message, from: PeerID(validator)))
  }

  private func signing(_ seed: UInt64) -> Cluster {
    var cluster = Cluster(fixture, seed: seed)
    cluster.isCut = { letter in
      if case .request(.vote, _) = letter.message { true } else { false }
    }
    cluster.command(0, .send([cluster.payee(1, 5)]))
    cluster.run()
    return cluster
  }

  @Test("What f + 1 validators refuse for good is dropped if nobody voted, and the slot is free")
  func permanentRefusal() throws {
    var cluster = signing(1)
    reject(&cluster, .proofInvalid, by: 0)
    #expect(cluster.wallets[0].disk.pending != nil)
    reject(&cluster, .proofInvalid, by: 3)
    #expect(cluster.wallets[0].disk.pending == nil)
    guard case .failed(.refused(.proofInvalid))? = cluster.wallets[0].replies.first else {
      Issue.record("the payer is told")
      return
    }
    cluster.isCut = { _ in false }
    cluster.command(0, .send([cluster.payee(1, 6)]))
    cluster.run()
    #expect(cluster.certified(0) != nil)
  }

  @Test("A ballot that somebody promised is overtaken, but not before a second has passed")
  func superseded() {
    var cluster = signing(1)
    for validator in 0...2 as ClosedRange<UInt64> {
      reject(&cluster, .ballotSuperseded, by: validator)
    }
    func isRecovering() -> Bool {
      if case .recovering = cluster.wallets[0].machine.phase { true } else { false }
    }
    #expect(!isRecovering())
    cluster.walletTimers[0]?.remove(.retry)
    cluster.step(wallet: 0, .fired(.retry))
    #expect(isRecovering())
    cluster.isCut = { _ in false }
    cluster.run()
    #expect(cluster.certified(0)?.ballot == Ballot(1))
    cluster.runTimers()
    cluster.expectAgreement()
  }

  @Test("A validator that votes twice is told on to the others")
  func accusation() throws {
    var cluster = signing(1)
    let pending = try #require(cluster.wallets[0].machine.state.pending?.transition)
    let rival = try fixture.build(
      fixture.plan(fixture.owners[0], pay: [fixture.payee(fixture.owners[1], 77)]),
      by: fixture.owners[0]
    ).transition
    for transition in [pending, rival] {
      let vote = fixture.vote(transition, by: 2)
      let message = Verified<MeshMessage>(checked: .response(.vote(vote), Exchange(1)))
      cluster.step(wallet: 0, .received(message, from: PeerID(2)))
    }
    let isReported = cluster.wallets[0].events.contains {
      if case .equivocation = $0 { true } else { false }
    }
    #expect(isReported)
  }

  @Test("An answer about another account, or from a stranger, changes nothing")
  func strangers() {
    var cluster = Cluster(fixture, seed: 1)
    let before = cluster.balance(0)
    let info = AccountInfo(
      state: .origin(of: fixture.owners[1].account, on: fixture.genesis.id),
      certificate: nil,
      pending: []
    )
    let message = Verified<MeshMessage>(checked: .response(.account(info), Exchange(1)))
    cluster.step(wallet: 0, .submitted(.resync, RequestID(1)))
    for peer in [0, 1, 2, 77] as [UInt64] {
      cluster.step(wallet: 0, .received(message, from: PeerID(peer)))
    }
    guard case .resyncing(let answers) = cluster.wallets[0].machine.phase else {
      Issue.record("nobody has answered yet")
      return
    }
    #expect(answers.isEmpty)
    cluster.run()
    #expect(cluster.balance(0) == before)
  }

  @Test("The status counts what can be claimed")
  func status() {
    var cluster = Cluster(fixture, seed: 1)
    cluster.command(0, .send([cluster.payee(2, 5), cluster.payee(2, 6)]))
    cluster.run()
    cluster.step(wallet: 2, .fired(.scan))
    cluster.run()
    cluster.command(2, .status)
    guard case .status(let status)? = cluster.wallets[2].replies.first else {
      Issue.record("a status")
      return
    }
    #expect(status.claimable == Amount(11))
    #expect(status.balance == .zero)
    #expect(status.isIdle)
    #expect(status.validators.count == 4)
    // Paying out of what was never claimed claims it on the way.
    cluster.command(2, .send([cluster.payee(0, 1)]))
    cluster.run()
    #expect(cluster.certified(2) != nil)
    #expect(cluster.balance(2) == 7)
  }
}
