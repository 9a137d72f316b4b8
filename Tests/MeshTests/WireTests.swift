import BulletproofsPlus
import EdDSA
import Kernel
import Testing

@testable import Mesh

/// One of each message, with all its parts.
struct WireSamples {
  let fixture: Fixture
  let payment: TransitionPlan.Built
  let receipt: TransitionPlan.Built
  let rival: TransitionPlan.Built

  init() throws {
    fixture = try Fixture()
    let (alice, bob) = (fixture.owners[0], fixture.owners[1])
    payment = try fixture.build(
      fixture.plan(alice, pay: [fixture.payee(bob, 500, memo: .text("thanks"))]),
      by: alice
    )
    rival = try fixture.build(
      fixture.plan(alice, pay: [fixture.payee(bob, 600)]),
      by: alice,
      seed: 2
    )
    receipt = try fixture.build(
      fixture.plan(bob, claim: [fixture.claim(payment.transition, by: bob)]),
      by: bob
    )
  }

  var slot: Slot { payment.transition.slot }

  var ack: BallotAck {
    .signed(
      by: fixture.validators[2],
      as: ValidatorIndex(2),
      epoch: .zero,
      slot: slot,
      ballot: Ballot(3),
      transitions: [payment.transition],
      on: fixture.genesis.id
    )
  }

  func evidence() throws -> EquivocationProof {
    try #require(EquivocationProof(payment.transition.signed, rival.transition.signed))
  }

  func requests() throws -> [Request] {
    let certificate = try fixture.certificate(payment.transition)
    let votes = ValidatorEquivocationProof(
      fixture.vote(payment.transition, by: 1),
      fixture.vote(rival.transition, by: 1)
    )
    return [
      .vote(
        VoteRequest(
          ballot: Ballot(3),
          acks: [ack],
          dependencies: [certificate],
          submission: .transition(receipt.transition)
        )
      ),
      .vote(VoteRequest(submission: .transition(payment.transition))),
      .settle(certificate),
      .settle(certificate.pruned),
      .equivocation(try evidence()),
      .ballot(
        .signed(
          slot: slot,
          ballot: Ballot(3),
          by: fixture.owners[0].signing,
          on: fixture.genesis.id
        )
      ),
      .validatorEquivocation(try #require(votes)),
      .account(AccountQuery(account: slot.account)),
      .certificate(.hash(certificate.hash)),
      .certificate(.slot(slot)),
      .outputs(OutputsQuery(account: slot.account, after: 4, max: 9, onlyUnclaimed: true)),
      .network,
      .subscribe(Subscription(accounts: fixture.owners.map(\.account))),
      .sync(SyncRequest(from: 1)),
      .gap(GapRequest(from: slot)),
      .log(LogRequest(from: 3, max: 7)),
      .digest,
    ]
  }

  func responses() throws -> [Response] {
    let certificate = try fixture.certificate(payment.transition)
    let state = AccountState.origin(of: slot.account, on: fixture.genesis.id)
    let reference = OutputReference(source: certificate.hash, index: 0)
    let row = OutputsPage.Row(
      index: 1,
      reference: reference,
      source: slot,
      asset: AssetID(1),
      isClaimed: false,
      output: payment.transition.body.outputs[0]
    )
    return [
      .error(Farewell(code: .internalError, reason: "no")),
      .vote(fixture.vote(payment.transition, by: 0)),
      .reject(
        VoteReject(
          transition: certificate.hash,
          code: .conflict,
          nextSequence: .first,
          attachments: [
            .equivocation(try evidence()), .certificate(certificate),
            .pending(payment.transition), .outputs([reference]),
          ]
        )
      ),
      .settled(CertificateAck(transition: certificate.hash, status: .buffered, logIndex: 0)),
      .ballot(ack),
      .account(
        AccountInfo(
          state: state.after(payment.transition.signed),
          certificate: certificate,
          pending: [.init(ballot: .zero, transition: rival.transition)]
        )
      ),
      .account(AccountInfo(state: state, certificate: nil, pending: [])),
      .certificate(certificate),
      .outputs(OutputsPage(rows: [row], hasMore: true)),
      .network(NetworkInfo(epoch: .zero, logHead: 7, genesis: fixture.genesis.encoded)),
      .event(
        AccountEvent(kind: .output, logIndex: 1, transition: certificate.hash, output: 1)
      ),
      .notFound,
      .sync(SyncResponse(first: 1, head: 2, certificates: [certificate, certificate.pruned])),
      .sync(SyncResponse(first: nil, head: 2, certificates: [])),
      .log(LogHashes(first: 3, head: 5, hashes: [certificate.hash, payment.transition.hash])),
      .digest(StateDigest(logCount: 1, accounts: 2, digest: certificate.hash.bytes)),
    ]
  }

  func controls() -> [ControlMessage] {
    let ping = Ping(nonce: 1, sentMs: 2)
    return [
      .ping(ping), .pong(Pong(ping: ping, logHead: 3)),
      .goAway(Farewell(code: .shuttingDown, reason: "bye")),
      .handshake(.anonymous(network: fixture.genesis.id, agent: "wallet/1")),
      .handshake(
        .signed(
          by: fixture.validators[1],
          as: ValidatorIndex(1),
          network: fixture.genesis.id,
          features: [.recoveryBallots, .subscriptions],
          logHead: 9,
          agent: "",
          side: .client,
          exporter: fixture.genesis.id.bytes
        )
      ),
    ]
  }

  func frames() throws -> [Frame] {
    try requests().map { .request($0) } + responses().map { .response($0) }
      + controls().map { .control($0) }
  }
}

@Suite("Frames and codecs")
struct WireTests {
  let samples: WireSamples

