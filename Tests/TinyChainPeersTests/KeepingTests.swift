import Kernel
import Testing
import TinyChain

@testable import TinyChainPeers

@Suite("What outlives a crash beside the chain")
struct KeepingTests {
  private func pooled(_ outcome: TestNode.Outcome) -> [Bytes32] {
    outcome.operations.flatMap { operation -> [Bytes32] in
      if case .pooled(let new) = operation { new.map(\.id) } else { [] }
    }
  }

  @Test("A transaction that was submitted is stored with the answer, and waits after a restart")
  func submitted() {
    var node = TestNode()
    let payment = TestChain.payment(0)
    let outcome = node.submit(.submit(payment))
    #expect(pooled(outcome) == [payment.id])
    var again = node.restarted()
    #expect(again.machine.pool.pending(of: payment.sender).map(\.id) == [payment.id])
    again.connect(1, TestChain().hello)
    #expect(again.ask(.list, by: 1).answers == [.ids([payment.id])])
    #expect(again.ask(.fetch([payment.id]), by: 1).answers == [.transactions([payment.bytes])])
  }

  @Test("One that was refused is not stored")
  func refused() {
    var node = TestNode()
    let outcome = node.submit(.submit(TestChain.payment(64)))
    #expect(outcome.replies.count == 1)
    #expect(outcome.changes.isEmpty)
  }

  @Test("Transactions of peers are stored together, within a second")
  func relayed() {
    var node = TestNode()
    node.connect(1, TestChain().hello)
    let payments = (0..<3 as Range<UInt64>).map { TestChain.payment($0) }
    for payment in payments { _ = node.ask(.push([payment.bytes]), by: 1) }
    #expect(node.store.records.pool.isEmpty)
    _ = node.wait(1)
    #expect(node.store.records.pool.map(\.id) == payments.map(\.id))
    #expect(node.restarted().machine.pool.count == 3)
  }

  @Test("What has a block is stored as waiting no longer; what a fork undoes is, again")
  func mined() {
    let payment = TestChain.payment(0)
    var (first, second) = (TestChain(), TestChain(nonce: 1_000))
    first.mine([payment])
    for _ in 0..<2 { second.mine() }
    var node = TestNode()
    _ = node.submit(.submit(payment))
    node.follow(first)
    #expect(node.store.records.pool.isEmpty)
    node.feed(.disconnected(PeerID(1)))
    node.follow(second, from: 2)
    #expect(node.tip == second.chain.tip.id)
    #expect(node.store.records.pool.map(\.id) == [payment.id])
    #expect(node.restarted().machine.pool.count == 1)
  }

  @Test("What can be in no block any more, or never could, is forgotten after a restart")
  func revalidated() {
    var records = NodeRecords(TestChain.first)
    let (good, early) = (TestChain.payment(0), TestChain.payment(64))
    records.apply(NodeChange([.pooled([good, early])]))
    let node = TestNode(records)
    #expect(node.machine.pool.pending(of: good.sender).map(\.id) == [good.id])
    #expect(node.store.records.pool.map(\.id) == [good.id])
  }

  @Test("A payment that took another's place is the one that waits after a restart")
  func replaced() {
    var node = TestNode()
    let (cheap, dear) = (TestChain.payment(0), TestChain.payment(0, price: 200, tip: 2))
    _ = node.submit(.submit(cheap))
    _ = node.submit(.submit(dear))
    #expect(node.restarted().machine.pool.pending(of: cheap.sender).map(\.id) == [dear.id])
  }

  @Test("However often a payment is replaced, the store has no more than twice the pool")
  func bounded() {
    var node = TestNode()
    var price: UInt64 = 100
    for _ in 0..<150 {
      let outcome = node.submit(.submit(TestChain.payment(0, price: price, tip: price)))
      guard case .submitted = outcome.replies.first else { break }
      price = price * 9 / 8
      #expect(node.store.records.pool.count <= 2 * node.machine.pool.count + 64)
    }
    #expect(node.machine.pool.count == 1)
    #expect(price > 1_000_000)
  }

  @Test("A host that was banned is so after a restart, and for no longer than that")
  func banned() {
    var node = TestNode()
    node.connect(1, TestChain().hello)
    let outcome = node.answer(.done, 1, to: .peers)
    #expect(outcome.bans == 1)
    var again = node.restarted(after: PeerMachine.banTime - .seconds(1))
    #expect(again.connect(1).ended.map(\.reason) == ["banned"])
    #expect(again.connect(2).ended.isEmpty)
    var later = node.restarted(after: PeerMachine.banTime)
    #expect(later.connect(1).ended.isEmpty)
  }

  @Test("On loopback it is the node that is banned, and not its neighbours")
  func bannedNode() {
    var (hello, other) = (TestChain().hello, TestChain().hello)
    (hello.nonce, other.nonce) = (77, 78)
    var node = TestNode()
    node.connect(1, hello, from: .loopbackV4)
    #expect(node.answer(.done, 1, to: .peers).bans == 1)
    var again = node.restarted()
    let refused = again.connect(1, hello, from: .loopbackV4)
    #expect(refused.ended.map(\.reason) == ["banned"])
    #expect(again.connect(2, other, from: .loopbackV4).ended.isEmpty)
  }

  @Test("Bans have an end in number; those that are over make room in the store too")
  func bansMax() {
    let now = TestChain.now
    var list = BanList([], countMax: 3)
    var records = NodeRecords(TestChain.first)
    for number in 0..<5 as Range<UInt32> {
      let until = now + .seconds(10 * Int64(number + 1))
      let ban = Ban(Ban.Subject(IPAddress(v4: number)), until: until)
      let isKept = list.insert(ban, now: now)
      #expect(isKept == (number < 3))
      if isKept { records.apply(NodeChange([.banned(ban, now: now)])) }
    }
    let late = now + .seconds(20)
    let ban = Ban(Ban.Subject(IPAddress(v4: 9)), until: late + .seconds(1))
    let isKept = list.insert(ban, now: late)
    #expect(isKept)
    records.apply(NodeChange([.banned(ban, now: late)]))
    #expect(records.bans.map(\.subject.host) == [IPAddress(v4: 2), IPAddress(v4: 9)])
  }
}
