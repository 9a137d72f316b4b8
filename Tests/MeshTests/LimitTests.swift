import Kernel
import Testing

@testable import Mesh

/// Every count and length of SPEC-002, 2.9 that a message may have: as many as there may be, and one more.
///
/// Those of a transition are rule 1's (see RulesTests), those of a genesis stand with it.
@Suite("Counts at and over their limits")
struct LimitTests {
  let samples: WireSamples

  init() throws {
    samples = try WireSamples()
  }

  /// Reads back what is of the limit's size, and refuses what is larger by one.
  private func expect<Value: WireCodable & Equatable>(
    _ limit: Int,
    of what: String,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ make: (Int) -> Value
  ) {
    let most = make(limit)
    #expect((try? Value(encoded: most.encoded)) == most, sourceLocation: sourceLocation)
    let error = #expect(throws: DecodingFailure.self, sourceLocation: sourceLocation) {
      try Value(encoded: make(limit + 1).encoded)
    }
    #expect(
      error.map { "\($0)".contains(what) } == true,
      "\(String(describing: error))",
      sourceLocation: sourceLocation
    )
  }

  private var certificate: SettlementCertificate {
    get throws { try samples.fixture.certificate(samples.payment.transition) }
  }

  private var references: [OutputReference] {
    (0...UInt16(Limits.claims)).map {
      OutputReference(source: samples.payment.transition.hash, index: $0)
    }
  }

  /// Different transitions of one slot, in the order that an ack has them.
  private var reported: [Transition] {
    let body = samples.payment.transition.body
    return (0...UInt64(Limits.reports)).map { number in
      Transition(
        TransitionBody(
          network: body.network,
          sender: body.sender,
          sequence: body.sequence,
          previous: body.previous,
          asset: body.asset,
          fee: Amount(number),
          newBalance: body.newBalance,
          claims: body.claims,
          outputs: body.outputs,
          ownerMemo: body.ownerMemo
        ),
        proof: samples.payment.transition.proof,
        signature: .zero
      )
    }.sorted { $0.hash < $1.hash }
  }

  @Test("A request for a vote: acks and dependencies")
  func voteRequest() throws {
    let submission = VoteRequest.Submission.transition(samples.payment.transition)
    let ack = BallotAck(
      epoch: .zero,
      validator: ValidatorIndex(0),
      slot: samples.slot,
      ballot: Ballot(1),
      transitions: [],
      signature: .zero
    )
    expect(Limits.validators, of: "ballot acks") { count in
      VoteRequest(
        ballot: Ballot(1),
        acks: Array(repeating: ack, count: count),
        dependencies: [],
        submission: submission
      )
    }
    let certificate = try certificate
    expect(Limits.claims, of: "dependencies") { count in
      VoteRequest(
        ballot: .zero,
        acks: [],
        dependencies: Array(repeating: certificate, count: count),
        submission: submission
      )
    }
  }

  @Test("A refusal: attachments, and references in one of them")
  func reject() throws {
    let certificate = try certificate
    func reject(_ attachments: [VoteReject.Attachment]) -> VoteReject {
      VoteReject(
        transition: certificate.hash,
        code: .unknownOutput,
        nextSequence: .first,
        attachments: attachments
      )
    }
    expect(Limits.attachments, of: "attachments") { count in
      reject(Array(repeating: .certificate(certificate), count: count))
    }
    expect(Limits.claims, of: "outputs") { count in
      reject([.outputs(Array(references.prefix(count)))])
    }
  }

  @Test("What a validator voted for in one slot, in acks and in answers")
  func reports() throws {
    let reported = reported
    expect(Limits.reports, of: "reported transitions") { count in
      BallotAck(
        epoch: .zero,
        validator: ValidatorIndex(0),
        slot: samples.slot,
        ballot: Ballot(1),
        transitions: Array(reported.prefix(count)),
        signature: .zero
      )
    }
    let state = AccountState.origin(of: samples.slot.account, on: samples.fixture.genesis.id)
    expect(Limits.reports, of: "pending") { count in
      AccountInfo(
        state: state,
        certificate: nil,
        pending: reported.prefix(count).map { .init(ballot: .zero, transition: $0) }
      )
    }
  }

  @Test("A page of outputs, and certificates for one that catches up")
  func pages() throws {
    let output = samples.payment.transition.body.outputs[0]
    expect(Limits.outputsPage, of: "outputs") { count in
      OutputsPage(
        rows: (0..<count).map { number in
          .init(
            index: UInt64(number),
            reference: references[0],
            source: samples.slot,
            asset: Genesis.assetID,
            isClaimed: false,
            output: output
          )
        },
        hasMore: true
      )
    }
    let certificate = try certificate
    expect(Limits.syncCertificates, of: "sync response") { count in
      SyncResponse(
        first: 1,
        head: 1,
        certificates: Array(repeating: certificate, count: count)
      )
    }
    expect(Limits.syncCertificates, of: "sync request") { count in
      SyncRequest(from: 1, max: UInt16(count))
    }
    expect(Limits.syncCertificates, of: "gap request") { count in
      GapRequest(from: samples.slot, max: UInt16(count))
    }
    expect(Limits.logHashes, of: "log request") { count in
      LogRequest(from: 1, max: UInt16(count))
    }
    expect(Limits.logHashes, of: "log hashes") { count in
      LogHashes(first: 1, head: 1, hashes: Array(repeating: certificate.hash, count: count))
    }
  }

  @Test("A genesis of 128 validators, and not of 129; a page of no certificates is no page")
  func validators() throws {
    let keys = Fixture.validatorKeys(Limits.validators + 1).map(\.publicKey)
    #expect(try ValidatorSet(epoch: .zero, keys: Array(keys.dropLast())).quorum == 86)
    #expect(throws: GenesisFailure.validatorCount(129)) {
      try ValidatorSet(epoch: .zero, keys: keys)
    }
    #expect(throws: DecodingFailure.self) {
      try SyncRequest(encoded: SyncRequest(from: 1, max: 0).encoded)
    }
  }
}
