import Kernel
import Testing
import TinyChain

@testable import TinyChainPeers

@Suite("New blocks and transactions")
struct RelayTests {
  /// A node at the tip of a chain, and a payment that is in its pool.
  private func ready(_ pooled: Int = 0) -> (node: TestNode, chain: TestChain) {
    var (node, chain) = (TestNode(), TestChain())
    chain.mine()
    node.follow(chain)
    for nonce in 0..<pooled { _ = node.submit(.submit(TestChain.payment(UInt64(nonce)))) }
    return (node, chain)
  }

  // MARK: Blocks

  @Test("A block whose transactions are all in the pool comes as a header and short ids")
  func fromPool() {
    var (node, chain) = ready(3)
    let payments = (0..<3).map { TestChain.payment($0) }
    let block = chain.mine(payments)
    let short = ShortBlock(block.header, salt: 77, transactions: payments.map(\.id))
    let outcome = node.ask(.short(short), by: 1)
    #expect(outcome.answers == [.missing([])])
    #expect(node.tip == block.header.id)
    #expect(node.machine.pool.count == 0)
    #expect(node.asked(1, .bodies).isEmpty)
  }

  @Test("What of a short block is missing is asked for")
  func missing() {
    var (node, chain) = ready(2)
    let payments = (0..<4).map { TestChain.payment($0) }
    let block = chain.mine(payments)
    let short = ShortBlock(block.header, salt: 77, transactions: payments.map(\.id))
    #expect(node.ask(.short(short), by: 1).answers == [.missing([2, 3])])
    #expect(node.asked(1, .bodies).isEmpty)
    _ = node.ask(.complete(block.header.id, payments[2...].map(\.bytes)), by: 1)
    #expect(node.tip == block.header.id)
  }

  @Test("Where the missing transactions do not come the whole body is asked for")
  func neverCompleted() {
    var (node, chain) = ready()
    let block = chain.mine([TestChain.payment(0)])
    let short = ShortBlock(block.header, salt: 77, transactions: [TestChain.payment(0).id])
    #expect(node.ask(.short(short), by: 1).answers == [.missing([0])])
    _ = node.wait(11)
    #expect(!node.asked(1, .bodies).isEmpty)
    node.serve(chain, 1)
    #expect(node.tip == block.header.id)
  }

  @Test("Who completes a block by too few transactions is banned")
  func badCompletion() {
    var (node, chain) = ready()
    let block = chain.mine([TestChain.payment(0)])
    let short = ShortBlock(block.header, salt: 77, transactions: [TestChain.payment(0).id])
    _ = node.ask(.short(short), by: 1)
    #expect(node.ask(.complete(block.header.id, []), by: 1).misbehaviours == [.wrongBody])
  }

  @Test("Of a header that follows nothing known nothing is stored; the peer is asked for more")
  func orphan() {
    var (node, chain) = ready()
    chain.mine()
    let block = chain.mine()
    let outcome = node.ask(.short(ShortBlock(block.header, salt: 1, transactions: [])), by: 1)
    #expect(outcome.changes.isEmpty)
    #expect(outcome.misbehaviours.isEmpty)
    node.serve(chain, 1)
    #expect(node.tip == block.header.id)
  }

  @Test("A block without work bans who tells of it")
  func noWork() {
    var (node, chain) = ready()
    let block = chain.mine { $0.nonce = 0 }
    let outcome = node.ask(.short(ShortBlock(block.header, salt: 1, transactions: [])), by: 1)
    #expect(outcome.misbehaviours == [.invalidHeader])
    #expect(outcome.storesNothing)
  }

  @Test("A block that is no better than the tip is not stored")
  func noBetter() {
    var (node, _) = ready()
    var other = TestChain(nonce: 400)
    let block = other.mine()
    let outcome = node.ask(.short(ShortBlock(block.header, salt: 1, transactions: [])), by: 1)
    #expect(outcome.changes.isEmpty)
    #expect(outcome.answers == [.missing([])])
  }

