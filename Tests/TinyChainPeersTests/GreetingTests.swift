import Kernel
import Testing
import TinyChain

@testable import TinyChainPeers

@Suite("Who may be a peer")
struct GreetingTests {
  @Test("A node of another network is refused, and told which it is of")
  func otherNetwork() {
    var node = TestNode()
    var hello = TestChain().hello
    hello.genesis = .zero
    let outcome = node.connect(1, hello)
    #expect(outcome.ended.first?.reason.hasPrefix("another network: genesis block 0000") == true)
    #expect(outcome.bans == 0)
    #expect(node.machine.peers.isEmpty)
  }

  @Test("A node that speaks another version is refused")
  func otherVersion() {
    var node = TestNode()
    var hello = TestChain().hello
    hello.version = 2
    #expect(node.connect(1, hello).ended.first?.reason == "speaks version 2, not 1")
  }

  @Test("A node that called itself finds out, and does not call again")
  func itself() {
    var node = TestNode()
    let address = SocketAddress(IPAddress(v4: 0x0808_0001), port: 5_100)
    _ = node.submit(.addPeers([address], keep: false))
    var hello = TestChain().hello
    hello.nonce = 42
    #expect(node.connect(1, hello).ended.first?.reason == "is this node itself")
    #expect(node.machine.book.count == 0)
    _ = node.submit(.addPeers([address], keep: true))
    #expect(node.machine.book.count == 0)
  }

  @Test("Who asks before it says hello is sent off")
  func asksFirst() {
    var node = TestNode()
    node.connect(1, isOutbound: false)
    #expect(node.ask(.peers, by: 1).ended.first?.reason == "asks before it says hello")
  }

  @Test("A hello is answered by one, and tells of tip and work")
  func answer() {
    var chain = TestChain()
    chain.mine()
    var node = TestNode()
    node.follow(chain)
    node.connect(2, isOutbound: false)
    let outcome = node.ask(.hello(TestChain().hello), by: 2)
    guard case .hello(let hello) = outcome.answers.first else {
      Issue.record("no hello")
      return
    }
    #expect(hello.tip == chain.chain.tip.id)
    #expect(hello.work == chain.tree.best.work.bigEndianBytes)
    #expect(hello.nonce == 42)
    #expect(hello.port == 5_100)
  }

  @Test("Of two connections with one node one is left, the same at both ends")
  func twice() {
    for isLower in [true, false] {
      var node = TestNode()
      var hello = TestChain().hello
      hello.nonce = isLower ? 41 : 43
      node.connect(1, hello)  // out
      node.connect(2, isOutbound: false)
      let second = node.ask(.hello(hello), by: 2)
      // The connection stays that the node with the lower number made: here the other's, or ours.
      #expect(second.ended.isEmpty == isLower)
    }
  }

  @Test("There are as many peers as have places")
  func full() {
    var node = TestNode()
    for number in 1...UInt64(PeerMachine.inboundMax) {
      #expect(node.connect(number, isOutbound: false).ended.isEmpty)
    }
    let outcome = node.connect(1_000, isOutbound: false)
    #expect(outcome.ended.first?.reason == "has too many peers")
  }

  @Test("A peer that says what cannot be read is banned, and turned away when it comes back")
  func unreadable() {
    var node = TestNode()
    node.connect(1, TestChain().hello)
    let outcome = node.feed(.received(.unreadable(number: nil), from: PeerID(1)))
    #expect(outcome.misbehaviours == [.unreadable])
    #expect(outcome.bans == 1)
    #expect(node.connect(1).ended.first?.reason == "banned")
    #expect(node.connect(2).ended.isEmpty)
  }

  @Test("An answer to another question is unreadable")
  func wrongAnswer() {
    var node = TestNode()
    node.connect(1, TestChain().hello)
    #expect(node.answer(.done, 1, to: .peers).misbehaviours == [.unreadable])
  }

  @Test("Who asks more than its share is told to wait, and banned if it does not")
  func flooding() {
    var node = TestNode()
    node.connect(1, TestChain().hello)
    var busy = 0
    for _ in 0..<1_000 where node.machine.peers[PeerID(1)] != nil {
      if node.ask(.list, by: 1).answers == [.busy] { busy += 1 }
    }
    #expect(busy >= Misbehaviour.scoreMax - 1)
    #expect(node.machine.peers.isEmpty)
    #expect(node.machine.bans.count == 1)
  }

