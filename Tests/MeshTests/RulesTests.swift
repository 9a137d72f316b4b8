import BulletproofsPlus
import Curve25519
import Kernel
import Testing

@testable import Mesh

/// One forged transition for each code, judged as a validator does: bytes, signatures, state, proof.
@Suite("The nine rules")
struct RulesTests {
  let fixture: Fixture
  let alice: AccountKeys
  let bob: AccountKeys
  let payment: TransitionPlan.Built
  var ledger: Ledger

  init() throws {
    fixture = try Fixture()
    (alice, bob) = (fixture.owners[0], fixture.owners[1])
    payment = try fixture.build(fixture.plan(alice, pay: [fixture.payee(bob, 500)]), by: alice)
    ledger = Ledger(store: MemoryStore(), genesis: fixture.genesis)
  }

  /// The first rule that breaks, from bytes on; nil if all hold.
  private func verdict(
    _ bytes: [UInt8],
    ballot: Ballot = .zero,
    acks: [BallotAck] = [],
    in ledger: Ledger? = nil
  ) throws -> TransitionRejection? {
    let payload = VoteRequest(
      ballot: ballot,
      acks: acks,
      submission: .refused(.malformed, bytes: bytes)
    )
    .encoded
    let frame = try Frame(type: MessageType.voteRequest.rawValue, payload: payload)
    guard case .request(let request) = frame,
      case .success(let checked) = fixture.check(.request(request, Exchange(0))),
      case .request(.vote(let vote), _) = checked.value
    else {
      Issue.record("a vote request is always answered")
      return nil
    }
    switch vote.submission {
    case .refused(let rejection, _): return rejection
    case .transition(let transition):
      do throws(TransitionRejection) {
        let judged = try (ledger ?? self.ledger).judge(transition, ballot: ballot, acks: vote.acks)
        if judged == .needsProof { try transition.checkRange() }
        return nil
      } catch {
        return error
      }
    }
  }

  private func verdict(_ transition: Transition, in ledger: Ledger? = nil) throws
    -> TransitionRejection?
  {
    try verdict(transition.encoded, in: ledger)
  }

  /// A body with some fields changed, signed and proved by its owner as far as it can be.
  private func forged(
    _ body: TransitionBody,
    proof: [UInt8]? = nil,
    by keys: AccountKeys? = nil,
    network: NetworkID? = nil,
    sender: AccountID? = nil,
    sequence: UInt64? = nil,
    previous: TransitionHash? = nil,
    asset: UInt32? = nil,
    fee: UInt64? = nil,
    newBalance: Commitment? = nil,
    claims: [OutputReference]? = nil,
    outputs: [RecipientOutput]? = nil
  ) -> Transition {
    let changed = TransitionBody(
      network: network ?? body.network,
      sender: sender ?? body.sender,
      sequence: sequence.map { SequenceNumber($0) } ?? body.sequence,
      previous: previous ?? body.previous,
      asset: asset.map { AssetID($0) } ?? body.asset,
      fee: fee.map { Amount($0) } ?? body.fee,
      newBalance: newBalance ?? body.newBalance,
      claims: claims ?? body.claims,
      outputs: outputs ?? body.outputs,
      ownerMemo: [UInt8](
        repeating: 0,
        count: OwnerMemo.sealedSize(outputs: (outputs ?? body.outputs).count)
      )
    )
    let unsigned = Transition(
      changed,
      proof: proof ?? [UInt8](repeating: 0, count: changed.proofSize),
      signature: .zero
    )
    let signature = (keys ?? alice).signing.sign(unsigned.signed.message)
    return Transition(changed, proof: unsigned.proof, signature: signature)
  }

  /// After Alice's payment to Bob.
  private func settled() throws -> Ledger {
    var ledger = ledger
    var change = LedgerChange()
    _ = ledger.apply(try fixture.certificate(payment.transition), into: &change)
    return ledger
  }

  @Test("An honest payment and its receipt keep all rules")
  func honest() throws {
    #expect(try verdict(payment.transition) == nil)
    let claim = try fixture.claim(payment.transition, by: bob)
    let receipt = try fixture.build(fixture.plan(bob, claim: [claim]), by: bob)
    #expect(try verdict(receipt.transition, in: settled()) == nil)
  }