  @Test("A new tip is told to others once, and not to who told it")
  func announces() {
    var (node, chain) = ready()
    node.connect(2, chain.hello)
    let block = chain.mine()
    let short = ShortBlock(block.header, salt: 1, transactions: [])
    let outcome = node.ask(.short(short), by: 1)
    let told = outcome.asked.filter { $0.request.kind == .short }.map(\.peer.number)
    #expect(told == [2])
    #expect(node.ask(.short(short), by: 2).asked.isEmpty)
  }

  @Test("Whoever lacks transactions of an announced block is sent them")
  func completes() throws {
    var (node, chain) = ready(2)
    node.connect(2, chain.hello)
    let payments = (0..<2).map { TestChain.payment($0) }
    let block = chain.mine(payments)
    _ = node.ask(.short(ShortBlock(block.header, salt: 1, transactions: payments.map(\.id))), by: 1)
    let outcome = node.answer(.missing([1]), 2, to: .short)
    #expect(outcome.asked.map(\.request) == [.complete(block.header.id, [payments[1].bytes])])
  }

  @Test("Who lacks what is not in the block is unreadable")
  func missingBeyond() {
    var (node, chain) = ready()
    node.connect(2, chain.hello)
    let block = chain.mine()
    _ = node.ask(.short(ShortBlock(block.header, salt: 1, transactions: [])), by: 1)
    #expect(node.answer(.missing([0]), 2, to: .short).misbehaviours == [.unreadable])
  }

  // MARK: Reorganisation

  @Test("The chain turns to more work; what was in undone blocks waits again, and is told of")
  func reorganises() {
    var (node, chain) = ready(0)
    chain.mine([TestChain.payment(0), TestChain.payment(1)])
    let ids = (0..<2).map { TestChain.payment($0).id }
    _ = node.ask(.short(ShortBlock(chain.tip, salt: 1, transactions: ids)), by: 1)
    _ = node.wait(11)
    node.serve(chain, 1)
    #expect(node.tip == chain.chain.tip.id)
    var again = TestChain(nonce: 1_000)
    for _ in 0..<2 { again.mine() }
    again.mine([TestChain.payment(0)])
    node.connect(3, again.hello)
    for _ in 0..<3 {
      node.serve(again, 3)
      node.serve(chain, 1)
    }
    #expect(node.tip == again.chain.tip.id)
    #expect(node.machine.pool.pending(of: NetworkParameters.faucet).map(\.transaction.nonce) == [1])
    #expect(node.restarted().tip == node.tip)
  }

  @Test("A branch that fails halfway leaves the chain where it was")
  func failsHalfway() {
    var (node, chain) = ready()
    for _ in 0..<3 { chain.mine() }
    _ = node.ask(.short(ShortBlock(chain.tip, salt: 1, transactions: [])), by: 1)
    node.serve(chain, 1)
    let before = node.tip
    #expect(before == chain.chain.tip.id)
    // Two blocks that are right, one that is not, and headers behind it.
    var branch = TestChain(nonce: 3_000)
    for _ in 0..<2 { branch.mine() }
    let right = branch.headers
    let wrong = branch.mineHeaders(5, after: 15)
    node.connect(3, branch.hello)
    node.answer(.headers(right + wrong), 3, to: .headers)
    // The other peer has none of them.
    node.serve(chain, 1)
    var blamed: [Misbehaviour] = []
    while case .bodies(let ids) = node.asked(3, .bodies).first {
      blamed += node.answer(.bodies(ids.map { _ in [] }), 3, to: .bodies).misbehaviours
    }
    #expect(blamed == [.invalidBlock])
    #expect(node.tip == before)
    #expect(node.machine.tree.entry(of: right[1].id)?.status == .known)
    #expect(node.machine.tree.entry(of: wrong[0].id)?.status == .invalid)
    #expect(node.machine.tree.entry(of: wrong[4].id)?.status == .invalid)
    #expect(node.machine.chain.state.tree.root == chain.tip.stateRoot)
  }

  // MARK: Transactions

