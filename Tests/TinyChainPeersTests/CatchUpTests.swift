import Kernel
import Testing
import TinyChain

@testable import TinyChainPeers

@Suite("When a node mines")
struct CatchUpTests {
  private func draft(_ node: inout TestNode) -> PeerMachine.Reply? {
    node.submit(.draft(producer: .zero)).replies.first
  }

  private func mines(_ node: inout TestNode) -> Bool {
    if case .draft = draft(&node) { true } else { false }
  }

  private let neighbour = SocketAddress(IPAddress(v4: 0x0909_0909), port: 5_100)

  private func claim(of work: UInt64, _ chain: TestChain = TestChain()) -> Hello {
    var hello = chain.hello
    hello.work = UInt256(work).bigEndianBytes
    return hello
  }

  @Test("One that knows nobody mines at once")
  func alone() {
    var node = TestNode()
    let outcome = node.submit(.draft(producer: .zero))
    guard case .draft = outcome.replies.first else {
      Issue.record("no draft")
      return
    }
    #expect(outcome.events.contains { if case .caughtUp = $0 { true } else { false } })
  }

  @Test("One that knows of others waits for them, but not for long")
  func unanswered() {
    var node = TestNode()
    _ = node.submit(.addPeers([neighbour], keep: true))
    #expect(!mines(&node))
    _ = node.wait(9)
    #expect(!mines(&node))
    _ = node.wait(1)
    #expect(mines(&node))
  }

  @Test("One whose peers have no more than it mines as soon as they say so")
  func equal() {
    var node = TestNode()
    node.connect(1)
    #expect(!mines(&node))
    node.answer(.hello(TestChain().hello), 1)
    #expect(mines(&node))
  }

  @Test("One that syncs mines when it has executed the last block, and upon that")
  func syncs() {
    var chain = TestChain()
    for _ in 0..<40 { chain.mine() }
    var node = TestNode()
    node.connect(1, chain.hello)
    guard case .catchingUp(0) = draft(&node) else {
      Issue.record("it mines upon the genesis block")
      return
    }
    node.answer(.headers(chain.headers), 1, to: .headers)
    guard case .catchingUp(40) = draft(&node) else {
      Issue.record("it mines without the bodies")
      return
    }
    node.serve(chain, 1)
    guard case .draft(let block) = draft(&node) else {
      Issue.record("it does not mine at the end")
      return
    }
    #expect(block.header.parent == chain.tip.id || block.header.height == 41)
  }

  @Test("Who claims more and shows nothing is sent away, and stops nobody")
  func emptyClaim() {
    var node = TestNode()
    node.connect(1, claim(of: 1 << 40))
    #expect(!mines(&node))
    #expect(node.answer(.headers([]), 1, to: .headers).misbehaviours == [.falseWork])
    #expect(mines(&node))
  }

  @Test("However many claim more and never answer, after two minutes the node mines")
  func liars() {
    var node = TestNode()
    for number in 1...12 as ClosedRange<UInt64> {
      node.connect(number, claim(of: 1 << 40))
      #expect(!mines(&node))
      _ = node.wait(10)
    }
    #expect(mines(&node))
    node.connect(20, claim(of: 1 << 50))
    #expect(mines(&node))
  }

  @Test("Who cannot be called back, and so never has to show what it claims, stops nobody")
  func uncallable() {
    var node = TestNode()
    let link = PeerLink(address: SocketAddress(IPAddress(v4: 5), port: 0), isOutbound: false)
    node.feed(.connected(PeerID(1), link))
    var hello = claim(of: 1 << 40)
    hello.port = 0
    _ = node.ask(.hello(hello), by: 1)
    let isMining = mines(&node)
    #expect(isMining)
  }

  @Test("One that was cut off when it had all there was mines at once")
  func cutOff() {
    var node = TestNode()
    _ = node.submit(.addPeers([neighbour], keep: true))
    node.connect(1, TestChain().hello)
    node.feed(.disconnected(PeerID(1)))
    #expect(mines(&node))
  }

  @Test("Once at work, a few headers ahead do not stop it; many do, for as long as it is patient")
  func laterOn() {
    var chain = TestChain()
    let headers = chain.mineHeaders(20, after: 15)
    var node = TestNode()
    #expect(mines(&node))
    node.connect(1, claim(of: 1 << 40))
    node.answer(.headers(Array(headers.prefix(5))), 1, to: .headers)
    node.feed(.disconnected(PeerID(1)))
    #expect(node.machine.tree.best.header.height == 5)
    #expect(mines(&node))
    node.connect(2, claim(of: 1 << 40))
    node.answer(.headers(Array(headers.dropFirst(5))), 2, to: .headers)
    node.feed(.disconnected(PeerID(2)))
    #expect(node.machine.tree.best.header.height == 20)
    #expect(!mines(&node))
    _ = node.wait(121)
    #expect(mines(&node))
  }
}
