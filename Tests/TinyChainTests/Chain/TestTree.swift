import Kernel
import Synchronization
import Testing

@testable import TinyChain

/// What a store does for a tree of headers, by dictionaries.
final class MemoryHeaders: HeaderSource {
  private struct Content {
    var entries: [Bytes32: HeaderEntry] = [:]
    var ids: [Bytes32] = []
    var line: [Bytes32] = []
    var reads = 0
  }

  private let content = Mutex(Content())

  func entry(of id: Bytes32) -> HeaderEntry? {
    content.withLock {
      $0.reads += 1
      return $0.entries[id]
    }
  }

  func best(at height: UInt32) -> Bytes32? {
    content.withLock { height < $0.line.count ? $0.line[Int(height)] : nil }
  }

  var reads: Int { content.withLock { $0.reads } }

  func insert(_ entry: HeaderEntry) {
    content.withLock {
      $0.entries[entry.id] = entry
      $0.ids.append(entry.id)
    }
  }

  func mark(_ id: Bytes32, _ status: HeaderEntry.Status) {
    content.withLock { content in
      content.entries[id]?.status = status
      guard status == .invalid else { return }
      for other in content.ids {
        guard let parent = content.entries[other]?.header.parent else { continue }
        if content.entries[parent]?.status == .invalid { content.entries[other]?.status = .invalid }
      }
    }
  }

  /// Makes a block and all before it the line that heights are of.
  func follow(_ best: HeaderEntry) {
    content.withLock { content in
      var (entry, ids) = (best, [Bytes32]())
      while !(entry.header.height < content.line.count
        && content.line[Int(entry.header.height)] == entry.id)
      {
        ids.append(entry.id)
        guard let parent = content.entries[entry.header.parent] else { break }
        entry = parent
      }
      let kept = content.line.prefix(Int(best.header.height) + 1 - ids.count)
      content.line = kept + ids.reversed()
    }
  }
}

/// A tree of headers with its store, on a network whose work is simulated.
struct TestTree {
  let parameters: NetworkParameters
  let rule: WorkRule
  let source = MemoryHeaders()
  var tree: HeaderTree
  var now: UInt64

  /// Some networks of the tests are mined for real, at 16 hashes a block.
  static func rule(
    _ hash: WorkRule.Hash = .simulated,
    _ retarget: WorkRule.Retarget = .asert(halfLife: 3_600)
  ) -> WorkRule {
    WorkRule(hash, retarget, interval: 15, limit: .max >> 4)
  }

  init(_ rule: WorkRule = TestTree.rule()) {
    var parameters = NetworkParameters.dev
    parameters.work = rule
    (self.parameters, self.rule) = (parameters, rule)
    tree = HeaderTree(parameters, rule, source: source)
    now = parameters.genesisTime + 1_000_000
    source.insert(tree.genesis)
    source.follow(tree.genesis)
  }

  /// The next header after one of them, so many seconds later; two with other nonces are others.
  func next(
    _ id: Bytes32? = nil,
    seconds: UInt64 = 15,
    nonce: UInt64 = 1,
    _ change: (inout Header) -> Void = { _ in }
  ) throws -> Header {
    let past = try #require(tree.lineage(of: id ?? tree.best.id))
    let time = past.tip.header.time + seconds
    var header = tree.sequencer.draft(after: past, at: time, for: Person.miner.address)
    (header.time, header.nonce) = (time, nonce)
    (header.parent, header.height) = (past.tip.id, past.tip.header.height + 1)
    change(&header)
    return header
  }

  /// Adds a header and tells the store.
  @discardableResult
  mutating func add(_ header: Header) throws -> HeaderEntry? {
    guard let entry = try tree.add(header, id: header.id, now: now) else { return nil }
    source.insert(entry)
    source.follow(tree.best)
    return entry
  }

  /// A branch of so many headers upon one of them.
  @discardableResult
  mutating func grow(
    _ count: Int,
    from id: Bytes32? = nil,
    seconds: UInt64 = 15,
    nonce: UInt64 = 1
  ) throws -> [HeaderEntry] {
    var (entries, id) = ([HeaderEntry](), id ?? tree.best.id)
    for _ in 0..<count {
      let header = try next(id, seconds: seconds, nonce: nonce)
      id = header.id
      entries += [try #require(try add(header))]
    }
    return entries
  }

  mutating func markExecuted(_ entries: [HeaderEntry]) {
    for entry in entries {
      tree.markExecuted(entry.id)
      source.mark(entry.id, .executed)
    }
  }

  mutating func markInvalid(_ entry: HeaderEntry) {
    tree.markInvalid(entry.id)
    source.mark(entry.id, .invalid)
    source.follow(tree.best)
  }
}
