import Kernel
import Simulation
import SmallNano

/// What must hold in every run, whatever fails.
final class Checker {
  private let cast: Cast
  /// Every block anyone made, honest or not.
  private(set) var blocks: [BlockHash: Block] = [:]
  private var confirmed: [Slot: BlockHash] = [:]
  private var honestVotes: [VoteKey: BlockHash] = [:]
  /// What an honest representative voted for.
  private var votedBlocks: Set<BlockHash> = []
  private weak var cluster: SmallNanoCluster?

  private struct VoteKey: Hashable {
    let representative: Account
    let slot: Slot
    let round: Round
    let kind: VoteKind
  }

  init(_ cast: Cast) {
    self.cast = cast
  }

  func register(_ block: Block) {
    blocks[block.hash] = block
  }

  func isConfirmedAnywhere(_ block: Block) -> Bool { confirmed[block.slot] == block.hash }

  func watch(_ cluster: SmallNanoCluster) {
    self.cluster = cluster
    cluster.onReport = { [self] cluster, node, event in
      guard case .confirmed(let block) = event, cast.isHonest(node) else { return }
      note(block.block, confirmedAt: node, in: cluster)
    }
    cluster.invariant("votes") { [self] cluster in
      for sent in cluster.sentInStep where sent.isHonest {
        guard case .vote(let vote) = sent.message else { continue }
        if let fault = fault(in: vote.value, of: sent.from, in: cluster) { return fault }
      }
      return nil
    }
    cluster.invariant("caps") { cluster in
      for sent in cluster.sentInStep {
        guard let machine = cluster.machine(sent.from) else { continue }
        for size in machine.tableSizes where size.count > size.limit {
          return "node \(sent.from): \(size.count) \(size.name), at most \(size.limit) allowed"
        }
        return nil  // one sender a step
      }
      return nil
    }
  }

  private func note(_ block: Block, confirmedAt node: Int, in cluster: SmallNanoCluster) {
    if let other = confirmed[block.slot], other != block.hash {
      cluster.fail(
        "agreement",
        "node \(node) confirmed \(short(block)), elsewhere \(short(other.bytes)) is confirmed"
      )
    }
    confirmed[block.slot] = block.hash
  }

  /// No vote before its record is durable, none that contradicts an earlier one.
  private func fault(in vote: Vote, of node: Int, in cluster: SmallNanoCluster) -> String? {
    guard let key = cast.voters(of: node).first, Account(key.publicKey) == vote.representative
    else { return nil }  // relayed
    let disk = cluster.durable(node)
    for hash in vote.hashes {
      guard let block = blocks[hash] ?? disk.block(hash)?.block else {
        return "node \(node) votes for \(short(hash.bytes)), which nobody made"
      }
      let slot = block.slot
      let isSettled = slot.height <= disk.confirmedHeight(slot.account)
      if vote.kind == .settled {
        guard isSettled, disk.block(hash) != nil else {
          return "node \(node) calls \(short(block)) settled, it is not"
        }
        continue
      }
      votedBlocks.insert(hash)
      if !isSettled {
        let record = disk.voteRecords(at: slot).first {
          $0.representative == vote.representative
        }
        guard let record, record.round >= vote.round else {
          return "node \(node) votes \(vote.kind) for \(short(block)) before it is durable"
        }
      }
      let key = VoteKey(
        representative: vote.representative,
        slot: slot,
        round: vote.round,
        kind: vote.kind
      )
      if let other = honestVotes[key], other != hash {
        return "node \(node) votes \(vote.kind) twice in round \(vote.round) of \(slot):"
          + " \(short(other.bytes)) and \(short(hash.bytes))"
      }
      honestVotes[key] = hash
    }
    return nil
  }

  // MARK: The disk

  /// Applies a write, and looks at each row it changes.
  ///
  /// Row by row: one write may take a record through two rounds, and each step is held against the
  /// one before it.
  func apply(_ change: LedgerChange, to disk: inout MemoryStore) {
    let before = disk.totals.blocks
    for operation in change.operations {
      if let fault = fault(in: operation, on: disk) { cluster?.fail("disk", fault) }
      disk.apply(LedgerChange([operation]))
    }
    if before > 0, disk.totals.sum != cast.parameters.supply {
      cluster?.fail(
        "conservation",
        "the totals add up to \(disk.totals.sum?.description ?? "more")"
      )
    }
  }

  private func fault(in operation: LedgerChange.Operation, on disk: MemoryStore) -> String? {
    switch operation {
    case .putAccount(let account, let state):
      let before = disk.confirmedHeight(account)
      guard state.confirmedHeight >= before else {
        return "\(account): confirmed height falls from \(before) to \(state.confirmedHeight)"
      }
    case .putVoteRecord(let record):
      guard
        let before = disk.voteRecords(at: record.slot).first(where: {
          $0.representative == record.representative
        })
      else { break }
      if record.round < before.round { return "a round falls at \(record.slot)" }
      if let lock = record.lock, lock != before.lock, lock.round != record.round {
        return "a final for round \(lock.round) in round \(record.round) at \(record.slot)"
      }
      if let normal = record.latestNormal, normal != before.latestNormal,
        normal.round != record.round || before.latestNormal?.round == normal.round
      {
        return "a normal vote that must not be at \(record.slot)"
      }
    default: break
    }
    return nil
  }

  // MARK: The end

  /// A slot with an honest vote that some honest node has not settled.
  ///
  /// Unless what was voted for stands on a block that lost: then its owner must sign another.
  func unsettledSlot(in cluster: SmallNanoCluster) -> String? {
    let live = votedBlocks.compactMap { blocks[$0] }.filter { block in
      block.previous.isZero
        || blocks[block.previous].map { confirmed[$0.slot] == $0.hash } ?? true
    }
    for slot in Set(live.map(\.slot)).sorted() {
      for node in 0..<cluster.nodeCount where cast.isHonest(node) {
        guard let machine = cluster.machine(node) else { return "node \(node) is down" }
        if machine.confirmedHeight(of: slot.account) < slot.height {
          return "\(short(slot.account.bytes)) \(slot.height) was voted on, node \(node) has not"
            + " settled it"
        }
      }
    }
    return nil
  }

  /// Honest nodes whose confirmed ledgers differ, or do not add up when summed afresh.
  func disagreement(in cluster: SmallNanoCluster) -> String? {
    var first: (node: Int, frontiers: [ConfirmedFrontier])?
    for node in 0..<cluster.nodeCount where cast.isHonest(node) {
      let disk = cluster.durable(node)
      var sum = Amount.zero
      var frontiers: [ConfirmedFrontier] = []
      for entry in disk.accounts(from: .burn, limit: .max) {
        sum += entry.state.balance
        guard var frontier = entry.state.confirmed else { continue }
        frontier.confirmedAt = 0
        frontiers.append(frontier)
      }
      let start = ReceivableKey(destination: .burn, hash: .zero)
      for receivable in disk.receivables(from: start, limit: .max)
      where receivable.receivedAt == nil {
        sum += receivable.amount
      }
      sum += disk.totals.burned
      guard sum == cast.parameters.supply else { return "node \(node): the ledger holds \(sum)" }
      if let first, first.frontiers != frontiers {
        return "nodes \(first.node) and \(node) have confirmed different ledgers"
      }
      first = first ?? (node, frontiers)
    }
    return nil
  }
}

extension MemoryStore {
  fileprivate func confirmedHeight(_ account: Account) -> Height {
    self.account(account)?.confirmedHeight ?? Height(0)
  }
}