  init() throws {
    samples = try WireSamples()
  }

  private func decode(_ bytes: [UInt8]) throws(FrameFailure) -> Frame {
    let header = try Frame.header(Array(bytes.prefix(Frame.headerSize)))
    return try Frame(type: header.type, payload: Array(bytes.dropFirst(Frame.headerSize)))
  }

  @Test("Every type of message comes back as it was, and all types are there")
  func roundTrip() throws {
    var types: Set<MessageType> = []
    for frame in try samples.frames() {
      types.insert(frame.type)
      let bytes = frame.encoded
      let header = try Frame.header(Array(bytes.prefix(Frame.headerSize)))
      #expect(header.payload == bytes.count - Frame.headerSize)
      #expect(try decode(bytes) == frame)
    }
    #expect(types == Set(MessageType.allCases))
  }

  @Test("No message can be shortened or extended")
  func lengths() throws {
    for frame in try samples.frames() {
      let bytes = frame.encoded
      // Of a vote request the transition takes the rest, and says itself what is wrong with it.
      let isVote = frame.type == .voteRequest
      for count in stride(from: Frame.headerSize, to: bytes.count, by: isVote ? 16 : 3) {
        if let other = try? decode(Array(bytes.prefix(count))) {
          #expect(isVote && isRefused(other), "\(frame.type) at \(count)")
        }
      }
      if let other = try? decode(bytes + [0]) { #expect(isVote && isRefused(other)) }
    }
  }

  private func isRefused(_ frame: Frame) -> Bool {
    if case .request(.vote(let request)) = frame, case .refused = request.submission {
      true
    } else {
      false
    }
  }

  @Test("Bytes that decode are the encoding of what they decode to")
  func canonical() throws {
    for frame in try samples.frames() {
      let bytes = frame.encoded
      for index in bytes.indices.dropFirst(Frame.headerSize) {
        var changed = bytes
        changed[index] ^= index.isMultiple(of: 2) ? 1 : 0x80
        if let other = try? decode(changed) {
          #expect(other != frame)
          #expect(other.encoded == changed)
        }
      }
    }
  }

  @Test("A single changed byte of what is signed is refused, or names something else")
  func signedThings() throws {
    let certificate = try samples.fixture.certificate(samples.payment.transition)
    let requests: [(Request, (Request) -> Bool)] = [
      (.settle(certificate), { _ in false }),
      (.settle(certificate.pruned), { _ in false }),
      (.equivocation(try samples.evidence()), { _ in false }),
      (try samples.requests()[5], { _ in false }),
      (try samples.requests()[6], { _ in false }),
      (
        .vote(VoteRequest(submission: .transition(samples.payment.transition))),
        // The ballot is the request's own; the transition in it has not changed.
        { if case .vote(let request) = $0 { request.ballot > .zero } else { false } }
      ),
    ]
    for (request, mayPass) in requests {
      let frame = Frame.request(request)
      let bytes = frame.encoded
      for index in stride(from: Frame.headerSize, to: bytes.count, by: 3) {
        var changed = bytes
        changed[index] ^= 1 << UInt8(index % 8)
        guard case .request(let other)? = try? decode(changed) else { continue }
        guard case .success(let checked) = samples.fixture.check(.request(other, Exchange(0)))
        else { continue }
        #expect(
          isRefused(checked.value.frame) || mayPass(other),
          "\(frame.type) accepts another byte \(index)"
        )
      }
    }
  }

