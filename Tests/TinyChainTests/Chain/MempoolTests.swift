import Kernel
import Testing

@testable import TinyChain

private let alice = Person.alice
private let bob = Person.bob

@Suite("The pool of transactions")
struct MempoolTests {
  private let test = TestChain()

  private func sent(
    _ nonce: UInt64 = 0,
    price: UInt64 = 100,
    tip: UInt64 = 10,
    by person: Person = alice,
    size: Int = 0
  ) -> SignedTransaction {
    test.signed(.transfer, to: Address(9), data: [UInt8](repeating: 0, count: size), by: person) {
      ($0.nonce, $0.maxPrice, $0.tip, $0.gasLimit) = (nonce, price, tip, 300_000)
    }
  }

  @Test("Offers are in the order of nonces, and the best first as far as that goes")
  func order() throws {
    var pool = Mempool()
    let offered = [
      sent(0, tip: 5), sent(1, tip: 50), sent(0, tip: 20, by: bob), sent(1, tip: 1, by: bob),
    ]
    for transaction in offered.reversed() { try pool.add(transaction, upon: test.chain) }
    #expect(pool.offers(upon: test.chain) == [offered[2], offered[0], offered[1], offered[3]])
    #expect(test.chain.executed(pool.offers(upon: test.chain), under: test.draft()).skipped.isEmpty)
  }

  @Test("What comes after a gap waits until it is filled")
  func gap() throws {
    var pool = Mempool()
    for nonce: UInt64 in [0, 2, 63] { try pool.add(sent(nonce), upon: test.chain) }
    #expect(pool.offers(upon: test.chain) == [sent(0)])
    try pool.add(sent(1), upon: test.chain)
    #expect(pool.offers(upon: test.chain) == [sent(0), sent(1), sent(2)])
    #expect(pool.pending(of: alice.address).map(\.transaction.nonce) == [0, 1, 2, 63])
    #expect(throws: Rejection.nonceTooHigh) { try pool.add(sent(64), upon: test.chain) }
    #expect(pool.count == 4)
  }

