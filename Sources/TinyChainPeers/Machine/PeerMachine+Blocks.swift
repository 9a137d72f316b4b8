import Kernel
import TinyChain

/// From headers with more work to a chain with another tip.
extension PeerMachine {
  func isBetter(_ entry: HeaderEntry, than other: HeaderEntry) -> Bool {
    guard configuration.canary != .ignoreWork else {
      return entry.header.height > other.header.height
    }
    return entry.work > other.work
  }

  /// Branches that would become the chain if their bodies were there, the heaviest first.
  var candidates: [HeaderEntry] {
    let tip = tip
    let better = tree.leaves.enumerated().filter { isBetter($1, than: tip) }
    guard !better.isEmpty else { return [] }
    return better.filter { fetch.deferred[$1.id] == nil }
      .sorted { a, b in
        a.element.work != b.element.work ? a.element.work > b.element.work : a.offset < b.offset
      }
      .prefix(BodyFetch.branchesMax).map(\.element)
  }

  /// Asks for bodies that are missing, and executes those that are there.
  mutating func advance() {
    let candidates = candidates
    guard !candidates.isEmpty else { return }
    askForBodies(candidates)
    execute(candidates)
  }

  /// The way to a branch: from where a part of it was executed, else from the tip.
  private func way(
    to leaf: HeaderEntry,
    limit: Int
  ) -> (trial: BodyFetch.Trial?, undone: [Bytes32], applied: [Bytes32]) {
    if let trial = fetch.trial, let start = tree.entry(of: trial.chain.tip.id) {
      let path = tree.path(from: start, to: leaf, limit: limit)
      if path.undone.isEmpty { return (trial, [], path.applied) }
    }
    let path = tree.path(from: tip, to: leaf, limit: limit)
    return (nil, path.undone, path.applied)
  }

  // MARK: Bodies

  private mutating func askForBodies(_ candidates: [HeaderEntry]) {
    let idle = ready.filter { id in
      guard let peer = peers[id], peer.busyUntil <= now else { return false }
      return !peer.isAsked { if case .bodies = $0 { true } else { false } }
    }
    guard !idle.isEmpty else { return }
    var asked: Set<Bytes32> = []
    for peer in peers.values {
      for case .bodies(let ids) in peer.questions.values.map(\.request) { asked.formUnion(ids) }
    }
    var wanted: [Bytes32] = []
    for leaf in candidates {
      for id in way(to: leaf, limit: BodyFetch.aheadMax).applied
      where !asked.contains(id) && !shorts.isWaiting(for: id) && !fetch.holds(id, store) {
        asked.insert(id)
        wanted.append(id)
      }
    }
    for id in idle where !wanted.isEmpty {
      guard let peer = peers[id] else { continue }
      var ids: [Bytes32] = []
      for body in wanted where ids.count < PeerLimits.bodiesMax && !peer.lacks.contains(body) {
        guard let entry = tree.entry(of: body), entry.work <= peer.work else { continue }
        ids.append(body)
      }
      guard !ids.isEmpty, ask(.bodies(ids), of: id) else { continue }
      wanted.removeAll { ids.contains($0) }
    }
  }

  /// Bodies that a peer asked for, as many as it may have now.
  mutating func bodies(_ ids: [Bytes32], for id: PeerID) -> [[UInt8]?] {
    var (bodies, size) = ([[UInt8]?](), 0)
    for body in ids.prefix(PeerLimits.bodiesMax) {
      let isKnown = tree.entry(of: body).map { $0.status != .invalid } == true
      let bytes = (isKnown ? store.body(of: body) : nil).map(Self.joined)
      size += 5 + (bytes?.count ?? 0)
      let units = 1 + UInt64(bytes?.count ?? 0) / 16_384
      guard size <= PeerLimits.bodyBytesMax, peers[id]?.units.take(units, now: now) == true else {
        break
      }
      bodies.append(bytes)
    }
    return bodies
  }

  mutating func take(_ bodies: [[UInt8]?], asked ids: [Bytes32], from id: PeerID) {
    guard bodies.count <= ids.count else { return blame(id, .unreadable) }
    if bodies.isEmpty { return busy(.bodies(ids), id) }
    for (body, bytes) in zip(ids, bodies) {
      guard let bytes else {
        peers[id]?.lacks.insert(body)
        continue
      }
      guard let entry = tree.entry(of: body), !fetch.holds(body, store) else { continue }
      guard let transactions = Self.split(bytes), accept(transactions, of: entry, from: id) else {
        return blame(id, .wrongBody)
      }
    }
  }

  /// Stores a body; false if it is not the header's.
  mutating func accept(_ body: [[UInt8]], of entry: HeaderEntry, from id: PeerID?) -> Bool {
    let ids = body.map { SHA256.double($0) }
    guard Block.transactionRoot(ids: ids) == entry.header.transactionRoot else { return false }
    guard entry.status == .known, !fetch.holds(entry.id, store) else { return true }
    change.operations.append(.body(entry.id, body))
    fetch.take(entry.id, body, from: id)
    return true
  }