  @Test("Rule 1: format")
  func format() throws {
    let good = payment.transition.encoded
    func changed(_ offset: Int, _ byte: UInt8) -> [UInt8] {
      var bytes = good
      bytes[offset] = byte
      return bytes
    }
    #expect(try verdict(Array(good.dropLast())) == .malformed)
    #expect(try verdict(good + [0]) == .malformed)
    #expect(try verdict([]) == .malformed)
    #expect(try verdict(changed(0, 2)) == .unknownVersion)
    #expect(try verdict(changed(2, 1)) == .suiteNotEnabled)
    #expect(try verdict(changed(2, 2)) == .suiteNotEnabled)
    #expect(try verdict(changed(3, 1)) == .malformed)  // kind
    #expect(try verdict(changed(75, 0x80)) == .limit)  // sequence 2^63
    #expect(try verdict(changed(152, 65)) == .limit)  // claims
    #expect(try verdict(changed(154, 16)) == .limit)  // outputs
    #expect(try verdict(changed(155, 1)) == .malformed)  // reserved
    #expect(try verdict(changed(156, 2)) == .malformed)  // kind of output
    #expect(try verdict(changed(254, 81)) == .limit)  // memo length
    #expect(try verdict(changed(120 + 31, 0xff)) == .pointNotCanonical)
    #expect(try verdict(changed(156 + 34 + 31, 0x80)) == .pointNotCanonical)
    let empty = forged(payment.transition.body, claims: [], outputs: [])
    #expect(try verdict(empty) == .emptyTransition)
    let reference = OutputReference(source: payment.transition.hash, index: 0)
    let twice = forged(payment.transition.body, claims: [reference, reference], outputs: [])
    #expect(try verdict(twice) == .malformed)
    let short = Transition(payment.transition.body, proof: [], signature: .zero)
    #expect(try verdict(short) == .limit)
    #expect(try verdict([UInt8](repeating: 0, count: Limits.transitionBytes + 1)) == .limit)
  }

  @Test("Rule 2: network and asset")
  func network() throws {
    let body = payment.transition.body
    #expect(try verdict(forged(body, network: NetworkID(.zero))) == .wrongNetwork)
    #expect(try verdict(forged(body, asset: 2)) == .unknownAsset)
  }

  @Test("Rule 3: key and signature")
  func signature() throws {
    let body = payment.transition.body
    let small = AccountID(.zero)
    #expect(try verdict(forged(body, sender: small)) == .unacceptableKey)
    #expect(try verdict(forged(body, by: bob)) == .badSignature)
    let proof = [UInt8](payment.transition.proof.reversed())
    let resigned = Transition(body, proof: proof, signature: payment.transition.signed.signature)
    #expect(try verdict(resigned) == .badSignature)
  }