  @Test("To replace takes a tenth more, of price and tip both")
  func replacement() throws {
    var pool = Mempool()
    try pool.add(sent(), upon: test.chain)
    #expect(throws: Rejection.alreadyKnown) { try pool.add(sent(), upon: test.chain) }
    for (price, tip): (UInt64, UInt64) in [(109, 11), (110, 10), (200, 10), (109, 200), (50, 5)] {
      #expect(throws: Rejection.replacementTooCheap) {
        try pool.add(sent(price: price, tip: tip), upon: test.chain)
      }
    }
    try pool.add(sent(price: 110, tip: 11), upon: test.chain)
    #expect(pool.offers(upon: test.chain) == [sent(price: 110, tip: 11)])
    #expect(pool.count == 1)
    #expect(pool.bytes == 134)
    try pool.add(sent(1, price: 100, tip: 0), upon: test.chain)
    try pool.add(sent(1, price: 110, tip: 0), upon: test.chain)
    // Prices that a product with 11 would not hold.
    let high = sent(2, price: .max / 300_000)
    #expect(throws: Rejection.balanceTooLow) { try pool.add(high, upon: test.chain) }
  }

  @Test("When there are too many bytes the cheapest leaves, one behind a gap before")
  func eviction() throws {
    var pool = Mempool()
    let size = 65_535
    // 127 of them fit 8 MiB.
    let people = (0..<2).map { Person("rich \($0)") }
    let funded = TestChain { parameters in
      parameters.allocations += people.map { ($0.address, 1_000_000_000_000) }
    }
    func big(_ nonce: UInt64, price: UInt64, by person: Person) -> SignedTransaction {
      funded.signed(.transfer, data: [UInt8](repeating: 0, count: size), by: person) {
        ($0.nonce, $0.maxPrice, $0.gasLimit) = (nonce, price, 300_000)
      }
    }
    for nonce in 0..<64 as Range<UInt64> {
      try pool.add(big(nonce, price: 100 + nonce, by: people[0]), upon: funded.chain)
    }
    for nonce in 0..<63 as Range<UInt64> {
      try pool.add(big(nonce, price: 200, by: people[1]), upon: funded.chain)
    }
    #expect(pool.count == 127)
    let before = pool.bytes
    // The 64th of the first costs 163, and goes for one that costs more.
    try pool.add(big(63, price: 200, by: people[1]), upon: funded.chain)
    #expect(pool.count == 127)
    #expect(pool.bytes == before)
    #expect(pool.pending(of: people[0].address).count == 63)
    // It is now the cheapest itself.
    #expect(throws: Rejection.poolFull) {
      try pool.add(big(63, price: 150, by: people[0]), upon: funded.chain)
    }
    // Behind a gap even the dearest is the first to go.
    var gapped = pool
    gapped.update(upon: funded.chain)
    #expect(throws: Rejection.poolFull) {
      try gapped.add(
        funded.signed(.transfer, data: [UInt8](repeating: 0, count: size)) {
          ($0.nonce, $0.maxPrice, $0.gasLimit) = (5, 900, 300_000)
        },
        upon: funded.chain
      )
    }
    #expect(gapped.pending(of: alice.address).isEmpty)
  }

  @Test("There are 8,192 transactions at most")
  func count() throws {
    let people = (0..<129).map { Person("many \($0)") }
    let funded = TestChain { parameters in
      parameters.allocations += people.map { ($0.address, 1_000_000_000) }
    }
    var pool = Mempool()
    var last: SignedTransaction?
    for person in people {
      for nonce in 0..<64 as Range<UInt64> where pool.count <= Mempool.countMax {
        let transaction = funded.signed(.transfer, by: person) {
          ($0.nonce, $0.gasLimit, $0.maxPrice) = (nonce, 2_000, pool.count == 8_192 ? 5 : 9)
        }
        guard pool.count < Mempool.countMax else {
          last = transaction
          break
        }
        try pool.add(transaction, upon: funded.chain)
      }
    }
    #expect(pool.count == 8_192)
    let cheap = try #require(last)
    #expect(throws: Rejection.poolFull) { try pool.add(cheap, upon: funded.chain) }
    #expect(pool.count == 8_192)
    #expect(pool.offers(upon: funded.chain).count == 8_192)
  }

  @Test("What a block contains leaves; what one that is undone contained comes back")
  func reorganisation() throws {
    var test = test
    var pool = Mempool()
    for nonce: UInt64 in 0..<3 { try pool.add(sent(nonce), upon: test.chain) }
    let genesis = test.chain.tip
    let block = try test.mine([sent(0), sent(1)])
    pool.update(upon: test.chain)
    #expect(pool.pending(of: alice.address) == [sent(2)])
    #expect(throws: Rejection.nonceTooLow) { try pool.add(sent(1), upon: test.chain) }
    test.chain.undo(block.changes, to: genesis.header, id: genesis.id)
    pool.update(upon: test.chain)
    #expect(pool.offers(upon: test.chain).isEmpty)
    for transaction in block.transactions { try pool.add(transaction, upon: test.chain) }
    #expect(pool.offers(upon: test.chain) == [sent(0), sent(1), sent(2)])
  }

  @Test("Who can no longer pay leaves at the next block")
  func poor() throws {
    var test = test
    var pool = Mempool()
    try pool.add(sent(1), upon: test.chain)
    let all = test.balance(alice.address) - 2_000
    try test.does(
      test.signed(.transfer, to: bob.address, value: all) {
        ($0.gasLimit, $0.maxPrice) = (2_000, 1)
      }
    )
    pool.update(upon: test.chain)
    #expect(pool.count == 0)
    #expect(pool.bytes == 0)
  }
}
