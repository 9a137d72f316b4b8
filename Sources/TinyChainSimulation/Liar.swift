import Kernel
import Simulation
import TinyChain
import TinyChainPeers

/// A node that lies: its machine is like any other, but what it hears and says passes through here.
final class Liar {
  private let cast: Cast
  private let node: Int
  private let lie: Lie
  private var random: SplitMix64
  private weak var cluster: TinyChainCluster?
  private var isActive = true
  /// The tip it mines upon, and the number of the draw.
  private var mining: (tip: Bytes32?, draw: Int) = (nil, 0)
  private var requests: Set<RequestID> = []
  /// Blocks of a selfish miner that nobody has heard of.
  private var hidden: Set<Bytes32> = []
  /// Blocks that its own machine would refuse, by id and in order.
  private var forged: [Bytes32: Forgery] = [:]
  private var announced: [Bytes32] = []
  /// Its machine's answers that are not to leave, as another was given.
  private var suppressed: Set<Answer> = []

  private struct Answer: Hashable {
    let node: Int
    let number: UInt64
  }

  /// Numbers of requests that are not its machine's.
  private static let numbers: UInt64 = 1 << 60

  init(_ cast: Cast, _ node: Int, _ lie: Lie, seed: UInt64) {
    (self.cast, self.node, self.lie) = (cast, node, lie)
    random = SplitMix64(seed: seed)
  }

  func act(in cluster: TinyChainCluster) {
    self.cluster = cluster
    cluster.setByzantine(
      node,
      Byzantine(
        outgoing: { [self] message, to, _ in outgoing(message, to) },
        incoming: { [self] message, from, _ in incoming(message, from) }
      )
    )
    tend(cluster)
  }

  func stop(in cluster: TinyChainCluster) {
    isActive = false
    hidden = []
    cluster.setByzantine(node, nil)
  }

  // MARK: Mining

  private func tend(_ cluster: TinyChainCluster) {
    guard isActive else { return }
    mine(cluster)
    cluster.after(.seconds(1)) { [self] cluster in tend(cluster) }
  }

  private func mine(_ cluster: TinyChainCluster) {
    guard let machine = cluster.machine(node), let work = Miners.work(after: machine),
      mining.tip != machine.chain.tip.id
    else { return }
    mining = (machine.chain.tip.id, mining.draw + 1)
    let draw = mining.draw
    let time = Hashing.time(of: work, at: cast.rates[node], using: &random)
    cluster.after(.nanoseconds(Int64(clamping: min(time, 1 << 60)))) { [self] cluster in
      guard mining.draw == draw, isActive, let machine = cluster.machine(node) else { return }
      mining.tip = nil
      if lie == .invalidBlocks { forge(upon: machine, cluster) } else { find(machine, cluster) }
    }
  }

  /// A block that the rules allow, with a time of its choice.
  private func find(_ machine: PeerMachine, _ cluster: TinyChainCluster) {
    guard let past = machine.tree.lineage(of: machine.chain.tip.id) else { return }
    let clock = cluster.clock(of: node).milliseconds / 1_000
    var time = clock
    if lie == .wrongTimes { time = random.below(2 as UInt64) == 0 ? 0 : clock + 59 }
    let header = machine.tree.sequencer.draft(
      after: past,
      at: time,
      for: Cast.producer(node)
    )
    let offers = machine.pool.offers(upon: machine.chain)
    var block = machine.chain.executed(offers, under: header).block
    block.header.nonce = random.next() | 1
    if lie == .selfish { hidden.insert(block.header.id) }
    cluster.submit(.mined(block), to: node)
  }

  /// Somebody has another tip: a selfish miner publishes as soon as others come near.
  func look(at other: Int, _ cluster: TinyChainCluster) {
    guard isActive else { return }
    if other == node { mine(cluster) }
    guard !hidden.isEmpty, let mine = cluster.machine(node)?.chain.tip else { return }
    let others = (0..<cast.nodes).filter { cast.isHonest($0) }
      .compactMap { cluster.machine($0)?.chain.tip.header.height }.max()
    guard let others, mine.header.height <= others + 1 || hidden.count > 6 else { return }
    hidden = []
    announce(mine.header, [], cluster)
  }

