import Kernel
import Testing

@testable import TinyChain

private let people = [Person.alice, .bob, .carol]

/// Blocks on many branches, each of which was executed where it was made.
private struct Forest {
  let test = TestChain()
  var blocks: [Bytes32: ExecutedBlock] = [:]
  /// In the order they were made; the genesis block is not among them.
  var ids: [Bytes32] = []
  /// After each block, the state as execution from the genesis block gave it.
  var chains: [Bytes32: Chain]

  init() { chains = [test.chain.tip.id: test.chain] }

  var genesis: Bytes32 { test.chain.tip.id }

  /// A block of these transactions, without those that it cannot contain.
  mutating func grow(
    on parent: Bytes32,
    _ transactions: [SignedTransaction],
    by producer: Address = Address(200)
  ) throws -> ExecutedBlock {
    var chain = try #require(chains[parent])
    let draft = Header(time: chain.tip.header.time + 1, producer: producer)
    let block = chain.executed(transactions, under: draft)
    chain.append(block)
    (blocks[block.id], chains[block.id]) = (block, chain)
    ids.append(block.id)
    return block
  }

  func transfer(_ units: UInt64, nonce: UInt64, by person: Person) -> SignedTransaction {
    test.signed(.transfer, to: Address(UInt8(units % 200)), value: units, by: person) {
      ($0.nonce, $0.gasLimit) = (nonce, 30_000)
    }
  }

  /// A block and all before it, newest first, without the genesis block.
  func line(_ id: Bytes32) -> [ExecutedBlock] {
    Array(sequence(first: blocks[id]) { blocks[$0?.header.parent ?? .zero] }.compactMap { $0 })
  }

  /// Undoes and executes blocks of a chain until it ends with this one; or stays as it was.
  func move(_ chain: inout Chain, to id: Bytes32) throws(Rejection) -> [ExecutedBlock] {
    let (down, up) = (line(chain.tip.id), line(id))
    let common = Set(down.map(\.id)).intersection(up.map(\.id))
    var (branch, executed) = (chain, [ExecutedBlock]())
    for block in down where !common.contains(block.id) {
      guard let parent = chains[block.header.parent]?.tip else { continue }
      branch.undo(block.changes, to: parent.header, id: parent.id)
    }
    for block in up.reversed() where !common.contains(block.id) {
      executed.append(try branch.executed(block.block))
      branch.append(executed[executed.count - 1])
    }
    chain = branch
    return executed
  }
}

@Suite("Reorganisations")
struct ReorganisationTests {
  @Test(
    "However often branches change, the state is what the branch alone makes of the genesis block",
    arguments: 0..<10
  )
  func anyForest(seed: UInt64) throws {
    var (random, forest) = (SplitMix64(seed: seed), Forest())
    for _ in 0..<40 {
      let made = [forest.genesis] + forest.ids.suffix(8)
      let parent = try #require(made.randomElement(using: &random))
      // On many branches the same; what is too early or done is left out.
      let sent = (0..<6).map { _ in
        forest.transfer(
          1 + random.next() % 1_000,
          nonce: random.next() % 4,
          by: people[Int(random.next() % 3)]
        )
      }
      _ = try forest.grow(on: parent, sent, by: Address(UInt8(200 + random.next() % 3)))
    }
    var chain = forest.test.chain
    for _ in 0..<60 {
      let target = try #require(forest.ids.randomElement(using: &random))
      let executed = try forest.move(&chain, to: target)
      for block in executed { #expect(block.changes == forest.blocks[block.id]?.changes) }
      let expected = try #require(forest.chains[target])
      #expect(chain.tip.id == target)
      #expect(chain.state.tree.root == expected.tip.header.stateRoot)
      for person in people {
        #expect(chain.state.account(person.address) == expected.state.account(person.address))
      }
      #expect(chain.state[number: .supply] == expected.state[number: .supply])
    }
    #expect(try forest.move(&chain, to: forest.genesis).isEmpty)
    #expect(chain.state.tree.root == forest.test.chain.state.tree.root)
  }

  @Test(
    "The other branch is not built on what the first one left: money is spent once, coins minted once"
  )
  func notOnOldState() throws {
    var forest = Forest()
    let spent = forest.transfer(7, nonce: 0, by: .alice)
    let left = try forest.grow(on: forest.genesis, [spent], by: Address(201))
    let right = try forest.grow(on: forest.genesis, [], by: Address(202))
    let last = try forest.grow(on: right.id, [spent], by: Address(202))
    var chain = try #require(forest.chains[left.id])
    _ = try forest.move(&chain, to: last.id)
    #expect(chain.state.account(Address(7)).balance == 7)
    #expect(chain.state.account(Person.alice.address).nonce == 1)
    #expect(chain.state.account(Address(201)).balance == 0)
    #expect(chain.state.account(Address(202)).balance >= 10_000_000_000)
  }

  @Test(
    "On another branch a body that is not what its header says is told with its reason",
    arguments: [
      Rejection.wrongStateRoot, .wrongReceiptRoot, .wrongGasUsed, .nonceTooLow,
      .wrongTransactionRoot,
    ]
  )
  func invalid(reason: Rejection) throws {
    var forest = Forest()
    let left = try forest.grow(on: forest.genesis, [forest.transfer(5, nonce: 0, by: .bob)])
    let first = try forest.grow(on: forest.genesis, [forest.transfer(6, nonce: 0, by: .alice)])
    let second = try forest.grow(on: first.id, [forest.transfer(7, nonce: 1, by: .alice)])
    var header = second.header
    switch reason {
    case .wrongStateRoot: header.stateRoot = .zero
    case .wrongReceiptRoot: header.receiptRoot = .zero
    case .wrongGasUsed: header.gasUsed += 1
    case .nonceTooLow:
      header.transactionRoot = Block.transactionRoot(ids: [first.transactions[0].id])
    default: header.transactionRoot = .zero
    }
    let body = reason == .nonceTooLow ? first.transactions : second.transactions
    var chain = try #require(forest.chains[left.id])
    chain.undo(left.changes, to: forest.test.chain.tip.header, id: forest.genesis)
    chain.append(try chain.executed(first.block))
    let before = chain.state.tree.root
    #expect(throws: reason) {
      try chain.executed(Block(header: header, transactions: body))
    }
    #expect(chain.tip.id == first.id)
    #expect(chain.state.tree.root == before)
    #expect(throws: Never.self) { try chain.executed(second.block) }
  }

