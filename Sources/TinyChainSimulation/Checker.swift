import Kernel
import Simulation
import TinyChain
import TinyChainPeers

/// What must hold in every run, whatever fails.
final class Checker {
  /// A block as it was when a node first executed it.
  private struct Record {
    let header: Header
    let work: UInt256
    let supply: UInt64
    let baseFee: UInt64
    /// Some honest node has executed it.
    var isHonest: Bool
  }

  private let cast: Cast
  private var records: [Bytes32: Record] = [:]
  /// The blocks that a transaction is in, on whatever branch.
  private var places: [Bytes32: [Bytes32]] = [:]
  /// What the nodes' last moves took out of blocks.
  private var undone: [Int: [SignedTransaction]] = [:]
  private var bodies: [Bytes32: [SignedTransaction]] = [:]
  /// By node, what it found invalid; durably, as the report follows the write.
  private var condemned: [Int: Set<Bytes32>] = [:]
  /// When the tip of a node changed last, and when it was told of headers far ahead.
  private var stepSince: [Int: Duration] = [:]
  private var headersSince: [Int: Duration] = [:]
  /// Blocks that a node may be behind and mine all the same.
  private static let behindMax: UInt32 = 6
  private weak var cluster: TinyChainCluster?

  init(_ cast: Cast) {
    self.cast = cast
    let (state, tip) = (cast.chain.state, cast.chain.tip)
    records[tip.id] = Record(
      header: tip.header,
      work: .zero,
      supply: state[number: .supply],
      baseFee: state[number: .baseFee],
      isHonest: true
    )
  }

  func watch(
    _ cluster: TinyChainCluster,
    _ onEvent: @escaping (TinyChainCluster, _ node: Int, PeerMachine.Event) -> Void
  ) {
    self.cluster = cluster
    cluster.onReport = { [self] cluster, node, event in
      onEvent(cluster, node, event)
      if cast.isHonest(node) { note(event, of: node, cluster) }
    }
    cluster.invariant("invalid") { [self] cluster in
      for sent in cluster.sentInStep where sent.isHonest && !condemned.isEmpty {
        guard case .request(.bodies(let ids), _) = sent.message,
          let known = condemned[sent.from], let id = ids.first(where: known.contains)
        else { continue }
        return "node \(sent.from) asks for block \(short(id)), which it had found invalid"
      }
      return nil
    }
  }

  private func note(_ event: PeerMachine.Event, of node: Int, _ cluster: TinyChainCluster) {
    switch event {
    case .tipChanged:
      stepSince[node] = cluster.elapsed
      checkReturned(node, cluster)
    case .invalid(let id, _):
      guard condemned[node, default: []].insert(id).inserted else {
        return cluster.fail("invalid", "node \(node) tries block \(short(id)) a second time")
      }
    case .banned(let address, _):
      guard let other = cast.node(at: address), cast.isHonest(other) else { return }
      cluster.fail("blame", "node \(node) bans node \(other), which is honest")
    default: break
    }
  }

  // MARK: Writes

  /// Looks at a write of a node while it is made.
  func apply(_ change: NodeChange, to disk: inout NodeDisk) {
    let before = records[disk.records.chain.tip.id]?.work ?? .zero
    for case .moved(let undone, let applied) in change.operations {
      self.undone[disk.node] = undone.flatMap { bodies[$0] ?? [] }
      for block in applied { note(block, by: disk.node) }
    }
    disk.records.apply(change)
    if cast.isHonest(disk.node) { probe(change, disk) }
    let (state, tip) = (disk.records.chain.state, disk.records.chain.tip)
    if state.tree.root != tip.header.stateRoot {
      fail("state", "node \(disk.node) has block \(short(tip.id)) and not its state")
    } else if let record = records[tip.id], record.supply != state[number: .supply] {
      fail("state", "node \(disk.node) has another supply at block \(short(tip.id))")
    } else if let record = records[tip.id], record.work < before {
      fail("work", "node \(disk.node) turns to block \(short(tip.id)), which has less work")
    }
  }

  private func note(_ block: ExecutedBlock, by node: Int) {
    if records[block.id] != nil {
      if cast.isHonest(node) { records[block.id]?.isHonest = true }
      return
    }
    guard let parent = records[block.header.parent],
      let target = UInt256(compact: block.header.bits)
    else { return fail("parent", "node \(node) executes a block upon nothing") }
    func number(_ key: StateKey, _ before: UInt64) -> UInt64 {
      guard let leaf = block.changes.first(where: { $0.key == key.bytes })?.after else {
        return before
      }
      var reader = ByteReader(leaf)
      return (try? reader.uint64()) ?? 0
    }
    let supply = number(.supply, parent.supply)
    let subsidy = cast.parameters.subsidy >> UInt64(block.header.height / cast.parameters.halving)
    let burned = UInt64(block.header.gasUsed) * parent.baseFee
    if supply != parent.supply + subsidy - burned {
      fail("supply", "block \(short(block.id)) makes \(supply) of \(parent.supply)")
    }
    let ids = block.transactions.map(\.id)
    for id in ids {
      if let first = places[id]?.first(where: { isAncestor($0, of: block.header.parent) }) {
        fail("twice", "transaction \(short(id)) is in blocks \(short(first)), \(short(block.id))")
      }
      places[id, default: []].append(block.id)
    }
    bodies[block.id] = block.transactions
    records[block.id] = Record(
      header: block.header,
      work: parent.work + .work(ofTarget: target),
      supply: supply,
      baseFee: number(.baseFee, parent.baseFee),
      isHonest: cast.isHonest(node)
    )
  }