  @Test("A transaction is offered, wanted, pushed, and offered on")
  func relays() {
    var (node, chain) = ready()
    node.connect(2, chain.hello)
    let payment = TestChain.payment(0)
    #expect(node.ask(.offer([payment.id]), by: 1).answers == [.ids([payment.id])])
    let outcome = node.ask(.push([payment.bytes]), by: 1)
    #expect(node.machine.pool.count == 1)
    #expect(outcome.asked.map(\.request) == [.offer([payment.id])])
    #expect(outcome.asked.map(\.peer.number) == [2])
    let wanted = node.answer(.ids([payment.id]), 2, to: .offer)
    #expect(wanted.asked.map(\.request) == [.push([payment.bytes])])
    #expect(node.ask(.offer([payment.id]), by: 2).answers == [.ids([])])
  }

  @Test("A node that cannot be called fetches what the other's pool has")
  func fetches() {
    var (node, chain) = ready()
    node.connect(2, chain.hello)
    let payment = TestChain.payment(0)
    let asked = node.answer(.ids([payment.id]), 2, to: .list).asked.map(\.request)
    #expect(asked == [.fetch([payment.id])])
    node.answer(.transactions([payment.bytes]), 2, to: .fetch)
    #expect(node.machine.pool.count == 1)
    #expect(node.ask(.list, by: 1).answers == [.ids([payment.id])])
    #expect(
      node.ask(.fetch([payment.id, .zero]), by: 1).answers == [.transactions([payment.bytes])]
    )
  }

  @Test("A transaction that no honest node passes on bans its sender")
  func invalidTransaction() {
    var (node, _) = ready()
    var bytes = TestChain.payment(0).bytes
    bytes[bytes.count - 20] ^= 1
    _ = node.ask(.push([[1, 2, 3]]), by: 1)
    #expect(node.machine.peers[PeerID(1)] == nil)
    #expect(node.machine.pool.count == 0)
  }

  @Test("A transaction that comes too late is refused without blame, and not asked for again")
  func tooLate() {
    var (node, chain) = ready()
    let payment = TestChain.payment(0)
    chain.mine([payment])
    _ = node.ask(.short(ShortBlock(chain.tip, salt: 1, transactions: [payment.id])), by: 1)
    _ = node.ask(.complete(chain.tip.id, [payment.bytes]), by: 1)
    let outcome = node.ask(.push([payment.bytes]), by: 1)
    #expect(outcome.misbehaviours.isEmpty)
    #expect(node.ask(.offer([payment.id]), by: 1).answers == [.ids([])])
  }

  @Test("Who wants what was not offered is unreadable")
  func wantsOther() {
    var (node, _) = ready()
    _ = node.submit(.submit(TestChain.payment(0)))
    #expect(node.answer(.ids([.zero]), 1, to: .offer).misbehaviours == [.unreadable])
  }

  // MARK: Mining

  @Test("A draft with a nonce is the new tip; on another tip it is refused")
  func mines() throws {
    var (node, chain) = ready(1)
    let reply = node.submit(.draft(producer: NetworkParameters.faucet)).replies.first
    guard case .draft(var block) = reply else {
      Issue.record("no draft")
      return
    }
    #expect(block.transactions.count == 1)
    #expect(block.header.nonce == 0)
    #expect(block.header.time == node.now.milliseconds / 1_000)
    let stale = block
    block.header.nonce = 5
    let outcome = node.submit(.mined(block))
    guard case .mined(let id) = outcome.replies.first else {
      Issue.record("refused")
      return
    }
    #expect(node.tip == id)
    #expect(outcome.asked.contains { $0.request.kind == .short })
    #expect(node.restarted().tip == id)
    var late = stale
    late.header.nonce = 6
    guard case .rejected(let reason) = node.submit(.mined(late)).replies.first else {
      Issue.record("a block of an old tip is taken")
      return
    }
    #expect(reason == .wrongParent)
    _ = chain.mine()
  }

  @Test("A block without work is no block")
  func minesNothing() {
    var (node, _) = ready()
    guard case .draft(let block) = node.submit(.draft(producer: .zero)).replies.first,
      case .rejected(let reason) = node.submit(.mined(block)).replies.first
    else {
      Issue.record("no answer")
      return
    }
    #expect(reason == .wrongWork)
  }
}