  static func joined(_ transactions: [[UInt8]]) -> [UInt8] {
    var writer = ByteWriter()
    for transaction in transactions {
      writer.integer(UInt32(transaction.count))
      writer.array(transaction)
    }
    return writer.bytes
  }

  static func split(_ bytes: [UInt8]) -> [[UInt8]]? {
    try? Items.split(bytes, countMax: PeerLimits.blockTransactionsMax)
  }

  // MARK: Execution

  private mutating func execute(_ candidates: [HeaderEntry]) {
    guard fetch.running == nil else { return }
    for leaf in candidates {
      let (known, undone, applied) = way(to: leaf, limit: BodyFetch.blocksMax)
      var (bodies, size) = ([PeerJob.Way.Body](), 0)
      for id in applied {
        guard size < BodyFetch.bytesMax, fetch.holds(id, store),
          let header = tree.entry(of: id)?.header,
          let body = fetch.body(of: id, store)
        else { break }
        bodies.append(.init(header: header, id: id, transactions: body))
        size += body.reduce(0) { $0 + $1.count }
      }
      guard !bodies.isEmpty else {
        if leaf.id == candidates.first?.id { fetch.wait(for: leaf.id, now: now) }
        continue
      }
      guard let journal = undone.isEmpty ? [] : journal(of: undone) else {
        // What was applied in the course of this input is in the store with the next.
        if !hasMoved { fetch.deferLong(leaf.id, now: now) }
        continue
      }
      let trial = known ?? BodyFetch.Trial(chain: chain, undone: undone)
      var way = PeerJob.Way(chain: trial.chain, undone: journal, applied: bodies)
      way.acceptsAll = configuration.canary == .acceptUnexecutedTip
      fetch.running = .init(base: chain.tip.id, trial: trial)
      _ = start(.go(way))
      return
    }
  }

  private var hasMoved: Bool {
    change.operations.contains { if case .moved = $0 { true } else { false } }
  }

  /// How blocks of the chain are undone; nil if the store no longer knows, or not yet.
  private func journal(of ids: [Bytes32]) -> [PeerJob.Way.Undone]? {
    var journal: [PeerJob.Way.Undone] = []
    for id in ids {
      guard let entry = tree.entry(of: id), let changes = store.changes(of: id),
        let parent = tree.entry(of: entry.header.parent), let body = store.body(of: id)
      else { return nil }
      journal.append(
        .init(
          changes: changes,
          parent: parent.header,
          parentID: parent.id,
          transactions: body
        )
      )
    }
    return journal
  }

  mutating func take(_ arrival: PeerJob.Arrival) {
    guard let run = fetch.running else { return }
    fetch.running = nil
    if let failure = arrival.failure { condemn(failure.id, failure.reason) }
    guard run.base == chain.tip.id else { return }
    var trial = run.trial
    trial.chain = arrival.chain
    trial.applied += arrival.applied
    let kept = Set(arrival.applied.flatMap { $0.transactions.map(\.id) })
    trial.returned = trial.returned.filter { !kept.contains($0.id) } + arrival.returned
    guard let last = trial.applied.last, let entry = tree.entry(of: last.id),
      isBetter(entry, than: tip)
    else {
      fetch.trial = arrival.failure == nil ? trial : nil
      return
    }
    move(trial)
  }

  /// A block whose body is its header's fails: that is so for ever, and whoever sent it knew.
  private mutating func condemn(_ id: Bytes32, _ reason: Rejection) {
    tree.markInvalid(id)
    if configuration.canary != .forgetInvalid { change.operations.append(.invalid(id)) }
    effects.append(.report(.invalid(id, reason)))
    if let origin = fetch.origin(of: id) { blame(origin, .invalidBlock) }
    fetch.forget(id)
  }

  /// The chain goes another way.
  mutating func move(_ trial: BodyFetch.Trial) {
    guard let last = trial.applied.last else { return }
    fetch.trial = nil
    chain = trial.chain
    catchUp.step(now)
    for block in trial.applied {
      tree.markExecuted(block.id)
      fetch.forget(block.id)
    }
    change.operations.append(.moved(undone: trial.undone, applied: trial.applied))
    drafts = []
    pool.update(upon: chain)
    if configuration.canary != .dropUndoneTransactions { takeBack(trial.returned) }
    effects.append(.report(.tipChanged(last.header, undone: trial.undone.count)))
    updatePool()
    announce(last)
  }

  /// What was in blocks waits again, as far as it can.
  private mutating func takeBack(_ transactions: [SignedTransaction]) {
    var taken: [SignedTransaction] = []
    for transaction in transactions where (try? enter(transaction)) != nil {
      taken.append(transaction)
      offer(transaction.id, except: nil)
    }
    if !taken.isEmpty { change.operations.append(.pooled(taken)) }
  }
}