  private func isAncestor(_ id: Bytes32, of other: Bytes32) -> Bool {
    guard let height = records[id]?.header.height else { return false }
    var next = other
    while let record = records[next], record.header.height > height { next = record.header.parent }
    return next == id
  }

  private func fail(_ check: String, _ text: String) { cluster?.fail(check, text) }

  // MARK: Pools

  /// What a move took out of blocks is in others, waits again, or can no longer be paid.
  private func checkReturned(_ node: Int, _ cluster: TinyChainCluster) {
    guard let transactions = undone.removeValue(forKey: node), !transactions.isEmpty,
      let machine = cluster.machine(node)
    else { return }
    for transaction in transactions {
      let (sender, asked) = (transaction.sender, transaction.transaction)
      let account = machine.chain.state.account(sender)
      guard asked.nonce >= account.nonce,
        !machine.pool.pending(of: sender).contains(where: { $0.transaction.nonce == asked.nonce })
      else { continue }
      return cluster.fail(
        "returned",
        "node \(node) undid a block with \(short(transaction.id)), which now waits nowhere"
      )
    }
  }

  /// Whoever hears that a transaction was taken can rely on it: it is on the disk.
  func note(_ reply: PeerMachine.Reply, to request: RequestID, _ cluster: TinyChainCluster) {
    guard request.number < UInt64(cluster.requests.count) else { return }
    let node = cluster.requests[Int(request.number)].node
    if case .draft(let block) = reply, cast.isHonest(node) { checkDraft(block, node, cluster) }
    guard case .submitted(let id) = reply, cast.isHonest(node),
      !cluster.durable(node).records.pool.contains(where: { $0.id == id })
    else { return }
    cluster.fail("kept", "node \(node) has taken transaction \(short(id)) and not stored it")
  }

  /// Asks a node that has stored headers far ahead for a block to mine: it should have none.
  private func probe(_ change: NodeChange, _ disk: NodeDisk) {
    for case .headers(let entries) in change.operations {
      guard let cluster, let last = entries.last?.header,
        last.height > disk.records.chain.tip.header.height + Self.behindMax
      else { continue }
      headersSince[disk.node] = cluster.elapsed
      cluster.submit(.draft(producer: .zero), to: disk.node)
    }
  }

  /// Nobody mines upon a tip that is far behind headers which have just come.
  private func checkDraft(_ block: Block, _ node: Int, _ cluster: TinyChainCluster) {
    guard let machine = cluster.machine(node),
      let came = headersSince[node], cluster.elapsed - came < .seconds(30),
      let stepped = stepSince[node], cluster.elapsed - stepped < .seconds(100)
    else { return }
    let (tip, best) = (machine.chain.tip.header.height, machine.tree.best)
    guard best.work > machine.tree.executed.work, best.header.height > tip + Self.behindMax else {
      return
    }
    cluster.fail(
      "behind",
      "node \(node) mines upon \(tip), with headers up to \(best.header.height)"
    )
  }

  /// What waited before a restart waits after it, if it still can be paid.
  func checkRestored(_ machine: PeerMachine, _ disk: NodeDisk) {
    for transaction in disk.records.pool {
      let (sender, asked) = (transaction.sender, transaction.transaction)
      guard asked.nonce >= machine.chain.state.account(sender).nonce,
        !machine.pool.pending(of: sender).contains(where: { $0.transaction.nonce == asked.nonce })
      else { continue }
      fail("kept", "node \(disk.node) forgets transaction \(short(transaction.id)) by a restart")
    }
  }

  /// No table of a machine is beyond its bound.
  func checkTables(_ cluster: TinyChainCluster) {
    for node in 0..<cast.nodes {
      for table in cluster.machine(node)?.tableSizes ?? [] where table.count > table.limit {
        cluster.fail("caps", "node \(node): \(table.count) \(table.name), at most \(table.limit)")
      }
    }
  }

  // MARK: Rest

  /// An honest node that has not the most work that any has executed.
  func lag(in cluster: TinyChainCluster) -> String? {
    let most = records.values.filter(\.isHonest).map(\.work).max() ?? .zero
    for node in 0..<cast.nodes where cast.isHonest(node) {
      guard let machine = cluster.machine(node) else { return "node \(node) is down" }
      let tip = machine.chain.tip.id
      guard let record = records[tip], record.work == most else {
        return "node \(node) is at block \(short(tip)), which has less work than another"
      }
    }
    return nil
  }

  /// Why the honest nodes are not at one tip, with most work.
  func disagreement(in cluster: TinyChainCluster) -> String? {
    if let lag = lag(in: cluster) { return lag }
    let tips = (0..<cast.nodes).filter { cast.isHonest($0) }
      .compactMap { cluster.machine($0)?.chain.tip.id }
    return Set(tips).count == 1 ? nil : "nodes have tips \(tips.map(short))"
  }
}

func short(_ id: Bytes32) -> String { String(id.hex.prefix(8)) }
