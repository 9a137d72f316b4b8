import EdDSA
import Kernel

/// Collects the signatures in messages for one batch, after the rules that need no curve.
struct SignatureCheck {
  let genesis: Genesis
  private(set) var batch = SignatureBatch()
  /// Owners' keys, which must be acceptable.
  private(set) var owners: [PublicKey] = []
  /// What it may be spared the next time.
  private var signed: [Signed] = []
  private var memory: CheckMemory

  /// An owner's signature, with its places in the batch and among the owners.
  private struct Signed {
    let signature: OwnerSignature
    let place: Int
    let owner: Int
  }

  init(genesis: Genesis, memory: CheckMemory) {
    self.genesis = genesis
    self.memory = memory
  }

  /// What became of all that was collected.
  struct Verdict {
    /// Of the signatures in the batch.
    let valid: [Bool]
    /// Of the owners' keys.
    let accepted: [Bool]
    /// For the next check.
    let memory: CheckMemory
  }

  /// Checks all of it.
  consuming func verdict(using generator: inout some RandomNumberGenerator) -> Verdict {
    let accepted = memory.accept(owners)
    let valid = batch.isEmpty ? [] : batch.verify(using: &generator)
    for each in signed where valid[each.place] && accepted[each.owner] {
      memory.remember(each.signature)
    }
    return Verdict(valid: valid, accepted: accepted, memory: memory)
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
    // A certificate follows the vote for the same transition.
    let signature = OwnerSignature(transition: body.hash, signature: body.signature)
    guard !memory.holds(signature) else { return }
    signed.append(Signed(signature: signature, place: batch.count, owner: owners.count))
    owners.append(body.body.sender.key)
    batch.append(body.signature, of: body.message, by: body.body.sender.key)
  }

  private mutating func add(_ vote: ValidatorVote) throws(CheckFailure) {
    guard vote.epoch == genesis.validators.epoch else { throw .unknownEpoch }
    guard let key = genesis.validators.key(vote.validator) else { throw .unknownValidator }
    batch.append(vote.signature, of: vote.message(on: genesis.id), by: key)
  }
}

/// What was checked not long ago, so that nothing is checked twice in a row.
///
/// Two generations: the newest, and those before; 8,192 keys of 32 bytes and signatures of 96, 1 MB.
struct CheckMemory: Sendable {
  private var keys = RecentSet<PublicKey>()
  private var signatures = RecentSet<OwnerSignature>()

  /// Whether each of the keys is acceptable.
  ///
  /// Those that are new are looked at together.
  mutating func accept(_ keys: [PublicKey]) -> [Bool] {
    // For lookup only, as the other set: their order is never used.
    var asked: Set<PublicKey> = []
    let unknown = keys.filter { !self.keys.contains($0) && asked.insert($0).inserted }
    let answers = PublicKey.areInPrimeSubgroup(unknown)
    var refused: Set<PublicKey> = []
    for (key, isAcceptable) in zip(unknown, answers) where !isAcceptable { refused.insert(key) }
    return keys.map { key in
      guard !refused.contains(key) else { return false }
      self.keys.insert(key)
      return true
    }
  }

  func holds(_ signature: OwnerSignature) -> Bool { signatures.contains(signature) }

  mutating func remember(_ signature: OwnerSignature) { signatures.insert(signature) }
}

/// An owner's signature of a transition; the hash says whose, at which slot and on which network.
struct OwnerSignature: Hashable, Sendable {
  let transition: TransitionHash
  let signature: Signature
}

private struct RecentSet<Element: Hashable & Sendable>: Sendable {
  private var newer: Set<Element> = []
  private var older: Set<Element> = []

  private static var generationMax: Int { 4096 }

  func contains(_ element: Element) -> Bool { newer.contains(element) || older.contains(element) }

  mutating func insert(_ element: Element) {
    guard !newer.contains(element) else { return }
    if newer.count == Self.generationMax {
      swap(&older, &newer)
      newer.removeAll(keepingCapacity: true)
    }
    newer.insert(element)
  }
}
