import BulletproofsPlus
import Curve25519
import Kernel
import Testing

@testable import Mesh

/// Transitions, certificates and evidence byte for byte as an independent implementation makes them.
@Suite("Vectors: payment, receipt, equivocation")
struct VectorTests {
  let vectors = MeshVectors.shared
  let genesis: Genesis
  let alice: AccountKeys
  let bob: AccountKeys

  init() throws {
    genesis = try Genesis(encoded: bytes(MeshVectors.shared.genesis))
    let master = try #require(MasterSeed(secret(MeshVectors.shared.master)))
    (alice, bob) = (master.account(0), master.account(1))
  }

  var transitions: [MeshVectors.Transition] {
    [vectors.t1_send, vectors.t2_receive, vectors.t3_two_outputs, vectors.t3b_conflict]
  }

  func transition(_ vector: MeshVectors.Transition) throws -> Transition {
    try Transition.decode(bytes(vector.bytes))
  }

  func failure(_ message: MeshMessage) -> CheckFailure? {
    var checker = StatelessChecker(genesis)
    var random = SplitMix64(seed: 1)
    if case .failure(let failure) = checker.check([message], using: &random)[0] {
      return failure
    }
    return nil
  }

  @Test("Transitions decode, encode, hash and verify")
  func transitionVectors() throws {
    for vector in transitions {
      let transition = try transition(vector)
      #expect(transition.encoded == bytes(vector.bytes))
      #expect(transition.encoded.count == vector.length)
      #expect(transition.body.encoded == bytes(vector.body))
      #expect(transition.signed.bodyHash.description == vector.body_hash)
      #expect(transition.proof == bytes(vector.proof))
      #expect(transition.signed.proofHash.description == vector.proof_hash)
      #expect(transition.hash.description == vector.transition_hash)
      #expect(transition.signed.message == bytes(vector.sign_message))
      #expect(transition.signed.signature.bytes.bytes == bytes(vector.signature))
      #expect(
        failure(.request(.vote(.init(submission: .transition(transition))), Exchange(0))) == nil
      )
      try transition.rangeClaim()?.verify()
      let keys = transition.body.sender == alice.account ? alice : bob
      let memo = try #require(keys.view.open(transition.body))
      #expect(memo.balance.value == UInt64(vector.new_value))
      #expect(memo.balance.blinding.encoding.bytes == bytes(vector.new_blinding))
    }
  }

  @Test("A wallet with the same salt makes the same bodies")
  func bodies() throws {
    let t1 = try transition(vectors.t1_send)
    let t2 = try transition(vectors.t2_receive)
    let t3 = try transition(vectors.t3_two_outputs)
    let salt = { (transition: Transition, keys: AccountKeys) in
      try #require(keys.view.open(transition.body)).salt
    }
    let received = try #require(
      bob.view.incoming.open(t1.body.outputs[0], at: 0, of: t1.slot, on: genesis.id)
    )
    #expect(received.amount == Amount(500))
    let send = TransitionPlan(
      slot: t1.slot,
      previous: alice.account.origin(on: genesis.id),
      balance: Opening(value: 10_000, blinding: .zero),
      claims: [],
      payees: [Payee(address: bob.address(on: genesis), amount: Amount(500), memo: received.memo)]
    )
    let remade = try send.body(with: alice, on: genesis, salt: salt(t1, alice))
    #expect(remade.body == t1.body)
    let claim = TransitionPlan.Claim(
      reference: OutputReference(source: t1.hash, index: 0),
      opening: received.opening
    )
    let receive = TransitionPlan(
      slot: t2.slot,
      previous: bob.account.origin(on: genesis.id),
      balance: .padding,
      claims: [claim],
      payees: []
    )
    #expect(try receive.body(with: bob, on: genesis, salt: .zero).body == t2.body)
    #expect(try salt(t2, bob) == .zero)
    #expect(t3.body.outputs.count == 2)
  }

  @Test("Votes and certificates")
  func votes() throws {
    let vote = try ValidatorVote(encoded: bytes(vectors.vote_t1_v0))
    #expect(vote.encoded == bytes(vectors.vote_t1_v0))
    #expect(vote.message(on: genesis.id) == bytes(vectors.vote_message))
    #expect(failure(.response(.vote(vote), Exchange(0))) == nil)
    for hex in [vectors.certificate_t1, vectors.certificate_t2] {
      let certificate = try SettlementCertificate(encoded: bytes(hex))
      #expect(certificate.encoded == bytes(hex))
      #expect(failure(.request(.settle(certificate), Exchange(0))) == nil)
      let receipt = try SettlementCertificate(encoded: certificate.pruned.encoded)
      #expect(receipt.hash == certificate.hash)
      #expect(receipt == certificate.pruned)
      #expect(failure(.request(.settle(receipt), Exchange(0))) == nil)
    }
    let certificate = try SettlementCertificate(encoded: bytes(vectors.certificate_t1))
    #expect(certificate.hash.description == vectors.t1_send.transition_hash)
    #expect(certificate.signerIndices.map(\.number) == [0, 1, 3])
    #expect(certificate.signatures[0] == vote.signature)
  }

  @Test("The proof of Alice's equivocation")
  func equivocation() throws {
    let first = try transition(vectors.t3_two_outputs).signed
    let second = try transition(vectors.t3b_conflict).signed
    let proof = try #require(EquivocationProof(first, second))
    #expect(proof.encoded == bytes(vectors.equivocation_proof))
    #expect(EquivocationProof(second, first) == proof)
    #expect(EquivocationProof(first, first) == nil)
    #expect(try EquivocationProof(encoded: proof.encoded) == proof)
    #expect(failure(.request(.equivocation(proof), Exchange(0))) == nil)
  }

  @Test("Account states after the payment and after its receipt")
  func states() throws {
    let origin = AccountState(
      account: alice.account,
      nextSequence: .first,
      head: alice.account.origin(on: genesis.id),
      balance: Commitment(publicAmount: Amount(10_000))
    )
    let after = origin.after(try transition(vectors.t1_send).signed)
    #expect(after.encoded == bytes(vectors.state_alice))
    #expect(after.hash.hex == vectors.state_alice_hash)
    #expect(try AccountState(encoded: after.encoded) == after)
    let bobAfter = AccountState.origin(of: bob.account, on: genesis.id)
      .after(try transition(vectors.t2_receive).signed)
    #expect(bobAfter.encoded == bytes(vectors.state_bob))
    #expect(
      Commitment(Opening(value: 500, blinding: try blinding(vectors.t2_receive)))
        == bobAfter.balance
    )
  }

  private func blinding(_ vector: MeshVectors.Transition) throws -> Scalar {
    let encoding = try #require(Encoding32(bytes(vector.new_blinding)))
    return try #require(Scalar(canonical: encoding))
  }

  @Test("Sizes are those the design promises")
  func sizes() throws {
    #expect(vectors.t1_send.bytes.count / 2 == vectors.sizes.send)
    #expect(vectors.t2_receive.bytes.count / 2 == vectors.sizes.receive)
    #expect(vectors.certificate_t1.count / 2 == vectors.sizes.certificate_send)
    #expect(ValidatorVote.size == vectors.sizes.vote)
    #expect(EquivocationProof.size == vectors.sizes.equivocation)
  }
}
