import Kernel

/// Collects the signatures in messages for one batch, after the rules that need no curve.
struct SignatureCheck {
  let genesis: Genesis
  private(set) var batch = SignatureBatch()
  /// Owners' keys, which must be acceptable.
  private(set) var owners: [PublicKey] = []

  init(genesis: Genesis) {
    self.genesis = genesis
  }

  /// One thing that was signed: wrong already, or its places in the batch and among the owners.
  enum Part {
    case failed(CheckFailure)
    case signatures(Range<Int>, owners: Range<Int>)
  }

  private mutating func part(
    _ add: (inout SignatureCheck) throws(CheckFailure) -> Void
  ) -> Part {
    let (start, firstOwner) = (batch.count, owners.count)
    do throws(CheckFailure) {
      try add(&self)
      return .signatures(start..<batch.count, owners: firstOwner..<owners.count)
    } catch {
      return .failed(error)
    }
  }

  mutating func part(_ body: SignedBody) -> Part {
    part { (check) throws(CheckFailure) in try check.add(body) }
  }

  mutating func part(_ vote: ValidatorVote) -> Part {
    part { (check) throws(CheckFailure) in try check.add(vote) }
  }

  mutating func part(_ certificate: SettlementCertificate) -> Part {
    part { (check) throws(CheckFailure) in
      guard certificate.epoch == check.genesis.validators.epoch else { throw .unknownEpoch }
      guard certificate.signerIndices.count >= check.genesis.validators.quorum else {
        throw .noQuorum
      }
      let message = certificate.voteMessage
      for (index, signature) in zip(certificate.signerIndices, certificate.signatures) {
        guard let key = check.genesis.validators.key(index) else { throw .unknownValidator }
        check.batch.append(signature, of: message, by: key)
      }
      try check.add(certificate.signed)
    }
  }

  mutating func part(_ proof: EquivocationProof) -> Part {
    part { (check) throws(CheckFailure) in
      guard proof.network == check.genesis.id else { throw .transition(.wrongNetwork) }
      check.owners.append(proof.slot.account.key)
      for side in [proof.a, proof.b] {
        let message = SignedBody.message(slot: proof.slot, hash: side.hash, on: proof.network)
        check.batch.append(side.signature, of: message, by: proof.slot.account.key)
      }
    }
  }

  mutating func part(_ proof: ValidatorEquivocationProof) -> Part {
    part { (check) throws(CheckFailure) in
      try check.add(proof.a)
      try check.add(proof.b)
    }
  }

  mutating func part(_ request: BallotRequest) -> Part {
    part { (check) throws(CheckFailure) in
      check.owners.append(request.slot.account.key)
      let message = request.message(on: check.genesis.id)
      check.batch.append(request.signature, of: message, by: request.slot.account.key)
    }
  }

  mutating func part(_ ack: BallotAck) -> Part {
    part { (check) throws(CheckFailure) in
      guard ack.epoch == check.genesis.validators.epoch else { throw .unknownEpoch }
      guard let key = check.genesis.validators.key(ack.validator) else { throw .unknownValidator }
      check.batch.append(ack.signature, of: ack.message(on: check.genesis.id), by: key)
      for transition in ack.transitions { try check.add(transition.signed) }
    }
  }

  /// Rules 2 and 3.
  private mutating func add(_ body: SignedBody) throws(CheckFailure) {
    guard body.body.network == genesis.id else { throw .transition(.wrongNetwork) }
    guard body.body.asset == genesis.asset.id else { throw .transition(.unknownAsset) }
    owners.append(body.body.sender.key)
    batch.append(body.signature, of: body.message, by: body.body.sender.key)
  }

  private mutating func add(_ vote: ValidatorVote) throws(CheckFailure) {
    guard vote.epoch == genesis.validators.epoch else { throw .unknownEpoch }
    guard let key = genesis.validators.key(vote.validator) else { throw .unknownValidator }
    batch.append(vote.signature, of: vote.message(on: genesis.id), by: key)
  }
}

/// Keys that were found to lie in the prime subgroup, so that none is asked twice in a row.
///
/// The newest of two generations and those before: at most 8,192 keys, 256 KiB.
struct AcceptedKeys: Sendable {
  private static let generationMax = 4096

  private var newer: Set<PublicKey> = []
  private var older: Set<PublicKey> = []

  /// Whether each of the keys is acceptable.
  ///
  /// Those that are new are looked at together.
  mutating func accept(_ keys: [PublicKey]) -> [Bool] {
    // For lookup only, as the other set: their order is never used.
    var asked: Set<PublicKey> = []
    let unknown = keys.filter {
      !newer.contains($0) && !older.contains($0) && asked.insert($0).inserted
    }
    let answers = PublicKey.areInPrimeSubgroup(unknown)
    var refused: Set<PublicKey> = []
    for (key, isAcceptable) in zip(unknown, answers) where !isAcceptable { refused.insert(key) }
    return keys.map { key in
      guard !refused.contains(key) else { return false }
      remember(key)
      return true
    }
  }

  private mutating func remember(_ key: PublicKey) {
    guard !newer.contains(key) else { return }
    if newer.count == Self.generationMax {
      older = newer
      newer = []
    }
    newer.insert(key)
  }
}