  // MARK: Forgeries

  private func forge(upon machine: PeerMachine, _ cluster: TinyChainCluster) {
    let kind = Forgery.Kind.allCases[random.below(Forgery.Kind.allCases.count)]
    guard let forgery = Forgery(kind, upon: machine, at: cluster.now, by: node, using: &random)
    else { return }
    tell(forgery, cluster)
    guard kind == .stateRoot, random.below(2 as UInt64) == 0 else { return }
    // And one that follows it, when others know what it is, or do not.
    cluster.after(.milliseconds(Int64(random.below(3_000 as UInt64)))) { [self] cluster in
      guard isActive, let child = forgery.child(upon: machine, using: &random) else { return }
      tell(child, cluster)
    }
  }

  /// A node has found out; often it crashes soon after, and had better not forget.
  func caught(by other: Int, _ cluster: TinyChainCluster) {
    guard isActive, cast.isHonest(other), random.below(2 as UInt64) == 0 else { return }
    cluster.crash(
      other,
      atAction: cluster.actions(of: other) + 1 + random.below(6),
      restartAfter: .milliseconds(Int64(100 + random.below(2_000 as UInt64)))
    )
  }

  private func tell(_ forgery: Forgery, _ cluster: TinyChainCluster) {
    forged[forgery.header.id] = forgery
    announce(forgery.header, forgery.transactions, cluster)
  }

  private func announce(
    _ header: Header,
    _ transactions: [[UInt8]],
    _ cluster: TinyChainCluster
  ) {
    announced.append(header.id)
    let ids = transactions.map { SHA256.double($0) }
    let short = ShortBlock(header, salt: random.next(), transactions: ids)
    let number = Self.numbers + UInt64(announced.count - 1)
    for other in 0..<cast.nodes where other != node {
      cluster.inject(.request(.short(short), number: number), from: node, to: other)
    }
  }

  // MARK: What passes through

  private func outgoing(_ message: PeerMessage, _ to: Int) -> [PeerMessage] {
    switch message {
    case .request(.hello(let hello), let number):
      return [.request(.hello(disguised(hello)), number: number)]
    case .answer(.hello(let hello), let number):
      return [.answer(.hello(disguised(hello)), number: number)]
    case .request(.short(let block), _) where hidden.contains(block.header.id):
      return []
    case .answer(.headers(let headers), let number) where !hidden.isEmpty:
      let known = Array(headers.prefix { !hidden.contains($0.id) })
      return [.answer(.headers(known), number: number)]
    case .answer(.bodies(let bodies), let number):
      if suppressed.remove(Answer(node: to, number: number)) != nil { return [] }
      switch lie {
      case .stalling: return []
      case .wrongBodies:
        return [.answer(.bodies(bodies.map { _ in [1, 0, 0, 0, 7] }), number: number)]
      default: return [message]
      }
    default: return [message]
    }
  }

  private func disguised(_ hello: Hello) -> Hello {
    var hello = hello
    if lie == .falseWork {
      hello.work = (UInt256(bigEndian: hello.work) << 20).bigEndianBytes
      hello.tip = SHA256.hash(hello.tip.bytes)
    }
    guard let tree = cluster?.machine(node)?.tree else { return hello }
    var (tip, work) = (hello.tip, UInt256(bigEndian: hello.work))
    while hidden.contains(tip), let entry = tree.entry(of: tip),
      let parent = tree.entry(of: entry.header.parent)
    {
      (tip, work) = (parent.id, parent.work)
    }
    (hello.tip, hello.work) = (tip, work.bigEndianBytes)
    return hello
  }

