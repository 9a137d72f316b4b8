import Foundation
import Kernel
import Testing

@testable import TinyChain

private let alice = Address(1)
private let bob = Address(2)
private let carol = Address(3)
private let token = Address(10)
private let contract = Address(11)
private let zero = Address.zero

/// `@…` of 20 equal bytes.
private func at(_ byte: UInt8) -> String { Datum.address(Address(byte)).description }

/// A file of examples/.
func exampleSource(_ path: String) throws -> String {
  let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  return try String(contentsOf: root.appending(path: "examples/\(path)"), encoding: .utf8)
}

@Suite("Contracts in Lisp that come with the chain")
struct LispExamplesTests {
  private func host() -> TestHost {
    var host = TestHost()
    for account in [alice, bob, carol] { host.accounts[account] = .init(balance: 1_000_000) }
    return host
  }

  private func refusal(_ reason: String, _ body: () throws -> Datum) {
    do {
      let answer = try body()
      Issue.record("answered \(answer)")
    } catch {
      let text = (error as? Refusal)?.reason ?? "\(error)"
      #expect(text.contains(reason), "\(text)")
    }
  }

  @Test("Sneed is minted by the protocol and the minter only, and only by the genesis contract")
  func sneed() throws {
    var host = host()
    let source = SneedToken.source
    #expect(try source == exampleSource("lisp/sneed.lisp"))
    let outcome = try host.deploy(source, at: SneedToken.address, .address(bob), .amount(3_000_000))
    #expect(outcome.isSuccess)
    let genesis = SneedToken.address
    refusal("only-the-minter") { try host.ask(genesis, "(mint \(at(1)) 5)") }
    refusal("only-the-protocol") { try host.ask(genesis, "(reward \(at(1)) 5)") }
    refusal("out of range") { try host.ask(genesis, "(mint \(at(1)) -5)", from: bob) }
    _ = try host.ask(genesis, "(mint \(at(1)) 5)", from: bob)
    _ = try host.ask(genesis, "(reward \(at(3)) 7)", from: zero)
    #expect(try host.ask(genesis, "(balance \(at(1)))") == .integer(1_000_005))
    #expect(try host.ask(genesis, "(total)") == .amount(3_000_012))
    _ = try host.ask(genesis, "(transfer \(at(2)))", from: carol, value: 7)
    #expect(host.balance(of: carol) == 1_000_000)
    #expect(host.balance(of: bob) == 1_000_007)
    #expect(host.balance(of: genesis) == 0)
    _ = try host.deploy(source, at: contract, .address(bob), .amount(0))
    refusal("expected the genesis contract") {
      try host.ask(contract, "(mint \(at(1)) 5)", from: bob)
    }
  }

  @Test("A token moves, within balances and allowances")
  func tokenMoves() throws {
    var host = host()
    _ = try host.deploy(
      try exampleSource("lisp/token.lisp"),
      at: token,
      .address(alice),
      .integer(100)
    )
    _ = try host.ask(token, "(transfer \(at(2)) 30)")
    #expect(try host.ask(token, "(balance \(at(1)))") == .amount(70))
    refusal("out of range") { try host.ask(token, "(transfer \(at(2)) 71)") }
    refusal("out of range") { try host.ask(token, "(transfer \(at(2)) -1)") }
    _ = try host.ask(token, "(transfer \(at(1)) 70)")
    #expect(try host.ask(token, "(balance \(at(1)))") == .amount(70))
    _ = try host.ask(token, "(approve \(at(3)) 20)")
    _ = try host.ask(token, "(transfer-from \(at(1)) \(at(3)) 15)", from: carol)
    refusal("out of range") {
      try host.ask(token, "(transfer-from \(at(1)) \(at(3)) 6)", from: carol)
    }
    #expect(try host.ask(token, "(balance \(at(3)))") == .amount(15))
    #expect(try host.ask(token, "(allowance \(at(1)) \(at(3)))") == .amount(5))
    #expect(try Reader.datum("(transferred \(at(1)) \(at(2)) 30)") == host.said[0])
    refusal("mint is not defined") { try host.ask(token, "(mint)") }
  }

  @Test("A market keeps its product, pays out what it took in, and refuses a moved price")
  func market() throws {
    var host = host()
    _ = try host.deploy(
      try exampleSource("lisp/token.lisp"),
      at: token,
      .address(alice),
      .integer(1_000_000)
    )
    _ = try host.deploy(try exampleSource("lisp/amm.lisp"), at: contract, .address(token))
    _ = try host.ask(token, "(approve \(at(11)) 900000)")
    #expect(try host.ask(contract, "(add 400000)", value: 100_000) == .amount(100_000))
    var random = SplitMix64(seed: 5)
    var product: UInt128 = 100_000 * 400_000
    for _ in 0..<40 {
      if Bool.random(using: &random) {
        let n = UInt64.random(in: 1...5_000, using: &random)
        _ = try host.ask(contract, "(sell-coins 0)", value: n)
      } else {
        _ = try host.ask(
          contract,
          "(sell-tokens \(UInt64.random(in: 4...9_000, using: &random)) 0)"
        )
      }
      guard case .list(let items) = try host.ask(contract, "(reserves)"),
        case .amount(let coins) = items[0], case .amount(let tokens) = items[1]
      else {
        Issue.record("no reserves")
        return
      }
      #expect(coins * tokens >= product)
      #expect(coins == UInt128(host.balance(of: contract)))
      #expect(try host.ask(token, "(balance \(at(11)))") == .amount(tokens))
      product = coins * tokens
    }
    refusal("price-moved") { try host.ask(contract, "(sell-coins 300000)", value: 10) }
    refusal("price-moved") { try host.ask(contract, "(add 1)", value: 1_000) }
    refusal("out of range") { try host.ask(contract, "(remove 100001)") }
    _ = try host.ask(contract, "(remove 100000)")
    #expect(host.balance(of: contract) == 0)
    #expect(try host.ask(token, "(balance \(at(1)))") == .amount(1_000_000))
  }

