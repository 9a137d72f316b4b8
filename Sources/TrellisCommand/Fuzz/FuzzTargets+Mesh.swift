import EdDSA
import Kernel
import Mesh
import Simulation

// What validators and wallets of MESH read from each other, from files and from people.

extension FuzzTargets {
  static let mesh: [FuzzTarget] =
    MessageType.allCases.map(meshWire) + [meshFrame, meshHandshake, meshGenesis, meshAddress]

  /// A payload of one type is refused, or it is what its decoded value encodes to; and the checks of
  /// signatures come to an end with it.
  private static func meshWire(_ type: MessageType) -> FuzzTarget {
    FuzzTarget(
      "mesh-wire-\(type)",
      seeds: meshSamples.filter { $0.type == type }.map { payload(of: $0) },
      cost: 10
    ) { input in
      guard input.count < Limits.frameBytes,
        let frame = try? Frame(type: type.rawValue, payload: input)
      else { return .refused }
      if let message = message(of: frame) {
        var checker = StatelessChecker(meshGenesisSample)
        var random = SplitMix64(seed: UInt64(input.count))
        guard checker.check([message, message], using: &random).count == 2 else {
          return .broken("a message without a verdict")
        }
      }
      return same(payload(of: frame), input)
    }
  }

  /// Whole frames, header included.
  private static let meshFrame = FuzzTarget(
    "mesh-frame",
    seeds: meshSamples.map(\.encoded)
  ) { input in
    guard input.count >= Frame.headerSize,
      let (count, type) = try? Frame.header(Array(input[..<Frame.headerSize])),
      input.count == Frame.headerSize + count,
      let frame = try? Frame(type: type, payload: Array(input[Frame.headerSize...]))
    else { return .refused }
    return same(frame.encoded, input)
  }

  /// Nobody gets past the handshake as a validator but who signed the seed.
  private static let meshHandshake = FuzzTarget(
    "mesh-handshake",
    seeds: meshSamples.filter { $0.type == .handshake }.map { payload(of: $0) }
  ) { input in
    guard let handshake = try? Handshake(encoded: input),
      handshake.failure(side: .client, exporter: exporter, on: meshGenesisSample) == nil
    else { return .refused }
    guard handshake.role == .validator else { return .accepted }
    return handshake.encoded == payload(of: .control(.handshake(validatorHandshake)))
      ? .accepted : .broken("another handshake passes for a validator's")
  }

  private static let meshGenesis = FuzzTarget(
    "mesh-genesis",
    seeds: [meshGenesisSample.encoded],
    cost: 10
  ) { input in
    guard let genesis = try? Genesis(encoded: input) else { return .refused }
    let sum = genesis.allocations.reduce(Amount.zero) { $0.adding($1.amount) ?? .zero }
    guard sum == genesis.asset.supply else { return .broken("it does not add up") }
    return same(genesis.encoded, input)
  }

  private static let meshAddress = FuzzTarget(
    "mesh-address",
    seeds: meshOwners.map { Array($0.address(on: meshGenesisSample).description.utf8) }
  ) { input in
    guard let text = String(validating: input, as: UTF8.self),
      let address = try? Address(text, on: meshGenesisSample)
    else { return .refused }
    // Upper case is read and lower case written.
    return same(Array(address.description.utf8), Array(text.lowercased().utf8))
  }

  private static func payload(of frame: Frame) -> [UInt8] {
    Array(frame.encoded[Frame.headerSize...])
  }

  private static func message(of frame: Frame) -> MeshMessage? {
    switch frame {
    case .request(let request): .request(request, Exchange(1))
    case .response(let response): .response(response, Exchange(1))
    case .control: nil
    }
  }

  // MARK: Samples

  private static let exporter = sampleHash(9)

  private static let meshValidators: [SecretKey] =
    (1...4).map { sampleKey($0) }.sorted { $0.publicKey < $1.publicKey }

  static let meshOwners: [AccountKeys] = {
    var seed = sampleHash(5).bytes
    guard let master = MasterSeed(SecretBytes(wiping: &seed)) else {
      preconditionFailure("a seed has 32 bytes")
    }
    return [master.account(0), master.account(1)]
  }()

  static let meshGenesisSample: Genesis = {
    do {
      return try Genesis(
        name: "fuzz",
        createdMs: 1,
        fees: .init(base: Amount(1), perOutput: Amount(0)),
        asset: .init(id: Genesis.assetID, decimals: 2, symbol: "FZZ", supply: Amount(1000)),
        validators: ValidatorSet(epoch: .zero, keys: meshValidators.map(\.publicKey)),
        allocations: [
          .init(account: meshOwners[0].account, asset: Genesis.assetID, amount: Amount(1000))
        ]
      )
    } catch {
      preconditionFailure("\(error)")
    }
  }()

  private static let validatorHandshake = Handshake.signed(
    by: meshValidators[1],
    as: ValidatorIndex(1),
    network: meshGenesisSample.id,
    features: [.recoveryBallots, .subscriptions],
    logHead: 7,
    agent: "fuzz",
    side: .client,
    exporter: exporter
  )

