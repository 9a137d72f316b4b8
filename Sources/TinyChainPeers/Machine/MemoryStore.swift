public import Kernel
import Synchronization
public import TinyChain

/// What a node has stored, as a value: what simulated disks hold, and what tests look at.
public struct NodeRecords: Sendable {
  public private(set) var entries: [Bytes32: HeaderEntry] = [:]
  /// In the order they came.
  private var order: [Bytes32] = []
  /// The branch of most work, by height from 1.
  private var line: [Bytes32] = []
  private var bodies: [Bytes32: [[UInt8]]] = [:]
  private var changes: [Bytes32: [StateChange]] = [:]
  public private(set) var addresses: [SocketAddress] = []
  public private(set) var bans: [Ban] = []
  /// Transactions that wait for a block, by the order they came.
  public private(set) var pool: [SignedTransaction] = []
  /// At the tip that was executed.
  public private(set) var chain: Chain

  /// A disk that has the genesis block alone.
  public init(_ chain: Chain) { self.chain = chain }

  public func body(of id: Bytes32) -> [[UInt8]]? { bodies[id] }
  public func changes(of id: Bytes32) -> [StateChange]? { changes[id] }

  public func best(at height: UInt32) -> Bytes32? {
    height >= 1 && Int(height) <= line.count ? line[Int(height) - 1] : nil
  }

  /// Ends of branches with more work than the chain's, first seen first.
  public var leaves: [HeaderEntry] {
    let parents = Set(entries.values.map(\.header.parent))
    let work = entries[chain.tip.id]?.work ?? .zero
    return order.compactMap { entries[$0] }
      .filter { $0.work > work && $0.status != .invalid && !parents.contains($0.id) }
  }

  public mutating func apply(_ change: NodeChange) {
    for operation in change.operations {
      switch operation {
      case .headers(let new):
        for entry in new where entries[entry.id] == nil {
          entries[entry.id] = entry
          order.append(entry.id)
        }
      case .best(let id): follow(id)
      case .body(let id, let transactions): bodies[id] = transactions
      case .moved(let undone, let applied): move(undone, applied)
      case .invalid(let id):
        entries[id]?.status = .invalid
        // Children come after their parents.
        for id in order where entries[entries[id]?.header.parent ?? .zero]?.status == .invalid {
          entries[id]?.status = .invalid
        }
      case .pooled(let new):
        let ids = Set(new.map(\.id))
        pool = pool.filter { !ids.contains($0.id) } + new
      case .unpooled(let ids):
        let ids = Set(ids)
        pool.removeAll { ids.contains($0.id) }
      case .banned(let ban, let now):
        bans.removeAll { $0.subject == ban.subject || $0.until <= now }
        bans.append(ban)
      case .addresses(let new): addresses = new
      }
    }
  }

  private mutating func follow(_ id: Bytes32) {
    var (branch, next) = ([Bytes32](), id)
    while let entry = entries[next], best(at: entry.header.height) != next {
      branch.append(next)
      next = entry.header.parent
    }
    let fork = Int(entries[next]?.header.height ?? 0)
    line.replaceSubrange(fork..., with: branch.reversed())
  }

  private mutating func move(_ undone: [Bytes32], _ applied: [ExecutedBlock]) {
    for id in undone {
      guard let parent = entries[id]?.header.parent, let changes = changes.removeValue(forKey: id)
      else { preconditionFailure("undone twice") }
      let header = entries[parent]?.header ?? chain.parameters.genesis.header
      chain.undo(changes, to: header, id: parent)
    }
    for block in applied {
      chain.append(block)
      changes[block.id] = block.changes
      bodies[block.id] = block.transactions.map(\.bytes)
      entries[block.id]?.status = .executed
    }
  }
}

/// Records that a machine reads while it changes them.
public final class MemoryStore: NodeStore {
  private let content: Mutex<NodeRecords>

  public init(_ records: NodeRecords) { content = Mutex(records) }

  public var records: NodeRecords { content.withLock { $0 } }

  public func entry(of id: Bytes32) -> HeaderEntry? { content.withLock { $0.entries[id] } }
  public func best(at height: UInt32) -> Bytes32? { content.withLock { $0.best(at: height) } }
  public func body(of id: Bytes32) -> [[UInt8]]? { content.withLock { $0.body(of: id) } }
  public func hasBody(_ id: Bytes32) -> Bool { body(of: id) != nil }
  public func changes(of id: Bytes32) -> [StateChange]? {
    content.withLock { $0.changes(of: id) }
  }
  public func note(_ change: NodeChange) { content.withLock { $0.apply(change) } }
}
