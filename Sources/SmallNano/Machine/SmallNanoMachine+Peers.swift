import EdDSA
import Kernel

/// A connected peer, as the core sees it.
struct Peer: Sendable {
  let id: PeerID
  /// Its key on the wire.
  let node: PublicKey
  /// Whom it speaks for, by their signed word.
  var representatives: [Account] = []

  /// Representatives one peer may speak for; a wallet with more gains nothing by them.
  static let representativesMax = 16
}

/// Peers: who speaks for whom, what is passed on, what is asked and answered.
extension SmallNanoMachine {
  mutating func connect(_ id: PeerID, _ node: PublicKey) {
    let place = peers.partitioningIndex { $0.id >= id }
    peers.insert(Peer(id: id, node: node), at: place)
    for voter in voters {
      let hello = voter.hello(node: configuration.node, now: now, on: ledger.parameters.chainID)
      effects.append(.send(.hello(hello), to: id))
    }
    wakeElections()
    wakeBootstrap()
  }

  mutating func disconnect(_ id: PeerID) {
    peers.removeAll { $0.id == id }
    bootstrap.forget(id)
  }

  mutating func greet(_ hello: Verified<RepresentativeHello>, from id: PeerID) {
    let value = hello.value
    let age = max(now.milliseconds, value.timestamp) - min(now.milliseconds, value.timestamp)
    guard age <= UInt64(OnlineWeight.window.wholeMilliseconds) else { return }
    if value.node != configuration.node,
      let index = voters.firstIndex(where: { $0.account == value.representative })
    {
      voters.remove(at: index)
      effects.append(.report(.voterElsewhere(value.representative, node: value.node)))
    }
    if let index = peers.firstIndex(where: { $0.id == id }), peers[index].node == value.node,
      !peers[index].representatives.contains(value.representative),
      peers[index].representatives.count < Peer.representativesMax
    {
      peers[index].representatives.append(value.representative)
      wakeElections()
    }
    guard weight(value.representative) > .zero else { return }
    let isFirst = online.hear(value.representative, timestamp: value.timestamp, now: now)
    cachedQuorum = nil
    if isFirst || isNewest(value) { relay(.hello(hello), except: id) }
  }

  /// Hellos flood once each: only a later one than the last passes.
  private mutating func isNewest(_ hello: RepresentativeHello) -> Bool {
    let known = helloTimes[hello.representative] ?? 0
    guard hello.timestamp > known else { return false }
    if helloTimes.count >= OnlineWeight.representativesMax { helloTimes = [:] }
    helloTimes[hello.representative] = hello.timestamp
    return true
  }

  // MARK: Passing on

  /// To all peers that speak for representatives, and a random square root of the others.
  mutating func relay(_ message: PeerMessage, except source: PeerID?) {
    var chosen = peers.filter { !$0.representatives.isEmpty && $0.id != source }.map(\.id)
    var others = peers.filter { $0.representatives.isEmpty && $0.id != source }.map(\.id)
    var wanted = 0
    while wanted * wanted < others.count { wanted += 1 }
    while wanted > 0 {
      let index = Int(random.next(upperBound: UInt64(others.count)))
      chosen.append(others.remove(at: index))
      wanted -= 1
    }
    if configuration.canary == .iterateSet { chosen = Array(Set(chosen)) }
    guard !chosen.isEmpty else { return }
    effects.append(.broadcast(message, to: chosen))
  }

  // MARK: Asking

  /// Notes what to ask of whom: peers whose representatives are missing, and one other at random.
  mutating func requestMissingVotes(of election: Election) {
    let hash = ledger.store.block(at: election.slot)?.hash ?? election.candidates.first?.block.hash
    let target = ConfirmTarget(slot: election.slot, hash: hash ?? .zero)
    var others: [PeerID] = []
    for peer in peers {
      let isMissing = peer.representatives.contains { representative in
        !election.tally.hasVote(by: representative, .final, election.round)
          && weight(representative) > .zero
      }
      if isMissing { requests.append((peer.id, target)) } else { others.append(peer.id) }
    }
    guard !others.isEmpty else { return }
    requests.append((others[Int(random.next(upperBound: UInt64(others.count)))], target))
  }

  /// Targets asked of one peer in one step.
  static let targetsPerPeerMax = 512