  private static func sampleTransition(paying units: UInt64) -> Transition {
    let owner = meshOwners[0]
    let plan = TransitionPlan(
      slot: Slot(account: owner.account, sequence: .first),
      previous: owner.account.origin(on: meshGenesisSample.id),
      balance: .init(value: 1000, blinding: .zero),
      claims: [],
      payees: [
        Payee(address: meshOwners[1].address(on: meshGenesisSample), amount: Amount(units))
      ]
    )
    var random = SplitMix64(seed: units)
    do {
      return try plan.build(with: owner, on: meshGenesisSample, using: &random).transition
    } catch {
      preconditionFailure("\(error)")
    }
  }

  private static func sampleVote(_ transition: Transition, by index: UInt16) -> ValidatorVote {
    let message = ValidatorVote.message(
      ballot: .zero,
      epoch: .zero,
      slot: transition.slot,
      transition: transition.hash,
      on: meshGenesisSample.id
    )
    return ValidatorVote(
      validator: ValidatorIndex(index),
      ballot: .zero,
      epoch: .zero,
      slot: transition.slot,
      transition: transition.hash,
      signature: meshValidators[Int(index)].sign(message)
    )
  }

  /// Owner 0 pays owner 1.
  static let meshCertificateSample: SettlementCertificate = {
    let transition = sampleTransition(paying: 5)
    let votes = [0, 1, 3].map { sampleVote(transition, by: $0) }
    guard let certificate = SettlementCertificate(votes, for: transition) else {
      preconditionFailure("votes that belong together")
    }
    return certificate
  }()

  private static let meshSamples: [Frame] = {
    let (transition, other) = (sampleTransition(paying: 5), sampleTransition(paying: 6))
    let votes = [0, 1, 3].map { sampleVote(transition, by: $0) }
    let certificate = meshCertificateSample
    guard let equivocation = EquivocationProof(transition.signed, other.signed),
      let contradiction = ValidatorEquivocationProof(votes[0], sampleVote(other, by: 0))
    else { preconditionFailure("samples that belong together") }
    let (slot, account) = (transition.slot, transition.slot.account)
    let reference = OutputReference(source: transition.hash, index: 0)
    let ballot = BallotRequest.signed(
      slot: slot,
      ballot: Ballot(1),
      by: meshOwners[0].signing,
      on: meshGenesisSample.id
    )
    let ack = BallotAck(
      epoch: .zero,
      validator: ValidatorIndex(2),
      slot: slot,
      ballot: Ballot(1),
      transitions: [transition],
      signature: .zero
    )
    let state = AccountState.origin(of: account, on: meshGenesisSample.id)
    let row = OutputsPage.Row(
      index: 1,
      reference: reference,
      source: slot,
      asset: Genesis.assetID,
      isClaimed: false,
      output: transition.body.outputs[0]
    )
    let farewell = Farewell(code: .timeout, reason: "no answer")
    let requests: [Request] = [
      .vote(
        VoteRequest(
          ballot: Ballot(1),
          acks: [ack],
          dependencies: [certificate],
          submission: .transition(transition)
        )
      ),
      .settle(certificate), .equivocation(equivocation), .validatorEquivocation(contradiction),
      .ballot(ballot), .account(AccountQuery(account: account)),
      .certificate(.hash(transition.hash)), .certificate(.slot(slot)),
      .outputs(OutputsQuery(account: account, after: 1, max: 5, onlyUnclaimed: true)), .network,
      .subscribe(Subscription(accounts: [account])), .sync(SyncRequest(from: 1)),
      .gap(GapRequest(from: slot)), .log(LogRequest(from: 1)), .digest,
    ]
    let responses: [Response] = [
      .error(farewell), .vote(votes[0]),
      .reject(
        VoteReject(
          transition: transition.hash,
          code: .conflict,
          nextSequence: .first,
          attachments: [
            .equivocation(equivocation), .certificate(certificate), .pending(other),
            .outputs([reference]),
          ]
        )
      ),
      .settled(CertificateAck(transition: transition.hash, status: .applied, logIndex: 1)),
      .ballot(ack),
      .account(
        AccountInfo(
          state: state,
          certificate: certificate,
          pending: [.init(ballot: .zero, transition: transition)]
        )
      ),
      .certificate(certificate), .outputs(OutputsPage(rows: [row], hasMore: false)),
      .network(NetworkInfo(epoch: .zero, logHead: 1, genesis: meshGenesisSample.encoded)),
      .event(AccountEvent(kind: .output, logIndex: 1, transition: transition.hash, output: 0)),
      .notFound, .sync(SyncResponse(first: 1, head: 1, certificates: [certificate])),
      .log(LogHashes(first: 1, head: 1, hashes: [transition.hash])),
      .digest(StateDigest(logCount: 1, accounts: 1, digest: .zero)),
    ]
    let ping = Ping(nonce: 1, sentMs: 2)
    let controls: [ControlMessage] = [
      .handshake(validatorHandshake),
      .handshake(.anonymous(network: meshGenesisSample.id, agent: "wallet")), .ping(ping),
      .pong(Pong(ping: ping, logHead: 3)), .goAway(farewell),
    ]
    return controls.map { .control($0) } + requests.map { .request($0) }
      + responses.map { .response($0) }
  }()
}
