import Kernel
import Testing

@testable import TinyChain

private let alice = Person.alice
private let bob = Person.bob
private let carol = Person.carol

private func at(_ person: Person) -> String { Datum.address(person.address).description }
private func at(_ address: Address) -> String { Datum.address(address).description }

/// What each does by itself is tested upon a world; here they run in transactions.
@Suite("The example contracts on a chain")
struct ExamplesOnChainTests {
  @Test("A market: liquidity in, trades of two people, liquidity out")
  func market() throws {
    var test = TestChain()
    let token = try test.deploy(
      lisp: try exampleSource("lisp/token.lisp"),
      .address(alice.address),
      .integer(1_000_000)
    )
    let market = try test.deploy(lisp: try exampleSource("lisp/amm.lisp"), .address(token))
    try test.send("(approve \(at(market)) 900000)", to: token)
    #expect(
      try test.send("(add 400000)", to: market, value: 100_000) == .amount(100_000)
    )
    guard case .amount(let out) = try test.send("(sell-coins 0)", to: market, value: 999, by: bob)
    else { return #expect(Bool(false), "an amount") }
    #expect(try test.view("(balance \(at(bob)))", of: token) == .amount(out))
    try test.send("(approve \(at(market)) \(out)u)", to: token, by: bob)
    try test.send("(sell-tokens \(out)u 0)", to: market, by: bob)
    #expect(try test.view("(balance \(at(bob)))", of: token) == .amount(0))
    // The fee stays with those who have shares.
    try test.send("(remove 100000)", to: market)
    #expect(test.balance(market) == 0)
    #expect(try test.view("(balance \(at(alice)))", of: token) == .amount(1_000_000))
    #expect(throws: Refusal.self) { try test.send("(remove 1)", to: market) }
  }

  @Test("An auction by heights, with what was outbid taken back")
  func auction() throws {
    var test = TestChain()
    let end = Int64(test.chain.tip.header.height) + 6
    let auction = try test.deploy(
      lisp: try exampleSource("lisp/auction.lisp"),
      .address(carol.address),
      .integer(end)
    )
    try test.send("(bid)", to: auction, value: 1_000)
    try test.send("(bid)", to: auction, value: 2_000, by: bob)
    #expect(throws: Refusal.self) { try test.send("(bid)", to: auction, value: 2_000) }
    #expect(try test.send("(withdraw)", to: auction) == .integer(1_000))
    while test.chain.tip.header.height < end { try test.mine() }
    let before = test.balance(carol.address)
    #expect(try test.send("(close)", to: auction) == .address(bob.address))
    #expect(test.balance(carol.address) == before + 2_000)
    #expect(test.balance(auction) == 0)
  }

  @Test("Two of three owners move what was deposited, to a contract with a message")
  func multisig() throws {
    var test = TestChain()
    let target = try test.deploy(
      lisp: "(contract (t) (slot got 0) (on (take x) (set! got (list x value))) (view (got) got))"
    )
    let owners = Datum.list([alice, bob, carol].map { .address($0.address) })
    let wallet = try test.deploy(
      lisp: try exampleSource("lisp/multisig.lisp"),
      owners,
      .integer(2)
    )
    try test.does(test.signed(.call, to: wallet, value: 50))
    try test.send("(propose \(at(target)) 20 (take 7))", to: wallet)
    #expect(throws: Refusal.self) { try test.send("(approve 0)", to: wallet) }
    #expect(test.balance(target) == 0)
    #expect(try test.send("(approve 0)", to: wallet, by: bob) == .bool(true))
    #expect(try test.view("(got)", of: target).description == "(7 20)")
    #expect(test.balance(wallet) == 30)
  }

  @Test("Vested coins come with the heights")
  func vesting() throws {
    var test = TestChain()
    let now = Int64(test.chain.tip.header.height)
    let vesting = try test.deploy(
      lisp: try exampleSource("lisp/vesting.lisp"),
      .address(bob.address),
      .integer(now),
      .integer(now + 4),
      .integer(now + 10)
    )
    try test.does(test.signed(.call, to: vesting, value: 1_000))
    #expect(throws: Refusal.self) { try test.send("(claim)", to: vesting, by: bob) }
    while test.chain.tip.header.height < now + 5 { try test.mine() }
    let before = test.balance(bob.address)
    let execution = try test.does(
      test.signed(.call, to: vesting, data: try Reader.datum("(claim)").bytes, by: bob) {
        ($0.maxPrice, $0.tip) = (1, 0)
      }
    )
    #expect(execution.receipt.isSuccess)
    #expect(test.balance(bob.address) == before + 600 - execution.receipt.gasUsed)
    while test.chain.tip.header.height < now + 12 { try test.mine() }
    try test.send("(claim)", to: vesting, by: bob)
    #expect(test.balance(vesting) == 0)
  }
}
