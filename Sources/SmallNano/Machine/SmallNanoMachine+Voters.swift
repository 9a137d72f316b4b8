import EdDSA
import Kernel

/// A key this node votes with.
struct Voter: Sendable {
  let account: Account
  private let key: SecretKey

  init(_ key: SecretKey) {
    account = Account(key.publicKey)
    self.key = key
  }

  func sign(
    _ kind: VoteKind,
    _ round: Round,
    _ hashes: [BlockHash],
    now: Instant,
    on chain: ChainID
  ) -> Verified<Vote> {
    Vote.signed(
      kind: kind,
      round: round,
      timestamp: now.milliseconds,
      hashes: hashes,
      by: key,
      on: chain
    )
  }

  func hello(node: PublicKey, now: Instant, on chain: ChainID) -> Verified<RepresentativeHello> {
    RepresentativeHello.signed(node: node, timestamp: now.milliseconds, by: key, on: chain)
  }
}

extension VoteRecord {
  /// A slot in which a key must stay silent: it may have voted there from another node.
  static func abstention(of representative: Account, at slot: Slot) -> VoteRecord {
    VoteRecord(representative: representative, slot: slot, round: Round(.max))
  }

  var isAbstention: Bool { round == Round(.max) && latestNormal == nil && lock == nil }
}

/// Own votes on their way out: gathered while many come, sent at once when few do.
struct VoteOutbox: Sendable {
  struct Batch: Sendable {
    let representative: Account
    let kind: VoteKind
    let round: Round
    var hashes: [BlockHash]
  }

  /// Votes wait no longer than this for company.
  static let gatheringTime = Duration.milliseconds(10)
  /// Hashes in one own message: it is stored whole with each certificate it is part of.
  static let hashesMax = 32

  private(set) var batches: [Batch] = []
  var lastFlush: Instant?
  var isTimerSet = false

  var isEmpty: Bool { batches.isEmpty }

  mutating func append(
    _ hash: BlockHash,
    by representative: Account,
    kind: VoteKind,
    round: Round
  ) {
    // Listed twice, a hash would make the message one that no decoder takes.
    let isListed = batches.contains {
      $0.representative == representative && $0.kind == kind && $0.round == round
        && $0.hashes.contains(hash)
    }
    guard !isListed else { return }
    let index = batches.firstIndex {
      $0.representative == representative && $0.kind == kind && $0.round == round
        && $0.hashes.count < Self.hashesMax
    }
    if let index {
      batches[index].hashes.append(hash)
    } else {
      batches.append(
        Batch(representative: representative, kind: kind, round: round, hashes: [hash])
      )
    }
  }

  mutating func takeAll() -> [Batch] {
    defer { batches = [] }
    return batches
  }
}

/// This node's voters: who may vote from here, hellos, and votes on their way out.
extension SmallNanoMachine {
  static let helloInterval = Duration.seconds(60)

  mutating func setVoters(_ keys: [SecretKey]) -> Reply {
    var admitted: [Voter] = []
    var refused: [Account] = []
    for voter in keys.map(Voter.init).sorted(by: { $0.account < $1.account })
    where !admitted.contains(where: { $0.account == voter.account }) {
      if ledger.store.votingSince(voter.account) == nil {
        guard configuration.parameters.network == .dev else {
          refused.append(voter.account)
          effects.append(.report(.voterNotAdmitted(voter.account)))
          continue
        }
        write(.admitVoter(voter.account, since: now))
      }
      admitted.append(voter)
    }
    voters = admitted
    sayHelloNow()
    for slot in elections.keys.sorted() { touched.append(slot) }
    return .voters(admitted.map(\.account), refused: refused)
  }

  /// The key stays silent in every slot that is open now: it may have voted there elsewhere.
  mutating func admit(_ account: Account) {
    guard ledger.store.votingSince(account) == nil else { return }
    write(.admitVoter(account, since: now))
    for slot in elections.keys.sorted() {
      guard var election = elections[slot], election.record(of: account) == nil else { continue }
      let record = VoteRecord.abstention(of: account, at: slot)
      election.records.append(record)
      elections[slot] = election
      recordedSlots.insert(slot)
      write(.putVoteRecord(record))
    }
  }

  mutating func sayHello() {
    sayHelloNow()
    online.expire(now: now)
    cachedQuorum = nil
    effects.append(.setTimer(.hello, after: Self.helloInterval))
  }

  private mutating func sayHelloNow() {
    for voter in voters {
      _ = online.hear(voter.account, timestamp: now.milliseconds, now: now)
      let hello = voter.hello(node: configuration.node, now: now, on: ledger.parameters.chainID)
      guard !peers.isEmpty else { continue }
      effects.append(.broadcast(.hello(hello), to: peers.map(\.id)))
    }
    cachedQuorum = nil
  }

  mutating func sampleOnline() {
    if !peers.isEmpty {
      let sample = OnlineSample(
        time: now,
        weight: online.onlineWeight(now: now, by: { weight($0) })
      )
      online.add(sample)
      let oldest = now + (.zero - OnlineWeight.samplesKept)
      write(.putOnlineSample(sample, dropBefore: oldest))
    }
    cachedQuorum = nil
    effects.append(.setTimer(.sample, after: OnlineWeight.sampleInterval))
  }

  /// Signs and sends what was gathered, or sets the timer that will.
  mutating func flushVotes() {
    guard !outbox.isEmpty else { return }
    if let last = outbox.lastFlush, now - last < VoteOutbox.gatheringTime {
      if !outbox.isTimerSet {
        outbox.isTimerSet = true
        effects.append(.setTimer(.votes, after: VoteOutbox.gatheringTime))
      }
      return
    }
    outbox.lastFlush = now
    for batch in outbox.takeAll() {
      guard let voter = voters.first(where: { $0.account == batch.representative }) else {
        continue
      }
      _ = online.hear(voter.account, timestamp: now.milliseconds, now: now)
      let vote = voter.sign(
        batch.kind,
        batch.round,
        batch.hashes,
        now: now,
        on: ledger.parameters.chainID
      )
      for hash in batch.hashes {
        guard let slot = candidateSlots[hash], var election = elections.removeValue(forKey: slot)
        else { continue }
        _ = election.tally.insert(
          vote.value,
          by: voter.account,
          kind: batch.kind,
          round: batch.round,
          hash: hash,
          current: election.round
        )
        elections[slot] = election
      }
      relay(.vote(vote), except: nil)
    }
  }
}
