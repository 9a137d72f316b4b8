import Kernel
import Testing

@testable import TinyChain

private let first = Address(10)
private let second = Address(11)

@Suite("Lisp contracts and the chain")
struct LispContractTests {
  @Test("A failed message changes nothing, and costs all its gas")
  func revert() throws {
    var host = TestHost()
    _ = try host.deploy(
      "(contract (c) (slot n 1) (on (bad) (set! n 2) (fail 'no)) (view (n) n))",
      at: first
    )
    let data = try Reader.datum("(bad)").bytes
    let call = Call(caller: Address(1), contract: first, value: 0, gas: 10_000, data: data)
    let outcome = host.call(call)
    #expect(outcome.failure == .reverted)
    #expect(outcome.gasLeft == 0)
    #expect(String(decoding: outcome.data, as: UTF8.self) == "line 1, column 47: failed: no")
    #expect(try host.ask(first, "(n)") == .integer(1))
  }

  @Test("A view changes nothing, and what it asks neither")
  func views() throws {
    var host = TestHost()
    _ = try host.deploy(
      """
      (contract (c) (slot n 1) (table t)
        (view (a) (set! n 2)) (view (b) (put! t 1 1)) (view (c) (emit 1)) (view (d) (pay self 1))
        (view (e) (delete! t 1)) (view (f other) (send other 'bump)) (view (n) n)
        (view (g other) (send other 'n)) (on (bump) (set! n 5)))
      """,
      at: first
    )
    _ = try host.deploy("(contract (c) (slot n 1) (on (bump) (set! n 2)) (view (n) n))", at: second)
    for message in ["(a)", "(b)", "(c)", "(d)", "(e)", "(f \(Datum.address(second)))"] {
      do {
        let answer = try host.ask(first, message)
        Issue.record("\(message) answered \(answer)")
      } catch let refusal as Refusal {
        #expect(refusal.reason.contains("a view changes nothing"), "\(message): \(refusal.reason)")
      }
    }
    #expect(try host.ask(first, "(g \(Datum.address(second)))") == .integer(1))
    #expect(try host.ask(first, "(bump)") == .integer(5))
  }

  @Test("A facet that bytes make up is no facet; nor is one made of another contract")
  func forgery() throws {
    var host = TestHost()
    _ = try host.deploy(
      "(contract (c) (on (use f) (send f 'secret)) (on (make a) (facet a '(secret))))",
      at: first
    )
    _ = try host.deploy("(contract (c) (only (secret) 5))", at: second)
    let forged = Datum.list([.symbol("use"), .facet(second, ["secret"])]).bytes
    let call = Call(caller: Address(1), contract: first, value: 0, gas: 10_000, data: forged)
    #expect(String(decoding: host.call(call).data, as: UTF8.self) == "expected an encoded value")
    #expect(throws: Refusal.self) { try host.ask(first, "(make \(Datum.address(second)))") }
    // What a contract of bytes says is no facet either.
    let secret = Datum.facet(second, ["secret"]).bytes
    let saying = secret.map { String(repeating: "+", count: Int($0)) + ".[-]" }.joined()
    let program = try BrainfuckProgram(source: saying.utf8)
    host.accounts[Address(12)] = .init(code: BrainfuckCode(mode: .raw, program: program))
    _ = try host.deploy(
      "(contract (c) (on (go e b) (type (send e b))) (on (go2 e) (type (send e 'a))))",
      at: Address(13)
    )
    let echo = Datum.address(Address(12))
    let bytes = Datum.bytes(Datum.facet(second, ["secret"]).bytes)
    #expect(try host.ask(Address(13), "(go \(echo) \(bytes))") == .symbol("bytes"))
    #expect(try host.ask(Address(13), "(go2 \(echo))") == .symbol("bytes"))
  }

  @Test("A facet can be made narrower, not wider")
  func attenuation() throws {
    var host = TestHost()
    _ = try host.deploy(
      """
      (contract (c)
        (only (a) 1) (only (b) 2)
        (on (give who) (send who 'take (facet self '(a b)))))
      """,
      at: first
    )
    _ = try host.deploy(
      """
      (contract (c) (slot key #f)
        (on (take f) (set! key (facet f '(a))) #t)
        (on (use) (send key 'a)) (on (over) (send key 'b)) (on (widen) (facet key '(a b))))
      """,
      at: second
    )
    _ = try host.ask(first, "(give \(Datum.address(second)))")
    #expect(try host.ask(second, "(use)") == .integer(1))
    #expect(throws: Refusal.self) { try host.ask(second, "(over)") }
    #expect(throws: Refusal.self) { try host.ask(second, "(widen)") }
  }

  @Test("try tells of a failure and goes on; what the callee did is undone")
  func attempts() throws {
    var host = TestHost()
    _ = try host.deploy(
      "(contract (c) (slot n 0) (on (bad) (set! n 9) (fail 'no)) (on (good) (set! n 3)) (view (n) n))",
      at: second
    )
    _ = try host.deploy(
      "(contract (c other) (on (go m) (car (try other m))) (on (again) (send other 'again)))",
      at: first,
      .address(second)
    )
    #expect(try host.ask(first, "(go bad)") == .bool(false))
    #expect(try host.ask(second, "(n)") == .integer(0))
    #expect(try host.ask(first, "(go good)") == .bool(true))
    #expect(try host.ask(second, "(n)") == .integer(3))
  }

  @Test("A contract that is running is not entered again, and depth has an end")
  func reentrancy() throws {
    var host = TestHost()
    _ = try host.deploy("(contract (c) (on (go) (send self 'go)))", at: first)
    #expect(throws: Refusal.self) { try host.ask(first, "(go)") }
  }

  @Test("Entries are paid by 256 bytes, the first time ten times as much")
  func prices() throws {
    var host = TestHost()
    _ = try host.deploy("(contract (c) (table t) (on (put v) (put! t 1 v)))", at: first)
    func gas(_ size: Int) throws -> UInt64 {
      let message = Datum.list([.symbol("put"), .bytes([UInt8](repeating: 1, count: size))])
      let call = Call(
        caller: Address(1),
        contract: first,
        value: 0,
        gas: 100_000,
        data: message.bytes
      )
      return 100_000 - host.call(call).gasLeft
    }
    let small = try gas(10)
    let smallAgain = try gas(10)
    let large = try gas(512)
    #expect(small == smallAgain + 1_800)
    // Three units, two of them new; about 500 bytes are copied a few times at 1 for 32.
    #expect((smallAgain + 400 + 3_600..<smallAgain + 400 + 3_600 + 150).contains(large))
  }
}
