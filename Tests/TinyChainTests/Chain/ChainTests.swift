import Kernel
import Secp256k1
import Testing

@testable import TinyChain

private let alice = Person.alice
private let bob = Person.bob
private let miner = Person.miner

@Suite("Transactions, blocks and the chain")
struct ChainTests {
  @Test("A transfer moves its value, burns the base fee and tips the producer")
  func transfer() throws {
    var test = TestChain()
    let before = test.chain.state[number: .supply]
    let sent = test.signed(.transfer, to: bob.address, value: 500, by: alice) {
      ($0.gasLimit, $0.maxPrice, $0.tip) = (3_000, 10, 4)
    }
    let execution = try test.does(sent)
    #expect(execution.receipt.isSuccess)
    #expect(execution.receipt.gasUsed == 2_000)
    // The base fee is 1.
    #expect(test.balance(alice.address) == 1_000_000_000_000 - 500 - 2_000 * 5)
    #expect(test.balance(bob.address) == 1_000_000_000_500)
    let subsidy = test.chain.parameters.subsidy
    #expect(test.balance(miner.address) == 2_000 * 4 + subsidy)
    #expect(test.chain.state[number: .supply] == before - 2_000 + subsidy)
    #expect(test.chain.state.account(alice.address).nonce == 1)
  }

  @Test("A transaction reads back as it was written, sender and id included")
  func codec() throws {
    let sent = TestChain().signed(.call, to: bob.address, value: 3, data: [1, 2, 3])
    #expect(try SignedTransaction(sent.bytes) == sent)
    #expect(sent.sender == alice.address)
    #expect(sent.bytes.count == sent.transaction.size)
    #expect(sent.transaction.size == 137)
  }

  @Test("Undoing a block restores the state before it, and it can be done again")
  func undo() throws {
    var test = TestChain()
    let genesis = test.chain.tip
    let root = test.chain.state.tree.root
    let block = try test.mine([test.signed(.transfer, to: Address(9), value: 77)])
    let after = test.chain.state.tree.root
    #expect(after != root)
    test.chain.undo(block.changes, to: genesis.header, id: genesis.id)
    #expect(test.chain.state.tree.root == root)
    #expect(test.balance(Address(9)) == 0)
    test.chain.append(try test.chain.executed(block.block))
    #expect(test.chain.state.tree.root == after)
    #expect(test.balance(Address(9)) == 77)
  }
}
