import BulletproofsPlus
import EdDSA
import Kernel
import Testing

@testable import Mesh

/// One validator by hand: what a step persists, sends and reports.
@Suite("A validator's steps")
struct ValidatorTests {
  let fixture: Fixture
  let alice: AccountKeys
  let bob: AccountKeys
  let payment: TransitionPlan.Built
  let now = Instant(milliseconds: 5_000)
  let wallet = PeerID(100)

  init() throws {
    fixture = try Fixture()
    (alice, bob) = (fixture.owners[0], fixture.owners[1])
    payment = try fixture.build(fixture.plan(alice, pay: [fixture.payee(bob, 500)]), by: alice)
  }

  private func validator(
    key: SecretKey?,
    canary: Canary? = nil,
    genesis: Genesis? = nil
  ) -> MeshValidator {
    var configuration = MeshValidator.Configuration(
      genesis: genesis ?? fixture.genesis,
      key: key,
      secret: secret(MeshVectors.shared.master)
    )
    configuration.canary = canary
    var machine = MeshValidator(store: MemoryStore(), configuration: configuration)
    _ = machine.handle(.submitted(.start, RequestID(0)), now: now)
    _ = machine.handle(.connected(wallet, .wallet), now: now)
    return machine
  }

  private func validator() -> MeshValidator { validator(key: fixture.validators[0]) }

  /// Asks through the checker and runs the jobs that come of it.
  private func ask(
    _ request: Request,
    _ machine: inout MeshValidator,
    from peer: PeerID? = nil
  ) throws -> [Effect<MeshValidator>] {
    let checked = try fixture.check(.request(request, Exchange(7))).get()
    var effects = machine.handle(.received(checked, from: peer ?? wallet), now: now)
    var done = 0
    while done < effects.count {
      if case .start(let job, let id) = effects[done] {
        effects += machine.handle(.finished(job.run(), id), now: now)
      }
      done += 1
    }
    return effects
  }

  private func responses(_ effects: [Effect<MeshValidator>]) -> [Response] {
    effects.compactMap { effect in
      if case .send(let message, _) = effect,
        case .response(let response, Exchange(7)) = message.value
      {
        response
      } else {
        nil
      }
    }
  }

  private func vote(_ transition: Transition) -> Request {
    .vote(VoteRequest(submission: .transition(transition)))
  }

