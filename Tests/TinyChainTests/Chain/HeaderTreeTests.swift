import Kernel
import Testing

@testable import TinyChain

@Suite("The tree of headers")
struct HeaderTreeTests {
  @Test("Most work is best; of two with the same, the one seen first")
  func forkChoice() throws {
    var test = TestTree()
    let first = try test.grow(3)
    let second = try test.grow(3, from: test.tree.genesis.id, nonce: 2)
    #expect(test.tree.best == first[2])
    #expect(test.tree.leaves == [first[2], second[2]])
    let third = try test.grow(1, from: second[2].id)
    #expect(test.tree.best == third[0])
    #expect(test.tree.best(at: 1) == second[0].id)
    #expect(test.tree.best(at: 4) == third[0].id)
    #expect(test.tree.best(at: 5) == nil)
    #expect(test.tree.leaves == [first[2], third[0]])
  }

  @Test("A shorter branch with more work is best")
  func shorterButHeavier() throws {
    var test = TestTree(TestTree.rule(.simulated, .asert(halfLife: 100)))
    test.now += 10_000_000
    let slow = try test.grow(40, seconds: 100_000)
    // Blocks that come fast have a target that falls.
    let fast = try test.grow(39, from: slow[0].id, seconds: 1, nonce: 2)
    #expect(slow[39].header.height == fast[38].header.height)
    #expect(fast[38].work > slow[39].work)
    let crossing = try #require(fast.first { $0.work > slow[39].work })
    #expect(crossing.header.height < slow[39].header.height)
    #expect(test.tree.best == fast[38])
  }

