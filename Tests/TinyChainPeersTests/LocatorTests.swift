import Kernel
import Testing
import TinyChain

@testable import TinyChainPeers

/// Nothing is stored: what these trees hold is in their window.
private struct Nothing: HeaderSource {
  func entry(of id: Bytes32) -> HeaderEntry? { nil }
  func best(at height: UInt32) -> Bytes32? { nil }
}

@Suite("Locators")
struct LocatorTests {
  private var tree: HeaderTree
  private let now: UInt64

  init() {
    var parameters = NetworkParameters.dev
    let asert = WorkRule.Retarget.asert(halfLife: 3_600)
    let rule = WorkRule(.simulated, asert, interval: 15, limit: .max >> 4)
    parameters.work = rule
    now = parameters.genesisTime + 1_000_000
    tree = HeaderTree(parameters, rule, source: Nothing())
  }

  /// So many headers upon one of a tree's, by default its best.
  private func grow(
    _ tree: inout HeaderTree,
    _ count: Int,
    from id: Bytes32? = nil,
    nonce: UInt64
  ) throws -> [HeaderEntry] {
    var (entries, id) = ([HeaderEntry](), id ?? tree.best.id)
    for _ in 0..<count {
      let past = try #require(tree.lineage(of: id))
      let time = past.tip.header.time + 15
      var header = tree.sequencer.draft(after: past, at: time, for: .zero)
      (header.parent, header.height) = (id, past.tip.header.height + 1)
      header.nonce = nonce
      entries.append(try #require(try tree.add(header, id: header.id, now: now)))
      id = header.id
    }
    return entries
  }

  @Test("A locator finds where two trees part, in as many ids as the height has digits, or so")
  func meeting() throws {
    var (ours, theirs) = (tree, tree)
    let trunk = try grow(&ours, 1_000, nonce: 1)
    for entry in trunk { _ = try theirs.add(entry.header, id: entry.id, now: now) }
    _ = try grow(&ours, 3, nonce: 2)
    let other = try grow(&theirs, 5, nonce: 3)
    #expect(ours.locator.count < 25)
    #expect(ours.locator.first == ours.best.id)
    #expect(ours.locator.last == ours.genesis.id)
    #expect(tree.locator == [tree.genesis.id])
    for entry in trunk + other { theirs.markExecuted(entry.id) }
    #expect(theirs.headers(after: ours.locator, limit: 2_000) == other.map(\.header))
    #expect(theirs.headers(after: ours.locator, limit: 2) == other.prefix(2).map(\.header))
    #expect(theirs.headers(after: [], limit: 3) == trunk.prefix(3).map(\.header))
    #expect(theirs.headers(after: [.zero], limit: 1) == [trunk[0].header])
    #expect(theirs.headers(after: [other[4].id], limit: 9).isEmpty)
  }

  @Test("Only what was executed is told, be it not on the branch of most work")
  func executedOnly() throws {
    var tree = tree
    let trunk = try grow(&tree, 3, nonce: 1)
    #expect(tree.headers(after: [], limit: 10).isEmpty)
    for entry in trunk.prefix(2) { tree.markExecuted(entry.id) }
    let heavier = try grow(&tree, 5, from: trunk[0].id, nonce: 2)
    #expect(tree.best == heavier[4])
    #expect(tree.headers(after: [], limit: 10) == trunk.prefix(2).map(\.header))
    // A header of the other branch is none of the chain's.
    #expect(tree.headers(after: [heavier[0].id, trunk[0].id], limit: 10) == [trunk[1].header])
  }
}
