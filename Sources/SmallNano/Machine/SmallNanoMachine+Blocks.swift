import Kernel

/// Blocks: into the chain, among the candidates, or to wait for what they build on.
extension SmallNanoMachine {
  /// Takes a block from a peer, or from here (nil).
  ///
  /// Nil is acceptance; a gap or a fork is taken too.
  mutating func process(_ block: Verified<Block>, from peer: PeerID?) -> BlockRejection? {
    let hash = block.value.hash
    guard candidateSlots[hash] == nil, !ledger.isKnown(hash) else { return .alreadyKnown }
    do {
      let added = try ledger.append(block, into: &change)
      didAppend(added, from: peer)
      return ledger.isKnown(hash) ? nil : .backlogFull
    } catch {
      switch error {
      case .fork: return addCandidate(block, from: peer)
      case .gapPrevious:
        if gaps.insert(block, missing: block.value.previous) {
          let height = ledger.store.account(block.value.account)?.height ?? Height(0)
          if block.value.height > height {
            bootstrap.enqueue(
              Bootstrap.Pull(account: block.value.account, start: height.next, target: nil)
            )
            pullNext()
          }
        }
      case .gapSource:
        if gaps.insert(block, missing: BlockHash(block.value.link)), let peer {
          effects.append(.send(.blockRequest([BlockHash(block.value.link)]), to: peer))
        }
      default: break
      }
      return error
    }
  }

  private mutating func didAppend(_ added: LedgerBlock, from peer: PeerID?) {
    let block = added.block
    effects.append(.report(.added(added)))
    relay(.publish(Verified(checked: block)), except: peer)
    retries.append(block.hash)
    activate(block.slot, even: !cache.representatives(for: block.hash).isEmpty)
    let totals = ledger.store.totals
    if totals.blocks - totals.confirmedBlocks > Self.unconfirmedMax, let last = backlog.last {
      didRollBack(ledger.rollback(last, into: &change))
    }
  }

  /// Keeps a block that competes with the chain's for its slot.
  private mutating func addCandidate(
    _ block: Verified<Block>,
    from peer: PeerID?
  ) -> BlockRejection? {
    let value = block.value
    if let rejection = ledger.candidateRejection(of: value) { return rejection }
    activate(value.slot, even: true)
    guard var election = elections.removeValue(forKey: value.slot) else { return .fork }
    defer { elections[value.slot] = election }
    let chained = ledger.store.block(at: value.slot)?.hash
    var support = Amount.zero
    for representative in cache.representatives(for: value.hash) {
      support += weight(representative)
    }
    let outcome = election.insertCandidate(value, support: support, keeping: chained) {
      weight($0)
    }
    if let evicted = outcome.evicted { candidateSlots[evicted.hash] = nil }
    guard outcome.inserted else { return .fork }
    candidateSlots[value.hash] = value.slot
    for vote in cache.take(value.hash) { add(vote, for: value.hash, to: &election) }
    effects.append(.report(.forked(value.slot)))
    relay(.publish(block), except: peer)
    touched.append(value.slot)
    return nil
  }

  /// What leaves the chain leaves the elections: its votes are void.
  mutating func didRollBack(_ removed: [LedgerBlock]) {
    for gone in removed {
      effects.append(.report(.rolledBack(gone)))
      backlog.remove(gone.block.slot)
      drop(gone.block)
    }
  }

  /// Takes a candidate out of its election; one that this node has voted for stays, body and all,
  /// until the confirmation below it says what the vote is worth.
  private mutating func drop(_ block: Block) {
    if recordedSlots.contains(block.slot) {
      write(.putCandidate(block))
      if let index = elections[block.slot]?.candidates.firstIndex(where: {
        $0.block.hash == block.hash
      }) {
        elections[block.slot]?.candidates[index].isStored = true
      }
      return
    }
    guard candidateSlots.removeValue(forKey: block.hash) != nil,
      var election = elections.removeValue(forKey: block.slot)
    else { return }
    if election.tally.choices.contains(where: { $0.hash == block.hash }) {
      election.isContested = true
    }
    election.tally.remove(block.hash)
    election.candidates.removeAll { $0.block.hash == block.hash }
    if !election.candidates.isEmpty || !election.records.isEmpty {
      elections[block.slot] = election
      touched.append(block.slot)
    }
  }

  // MARK: Confirmation

