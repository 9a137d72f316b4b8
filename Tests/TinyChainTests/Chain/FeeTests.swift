import Kernel
import Testing

@testable import TinyChain

@Suite("The price of gas")
struct FeeTests {
  @Test("The base fee stays at half a block, and moves by an eighth at most, by one at least")
  func auction() {
    let rule = FeeRule.auction
    let half = Block.gasMax / 2
    #expect(rule.start == 1)
    for price: UInt64 in [1, 7, 8, 1_000, 123_456_789] {
      #expect(rule.price(after: price, gasUsed: half) == price)
      #expect(rule.price(after: price, gasUsed: Block.gasMax) == price + max(1, price / 8))
      #expect(rule.price(after: price, gasUsed: 0) == max(1, price - max(1, price / 8)))
      #expect(rule.price(after: price, gasUsed: half + 1) == price + max(1, price / 8 / half))
      #expect(
        rule.price(after: price, gasUsed: half - 1) == max(1, price - max(1, price / 8 / half))
      )
    }
    #expect(rule.price(after: 1_000, gasUsed: half + half / 2) == 1_062)
    #expect(rule.price(after: .max, gasUsed: Block.gasMax) == .max)
    #expect(rule.price(after: .max, gasUsed: 0) == UInt64.max - UInt64.max / 8)
  }

  @Test("The base fee of a chain follows its blocks")
  func chain() throws {
    var test = TestChain()
    let spinning = BrainfuckCode(mode: .raw, program: try BrainfuckProgram(source: "+[]".utf8))
    for expected: UInt64 in [2, 3, 4] {
      let transactions = (0..<2).map { index in
        test.signed(.eval, data: spinning.bytes) {
          ($0.gasLimit, $0.maxPrice, $0.nonce) = (25_000_000, 10, $0.nonce + index)
        }
      }
      try test.mine(transactions)
      #expect(test.chain.state[number: .baseFee] == expected)
    }
    try test.mine()
    #expect(test.chain.state[number: .baseFee] == 3)
  }

  @Test("At a fixed rate a coin of a million units buys a million gas, whatever blocks hold")
  func fixed() throws {
    var test = TestChain { $0.fees = .fixed(1) }
    let before = test.balance(Person.alice.address)
    try test.does(test.signed(.transfer, to: Person.bob.address))
    // Units, not coins: the original deducted 2,000 coins.
    #expect(before - test.balance(Person.alice.address) == 2_000)
    #expect(FeeRule.fixed(5).price(after: 5, gasUsed: Block.gasMax) == 5)
    #expect(FeeRule.fixed(5).start == 5)
  }

  @Test("The sender pays no more than it says: the tip gives way to the base fee")
  func tips() throws {
    for (maxPrice, tip, paid, earned): (UInt64, UInt64, UInt64, UInt64) in [
      (1, 9, 1, 0), (5, 9, 5, 4), (100, 9, 10, 9), (100, 0, 1, 0),
    ] {
      var test = TestChain { $0.subsidy = 0 }
      let before = (test.balance(Person.alice.address), test.chain.state[number: .supply])
      try test.does(
        test.signed(.transfer, to: Person.bob.address) { ($0.maxPrice, $0.tip) = (maxPrice, tip) }
      )
      #expect(before.0 - test.balance(Person.alice.address) == 2_000 * paid)
      #expect(test.balance(Person.miner.address) == 2_000 * earned)
      #expect(before.1 - test.chain.state[number: .supply] == 2_000)
    }
  }

  @Test("The subsidy halves at its height, not one before or after, and ends")
  func subsidy() {
    let parameters = NetworkParameters.dev
    let halving = parameters.halving
    #expect(parameters.subsidy(at: 1) == 5_000_000_000)
    #expect(parameters.subsidy(at: halving - 1) == 5_000_000_000)
    #expect(parameters.subsidy(at: halving) == 2_500_000_000)
    #expect(parameters.subsidy(at: 2 * halving) == 1_250_000_000)
    #expect(parameters.subsidy(at: .max) == 0)
  }

  @Test("A reward that the supply has no room for is nobody's, and the block is good")
  func fullSupply() throws {
    var test = TestChain { $0.subsidy = World.supplyMax - 3_000_000_000_000 }
    try test.mine()
    #expect(test.chain.state[number: .supply] == World.supplyMax)
    try test.mine()
    #expect(test.chain.state[number: .supply] == World.supplyMax)
    #expect(test.balance(Person.miner.address) == World.supplyMax - 3_000_000_000_000)
  }
}
