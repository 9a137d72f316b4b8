import Kernel
import Testing

@testable import TinyChain

@Suite("The state and its journal")
struct StateTests {
  private func key(_ number: Int) -> StateKey { .page(UInt8(number), of: Address(1)) }

  @Test("A state is a dictionary that can go back, within a block and over blocks")
  func journal() {
    var random = SplitMix64(seed: 11)
    var state = State()
    var model: [StateKey: [UInt8]] = [:]
    var blocks: [(changes: [StateChange], before: [StateKey: [UInt8]])] = []
    for _ in 0..<60 {
      let before = model
      for _ in 0..<Int.random(in: 0..<5, using: &random) {
        let (checkpoint, kept) = (state.checkpoint, model)
        for _ in 0..<Int.random(in: 0..<6, using: &random) {
          let key = key(Int.random(in: 0..<12, using: &random))
          let value: [UInt8]? = Bool.random(using: &random) ? [UInt8(random.next() & 3)] : nil
          state[key] = value
          model[key] = value
        }
        if Bool.random(using: &random) {
          state.revert(to: checkpoint)
          model = kept
        }
        for number in 0..<12 { #expect(state[key(number)] == model[key(number)]) }
      }
      let changes = state.commit()
      // Only what is different is a change, each key once and in order.
      #expect(changes.allSatisfy { $0.before != $0.after })
      #expect(
        zip(changes, changes.dropFirst()).allSatisfy { $0.key.lexicographicallyPrecedes($1.key) }
      )
      let known = Dictionary(uniqueKeysWithValues: before.map { ($0.key.bytes, $0.value) })
      #expect(changes.allSatisfy { $0.before == known[$0.key] })
      blocks.append((changes, before))
      let stored = State(leaves: model.map { ($0.key.bytes, $0.value) })
      #expect(stored.tree.root == state.tree.root)
    }
    let end = state.tree.root
    for (changes, before) in blocks.reversed() {
      let root = state.tree.root
      state.undo(changes)
      for number in 0..<12 { #expect(state[key(number)] == before[key(number)]) }
      state.redo(changes)
      #expect(state.tree.root == root)
      state.undo(changes)
    }
    #expect(state.tree.root == .zero)
    for (changes, _) in blocks { state.redo(changes) }
    #expect(state.tree.root == end)
  }

  @Test("An account that has nothing is no leaf")
  func emptyAccount() {
    var state = State()
    state.change(Address(1)) { $0.balance += 5 }
    #expect(state[.account(Address(1))] != nil)
    state.change(Address(1)) { $0.balance -= 5 }
    #expect(state[.account(Address(1))] == nil)
    #expect(state.commit().isEmpty)
    #expect(state.tree.root == .zero)
  }

  @Test("Accounts read back as they were written, and nothing else does")
  func codec() throws {
    var account = Account()
    (account.nonce, account.balance, account.code) = (1, 2, .lisp)
    #expect(try Account(account.bytes) == account)
    #expect(throws: DecodingFailure.self) { try Account(account.bytes + [0]) }
    #expect(throws: DecodingFailure.self) { try Account(account.bytes.dropLast() + [3]) }
  }

  @Test("Leaves of different kinds never share a key")
  func keys() {
    let address = Address(0)
    let keys: [StateKey] = [
      .account(address), .code(address), .page(0, of: address), .entry([], of: address),
      .entry([0], of: address), .baseFee, .supply,
    ]
    #expect(Set(keys.map(\.bytes)).count == keys.count)
  }

  @Test("Transfers at random do what a ledger of two columns does")
  func transfers() throws {
    var test = TestChain { $0.subsidy = 7_000 }
    let people = [Person.alice, .bob, .carol]
    var ledger = Dictionary(
      uniqueKeysWithValues: people.map { ($0.address, test.balance($0.address)) }
    )
    var random = SplitMix64(seed: 5)
    for _ in 0..<40 {
      let block = (0..<3).map { index in
        let value = UInt64.random(in: 0..<600_000_000_000, using: &random)
        let to = people[Int.random(in: 0..<3, using: &random)].address
        return test.signed(.transfer, to: to, value: value, by: people[index]) {
          ($0.maxPrice, $0.tip, $0.gasLimit) = (3, 2, 2_000)
        }
      }
      let executed = test.chain.executed(block, under: test.draft())
      for sent in block {
        let (sender, transaction) = (sent.sender, sent.transaction)
        let cost = transaction.value + 6_000
        let isPossible = ledger[sender, default: 0] >= cost
        #expect(executed.transactions.contains(sent) == isPossible)
        guard isPossible else { continue }
        ledger[sender, default: 0] -= cost
        ledger[transaction.to, default: 0] += transaction.value
        ledger[Person.miner.address, default: 0] += 4_000
      }
      ledger[Person.miner.address, default: 0] += 7_000
      try test.mine(executed.transactions)
      for (address, balance) in ledger { #expect(test.balance(address) == balance) }
    }
  }
}
