import Kernel
import Testing
import TinyChain

@testable import TinyChainPeers

@Suite("Headers first, then bodies")
struct SyncTests {
  @Test("A node that was off for 10,000 blocks catches up")
  func catchesUp() {
    var chain = TestChain()
    for _ in 0..<10_000 { chain.mine() }
    var node = TestNode()
    node.follow(chain)
    #expect(node.tip == chain.chain.tip.id)
    #expect(node.machine.chain.state.tree.root == chain.tip.stateRoot)
    #expect(node.machine.tableSizes.allSatisfy { $0.count <= $0.limit })
    #expect(node.restarted().tip == node.tip)
  }

  // MARK: Work

  @Test("A branch with less work than the chain is not stored, and nobody is blamed")
  func lowWork() {
    var (long, short) = (TestChain(), TestChain(nonce: 1_000))
    for _ in 0..<20 { long.mine() }
    let branch = short.mineHeaders(10, after: 15)
    var node = TestNode()
    node.follow(long)
    var hello = long.hello
    (hello.work, hello.nonce) = (long.tree.best.work.bigEndianBytes, 1)
    hello.tip = branch[9].id
    node.connect(2, hello)
    #expect(node.machine.peers[PeerID(2)] != nil)
    let outcome = node.feed(
      .received(.request(.headers(after: [.zero]), number: 1), from: PeerID(2))
    )
    #expect(outcome.changes.isEmpty)
    // A peer that says no more than it has may show it.
    var honest = hello
    honest.work = short.tree.best.work.bigEndianBytes
    honest.nonce = 9
    let shown = node.connect(3, honest)
    #expect(shown.changes.isEmpty)
    #expect(node.machine.tree.entry(of: branch[9].id) == nil)
  }

  /// Three messages: two of little work, one that has more than the chain.
  private static let slowBranch: [Header] = {
    var chain = TestChain(nonce: 50_000)
    // So late that a block has a 256th of the work, then so early that it has more than ever.
    return chain.mineHeaders(640, after: 60) + chain.mineHeaders(1_360, after: 15)
      + chain.mineHeaders(2_500, after: 1)
  }()
  private static let ours: TestChain = {
    var chain = TestChain()
    for _ in 0..<500 { chain.mine() }
    return chain
  }()

  private func caughtUp(with claim: UInt256 = .zero) -> TestNode {
    var node = TestNode()
    node.follow(Self.ours)
    var hello = Self.ours.hello
    let entry = Self.branchWork
    hello.work = max(entry, claim).bigEndianBytes
    hello.tip = Self.slowBranch[4_499].id
    node.connect(2, hello)
    return node
  }

  private static let branchWork = slowBranch.reduce(UInt256.zero) {
    $0 + .work(ofTarget: UInt256(compact: $1.bits) ?? .max)
  }