  @Test("Transactions of blocks that were undone come back, but for those that were done again")
  func pool() throws {
    var forest = Forest()
    let (done, lost) = (
      forest.transfer(5, nonce: 0, by: .alice), forest.transfer(6, nonce: 1, by: .alice)
    )
    let (other, waiting) = (
      forest.transfer(7, nonce: 0, by: .bob), forest.transfer(8, nonce: 2, by: .alice)
    )
    let left = try forest.grow(on: forest.genesis, [done])
    let leftTwo = try forest.grow(on: left.id, [lost])
    let right = try forest.grow(on: forest.genesis, [other, done])
    var (chain, pool) = (try #require(forest.chains[leftTwo.id]), Mempool())
    try pool.add(waiting, upon: chain)
    #expect(pool.offers(upon: chain) == [waiting])
    _ = try forest.move(&chain, to: right.id)
    pool.update(upon: chain)
    #expect(throws: Rejection.nonceTooLow) { try pool.add(done, upon: chain) }
    try pool.add(lost, upon: chain)
    #expect(pool.pending(of: Person.alice.address) == [lost, waiting])
    #expect(pool.offers(upon: chain) == [lost, waiting])
    #expect(pool.count == 2)
    #expect(chain.executed(pool.offers(upon: chain), under: right.header).skipped.isEmpty)
  }

  @Test("The transaction root is known of bytes that are no transactions: so who is wrong is told")
  func rootOfBytes() throws {
    var forest = Forest()
    let block = try forest.grow(on: forest.genesis, [forest.transfer(5, nonce: 0, by: .alice)])
    var bodies = block.transactions.map(\.bytes)
    let ids = bodies.map { SHA256.double($0) }
    #expect(Block.transactionRoot(ids: ids) == block.header.transactionRoot)
    // A miner may name a transaction whose signature is wrong; then the block is invalid for good.
    bodies[0][bodies[0].count - 40] ^= 1
    #expect(throws: Rejection.self) {
      guard try SignedTransaction(bodies[0]).sender == Person.alice.address else {
        throw Rejection.badSignature
      }
    }
    #expect(
      Block.transactionRoot(ids: bodies.map { SHA256.double($0) }) != block.header.transactionRoot
    )
  }

  @Test("The networks differ in their genesis block; the one that nobody mines has bits of zero")
  func networks() throws {
    let main = NetworkParameters.main(genesisTime: 1, allocations: [], bits: 0x1e00_ffff)
    let networks = [NetworkParameters.dev, .minedDev, .provable, main]
    #expect(Set(networks.map(\.genesis.id)).count == 4)
    #expect(networks.map { $0.genesis.header.bits == 0 } == [true, false, false, false])
    #expect(networks.map(\.isMain) == [false, false, false, true])
    #expect(main.minter == nil)
    for network in networks.dropFirst() {
      let rule = try #require(network.work)
      let start = try #require(UInt256(compact: rule.start))
      #expect(start <= rule.limit)
      #expect(network.genesis.header.bits == rule.start)
      #expect(rule.interval == (network.genesis.id == networks[1].genesis.id ? 2 : 15))
    }
  }
}