  @Test("A handshake is bound to its connection, side, network and key")
  func handshake() throws {
    let genesis = samples.fixture.genesis
    let exporter = Bytes32(words: (1, 2, 3, 4))
    func signed(by index: Int, as validator: UInt16) -> Handshake {
      .signed(
        by: samples.fixture.validators[index],
        as: ValidatorIndex(validator),
        network: genesis.id,
        features: [],
        logHead: 0,
        agent: "x",
        side: .server,
        exporter: exporter
      )
    }
    let good = signed(by: 1, as: 1)
    #expect(good.failure(side: .server, exporter: exporter, on: genesis) == nil)
    #expect(good.failure(side: .client, exporter: exporter, on: genesis) == .handshakeFailed)
    #expect(good.failure(side: .server, exporter: .zero, on: genesis) == .handshakeFailed)
    #expect(
      signed(by: 1, as: 2).failure(side: .server, exporter: exporter, on: genesis)
        == .identityMismatch
    )
    let other = try Genesis(encoded: bytes(MeshVectors.shared.genesis))
    #expect(good.failure(side: .server, exporter: exporter, on: other) == .wrongNetwork)
    let anonymous = Handshake.anonymous(network: genesis.id, agent: "")
    #expect(anonymous.failure(side: .client, exporter: exporter, on: genesis) == nil)
  }

  @Test("Frames of no length, too much length and unknown type close the connection")
  func headers() {
    #expect(throws: FrameFailure.empty) { try Frame.header([0, 0, 0, 0, 1]) }
    #expect(throws: FrameFailure.tooLarge(1 << 20 + 1)) { try Frame.header([1, 0, 16, 0, 1]) }
    #expect(throws: FrameFailure.unknownType(0x60)) { try Frame(type: 0x60, payload: []) }
    #expect(throws: Never.self) { try Frame.header([0, 0, 16, 0, 1]) }
  }

  @Test("Certificates need a quorum of validators that there are")
  func certificates() throws {
    let fixture = samples.fixture
    let good = try fixture.certificate(samples.payment.transition)
    #expect(fixture.failure(good) == nil)
    let few = try fixture.certificate(samples.payment.transition, by: [0, 1])
    #expect(fixture.failure(few) == .noQuorum)
    func changed(
      epoch: UInt64 = 0,
      signers: UInt128? = nil,
      signatures: [Signature]? = nil
    ) -> SettlementCertificate {
      SettlementCertificate(
        epoch: Epoch(epoch),
        ballot: good.ballot,
        signers: signers ?? good.signers,
        signatures: signatures ?? good.signatures,
        payload: good.payload
      )
    }
    #expect(fixture.failure(changed(epoch: 1)) == .unknownEpoch)
    #expect(fixture.failure(changed(signers: 0b1_0011)) == .unknownValidator)
    #expect(fixture.failure(changed(signers: 0b0111)) == .badSignature(.settlementCertificate))
    let twice = [good.signatures[0], good.signatures[0], good.signatures[2]]
    #expect(fixture.failure(changed(signatures: twice)) == .badSignature(.settlementCertificate))
    // The same validator twice cannot be written down, nor votes for different things.
    let votes = [0, 0, 1].map { fixture.vote(samples.payment.transition, by: $0) }
    #expect(SettlementCertificate(votes, for: samples.payment.transition) == nil)
    let mixed = [
      fixture.vote(samples.payment.transition, by: 0),
      fixture.vote(samples.payment.transition, by: 1, ballot: Ballot(1)),
    ]
    #expect(SettlementCertificate(mixed, for: samples.payment.transition) == nil)
  }
}

@Suite("Memos")
struct MemoTests {
  let fixture: Fixture

  init() throws {
    fixture = try Fixture()
  }

  private func output(_ memo: Memo, amount: UInt64 = 7) throws -> (Transition, RecipientOutput) {
    let alice = fixture.owners[0]
    let plan = fixture.plan(alice, pay: [fixture.payee(fixture.owners[1], amount, memo: memo)])
    let transition = try fixture.build(plan, by: alice).transition
    return (transition, transition.body.outputs[0])
  }