  @Test(
    "Of a long branch the work is counted first, and only then it is asked for again and stored"
  )
  func countsFirst() {
    var node = caughtUp()
    let branch = Self.slowBranch
    #expect(Self.branchWork > Self.ours.tree.best.work)
    var stored = 0
    for _ in 0..<2 {
      for (start, end) in [(0, 2_000), (2_000, 4_000), (4_000, 4_500)] {
        let outcome = node.answer(.headers(Array(branch[start..<end])), 2, to: .headers)
        #expect(outcome.misbehaviours.isEmpty)
        stored += outcome.storedHeaders
        if stored == 0 { #expect(node.machine.tree.best.id == Self.ours.chain.tip.id) }
      }
    }
    #expect(stored == 4_500)
    #expect(node.machine.tree.best.id == branch[4_499].id)
    #expect(node.tip == Self.ours.chain.tip.id)
  }

  @Test("Who shows other headers the second time is blamed, and nothing of them is stored")
  func otherHeaders() {
    var node = caughtUp()
    let branch = Self.slowBranch
    for (start, end) in [(0, 2_000), (2_000, 4_000), (4_000, 4_500)] {
      node.answer(.headers(Array(branch[start..<end])), 2, to: .headers)
    }
    let outcome = node.answer(.headers(Array(branch[..<1_999])), 2, to: .headers)
    #expect(outcome.misbehaviours == [.unconnected])
    #expect(outcome.storedHeaders == 0)
  }

  @Test("Who has less work than it said is banned")
  func falseWork() {
    var node = caughtUp(with: UInt256.max >> 8)
    let outcome = node.answer(.headers([]), 2, to: .headers)
    #expect(outcome.misbehaviours == [.falseWork])
    #expect(outcome.bans == 1)
    #expect(node.machine.peers[PeerID(1)] != nil)
  }

  @Test("Work that is not there is found while it is counted")
  func noWorkInBranch() {
    var node = caughtUp()
    var branch = Array(Self.slowBranch[..<4_000])
    node.answer(.headers(Array(branch[..<2_000])), 2, to: .headers)
    branch[3_999].nonce = 0
    let outcome = node.answer(.headers(Array(branch[2_000...])), 2, to: .headers)
    #expect(outcome.misbehaviours == [.invalidHeader])
  }

  @Test("A third branch that undoes what was applied just now has its turn at once")
  func thirdBranch() {
    var (left, right) = (TestChain(), TestChain(nonce: 1_000))
    for _ in 0..<3 { left.mine() }
    for _ in 0..<4 { right.mine() }
    var node = TestNode()
    node.follow(left)
    for _ in 0..<2 { left.mine() }
    node.feed(.disconnected(PeerID(1)))
    node.connect(2, right.hello)
    node.answer(.headers(right.headers), 2, to: .headers)
    node.connect(3, left.hello)
    node.answer(.headers(Array(left.headers.suffix(2))), 3, to: .headers)
    node.serve(right, 2)
    #expect(node.tip == right.chain.tip.id)
    node.serve(left, 3)
    #expect(node.tip == left.chain.tip.id)
  }

  @Test("A header that breaks a rule bans its sender", arguments: [0, 1, 2, 3, 4])
  func invalidHeader(_ kind: Int) {
    var chain = TestChain()
    let block = chain.mine { header in
      switch kind {
      case 0: header.nonce = 0
      case 1: header.bits -= 1
      case 2: header.version = 2
      case 3: header.height = 7
      default: header.time = TestChain.network.genesisTime
      }
    }
    var node = TestNode()
    var hello = chain.hello
    hello.work = UInt256(1 << 40).bigEndianBytes
    node.connect(1, hello)
    let outcome = node.answer(.headers([block.header]), 1, to: .headers)
    #expect(outcome.misbehaviours == [.invalidHeader])
    #expect(outcome.bans == 1)
    #expect(outcome.storesNothing)
  }

  @Test("A header from too far ahead is not stored, and nobody is blamed; later it is")
  func fromTheFuture() {
    var chain = TestChain()
    let ahead = TestNode().now.milliseconds / 1_000 - TestChain.network.genesisTime + 65
    chain.mine(after: ahead)
    var node = TestNode()
    node.connect(1, chain.hello)
    let early = node.answer(.headers(chain.headers), 1, to: .headers)
    #expect(early.changes.isEmpty)
    #expect(early.misbehaviours.isEmpty)
    node.serve(chain, 1)
    for _ in 0..<40 {
      _ = node.wait(1)
      node.serve(chain, 1)
    }
    #expect(node.tip == chain.chain.tip.id)
  }

  @Test("Headers that do not follow each other, or nothing that is known, are blamed")
  func unconnected() {
    var chain = TestChain()
    for _ in 0..<5 { chain.mine() }
    let headers = chain.headers
    for shown in [[headers[0], headers[2]], [headers[3]]] {
      var node = TestNode()
      node.connect(1, chain.hello)
      let outcome = node.answer(.headers(shown), 1, to: .headers)
      #expect(outcome.misbehaviours == [.unconnected])
      #expect(outcome.changes.isEmpty)
    }
  }

  // MARK: Bodies

  private func asked(_ node: TestNode, _ number: UInt64) -> [Bytes32] {
    node.asked(number, .bodies).flatMap { request -> [Bytes32] in
      if case .bodies(let ids) = request { ids } else { [] }
    }
  }

  @Test("Bodies are asked for of several peers at once, each of one")
  func severalPeers() {
    var chain = TestChain()
    for _ in 0..<40 { chain.mine() }
    var node = TestNode()
    node.connect(1, chain.hello)
    node.connect(2, chain.hello)
    node.answer(.headers(chain.headers), 1, to: .headers)
    #expect(asked(node, 1) == chain.headers[..<16].map(\.id))
    #expect(asked(node, 2) == chain.headers[16..<32].map(\.id))
  }

  @Test("A peer that stalls loses its requests to others, and in the end its place")
  func stalling() {
    var chain = TestChain()
    for _ in 0..<40 { chain.mine() }
    var node = TestNode()
    node.connect(1, chain.hello)
    node.connect(2, chain.hello)
    node.answer(.headers(chain.headers), 1, to: .headers)
    let stalled = asked(node, 1)
    var ended: [String] = []
    for _ in 0..<100 {
      ended += node.wait(1).ended.map(\.reason)
      node.serve(chain, 2)
    }
    #expect(!stalled.isEmpty)
    #expect(node.tip == chain.chain.tip.id)
    #expect(ended == ["does not answer"])
    #expect(node.machine.peers[PeerID(1)] == nil)
    #expect(node.machine.peers[PeerID(2)] != nil)
  }

  @Test("A body that is not its header's bans its sender alone; another gives the right one")
  func wrongBody() {
    var chain = TestChain()
    chain.mine()
    var node = TestNode()
    node.connect(1, chain.hello)
    node.connect(2, chain.hello)
    node.answer(.headers(chain.headers), 1, to: .headers)
    let outcome = node.answer(.bodies([[1, 0, 0, 0, 9]]), 1, to: .bodies)
    #expect(outcome.misbehaviours == [.wrongBody])
    #expect(outcome.bans == 1)
    #expect(asked(node, 2) == chain.headers.map(\.id))
    node.serve(chain, 2)
    #expect(node.tip == chain.chain.tip.id)
  }

  @Test(
    "A block that fails is invalid for good, with all that follows; its sender is banned",
    arguments: [0, 1, 2, 3]
  )
  func invalidBlock(_ kind: Int) throws {
    var chain = TestChain()
    chain.mine()
    let transactions: [[UInt8]] = kind == 3 ? [[1, 2, 3]] : []
    let bad = chain.mine { header in
      switch kind {
      case 0: header.stateRoot = .zero
      case 1: header.receiptRoot = SHA256.hash([])
      case 2: header.gasUsed = 1
      default: header.transactionRoot = MerkleTree(list: [SHA256.double([1, 2, 3]).bytes]).root
      }
    }.header
    var node = TestNode()
    node.follow(chain)
    let good = node.tip
    var hello = chain.hello
    hello.tip = bad.id
    node.connect(2, hello)
    let ids = transactions.map { SHA256.double($0) }
    var outcome = node.ask(.short(ShortBlock(bad, salt: 1, transactions: ids)), by: 2)
    if kind == 3 { outcome = node.ask(.complete(bad.id, transactions), by: 2) }
    #expect(outcome.misbehaviours == [.invalidBlock])
    #expect(node.machine.peers[PeerID(2)] == nil)
    #expect(node.tip == good)
    #expect(node.machine.tree.entry(of: bad.id)?.status == .invalid)
    #expect(node.store.records.entries[bad.id]?.status == .invalid)

    // What follows it is refused, also after a restart.
    var child = Header(time: bad.time + 15, bits: bad.bits)
    (child.height, child.parent, child.nonce) = (bad.height + 1, bad.id, 5)
    for var it in [node, node.restarted()] {
      it.connect(3, chain.hello)
      let outcome = it.ask(.short(ShortBlock(child, salt: 1, transactions: [])), by: 3)
      #expect(outcome.changes.isEmpty)
      #expect(it.asked(3, .bodies).isEmpty)
      #expect(it.tip == good)
    }
  }

  @Test("A heavier branch whose bodies nobody gives does not hold up a lighter one")
  func keptBack() {
    var (chain, other) = (TestChain(), TestChain(nonce: 900))
    for _ in 0..<3 { chain.mine() }
    let withheld = other.mineHeaders(10, after: 15)
    var node = TestNode()
    var hello = other.hello
    hello.tip = withheld[9].id
    node.connect(1, hello)
    node.answer(.headers(withheld), 1, to: .headers)
    #expect(node.machine.tree.best.id == withheld[9].id)
    node.answer(.bodies(withheld.map { _ in nil }), 1, to: .bodies)
    // The other peer's tip is lighter than the best header, and more than was executed.
    node.connect(2, chain.hello)
    for _ in 0..<25 {
      node.serve(chain, 2)
      _ = node.wait(1)
    }
    #expect(node.tip == chain.chain.tip.id)
    #expect(node.machine.tree.best.id == withheld[9].id)
  }

  @Test("Only what was executed is shown to others")
  func servesExecuted() {
    var chain = TestChain()
    for _ in 0..<5 { chain.mine() }
    var node = TestNode()
    node.connect(1, chain.hello)
    node.answer(.headers(chain.headers), 1, to: .headers)
    node.connect(2, TestChain().hello)
    #expect(node.ask(.headers(after: [.zero]), by: 2).answers == [.headers([])])
    node.serve(chain, 1)
    #expect(node.ask(.headers(after: [.zero]), by: 2).answers == [.headers(chain.headers)])
    #expect(
      node.ask(.bodies([chain.headers[0].id, .zero]), by: 2).answers == [.bodies([[], nil])]
    )
  }

  @Test("After a crash with bodies stored and not executed the node goes on by itself")
  func resumes() {
    var chain = TestChain()
    for _ in 0..<3 { chain.mine() }
    var records = NodeRecords(TestChain.first)
    let entries = chain.headers.compactMap { chain.tree.entry(of: $0.id) }.map {
      HeaderEntry($0.header, id: $0.id, work: $0.work, anchorTime: $0.anchorTime)
    }
    records.apply(NodeChange([.headers(entries), .best(entries[2].id)]))
    records.apply(NodeChange(entries.map { .body($0.id, []) }))
    var node = TestNode(records)
    #expect(node.tip == chain.chain.tip.id)
    _ = node.wait(1)
  }
}