  @Test("Rule 4: sequence")
  func sequence() throws {
    let body = payment.transition.body
    #expect(try verdict(payment.transition, in: settled()) == .alreadySettled)
    #expect(try verdict(forged(body, sequence: 1)) == .sequenceAhead)
    #expect(try verdict(forged(body, previous: TransitionHash(.zero))) == .wrongPredecessor)
    let hybrid = try Genesis(
      name: fixture.genesis.name,
      createdMs: 1,
      fees: fixture.genesis.fees,
      asset: fixture.genesis.asset,
      validators: fixture.genesis.validators,
      allocations: fixture.genesis.allocations.map {
        .init(account: $0.account, suite: .hybrid, asset: $0.asset, amount: $0.amount)
      }
    )
    let other = Ledger(store: MemoryStore(), genesis: hybrid)
    let previous = alice.account.origin(on: hybrid.id)
    // The state's suite is looked at after the predecessor, which names the network.
    let facts = TransitionFacts(state: other.state(of: alice.account))
    #expect(throws: TransitionRejection.wrongSuite) {
      try forged(body, network: hybrid.id, previous: previous).signed
        .validated(against: facts, ballot: .zero, genesis: hybrid)
    }
  }

  @Test("Rule 5: equivocation, superseded ballots and their justification")
  func equivocation() throws {
    var voted = ledger
    var change = LedgerChange()
    voted.cast(fixture.vote(payment.transition, by: 0), for: payment.transition, into: &change)
    let rival = try fixture.build(fixture.plan(alice, pay: [fixture.payee(bob, 1)]), by: alice)
    #expect(try verdict(payment.transition, in: voted) == nil)
    #expect(try verdict(rival.transition, in: voted) == .conflict)
    // Even one that is otherwise invalid: two signatures are evidence.
    #expect(try verdict(forged(rival.transition.body, fee: 0), in: voted) == .conflict)
    var promised = ledger
    let request = BallotRequest(slot: rival.transition.slot, ballot: Ballot(2), signature: .zero)
    #expect(try promised.promise(request, into: &change).isEmpty)
    #expect(try verdict(rival.transition, in: promised) == .ballotSuperseded)
    let bytes = rival.transition.encoded
    #expect(try verdict(bytes, ballot: Ballot(1), in: promised) == .ballotSuperseded)
    #expect(try verdict(bytes, ballot: Ballot(2), in: promised) == .badJustification)
  }

  @Test("Rule 6: claims")
  func claims() throws {
    let ledger = try settled()
    let claim = try fixture.claim(payment.transition, by: bob)
    let receipt = try fixture.build(fixture.plan(bob, claim: [claim]), by: bob)
    let body = receipt.transition.body
    let reference = claim.reference
    let unknown = OutputReference(source: reference.source, index: 1)
    #expect(try verdict(forged(body, by: bob, claims: [unknown]), in: ledger) == .unknownOutput)
    #expect(try verdict(receipt.transition, in: self.ledger) == .unknownOutput)
    let thief = fixture.strangers[0]
    let theft = forged(
      body,
      by: thief,
      sender: thief.account,
      previous: thief.account.origin(on: fixture.genesis.id)
    )
    #expect(try verdict(theft, in: ledger) == .notTheRecipient)
    var taken = ledger
    var change = LedgerChange()
    _ = taken.apply(try fixture.certificate(receipt.transition), into: &change)
    let again = forged(body, by: bob, sequence: 1, previous: receipt.transition.hash)
    #expect(try verdict(again, in: taken) == .alreadyClaimed)
    let record = try #require(ledger.store.output(reference))
    let foreign = OutputRecord(
      index: 1,
      reference: reference,
      source: record.source,
      asset: AssetID(2),
      output: record.output,
      isSourceApplied: true
    )
    let facts = TransitionFacts(state: ledger.state(of: bob.account), claims: [foreign])
    #expect(throws: TransitionRejection.assetMismatch) {
      try receipt.transition.signed.validated(
        against: facts,
        ballot: .zero,
        genesis: fixture.genesis
      )
    }
    let poor = forged(
      payment.transition.body,
      by: thief,
      sender: thief.account,
      previous: thief.account.origin(on: fixture.genesis.id)
    )
    #expect(try verdict(poor) == .nothingToSpend)
  }

  @Test("Rule 7: outputs and fee")
  func outputs() throws {
    let body = payment.transition.body
    #expect(body.fee == Amount(3))
    #expect(try verdict(forged(body, fee: 2)) == .feeTooLow)
    let claim = try fixture.claim(payment.transition, by: bob)
    let receipt = try fixture.build(fixture.plan(bob, claim: [claim]), by: bob)
    let paying = forged(receipt.transition.body, by: bob, fee: 1)
    #expect(try verdict(paying, in: settled()) == .feeOnReceive)
    func output(_ kind: RecipientOutput.Kind, _ commitment: Commitment?) -> [RecipientOutput] {
      let good = body.outputs[0]
      return [
        RecipientOutput(
          kind: kind,
          viewTag: good.viewTag,
          recipient: good.recipient,
          commitment: commitment ?? good.commitment,
          ephemeralKey: good.ephemeralKey,
          memo: good.memo
        )
      ]
    }
    #expect(try verdict(forged(body, outputs: output(.stealth, nil))) == .outputKind)
    #expect(try verdict(forged(body, outputs: output(.direct, .identity))) == .identityCommitment)
    #expect(Genesis.Fees(base: Amount(.max), perOutput: Amount(1)).minimum(outputs: 1) == nil)
    #expect(Genesis.Fees(base: .zero, perOutput: Amount(.max)).minimum(outputs: 2) == nil)
  }

  @Test("Rule 8: what goes in comes out")
  func balance() throws {
    let body = payment.transition.body
    let more = Commitment(
      Opening(value: payment.balance.value + 1, blinding: payment.balance.blinding)
    )
    #expect(try verdict(forged(body, newBalance: more)) == .notBalanced)
    #expect(try verdict(forged(body, fee: 4)) == .notBalanced)
  }

  @Test("Rule 9: a negative balance cannot be proved")
  func range() throws {
    // Alice pays 10,001 of 10,000 and keeps -4: the equation holds, the proof cannot.
    let slot = payment.transition.slot
    let made = try #require(
      alice.output(
        for: fixture.payee(bob, 10_001),
        at: 0,
        of: slot,
        salt: .zero,
        on: fixture.genesis.id
      )
    )
    let negative =
      Commitment(publicAmount: Amount(10_000)).point - made.output.commitment.point
      - Commitment(publicAmount: Amount(3)).point
    let overdrawn = forged(
      payment.transition.body,
      proof: payment.transition.proof,
      newBalance: Commitment(negative),
      outputs: [made.output]
    )
    #expect(try verdict(overdrawn) == .proofInvalid)
    // A valid proof of another body.
    let moved = Transition.signed(
      try fixture.build(fixture.plan(alice, pay: [fixture.payee(bob, 500)]), by: alice, seed: 2)
        .transition.body,
      proof: payment.transition.proof,
      by: alice.signing
    )
    #expect(try verdict(moved) == .proofInvalid)
    var broken = payment.transition.proof
    broken[0] ^= 1
    let unreadable = Transition.signed(payment.transition.body, proof: broken, by: alice.signing)
    #expect(try verdict(unreadable) == .proofInvalid)
    // On the wire the length is looked at first; without a wire it is rule 9's.
    let missing = Transition.signed(payment.transition.body, proof: [], by: alice.signing)
    #expect(throws: TransitionRejection.proofMissingOrSurplus) { try missing.checkRange() }
  }

  @Test("64 claims and 15 outputs pass, one more does not")
  func limits() throws {
    var ledger = ledger
    var change = LedgerChange()
    var claims: [TransitionPlan.Claim] = []
    var last: (transition: Transition, balance: Opening)?
    while claims.count < Limits.claims {
      let count = min(Limits.outputs, Limits.claims - claims.count)
      let payees = (0..<count).map { fixture.payee(bob, 1 + UInt64($0)) }
      let built = try fixture.build(fixture.plan(alice, pay: payees, after: last), by: alice)
      #expect(try verdict(built.transition, in: ledger) == nil)
      let applied = ledger.apply(try fixture.certificate(built.transition), into: &change)
      #expect(applied.applied.count == 1)
      for index in 0..<count {
        claims.append(try fixture.claim(built.transition, index, by: bob))
      }
      last = (built.transition, built.balance)
    }
    let receipt = try fixture.build(fixture.plan(bob, claim: claims), by: bob)
    #expect(try verdict(receipt.transition, in: ledger) == nil)
    let tooMany = fixture.plan(bob, claim: claims + [claims[0]])
    #expect(throws: PlanFailure.tooManyClaims) { try fixture.build(tooMany, by: bob) }
    let payees = [Payee](repeating: fixture.payee(bob, 1), count: 16)
    #expect(throws: PlanFailure.tooManyPayees) {
      try fixture.build(fixture.plan(alice, pay: payees), by: alice)
    }
    #expect(throws: PlanFailure.insufficientFunds) {
      try fixture.build(fixture.plan(alice, pay: [fixture.payee(bob, 9998)]), by: alice)
    }
    #expect(throws: PlanFailure.nothingToDo) { try fixture.build(fixture.plan(alice), by: alice) }
  }

  @Test("Every code is of one of nine rules, and is transient exactly where a wallet may try again")
  func codes() {
    #expect(TransitionRejection.allCases.allSatisfy { (1...9).contains($0.rawValue / 100) })
    let permanent: Set<UInt16> = [1, 2, 3, 7, 8, 9]
    for code in TransitionRejection.allCases where permanent.contains(code.rawValue / 100) {
      #expect(!code.isTransient)
    }
  }
}
