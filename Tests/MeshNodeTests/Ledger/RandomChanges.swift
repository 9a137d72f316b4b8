import BulletproofsPlus
import Kernel

@testable import Mesh

/// Changes as the machine makes them, of few accounts and slots so that they meet: only what a store
/// may count on holds (the log and the outputs grow by one, evidence comes once).
struct RandomChanges {
  private let net: TestNet
  private var random: SplitMix64
  private var totals = LedgerTotals()
  private var settled: Set<Slot> = []
  private var records: [OutputRecord] = []
  private var evidence: Set<Evidence.Key> = []
  private let accounts: [AccountID]
  private let commitments: [Commitment]

  init(_ net: TestNet, seed: UInt64) {
    self.net = net
    random = SplitMix64(seed: seed)
    // The first and the last there can be are among them.
    accounts =
      [AccountID(.zero), AccountID(Bytes32(words: (.max, .max, .max, .max)))]
      + net.owners.map(\.account) + net.validators.map { AccountID($0.publicKey) }
    commitments = (0..<8).map { Commitment(publicAmount: Amount($0)) }
  }

  mutating func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }

  private mutating func hash() -> Bytes32 {
    Bytes32(words: (random.next(), random.next(), random.next(), random.next()))
  }

  mutating func slot() -> Slot {
    // The largest number too: the wire has u64, SQLite i64.
    let sequence = below(8) == 0 ? SequenceNumber.end - 1 : UInt64(below(6))
    return Slot(account: accounts[below(accounts.count)], sequence: SequenceNumber(sequence))
  }

  private mutating func output() -> RecipientOutput {
    RecipientOutput(
      viewTag: UInt8(below(256)),
      recipient: accounts[below(accounts.count)],
      commitment: commitments[below(commitments.count)],
      ephemeralKey: hash(),
      memo: [UInt8](repeating: UInt8(below(256)), count: 80)
    )
  }

  private mutating func transition(_ slot: Slot) -> Transition {
    let outputs = (0..<below(3)).map { _ in output() }
    let body = TransitionBody(
      network: net.genesis.id,
      sender: slot.account,
      sequence: slot.sequence,
      previous: TransitionHash(hash()),
      fee: Amount(UInt64(below(5))),
      newBalance: commitments[below(commitments.count)],
      claims: [OutputReference(source: TransitionHash(hash()), index: UInt16(below(3)))],
      outputs: outputs,
      ownerMemo: [UInt8](repeating: 1, count: OwnerMemo.sealedSize(outputs: outputs.count))
    )
    let proof = [UInt8](repeating: 2, count: body.proofSize)
    return Transition(body, proof: proof, signature: .zero)
  }

  private mutating func vote(_ transition: Transition, by index: Int, _ ballot: Int)
    -> ValidatorVote
  {
    ValidatorVote(
      validator: ValidatorIndex(UInt16(index)),
      ballot: Ballot(UInt32(ballot)),
      epoch: .zero,
      slot: transition.slot,
      transition: transition.hash,
      signature: .zero
    )
  }

  private mutating func certificate(_ slot: Slot) -> SettlementCertificate {
    let transition = transition(slot)
    let votes = [0, 1, 3].map { vote(transition, by: $0, 0) }
    guard let certificate = SettlementCertificate(votes, for: transition) else {
      fatalError("votes that belong together")
    }
    return certificate
  }

  mutating func next() -> LedgerChange {
    var change = LedgerChange()
    for _ in 0..<(1 + below(4)) {
      if let operation = operation() { change.append(operation) }
    }
    change.append(.putTotals(totals))
    return change
  }

  private mutating func operation() -> LedgerChange.Operation? {
    switch below(10) {
    case 0:
      totals.accounts += 1  // Not the truth; the store does not mind.
      let state = AccountState(
        account: accounts[below(accounts.count)],
        suite: below(2) == 0 ? .ed25519 : .hybrid,
        nextSequence: SequenceNumber(UInt64(below(9))),
        head: TransitionHash(hash()),
        balance: commitments[below(commitments.count)]
      )
      return .putAccount(state)
    case 1:
      let slot = slot()
      let votes = (0..<below(3)).map { ballot in
        let transition = transition(slot)
        return SlotLock.CastVote(
          transition: transition,
          vote: vote(transition, by: 0, ballot)
        )
      }
      let promised = below(5) == 0 ? UInt32.max : UInt32(below(9))
      return .putLock(SlotLock(slot: slot, promised: Ballot(promised), votes: votes))
    case 2: return .removeLock(slot())
    case 3:
      let slot = slot()
      guard settled.insert(slot).inserted else { return nil }
      totals.logCount += 1
      return .appendCertificate(certificate(slot), index: totals.logCount)
    case 4: return newOutput()
    case 5: return changedOutput()
    case 6: return .putBuffered(certificate(slot()))
    case 7: return .removeBuffered(slot())
    case 8: return newEvidence()
    default:
      let index = ValidatorIndex(UInt16(below(4)))
      return .putCursor(index, below(9) == 0 ? .max : UInt64(below(100)))
    }
  }

  private mutating func newOutput() -> LedgerChange.Operation {
    totals.outputCount += 1
    let reference = OutputReference(source: TransitionHash(hash()), index: UInt16(below(15)))
    let record = OutputRecord(
      index: totals.outputCount,
      reference: reference,
      source: slot(),
      asset: Genesis.assetID,
      output: output(),
      isSourceApplied: below(2) == 0
    )
    records.append(record)
    return .putOutput(record)
  }

  private mutating func changedOutput() -> LedgerChange.Operation? {
    guard !records.isEmpty else { return nil }
    let place = below(records.count)
    records[place].isSourceApplied = below(2) == 0
    records[place].claimedBy = below(3) == 0 ? nil : TransitionHash(hash())
    return .putOutput(records[place])
  }

  private mutating func newEvidence() -> LedgerChange.Operation? {
    let slot = slot()
    let (first, second) = (transition(slot), transition(slot))
    let proof: Evidence?
    switch below(3) {
    case 0: proof = EquivocationProof(first.signed, second.signed).map { .owner($0) }
    case 1:
      let index = below(4)
      proof = ValidatorEquivocationProof(vote(first, by: index, 1), vote(second, by: index, 1))
        .map { .validator($0) }
    default: proof = .certificate(certificate(slot), .notBalanced)
    }
    guard let proof, evidence.insert(proof.key).inserted else { return nil }
    totals.evidenceCount += 1
    return .putEvidence(proof)
  }

  /// What a crash undoes of what this has told.
  var memory: Memory { Memory(totals, settled, records, evidence) }

  mutating func forget(back to: Memory) {
    (totals, settled, records, evidence) = (to.totals, to.settled, to.records, to.evidence)
  }

  struct Memory {
    fileprivate let totals: LedgerTotals
    fileprivate let settled: Set<Slot>
    fileprivate let records: [OutputRecord]
    fileprivate let evidence: Set<Evidence.Key>

    fileprivate init(
      _ totals: LedgerTotals,
      _ settled: Set<Slot>,
      _ records: [OutputRecord],
      _ evidence: Set<Evidence.Key>
    ) {
      self.totals = totals
      self.settled = settled
      self.records = records
      self.evidence = evidence
    }
  }

  // MARK: Questions

  /// Asks both stores everything, with limits and starting points at random.
  mutating func difference(_ a: some LedgerStore, _ b: some LedgerStore) -> String? {
    if a.totals != b.totals { return "totals" }
    let limit = 1 + below(6)
    for account in accounts {
      if a.account(account) != b.account(account) { return "account" }
      if a.accounts(from: account, limit: limit) != b.accounts(from: account, limit: limit) {
        return "accounts"
      }
      let after = below(5) == 0 ? UInt64.max : UInt64(below(records.count + 2))
      for onlyUnclaimed in [false, true] {
        let rows = a.outputs(of: account, after: after, limit: limit, onlyUnclaimed: onlyUnclaimed)
        let others = b.outputs(
          of: account,
          after: after,
          limit: limit,
          onlyUnclaimed: onlyUnclaimed
        )
        if rows != others { return "outputs of an account" }
      }
      for sequence in [0, 1, 2, 3, 4, 5, SequenceNumber.end - 1] {
        let slot = Slot(account: account, sequence: SequenceNumber(sequence))
        if a.lock(slot) != b.lock(slot) { return "lock" }
        if a.settled(slot) != b.settled(slot) { return "settled" }
        if a.buffered(slot) != b.buffered(slot) { return "buffered" }
        if a.bufferedSlots(from: slot, limit: limit) != b.bufferedSlots(from: slot, limit: limit) {
          return "buffered slots"
        }
      }
    }
    let all = a.log(from: 1, limit: 1000)
    if all != b.log(from: 1, limit: 1000) { return "log" }
    let from = below(4) == 0 ? UInt64.max : UInt64(below(all.count + 3))
    if a.log(from: from, limit: limit) != b.log(from: from, limit: limit) {
      return "part of the log"
    }
    for hash in all {
      if a.certificate(hash) != b.certificate(hash) { return "certificate" }
      if a.logIndex(hash) != b.logIndex(hash) { return "log index" }
    }
    for record in records where a.output(record.reference) != b.output(record.reference) {
      return "output"
    }
    if a.outputs(after: from, limit: limit) != b.outputs(after: from, limit: limit) {
      return "outputs"
    }
    if a.evidence() != b.evidence() { return "evidence" }
    for proof in a.evidence() where !b.hasEvidence(proof.key) { return "evidence by key" }
    for index in 0..<5 {
      let validator = ValidatorIndex(UInt16(index))
      if a.cursor(validator) != b.cursor(validator) { return "cursor" }
    }
    return nil
  }
}