  @Test("An auction goes to the highest bid, and the others get theirs back once")
  func auction() throws {
    var host = host()
    _ = try host.deploy(
      try exampleSource("lisp/auction.lisp"),
      at: contract,
      .address(carol),
      .integer(20)
    )
    _ = try host.ask(contract, "(bid)", from: alice, value: 10)
    refusal("too-low") { try host.ask(contract, "(bid)", from: bob, value: 10) }
    _ = try host.ask(contract, "(bid)", from: bob, value: 11)
    refusal("too-early") { try host.ask(contract, "(close)") }
    #expect(try host.ask(contract, "(withdraw)", from: alice) == .integer(10))
    refusal("nothing-to-withdraw") { try host.ask(contract, "(withdraw)", from: alice) }
    host.height = 20
    refusal("over") { try host.ask(contract, "(bid)", from: alice, value: 100) }
    #expect(try host.ask(contract, "(close)") == .address(bob))
    refusal("closed") { try host.ask(contract, "(close)") }
    #expect(host.balance(of: carol) == 1_000_011)
    #expect(host.balance(of: alice) == 1_000_000)
    #expect(host.balance(of: contract) == 0)
  }

  @Test("Money of several owners moves when enough agree, each counted once")
  func multisig() throws {
    var host = host()
    let owners = Datum.list([.address(alice), .address(bob), .address(carol)])
    _ = try host.deploy(try exampleSource("lisp/multisig.lisp"), at: contract, owners, .integer(2))
    #expect(
      host.call(Call(caller: alice, contract: contract, value: 50, gas: 100_000, data: []))
        .isSuccess
    )
    #expect(try host.ask(contract, "(propose \(at(9)) 20 ())") == .integer(0))
    refusal("approved-already") { try host.ask(contract, "(approve 0)") }
    refusal("only-owners") { try host.ask(contract, "(approve 0)", from: Address(9)) }
    #expect(host.balance(of: Address(9)) == 0)
    #expect(try host.ask(contract, "(approve 0)", from: bob) == .bool(true))
    #expect(host.balance(of: Address(9)) == 20)
    refusal("no-such-proposal") { try host.ask(contract, "(approve 0)", from: carol) }
    #expect(try host.ask(contract, "(propose \(at(9)) 31 ())") == .integer(1))
    refusal("failed") { try host.ask(contract, "(approve 1)", from: bob) }
    #expect(host.balance(of: contract) == 30)
  }

  @Test("Vested money comes bit by bit, to its beneficiary, whoever turns the key")
  func vesting() throws {
    var host = host()
    let source = try exampleSource("lisp/vesting.lisp")
    let refused = try host.deploy(
      source,
      at: contract,
      .address(bob),
      .integer(10),
      .integer(5),
      .integer(20)
    )
    #expect(!refused.isSuccess)
    host.accounts[contract] = nil
    // The beneficiary is a contract, so that it can hold the key and hand it on.
    let holder = Address(12)
    let helper = Address(13)
    _ = try host.deploy(
      source,
      at: contract,
      .address(holder),
      .integer(100),
      .integer(110),
      .integer(200)
    )
    _ = try host.deploy(
      """
      (contract (holder vesting)
        (on (receive) #t)
        (on (give helper) (send helper 'keep (send vesting 'key))))
      """,
      at: holder,
      .address(contract)
    )
    _ = try host.deploy(
      """
      (contract (helper)
        (slot key #f)
        (on (keep k) (set! key k) #t)
        (on (turn) (send key 'claim-for-beneficiary))
        (on (abuse) (send key 'claim)))
      """,
      at: helper
    )
    #expect(
      host.call(Call(caller: alice, contract: contract, value: 1_000, gas: 100_000, data: []))
        .isSuccess
    )
    refusal("only-the-beneficiary") { try host.ask(contract, "(key)") }
    refusal("a facet that allows") { try host.ask(contract, "(claim-for-beneficiary)") }
    #expect(try host.ask(holder, "(give \(at(13)))") == .bool(true))
    host.height = 109
    refusal("nothing-due") { try host.ask(helper, "(turn)") }
    host.height = 150
    #expect(try host.ask(contract, "(due)") == .amount(500))
    #expect(try host.ask(helper, "(turn)", from: carol) == .amount(500))
    refusal("a message that the facet allows") { try host.ask(helper, "(abuse)") }
    #expect(host.balance(of: holder) == 500)
    host.height = 200
    #expect(try host.ask(helper, "(turn)") == .amount(500))
    refusal("nothing-due") { try host.ask(helper, "(turn)") }
  }
}