  mutating func flushRequests() {
    guard !requests.isEmpty else { return }
    let all = requests
    requests = []
    for peer in peers {
      let targets = all.filter { $0.peer == peer.id }.map(\.target).prefix(Self.targetsPerPeerMax)
      for start in stride(from: 0, to: targets.count, by: ConfirmTarget.countMax) {
        let chunk = Array(targets[start..<min(start + ConfirmTarget.countMax, targets.count)])
        effects.append(.send(.confirmRequest(chunk), to: peer.id))
      }
    }
  }

  /// Someone came who may know more: ask again soon, not after the longest wait.
  private mutating func wakeElections() {
    let soon = now + Self.wakeDelay
    for slot in elections.keys.sorted() {
      guard var election = elections.removeValue(forKey: slot) else { continue }
      election.requestInterval = Election.requestIntervalMin
      if election.dueAt > soon {
        election.dueAt = soon
        due.push(slot, at: soon)
      }
      elections[slot] = election
    }
  }

  /// Time for a new peer's hellos to come in before it is asked.
  static let wakeDelay = Duration.milliseconds(50)

  // MARK: Answering

  /// Votes, certificates and candidates for a slot; a settled vote where it is confirmed.
  mutating func answer(_ targets: [ConfirmTarget], to peer: PeerID) {
    var settled: [BlockHash] = []
    var unknown: [BlockHash] = []
    var cast = VoteOutbox()
    for target in targets.prefix(ConfirmTarget.countMax) {
      if !target.hash.isZero, candidateSlots[target.hash] == nil,
        !ledger.isKnown(target.hash)
      {
        if !unknown.contains(target.hash) { unknown.append(target.hash) }
      }
      if isConfirmed(target.slot) {
        guard let held = ledger.store.block(at: target.slot) else { continue }
        guard !settled.contains(held.hash) else { continue }
        settled.append(held.hash)
        if held.hash != target.hash {
          effects.append(.send(.publish(Verified(checked: held.block)), to: peer))
        }
        continue
      }
      activate(target.slot, even: true)
      guard let election = elections[target.slot] else { continue }
      for candidate in election.candidates where candidate.block.hash != target.hash {
        effects.append(.send(.publish(Verified(checked: candidate.block)), to: peer))
      }
      for record in election.records where !record.isAbstention {
        if let normal = record.latestNormal {
          cast.append(
            normal.hash,
            by: record.representative,
            kind: .normal,
            round: normal.round
          )
        }
        if let lock = record.lock {
          cast.append(lock.hash, by: record.representative, kind: .final, round: lock.round)
        }
      }
      var others = election.certificates.flatMap(\.votes)
      if election.isContested || election.round > .zero {
        let contest = election.tally.contest(in: election.round, by: { weight($0) })
        others += contest.prefix(Self.contestVotesMax)
      }
      for vote in others { effects.append(.send(.vote(Verified(checked: vote)), to: peer)) }
    }
    for voter in voters where !settled.isEmpty && weight(voter.account) > .zero {
      let vote = voter.sign(.settled, .zero, settled, now: now, on: ledger.parameters.chainID)
      effects.append(.send(.vote(vote), to: peer))
    }
    for batch in cast.takeAll() {
      guard let voter = voters.first(where: { $0.account == batch.representative }) else {
        continue
      }
      let vote = voter.sign(
        batch.kind,
        batch.round,
        batch.hashes,
        now: now,
        on: ledger.parameters.chainID
      )
      effects.append(.send(.vote(vote), to: peer))
    }
    if !unknown.isEmpty { effects.append(.send(.blockRequest(unknown), to: peer)) }
  }

  /// Votes of others sent along about a contested slot: 32 × 200 bytes, and with them enough weight
  /// that all see the same favourite.
  static let contestVotesMax = 32

  /// Blocks answered of one request: 64 × 232 bytes.
  static let blocksAnsweredMax = 64

  mutating func answer(_ hashes: [BlockHash], to peer: PeerID) {
    for hash in hashes.prefix(Self.blocksAnsweredMax) {
      let block =
        candidateSlots[hash].flatMap { elections[$0]?.candidate(hash) }
        ?? ledger.store.block(hash)?.block
      guard let block, block.height > .open || block.account != ledger.parameters.genesisAccount
      else { continue }
      effects.append(.send(.publish(Verified(checked: block)), to: peer))
    }
  }
}