  @Test(
    "Texts of every size class come through, and only four lengths show",
    arguments: [
      (Memo.none, 80), (.text(""), 80), (.text(String(repeating: "a", count: 53)), 80),
      (.text(String(repeating: "a", count: 54)), 144),
      (.opaque([UInt8](repeating: 9, count: 117)), 144),
      (.opaque([UInt8](repeating: 9, count: 118)), 272),
      (.text(String(repeating: "é", count: 123)), 528),
      (.opaque([UInt8](repeating: 0, count: 501)), 528),
    ]
  )
  func sizes(memo: Memo, size: Int) throws {
    let (transition, output) = try output(memo)
    #expect(output.memo.count == size)
    let opened = try #require(
      fixture.owners[1].view.incoming.open(
        output,
        at: 0,
        of: transition.slot,
        on: fixture.genesis.id
      )
    )
    #expect(opened.memo == memo)
    #expect(opened.amount == Amount(7))
    #expect(Commitment(opened.opening) == output.commitment)
  }

  @Test("A memo of 502 bytes does not fit")
  func tooLong() throws {
    #expect(throws: PlanFailure.unpayable(0)) {
      try output(.opaque([UInt8](repeating: 1, count: 502)))
    }
  }

  @Test("Nobody else, no other place and no changed output opens")
  func strangers() throws {
    let (transition, output) = try output(.text("x"))
    let bob = fixture.owners[1].view.incoming
    let (slot, network) = (transition.slot, fixture.genesis.id)
    #expect(bob.open(output, at: 0, of: slot, on: network) != nil)
    #expect(fixture.owners[0].view.incoming.open(output, at: 0, of: slot, on: network) == nil)
    #expect(bob.open(output, at: 1, of: slot, on: network) == nil)
    #expect(bob.open(output, at: 300, of: slot, on: network) == nil)
    #expect(bob.open(output, at: 0, of: slot, on: NetworkID(.zero)) == nil)
    let next = Slot(account: slot.account, sequence: slot.sequence.next)
    #expect(bob.open(output, at: 0, of: next, on: network) == nil)
    var memo = output.memo
    memo[3] ^= 1
    let changed = RecipientOutput(
      viewTag: output.viewTag,
      recipient: output.recipient,
      commitment: output.commitment,
      ephemeralKey: output.ephemeralKey,
      memo: memo
    )
    #expect(bob.open(changed, at: 0, of: slot, on: network) == nil)
    let small = RecipientOutput(
      viewTag: output.viewTag,
      recipient: output.recipient,
      commitment: output.commitment,
      ephemeralKey: .zero,
      memo: output.memo
    )
    #expect(bob.open(small, at: 0, of: slot, on: network) == nil)
  }

  @Test("An amount that is not the commitment's is no payment")
  func wrongAmount() throws {
    let alice = fixture.owners[0]
    let bob = fixture.owners[1]
    let slot = Slot(account: alice.account, sequence: .first)
    let made = try #require(
      alice.output(for: fixture.payee(bob, 5), at: 0, of: slot, salt: .zero, on: fixture.genesis.id)
    )
    let ephemeral = made.output.ephemeralKey
    let shared = try #require(X25519.sharedSecret(bob.view.incoming.secret, with: ephemeral))
    let secrets = OutputSecrets(
      shared: shared,
      context: OutputContext(
        network: fixture.genesis.id,
        slot: slot,
        index: 0,
        recipient: bob.account,
        ephemeralKey: ephemeral,
        viewKey: bob.view.incoming.publicKey
      )
    )
    func output(claiming units: UInt64) throws -> RecipientOutput {
      let plaintext = try #require(Memo.none.plaintext(amount: Amount(units)))
      return RecipientOutput(
        viewTag: secrets.viewTag,
        recipient: bob.account,
        commitment: made.output.commitment,
        ephemeralKey: ephemeral,
        memo: ChaCha20Poly1305.seal(
          plaintext,
          authenticating: made.output.commitment.bytes.bytes,
          onceUnder: secrets.key
        )
      )
    }
    let network = fixture.genesis.id
    #expect(bob.view.incoming.open(try output(claiming: 5), at: 0, of: slot, on: network) != nil)
    #expect(bob.view.incoming.open(try output(claiming: 6), at: 0, of: slot, on: network) == nil)
  }

  @Test("A payer's bad memo leaves the amount readable")
  func unreadable() {
    let cases: [[UInt8]] = [
      [3, 0, 0], [0, 1, 0, 5], [1, 1, 0, 0xff], [1, 255, 255], [0, 0, 0, 0, 0, 1], [],
    ]
    for tail in cases {
      let read = Memo.read(UInt64(9).littleEndianBytes + tail)
      #expect(read?.amount == Amount(9))
      #expect(read?.memo == .unreadable)
    }
    #expect(Memo.read([1, 2]) == nil)
  }

  @Test("The full view key restores balance and payments, the incoming one does not")
  func ownerMemo() throws {
    let alice = fixture.owners[0]
    let payees = [fixture.payee(fixture.owners[1], 7), fixture.payee(fixture.strangers[0], 8)]
    let built = try fixture.build(fixture.plan(alice, pay: payees), by: alice)
    let memo = try #require(alice.view.open(built.transition.body))
    #expect(memo.balance.value == 10_000 - 15 - 5)
    #expect(Commitment(memo.balance) == built.transition.body.newBalance)
    #expect(memo.sent.map(\.amount) == [Amount(7), Amount(8)])
    #expect(memo.sent[1].viewKey == fixture.strangers[0].view.incoming.publicKey)
    #expect(fixture.owners[1].view.open(built.transition.body) == nil)
    // The outputs can be made again from the salt.
    let again = try fixture.plan(alice, pay: payees)
      .body(with: alice, on: fixture.genesis, salt: memo.salt)
    #expect(again.body == built.transition.body)
  }
}