  @Test("The way from one block to another, on one branch and between two")
  func paths() throws {
    var test = TestTree()
    let trunk = try test.grow(5)
    let left = try test.grow(4, from: trunk[4].id, nonce: 2)
    let right = try test.grow(7, from: trunk[4].id, nonce: 3)
    let twig = try test.grow(2, from: left[1].id, nonce: 4)
    func path(_ from: HeaderEntry, _ to: HeaderEntry, limit: Int = 100) -> [[Bytes32]] {
      let (undone, applied) = test.tree.path(from: from, to: to, limit: limit)
      return [undone, applied]
    }
    func ids(_ entries: some Sequence<HeaderEntry>) -> [Bytes32] { entries.map(\.id) }
    #expect(path(left[3], left[3]) == [[], []])
    #expect(path(trunk[0], trunk[4]) == [[], ids(trunk[1...])])
    #expect(path(trunk[4], trunk[0]) == [ids(trunk[1...].reversed()), []])
    #expect(path(test.tree.genesis, right[1]) == [[], ids(trunk + right[...1])])
    #expect(path(left[3], right[6]) == [ids(left.reversed()), ids(right)])
    #expect(path(right[6], left[3]) == [ids(right.reversed()), ids(left)])
    #expect(path(left[3], twig[1]) == [[left[3].id, left[2].id], ids(twig)])
    #expect(path(twig[1], left[3]) == [[twig[1].id, twig[0].id], [left[2].id, left[3].id]])
    #expect(
      path(twig[1], trunk[2]) == [
        ids(
          twig.reversed() + left[...1].reversed()
            + trunk[3...].reversed()
        ), [],
      ]
    )
    #expect(path(trunk[2], twig[1], limit: 3) == [[], ids(trunk[3...] + left[...0])])
    #expect(path(trunk[2], right[6], limit: 1) == [[], [trunk[3].id]])
  }

  @Test("The tip is the heaviest branch that was executed whole; headers alone do not move it")
  func executedTip() throws {
    var test = TestTree()
    let first = try test.grow(3)
    test.markExecuted(Array(first[...1]))
    #expect(test.tree.executed.id == first[1].id)
    let second = try test.grow(5, from: test.tree.genesis.id, nonce: 2)
    #expect(test.tree.best.id == second[4].id)
    #expect(test.tree.executed.id == first[1].id)
    // As much work as the tip has is not enough.
    test.markExecuted(Array(second[...1]))
    #expect(test.tree.executed.id == first[1].id)
    test.markExecuted([second[2]])
    #expect(test.tree.executed.id == second[2].id)
    #expect(test.tree.entry(of: first[0].id)?.status == .executed)
    #expect(test.tree.entry(of: second[3].id)?.status == .known)
  }

  @Test("An invalid block takes all that follow it along, and the best other branch is best again")
  func invalid() throws {
    var test = TestTree()
    let trunk = try test.grow(3)
    let poor = try test.grow(2, from: trunk[2].id, nonce: 2)
    let rich = try test.grow(6, from: trunk[2].id, nonce: 3)
    let twig = try test.grow(1, from: rich[1].id, nonce: 4)
    test.markExecuted(trunk)
    test.markInvalid(rich[1])
    #expect(test.tree.best.id == poor[1].id)
    #expect(Set(test.tree.leaves.map(\.id)) == [poor[1].id, rich[0].id])
    for entry in rich[1...] + twig {
      #expect(test.tree.entry(of: entry.id)?.status == .invalid)
      #expect(test.source.entry(of: entry.id)?.status == .invalid)
    }
    #expect(test.tree.entry(of: rich[0].id)?.status == .known)
    #expect(test.tree.best(at: 4) == poor[0].id)
    #expect(test.tree.best(at: 6) == nil)
    // What is left of the branch can still grow and win.
    let again = try test.grow(2, from: rich[0].id, nonce: 5)
    #expect(test.tree.best.id == again[1].id)
    test.markInvalid(poor[0])
    test.markInvalid(rich[0])
    #expect(test.tree.best.id == trunk[2].id)
  }

  @Test("With nothing else left, the executed tip is best")
  func onlyInvalid() throws {
    var test = TestTree()
    let entries = try test.grow(3)
    test.markInvalid(entries[0])
    #expect(test.tree.best == test.tree.genesis)
    #expect(try test.grow(1, nonce: 2)[0].header.height == 1)
  }

  @Test("A tree as it was stored goes on as the old one would")
  func restart() throws {
    var test = TestTree()
    let trunk = try test.grow(30)
    let branch = try test.grow(25, from: trunk[9].id, seconds: 9, nonce: 2)
    test.markExecuted(trunk)
    var other = test
    let leaves = test.tree.leaves
    other.tree = HeaderTree(
      test.parameters,
      test.rule,
      source: test.source,
      leaves: leaves,
      executed: test.source.entry(of: trunk[29].id)
    )
    #expect(other.tree.best.id == branch[24].id)
    #expect(other.tree.executed.id == trunk[29].id)
    #expect(other.tree.best(at: 20) == branch[9].id)
    #expect(try other.add(branch[3].header) == nil)
    let next = try test.next()
    #expect(try other.add(next) == test.add(next))
    other.markInvalid(branch[2])
    #expect(other.tree.best.id == trunk[29].id)
    #expect(throws: Rejection.invalidBranch) { try other.add(next) }
  }

  // MARK: A bounded window

  @Test("In memory are the last headers alone; rules, paths and best go on over what has left")
  func window() throws {
    var test = TestTree()
    var trunk: [HeaderEntry] = []
    for _ in 0..<10 {
      test.tree.settle()
      trunk += try test.grow(1_000)
      #expect(test.tree.window.count + test.tree.older.count <= HeaderTree.windowMax + 1_000)
    }
    test.tree.settle()
    #expect(test.tree.older.count == HeaderTree.windowMax / 2)
    for height in [1, 2_000, 9_999, 10_000] {
      #expect(test.tree.best(at: UInt32(height)) == trunk[height - 1].id)
    }
    let reads = test.source.reads
    try test.grow(100)
    #expect(test.source.reads == reads)
    // A branch from far below becomes the best, while the tree forgets in between.
    var branch: [HeaderEntry] = []
    var id = trunk[99].id
    while test.tree.best.id != id {
      if branch.count % 2_000 == 0 { test.tree.settle() }
      branch += try test.grow(1, from: id, seconds: 14, nonce: 2)
      id = branch[branch.count - 1].id
    }
    #expect(branch.count > 5_000)
    test.tree.settle()
    #expect(test.tree.best(at: 100) == trunk[99].id)
    #expect(test.tree.best(at: 101) == branch[0].id)
    let path = test.tree.path(from: trunk[9_999], to: test.tree.best, limit: 50)
    #expect(path.undone == trunk[100...].reversed().map(\.id))
    #expect(path.applied == branch[..<50].map(\.id))
    // What is invalid takes along what has left the window and what has not.
    test.markInvalid(branch[10])
    test.tree.settle()
    #expect(test.tree.best.header.height == 10_100)
    #expect(test.tree.best(at: 5_000) == trunk[4_999].id)
    for entry in [branch[11], branch[branch.count - 1]] {
      #expect(test.tree.entry(of: entry.id)?.status == .invalid)
    }
    #expect(test.tree.entry(of: trunk[9_999].id)?.status == .known)
    #expect(throws: Rejection.invalidBranch) {
      try test.add(try test.next(branch[branch.count - 1].id))
    }
  }

  @Test("Of very many branches the lightest are forgotten, never the best")
  func leaves() throws {
    var test = TestTree()
    let trunk = try test.grow(100)
    for height in (0..<99).reversed() { try test.grow(1, from: trunk[height].id, nonce: 2) }
    test.tree.settle()
    #expect(test.tree.leaves.count == HeaderTree.leavesMax)
    #expect(test.tree.best.id == trunk[99].id)
    #expect(test.tree.leaves.contains { $0.id == trunk[99].id })
    #expect(test.tree.leaves.allSatisfy { $0.header.height > 30 })
  }

  // MARK: Any tree

  @Test(
    "Whatever the order of arrival, the same work wins, and the first seen of those that have it",
    arguments: 0..<20
  )
  func arrival(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var miner = TestTree()
    miner.now += 1_000_000_000
    var entries = [miner.tree.genesis]
    for nonce in 1...200 {
      let parent = entries[entries.count - 1 - Int(random.next() % UInt64(min(6, entries.count)))]
      let seconds = 200 + random.next() % 20_000
      entries += try miner.grow(1, from: parent.id, seconds: seconds, nonce: UInt64(nonce))
    }
    let most = try #require(entries.map(\.work).max())
    for _ in 0..<3 {
      var test = TestTree()
      test.now = miner.now
      var (waiting, seen) = (entries.dropFirst().shuffled(using: &random), [Bytes32]())
      while !waiting.isEmpty {
        var later: [HeaderEntry] = []
        for entry in waiting {
          do throws(Rejection) {
            guard let added = try test.tree.add(entry.header, id: entry.id, now: test.now) else {
              continue
            }
            test.source.insert(added)
            test.source.follow(test.tree.best)
            #expect(added == entry)
            seen.append(added.id)
          } catch {
            #expect(error == .wrongParent)
            later.append(entry)
          }
        }
        waiting = later
        if random.next() % 2 == 0 { test.tree.settle() }
      }
      #expect(test.tree.best.work == most)
      let heaviest = Set(entries.filter { $0.work == most }.map(\.id))
      #expect(test.tree.best.id == seen.first { heaviest.contains($0) })
      try checkPaths(test.tree, entries, using: &random)
      // Some become invalid; then most work of the others is best.
      for _ in 0..<5 {
        let entry = entries[Int(random.next() % UInt64(entries.count - 1)) + 1]
        test.markInvalid(entry)
        let valid = entries.filter { test.source.entry(of: $0.id)?.status != .invalid }
        #expect(test.tree.best.work == valid.map(\.work).max())
        for entry in entries {
          #expect(test.tree.entry(of: entry.id)?.status == test.source.entry(of: entry.id)?.status)
        }
        try checkPaths(test.tree, entries, using: &random)
      }
    }
  }

  /// Against the parents, one by one.
  private func checkPaths(
    _ tree: HeaderTree,
    _ entries: [HeaderEntry],
    using random: inout SplitMix64
  ) throws {
    let parents = Dictionary(uniqueKeysWithValues: entries.map { ($0.id, $0.header.parent) })
    func line(_ id: Bytes32) -> [Bytes32] {
      Array(sequence(first: id) { parents[$0].flatMap { parents[$0] == nil ? nil : $0 } })
    }
    let best = line(tree.best.id)
    for height in 0...UInt32(best.count) {
      #expect(tree.best(at: height) == (height < best.count ? best.reversed()[Int(height)] : nil))
    }
    for _ in 0..<20 {
      let from = try #require(entries.randomElement(using: &random))
      let to = try #require(entries.randomElement(using: &random))
      let (down, up) = (line(from.id), line(to.id))
      let (undone, applied) = tree.path(from: from, to: to, limit: 1_000)
      #expect(undone == down.filter { !up.contains($0) })
      #expect(applied == up.filter { !down.contains($0) }.reversed())
    }
  }
}