  private func incoming(_ message: PeerMessage, _ from: Int) -> [(to: Int, PeerMessage)] {
    switch message {
    case .answer(.missing(let indices), let number) where number >= Self.numbers:
      guard Int(number - Self.numbers) < announced.count,
        case let id = announced[Int(number - Self.numbers)], let forgery = forged[id],
        !indices.isEmpty, forgery.kind != .keptBack
      else { return [] }
      let transactions = indices.map { forgery.transactions[$0] }
      return [(from, .request(.complete(id, transactions), number: Self.numbers << 1))]
    case .request(.bodies(let ids), let number) where ids.contains { forged[$0] != nil }:
      suppressed.insert(Answer(node: from, number: number))
      let bodies = ids.map { id in
        guard let forgery = forged[id] else {
          return cluster?.durable(node).records.body(of: id).map(Self.joined)
        }
        return forgery.kind == .keptBack ? nil : Self.joined(forgery.transactions)
      }
      return [(from, .answer(.bodies(bodies), number: number))]
    default: return []
    }
  }

  private static func joined(_ transactions: [[UInt8]]) -> [UInt8] {
    transactions.reduce(into: []) { $0 += UInt32($1.count).littleEndianBytes + $1 }
  }
}

/// A block that breaks a rule.
struct Forgery {
  enum Kind: CaseIterable {
    // In what its transactions come to.
    case stateRoot, receiptRoot, gasUsed
    // In its transactions.
    case twice, unreadable, unsigned
    // In its header.
    case noWork, bits, oldTime, farTime, height, version
    // Nothing wrong, but its body is not given, or another.
    case keptBack, otherBody
  }

  let kind: Kind
  private(set) var header: Header
  private(set) var transactions: [[UInt8]]

  /// Nil if there is nothing in the pool to forge this kind of.
  init?(
    _ kind: Kind,
    upon machine: PeerMachine,
    at now: Instant,
    by node: Int,
    using random: inout SplitMix64
  ) {
    let (chain, time) = (machine.chain, now.milliseconds / 1_000)
    guard let past = machine.tree.lineage(of: chain.tip.id) else { return nil }
    let draft = machine.tree.sequencer.draft(after: past, at: time, for: Cast.producer(node))
    let block = chain.executed(machine.pool.offers(upon: chain), under: draft)
    (self.kind, header, transactions) = (kind, block.header, block.transactions.map(\.bytes))
    header.nonce = random.next() | 1
    switch kind {
    case .stateRoot: header.stateRoot = SHA256.hash(header.stateRoot.bytes)
    case .receiptRoot: header.receiptRoot = SHA256.hash(header.receiptRoot.bytes)
    case .gasUsed: header.gasUsed += 1
    case .twice:
      guard let first = transactions.first else { return nil }
      transactions.append(first)
    case .unreadable: transactions.append([1, 2, 3])
    case .unsigned:
      guard var first = transactions.popLast(), !first.isEmpty else { return nil }
      first[first.count - 10] ^= 1
      transactions.append(first)
    case .noWork: header.nonce = 0
    case .bits: header.bits -= 1
    case .oldTime: header.time = past.medianTime
    case .farTime: header.time = time + 600
    case .height: header.height += 1
    case .version: header.version += 1
    case .keptBack: break
    case .otherBody: transactions.append([9])
    }
    if kind != .otherBody {
      header.transactionRoot = MerkleTree(list: transactions.map { SHA256.double($0).bytes }).root
    }
  }

  /// A block without transactions that follows it by the rules.
  func child(upon machine: PeerMachine, using random: inout SplitMix64) -> Forgery? {
    var tree = machine.tree
    guard (try? tree.add(header, id: header.id, now: header.time)) != nil,
      let past = tree.lineage(of: header.id)
    else { return nil }
    var child = self
    child.header = tree.sequencer.draft(after: past, at: header.time + 1, for: .zero)
    (child.header.height, child.header.parent) = (header.height + 1, header.id)
    child.header.nonce = random.next() | 1
    child.transactions = []
    return child
  }
}