  /// Confirms a slot's winner, if all it stands on is confirmed.
  ///
  /// True if the slot is settled.
  mutating func settle(_ slot: Slot, on choice: VoteTally.Choice) -> Bool {
    guard let block = elections[slot]?.candidate(choice.hash) else { return false }
    // Finals speak of this slot alone: predecessor and source confirm by votes of their own. A
    // settled vote says that its signer has confirmed all below.
    if choice.kind == .final, !areDependenciesConfirmed(of: block) { return false }
    if ledger.store.block(at: slot)?.hash != block.hash {
      guard isValidCandidate(block) else { return false }
      didRollBack(ledger.rollback(slot, into: &change))
      do {
        let added = try ledger.append(Verified(checked: block), into: &change)
        effects.append(.report(.added(added)))
        retries.append(block.hash)
      } catch {
        // The rules were just seen to hold for the slot as it is after the rollback.
        preconditionFailure("a valid candidate was refused: \(error)")
      }
    }
    let outcome = ledger.confirm(block.hash, at: now, limit: Self.confirmMax, into: &change)
    cachedQuorum = nil
    for confirmed in outcome.confirmed { didConfirm(confirmed) }
    if !outcome.isComplete, var election = elections.removeValue(forKey: slot) {
      // The rest in an input of its own, so that no write grows without bound.
      election.dueAt = now
      due.push(slot, at: now)
      elections[slot] = election
    }
    return outcome.isComplete
  }

  /// Blocks confirmed in one step: bounds the write and the time of one input.
  static let confirmMax = 1024

  private mutating func didConfirm(_ confirmed: LedgerBlock) {
    let block = confirmed.block
    let slot = block.slot
    if let election = elections.removeValue(forKey: slot) {
      for candidate in election.candidates { candidateSlots[candidate.block.hash] = nil }
    }
    if recordedSlots.remove(slot) != nil { write(.removeElection(slot)) }
    backlog.remove(slot)
    effects.append(.report(.confirmed(confirmed)))
    let next = Slot(account: slot.account, height: slot.height.next)
    voidVotes(at: next, above: block.hash)
    activate(next)
    if elections[next] != nil { touched.append(next) }
    guard confirmed.kind == .send else { return }
    let destination = Account(block.link)
    let key = ReceivableKey(destination: destination, hash: block.hash)
    if let height = ledger.store.receivable(key)?.receivedAt {
      let receive = Slot(account: destination, height: height)
      activate(receive)
      if elections[receive] != nil { touched.append(receive) }
    }
  }

  /// What this node promised about a successor of a block that lost is void: the slot goes on in a
  /// higher round, so that nothing said in the old one is ever contradicted.
  mutating func voidVotes(at slot: Slot, above winner: BlockHash) {
    guard recordedSlots.contains(slot) || elections[slot] != nil else { return }
    if elections[slot] == nil { activate(slot, even: true) }
    guard var election = elections.removeValue(forKey: slot) else { return }
    let dead = election.candidates.map(\.block).filter { $0.previous != winner }
    for block in dead {
      candidateSlots[block.hash] = nil
      if election.tally.choices.contains(where: { $0.hash == block.hash }) {
        election.isContested = true
      }
      election.tally.remove(block.hash)
      election.candidates.removeAll { $0.block.hash == block.hash }
    }
    let hashes = dead.map(\.hash)
    var highest = election.round
    for var record in election.records {
      let isVoid = [record.latestNormal, record.lock].compactMap { $0?.hash }
        .contains { hashes.contains($0) }
      guard isVoid else { continue }
      record = VoteRecord(
        representative: record.representative,
        slot: slot,
        round: record.round.next
      )
      highest = max(highest, record.round)
      election.isContested = true
      election.update(record)
      write(.putVoteRecord(record))
    }
    for certificate in election.certificates where hashes.contains(certificate.choice.hash) {
      write(.removeCertificate(slot, certificate.choice))
    }
    election.certificates.removeAll { hashes.contains($0.choice.hash) }
    for hash in hashes { write(.removeCandidate(slot, hash)) }
    if highest > election.round { enter(highest, in: &election) }
    guard !election.candidates.isEmpty || !election.records.isEmpty else { return }
    elections[slot] = election
    touched.append(slot)
  }

  // MARK: What blocks stand on

  func isValidCandidate(_ block: Block) -> Bool {
    ledger.store.block(at: block.slot)?.hash == block.hash
      || ledger.candidateRejection(of: block) == nil
  }

  func isSourceConfirmed(of block: Block) -> Bool {
    guard let source = source(of: block) else { return true }
    return isConfirmed(source)
  }

  func areDependenciesConfirmed(of block: Block) -> Bool {
    (block.previous.isZero || isConfirmed(block.previous)) && isSourceConfirmed(of: block)
  }

  /// The send that a receive or open refers to.
  ///
  /// Read from the balances, for blocks outside the chain as well; their predecessor is in it.
  private func source(of block: Block) -> BlockHash? {
    guard !block.link.isZero else { return nil }
    guard !block.previous.isZero else { return BlockHash(block.link) }
    guard let previous = ledger.store.block(block.previous)?.block else { return nil }
    return block.balance > previous.balance ? BlockHash(block.link) : nil
  }
}