  @Test("A vote stands behind the write of its lock, and the canary's before it")
  func persistFirst() throws {
    for canary in [nil, Canary.sendBeforePersist] {
      var machine = validator(key: fixture.validators[0], canary: canary)
      let effects = try ask(vote(payment.transition), &machine)
      let written = try #require(
        effects.firstIndex { if case .persist = $0 { true } else { false } }
      )
      let sent = try #require(effects.firstIndex { if case .send = $0 { true } else { false } })
      #expect((written < sent) == (canary == nil))
    }
  }

  @Test("The same request gets the same vote, without another proof or write")
  func repeated() throws {
    var machine = validator()
    let first = responses(try ask(vote(payment.transition), &machine))
    let effects = try ask(vote(payment.transition), &machine)
    #expect(responses(effects) == first)
    #expect(effects.count == 1)
  }

  @Test("Requests that come while a batch is checked are checked together")
  func batches() throws {
    var machine = validator()
    let second = try fixture.build(fixture.plan(bob, pay: [fixture.payee(alice, 5)]), by: bob)
    let third = try fixture.build(fixture.plan(alice, pay: [fixture.payee(bob, 5)]), by: alice)
    var jobs: [(ProofCheck, JobID)] = []
    for transition in [payment.transition, second.transition, third.transition] {
      let checked = try fixture.check(.request(vote(transition), Exchange(7))).get()
      for case .start(let job, let id) in machine.handle(.received(checked, from: wallet), now: now)
      {
        jobs.append((job, id))
      }
    }
    #expect(jobs.map(\.0.transitions.count) == [1])
    let next = machine.handle(.finished(jobs[0].0.run(), jobs[0].1), now: now)
    guard case .start(let job, let id)? = next.last else {
      Issue.record("the others are left to be checked")
      return
    }
    #expect(job.transitions.count == 2)
    // The third contradicts what the first batch voted for; its proof does not matter.
    let answers = responses(machine.handle(.finished(job.run(), id), now: now))
    guard answers.count == 2, case .vote = answers[0], case .reject(let reject) = answers[1] else {
      Issue.record("one vote, one conflict")
      return
    }
    #expect(reject.code == .conflict)
    let proof = try #require(
      EquivocationProof(payment.transition.signed, third.transition.signed)
    )
    #expect(reject.attachments == [.equivocation(proof), .pending(payment.transition)])
  }

  @Test("A batch names its bad proofs and passes the others")
  func badProofs() throws {
    let second = try fixture.build(fixture.plan(bob, pay: [fixture.payee(alice, 5)]), by: bob)
    let wrong = Transition.signed(
      second.transition.body,
      proof: payment.transition.proof,
      by: bob.signing
    )
    let unreadable = Transition.signed(
      second.transition.body,
      proof: [UInt8](repeating: 0xff, count: second.transition.proof.count),
      by: bob.signing
    )
    let claim = try fixture.claim(payment.transition, by: bob)
    let receipt = try fixture.build(fixture.plan(bob, claim: [claim]), by: bob).transition
    let check = ProofCheck(
      transitions: [payment.transition, wrong, receipt, unreadable, second.transition],
      secret: secret(MeshVectors.shared.master),
      number: 1
    )
    #expect(check.run() == [true, false, true, false, true])
  }

  @Test("Five invalid transitions end a connection")
  func offences() throws {
    var machine = validator()
    let body = payment.transition.body
    let bad = Transition(body, proof: payment.transition.proof, signature: .zero)
    for round in 1...6 {
      let effects = try ask(vote(bad), &machine)
      let isEnded = effects.contains { if case .disconnect = $0 { true } else { false } }
      #expect(isEnded == (round == 5))
    }
  }

  @Test("A validator without a key, or outside the set, refuses to vote and still answers")
  func withoutKey() throws {
    for key in [nil, Fixture.key(99)] {
      var machine = validator(key: key)
      guard case .error? = responses(try ask(vote(payment.transition), &machine)).first else {
        Issue.record("it must not vote")
        return
      }
      let certificate = try fixture.certificate(payment.transition)
      #expect(
        responses(try ask(.settle(certificate), &machine))
          == [.settled(.init(transition: certificate.hash, status: .applied, logIndex: 1))]
      )
    }
  }

  @Test("A certificate whose proof does not hold stops the validator")
  func safetyFault() throws {
    let unproved = Transition.signed(
      payment.transition.body,
      proof: [UInt8](payment.transition.proof.reversed()),
      by: alice.signing
    )
    var machine = validator()
    let certificate = try fixture.certificate(unproved)
    let effects = try ask(.settle(certificate), &machine)
    let isReported = effects.contains {
      if case .report(.safetyFault(certificate, .proofInvalid)) = $0 { true } else { false }
    }
    #expect(isReported)
    #expect(machine.ledger.store.totals.isHalted)
    #expect(machine.ledger.store.totals.logCount == 0)
    let second = try fixture.build(fixture.plan(bob, pay: [fixture.payee(alice, 5)]), by: bob)
    guard case .error? = responses(try ask(vote(second.transition), &machine)).first else {
      Issue.record("after a safety fault it votes no more")
      return
    }
  }

  @Test("A receipt without its proof is not taken over")
  func pruned() throws {
    var machine = validator()
    let certificate = try fixture.certificate(payment.transition)
    guard
      case .error(let farewell)? = responses(try ask(.settle(certificate.pruned), &machine)).first
    else {
      Issue.record("there is nothing to check it by")
      return
    }
    #expect(farewell.code == .protocolViolation)
    _ = try ask(.settle(certificate), &machine)
    #expect(
      responses(try ask(.settle(certificate.pruned), &machine))
        == [.settled(.init(transition: certificate.hash, status: .already, logIndex: 1))]
    )
  }

  @Test("Unknown claims are named, and dependencies in the request make up for them")
  func dependencies() throws {
    var machine = validator()
    let claim = try fixture.claim(payment.transition, by: bob)
    let receipt = try fixture.build(fixture.plan(bob, claim: [claim]), by: bob).transition
    let plain = responses(try ask(vote(receipt), &machine))
    #expect(
      plain == [
        .reject(
          VoteReject(
            transition: receipt.hash,
            code: .unknownOutput,
            nextSequence: .first,
            attachments: [.outputs([claim.reference])]
          )
        )
      ]
    )
    let certificate = try fixture.certificate(payment.transition)
    // A bad one among them is ignored.
    let bad = try fixture.certificate(payment.transition, by: [0, 1])
    let request = VoteRequest(
      dependencies: [bad, certificate],
      submission: .transition(receipt)
    )
    #expect(
      responses(try ask(.vote(request), &machine)) == [.vote(fixture.vote(receipt, by: 0))]
    )
  }

  @Test("A genesis that fits a frame is sent; a larger one comes by another way")
  func largeGenesis() throws {
    func network(accounts: Int) throws -> (Genesis, Response?) {
      let genesis = try Genesis(encoded: fixture.genesis.bytes(accounts: accounts))
      var machine = validator(key: fixture.validators[0], genesis: genesis)
      return (genesis, responses(try ask(.network, &machine)).first)
    }
    let fixed = fixture.genesis.encodedCount - 45 * fixture.genesis.allocations.count
    let fitting = (NetworkInfo.genesisMax - fixed) / 45
    let (genesis, info) = try network(accounts: fitting)
    guard case .network(let sent)? = info else {
      Issue.record("no answer: \(String(describing: info))")
      return
    }
    #expect(try Genesis(encoded: sent.genesis).id == genesis.id)
    #expect(Frame.response(.network(sent)).encoded.count <= Frame.headerSize + Limits.frameBytes)
    guard case .error(let farewell)? = try network(accounts: fitting + 1).1 else {
      Issue.record("a genesis larger than a frame has no answer")
      return
    }
    #expect(farewell.code == .frameTooLarge)
  }

  @Test("Questions are answered from the state")
  func queries() throws {
    var machine = validator()
    let certificate = try fixture.certificate(payment.transition)
    let rival = try fixture.build(
      fixture.plan(
        alice,
        pay: [fixture.payee(bob, 7)],
        after: (payment.transition, payment.balance)
      ),
      by: alice
    ).transition
    func answer(_ request: Request) throws -> Response? {
      responses(try ask(request, &machine)).first
    }
    #expect(try answer(.certificate(.hash(certificate.hash))) == .notFound)
    _ = try answer(.settle(certificate))
    _ = try answer(vote(rival))
    #expect(try answer(.certificate(.hash(certificate.hash))) == .certificate(certificate))
    #expect(try answer(.certificate(.slot(certificate.slot))) == .certificate(certificate))
    let state = machine.ledger.state(of: alice.account)
    #expect(
      try answer(.account(AccountQuery(account: alice.account)))
        == .account(
          AccountInfo(
            state: state,
            certificate: certificate,
            pending: [.init(ballot: .zero, transition: rival)]
          )
        )
    )
    #expect(
      try answer(.account(AccountQuery(account: bob.account, asset: AssetID(9)))) == .notFound
    )
    guard
      case .outputs(let page)? = try answer(
        .outputs(OutputsQuery(account: bob.account, after: 0, max: 9, onlyUnclaimed: true))
      )
    else {
      Issue.record("Bob has an output")
      return
    }
    #expect(page.rows.map(\.index) == [1])
    #expect(page.rows[0].output == payment.transition.body.outputs[0])
    #expect(!page.hasMore)
    guard
      case .outputs(let empty)? = try answer(
        .outputs(OutputsQuery(account: bob.account, after: 0, max: 0, onlyUnclaimed: false))
      )
    else { return }
    #expect(empty.rows.isEmpty && empty.hasMore)
    #expect(
      try answer(.sync(SyncRequest(from: 1)))
        == .sync(SyncResponse(first: 1, head: 1, certificates: [certificate]))
    )
    #expect(
      try answer(.sync(SyncRequest(from: .max)))
        == .sync(SyncResponse(first: .max - 1, head: 1, certificates: []))
    )
    #expect(
      try answer(.gap(GapRequest(from: certificate.slot)))
        == .sync(SyncResponse(first: nil, head: 1, certificates: [certificate]))
    )
    #expect(
      try answer(.log(LogRequest(from: 1)))
        == .log(LogHashes(first: 1, head: 1, hashes: [certificate.hash]))
    )
    #expect(
      try answer(.log(LogRequest(from: .max)))
        == .log(LogHashes(first: .max, head: 1, hashes: []))
    )
    #expect(try answer(.digest) == .digest(machine.ledger.digest()))
    guard case .network(let info)? = try answer(.network) else { return }
    #expect(try Genesis(encoded: info.genesis) == fixture.genesis)
  }

  @Test("Of a peer's log only what is missing is asked for")
  func onlyWhatIsMissing() throws {
    var machine = validator()
    let second = try fixture.build(fixture.plan(bob, pay: [fixture.payee(alice, 5)]), by: bob)
    let certificates = try [payment, second].map { try fixture.certificate($0.transition) }
    _ = try ask(.settle(certificates[0]), &machine)
    let peer = PeerID(1)
    func asked(_ effects: [Effect<MeshValidator>]) -> [(Request, Exchange)] {
      effects.compactMap { effect in
        if case .send(let message, peer) = effect,
          case .request(let request, let exchange) = message.value
        {
          (request, exchange)
        } else {
          nil
        }
      }
    }
    func hear(_ response: Response, _ exchange: Exchange) throws -> [(Request, Exchange)] {
      let checked = try fixture.check(.response(response, exchange)).get()
      var effects = machine.handle(.received(checked, from: peer), now: now)
      for case .start(let job, let id) in effects {
        effects += machine.handle(.finished(job.run(), id), now: now)
      }
      return asked(effects)
    }

    let first = asked(machine.handle(.connected(peer, .validator(ValidatorIndex(1))), now: now))
    #expect(first.map(\.0) == [.log(LogRequest(from: 1))])
    // It holds what is known here, what is not, and again what is.
    let hashes = [certificates[0].hash, certificates[1].hash, certificates[0].hash]
    let log = LogHashes(first: 1, head: 3, hashes: hashes)
    // An answer to another question says nothing.
    #expect(try hear(.log(log), Exchange(77)).isEmpty)
    let then = try hear(.log(log), first[0].1)
    #expect(then.map(\.0) == [.sync(SyncRequest(from: 2, max: 1))])
    #expect(machine.ledger.store.cursor(ValidatorIndex(1)) == 1)
    // The same answer a second time is none.
    #expect(try hear(.log(log), first[0].1).isEmpty)

    let sync = SyncResponse(first: 2, head: 900, certificates: [certificates[1]])
    let last = try hear(.sync(sync), then[0].1)
    #expect(machine.ledger.store.totals.logCount == 2)
    #expect(last.map(\.0) == [.log(LogRequest(from: 3))])
    // What came to the peer meanwhile has its time to come here by itself: until the next pong.
    let end = LogHashes(first: 3, head: 900, hashes: [certificates[0].hash])
    #expect(try hear(.log(end), last[0].1).isEmpty)
    #expect(machine.ledger.store.cursor(ValidatorIndex(1)) == 3)
    let pong = Pong(ping: Ping(nonce: 1, sentMs: 1), logHead: 4)
    let checked = try fixture.check(.pong(pong)).get()
    let next = asked(machine.handle(.received(checked, from: peer), now: now))
    #expect(next.map(\.0) == [.log(LogRequest(from: 4))])
  }

  @Test("A checker that remembers refuses what it refused before, and another signature")
  func checkMemory() throws {
    var checker = StatelessChecker(fixture.genesis)
    var random = SplitMix64(seed: 1)
    func failures(_ requests: [Request]) -> [CheckFailure?] {
      checker.check(requests.map { .request($0, Exchange(0)) }, using: &random).map { result in
        if case .failure(let failure) = result { failure } else { nil }
      }
    }
    let good = try fixture.certificate(payment.transition)
    #expect(failures([vote(payment.transition), .settle(good)]) == [nil, nil])
    #expect(failures([.settle(good)]) == [nil])
    // The same transition by its hash, which does not cover the signature.
    let unsigned = Transition(
      payment.transition.body,
      proof: payment.transition.proof,
      signature: .zero
    )
    let forged = try fixture.certificate(unsigned)
    for _ in 0..<2 {
      #expect(failures([.settle(forged)]) == [.badSignature(.settlementCertificate)])
    }
    // A ballot by the point of order 2: the first time and each time after.
    let low = AccountID(
      bytes32("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")
    )
    let ballot = BallotRequest(
      slot: Slot(account: low, sequence: .first),
      ballot: Ballot(1),
      signature: .zero
    )
    for _ in 0..<2 {
      #expect(
        failures([.ballot(ballot), .settle(good), .ballot(ballot)]) == [
          .transition(.unacceptableKey), nil, .transition(.unacceptableKey),
        ]
      )
    }
  }

  @Test("Subscribers hear of what they can claim, and of what settled")
  func subscriptions() throws {
    var machine = validator()
    let subscription = Subscription(accounts: [bob.account, alice.account])
    #expect(try ask(.subscribe(subscription), &machine).isEmpty)
    let certificate = try fixture.certificate(payment.transition)
    let events = responses(try ask(.settle(certificate), &machine)).compactMap { response in
      if case .event(let event) = response { event } else { nil }
    }
    #expect(Set(events.map(\.kind)) == [.output, .settled])
    #expect(events.allSatisfy { $0.transition == certificate.hash && $0.logIndex == 1 })
    _ = machine.handle(.disconnected(wallet), now: now)
    #expect(machine.subscribers.isEmpty)
  }

  @Test("Evidence is taken from validators only, and only about accounts that exist")
  func evidence() throws {
    var machine = validator()
    let other = PeerID(1)
    _ = machine.handle(.connected(other, .validator(ValidatorIndex(1))), now: now)
    let rival = try fixture.build(fixture.plan(alice, pay: [fixture.payee(bob, 7)]), by: alice)
    let proof = try #require(
      EquivocationProof(payment.transition.signed, rival.transition.signed)
    )
    _ = try ask(.equivocation(proof), &machine)
    #expect(machine.ledger.store.evidence().isEmpty)
    _ = try ask(.equivocation(proof), &machine, from: other)
    _ = try ask(.equivocation(proof), &machine, from: other)
    #expect(machine.ledger.store.evidence() == [.owner(proof)])
    let stranger = fixture.strangers[0]
    func forged(_ seed: UInt64) throws -> SignedBody {
      let claim = try fixture.claim(payment.transition, by: bob)
      let built = try fixture.build(
        fixture.plan(stranger, pay: [fixture.payee(bob, 1)], claim: [claim]),
        by: stranger,
        seed: seed
      )
      return built.transition.signed
    }
    let foreign = try #require(EquivocationProof(try forged(1), try forged(2)))
    _ = try ask(.equivocation(foreign), &machine, from: other)
    #expect(machine.ledger.store.evidence().count == 1)
  }

  @Test("A peer that answers no ping is dropped after the third")
  func pings() {
    var machine = validator()
    let other = PeerID(1)
    _ = machine.handle(.connected(other, .validator(ValidatorIndex(1))), now: now)
    var outcomes: [Bool] = []
    for _ in 0..<4 {
      let effects = machine.handle(.fired(.ping), now: now)
      outcomes.append(effects.contains { if case .disconnect = $0 { true } else { false } })
    }
    #expect(outcomes == [false, false, false, true])
  }

  @Test("Status and audit")
  func status() throws {
    var machine = validator()
    let effects = machine.handle(.submitted(.status, RequestID(1)), now: now)
    guard case .reply(.status(let status), RequestID(1))? = effects.first else {
      Issue.record("a status")
      return
    }
    #expect(status.isVoting)
    #expect(status.validator == ValidatorIndex(0))
    #expect(status.totals.accounts == 2)
    guard
      case .reply(.audit(true, let digest), _)? =
        machine.handle(.submitted(.audit, RequestID(2)), now: now).first
    else {
      Issue.record("the supply holds")
      return
    }
    #expect(digest == machine.ledger.digest())
  }
}