  @Test("A peer that does not answer loses its place")
  func stalls() {
    var node = TestNode()
    node.connect(1, TestChain().hello)
    let outcome = node.wait(60)
    #expect(outcome.ended.map(\.reason) == ["does not answer"])
    #expect(outcome.bans == 0)
  }

  @Test("A busy peer is left alone for a while, and not blamed")
  func busy() {
    var chain = TestChain()
    chain.mine()
    var node = TestNode()
    node.connect(1, chain.hello)
    #expect(node.answer(.busy, 1, to: .headers).misbehaviours.isEmpty)
    #expect(node.machine.peers[PeerID(1)]?.busyUntil ?? .init(nanoseconds: 0) > node.now)
  }
}

@Suite("Whom to call")
struct DiscoveryTests {
  private func address(_ number: UInt32, port: UInt16 = 1) -> SocketAddress {
    SocketAddress(IPAddress(v4: 0x0900_0000 + number), port: port)
  }

  @Test("A peer is asked for others, and these are called")
  func discovers() {
    var node = TestNode()
    node.connect(1, TestChain().hello)
    let outcome = node.answer(.addresses([address(1)]), 1, to: .peers)
    let calls = outcome.events.compactMap { if case .dial(let it) = $0 { it } else { nil } }
    #expect(calls == [address(1)])
  }

  @Test("The addresses of nodes that answered are stored")
  func saves() {
    var node = TestNode()
    let address = SocketAddress(IPAddress(v4: 0x0808_0001), port: 5_100)
    _ = node.submit(.addPeers([address, self.address(9)], keep: false))
    node.connect(1, TestChain().hello)
    _ = node.wait(1)
    #expect(node.store.records.addresses == [address])
  }

  @Test("A host fills a tenth of the book, and the book has an end")
  func caps() {
    var book = PeerBook()
    for number in 0..<5_000 as Range<UInt32> {
      book.learn(address(number), from: IPAddress(v4: 0x0a0a_0a0a))
    }
    #expect(book.count == PeerBook.perSourceMax)
    for number in 0..<5_000 as Range<UInt32> {
      book.learn(address(number), from: IPAddress(v4: 0x0b00_0000 + number))
    }
    #expect(book.count == PeerBook.addressesMax)
  }

  @Test("No address that cannot be called, and none of a private network from outside, is kept")
  func refuses() {
    var book = PeerBook()
    let outside = IPAddress(v4: 0x0808_0808)
    book.learn(address(1, port: 0), from: outside)
    book.learn(SocketAddress(.anyV4, port: 1), from: outside)
    book.learn(SocketAddress(IPAddress(v4: 0x0a00_0001), port: 1), from: outside)
    book.learn(SocketAddress(.loopbackV4, port: 1), from: outside)
    #expect(book.count == 0)
    book.learn(SocketAddress(.loopbackV4, port: 1), from: .loopbackV4)
    #expect(book.count == 1)
  }

  @Test("An address that failed is left alone, for ever longer; the operator's comes back sooner")
  func backOff() {
    var (book, random, now) = (PeerBook(), SplitMix64(seed: 1), Instant(milliseconds: 0))
    for (kept, longest) in [(false, PeerBook.backOffMax), (true, PeerBook.backOffMaxKept)] {
      let peer = address(kept ? 1 : 2)
      book.learn(peer, from: nil, isKept: kept)
      for _ in 0..<20 { book.failed(peer, now: now) }
      let others: Set = [address(kept ? 2 : 1)]
      let early = now + (longest - .seconds(1))
      #expect(book.next(except: others, now: early, using: &random) == nil)
      now = now + longest
      #expect(book.next(except: others, now: now, using: &random) == peer)
    }
  }

  @Test("The oldest leave a set of recent ids")
  func recent() {
    var set = RecentSet(3)
    let ids = (0..<5).map { SHA256.hash([$0]) }
    for id in ids {
      let isNew = (set.insert(id), set.insert(id))
      #expect(isNew == (true, false))
    }
    #expect(ids.map(set.contains) == [false, false, true, true, true])
    #expect(set.count == 3)
  }
}
