import Kernel
import Testing

@testable import TinyChain

/// Programs that compile more often than not, and do all that the language can.
struct RandomProgram {
  var random: SplitMix64
  private var scope = ["a", "b", "t", "s", "f"]

  init(seed: UInt64) { random = SplitMix64(seed: seed) }

  private mutating func pick<T>(_ choices: [T]) -> T {
    choices[Int.random(in: 0..<choices.count, using: &random)]
  }

  mutating func source() -> String {
    var clauses = ["(slot s \(atom()))", "(table t)", "(slot b \(atom()))"]
    clauses.append("(define a \(number(2)))")
    clauses.append("(define (f x y) \(bodied(["x", "y"], 4)))")
    clauses.append("(on (go n m) \(bodied(["n", "m"], 5)))")
    clauses.append("(view (look n) \(bodied(["n"], 3)))")
    return "(contract (c p) \(clauses.joined(separator: "\n ")))"
  }

  private mutating func bodied(_ names: [String], _ depth: Int) -> String {
    let before = scope
    defer { scope = before }
    scope += names
    return form(depth) + " " + form(depth)
  }

  private mutating func atom() -> String {
    pick([
      "0", "1", "7", "-1", "9223372036854775807", "5u", "340282366920938463463374607431768211455u",
      "#t", "#f", "'()", "'x", "'(1 2 3)", "\"text\"", "#x00ff", "self", "caller", "value",
      "height",
      "@0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a",
    ])
  }

  /// A form that is likely to be an integer.
  private mutating func number(_ depth: Int) -> String {
    guard depth > 0 else { return pick(["0", "1", "2", "7", "-1", "5u", "value"]) }
    let parts = (number(depth - 1), number(depth - 1))
    switch Int.random(in: 0..<8, using: &random) {
    case 0:
      return
        "(if (\(pick(["<", "=", ">="])) \(parts.0) \(parts.1)) \(number(depth - 1)) \(parts.0))"
    case 1: return "(let ((z \(parts.0))) (+ z \(parts.1)))"
    case 2: return "(get t \(parts.0) \(parts.1))"
    case 3: return "(put! t \(form(depth - 1)) \(parts.1))"
    case 4: return "(length (list \(form(depth - 1)) \(parts.1)))"
    case 5: return "(let loop ((i 0) (x \(parts.0))) (if (= i 20) x (loop (+ i 1) \(parts.1))))"
    default: return "(\(pick(["+", "*", "-"])) \(parts.0) \(parts.1))"
    }
  }

  private mutating func form(_ depth: Int) -> String {
    if Int.random(in: 0..<3, using: &random) > 0 { return number(depth) }
    guard depth > 0, Int.random(in: 0..<8, using: &random) > 0 else {
      return Bool.random(using: &random) ? atom() : pick(scope)
    }
    func more() -> Int { depth - 1 }
    switch Int.random(in: 0..<16, using: &random) {
    case 0: return "(if \(form(more())) \(form(more())) \(form(more())))"
    case 1:
      let value = form(more())
      return "(let ((z \(value))) \(bodied(["z"], more())))"
    case 2:
      let start = form(more())
      let before = scope
      scope += ["i", "x"]
      let next = form(more())
      scope = before
      return "(let loop ((i 0) (x \(start))) (if (= i 50) x (loop (+ i 1) \(next))))"
    case 3: return "(lambda (q) \(bodied(["q"], more())))"
    case 4: return "(set! \(pick(scope)) \(form(more())))"
    case 5: return "(f \(form(more())) \(form(more())))"
    case 6: return "(\(form(more())) \(form(more())))"
    case 7: return "(put! t \(form(more())) \(form(more())))"
    case 8: return "(get t \(form(more())) \(form(more())))"
    case 9: return "(\(pick(["send", "try"])) \(form(more())) 'look \(form(more())))"
    case 10: return "(and \(form(more())) \(form(more())))"
    case 11: return "(cond (\(form(more())) \(form(more()))) (else \(form(more()))))"
    case 12: return "(let () (define d \(form(more()))) \(bodied(["d"], more())))"
    default:
      let primitive = pick(Primitive.allCases.filter { !$0.isVariable })
      let least = primitive.arguments.lowerBound
      let arguments = (0..<max(least, 1)).map { _ in form(more()) }
      return
        "(\(primitive.rawValue) \(arguments.prefix(max(least, 1)).joined(separator: " ")))"
    }
  }
}

@Suite("Any program in Lisp")
struct RandomLispTests {
  /// Memory that a call may take per unit of gas: at most what one push on the stack takes (16), or
  /// one allocation (32), beside what a machine starts with.
  private static let bytesPerGas = 40

  @Test("Random contracts never trap, and stay within their gas in steps and bytes")
  func random() throws {
    var compiled = 0
    var answered = 0
    for seed in UInt64(0)..<4_000 {
      var random = RandomProgram(seed: seed)
      let source = random.source()
      guard let contract = try? LispContract(source: Array(source.utf8)) else { continue }
      compiled += 1
      var host = TestHost()
      for address in [Address(1), Address(10)] { host.accounts[address] = .init(balance: 1_000) }
      host.accounts[Address(10)] = .init(balance: 1_000, code: contract)
      host.accounts[Address(11)] = .init(code: contract)
      let create = Call(
        caller: Address(1),
        contract: Address(10),
        value: 0,
        gas: 60_000,
        data: Datum.list([.integer(3)]).bytes
      )
      _ = contract.create(create, on: &host.world)
      let message = Datum.list([.symbol("go"), .integer(2), .list([.bool(true), .string("a")])])
      let call = Call(
        caller: Address(1),
        contract: Address(10),
        value: 3,
        gas: 60_000,
        data: message.bytes
      )
      let before = host
      let outcome = host.call(call)
      if outcome.isSuccess { answered += 1 }
      #expect(outcome.isSuccess || outcome.gasLeft == 0)
      #expect(outcome.gasLeft <= call.gas)
      // Once more gives the same.
      var again = before
      #expect(again.call(call) == outcome, "seed \(seed)")
      // What it took is enough; one less is not.
      if outcome.isSuccess, seed.isMultiple(of: 8) {
        var exact = call
        exact.gas -= outcome.gasLeft
        // Whoever asks how much a call is given sees the difference: only those calls that send
        // nothing are sure to do with exactly what they took.
        guard !source.contains("(send"), !source.contains("(try"), !source.contains("(pay") else {
          continue
        }
        var host = before
        #expect(host.call(exact) == .returned(outcome.data, gasLeft: 0), "seed \(seed)")
        exact.gas -= 1
        host = before
        #expect(host.call(exact) == .failed(.outOfGas), "seed \(seed)")
      }
    }
    #expect(compiled > 1_000)
    #expect(answered > 100)
  }

  @Test("Random programs take no more steps and bytes than their gas pays")
  func bytesOfRandomPrograms() throws {
    var spentMost = 0
    for seed in UInt64(0)..<2_000 {
      var random = RandomProgram(seed: seed)
      guard let contract = try? LispContract(source: Array(random.source().utf8)),
        let handler = contract.contract.handlers["go"]
      else { continue }
      let call = Call(caller: Address(1), contract: Address(2), value: 0, gas: 60_000, data: [])
      var machine = LispMachine(contract.program, call: call, sending: Sending())
      // The constants are paid for with the source, which costs 4 a byte.
      let before = machine.heap.bytes
      #expect(before <= 64 * contract.program.source.count)
      do throws(LispProblem) {
        _ = try machine.run(contract.program.main)
        _ = try machine.run(handler.lambda, arguments: [.integer(2), .null])
      } catch {}
      let bytes = machine.heap.bytes + machine.stack.count * Heap.slotSize - before
      let spent = Int(call.gas - machine.gas)
      spentMost = max(spentMost, spent)
      #expect(machine.steps <= UInt64(spent), "seed \(seed)")
      #expect(bytes <= Self.bytesPerGas * spent + 1_024, "seed \(seed)")
    }
    #expect(spentMost == 60_000)
  }

  @Test(
    "Nothing that lasts takes more memory than its gas pays",
    arguments: [
      "(let l ((x '())) (l (cons 1 x)))",
      "(let l ((x #x00)) (l (concat x x)))",
      "(let l ((x '())) (l (list x x)))",
      "(let l ((x 0)) (l (lambda () x)))",
      "(let l ((x 0)) (set! x (+ x 1)) (l x))",
      "(define (f x) (list (f x) (f x))) (f 1)",
      "(define (f a b c d e f2 g h) (+ 1 (f a b c d e f2 g h))) (f 1 2 3 4 5 6 7 8)",
      "(let l ((x '(1 2 3))) (l (list x 1u 2 \"abc\" #x00 self)))",
      "(let l ((x '())) (equal? x (list x)) (l (list x x x)))",
      "(let l ((i 0) (x 1u)) (l (+ i 1) (+ x x)))",
      "(define x '()) (let l () (set! x (list x x)) (emit 1) (l))",
      "(define x '()) (let l ((i 0)) (if (= i 60) (emit x) (begin (set! x (list x x)) (l (+ i 1)))))",
      "(define x '()) (let l ((i 0)) (if (= i 60) (equal? x (cdr (list 1 x x))) (begin (set! x (list x x)) (l (+ i 1)))))",
    ]
  )
  func memory(source: String) throws {
    for gas: UInt64 in [100, 1_000, 10_000, 300_000, 3_000_000] {
      let program = try LispProgram(source: Array(source.utf8))
      let call = Call(caller: Address(1), contract: Address(2), value: 0, gas: gas, data: [])
      var machine = LispMachine(program, call: call, sending: Sending())
      do throws(LispProblem) { _ = try machine.run(program.main) } catch {}
      let bytes = machine.heap.bytes + machine.stack.count * Heap.slotSize
      let spent = Int(gas) - Int(machine.gas)
      #expect(machine.steps <= UInt64(spent))
      #expect(bytes <= Self.bytesPerGas * spent + 1_024)
      #expect(bytes <= Heap.bytesMax + 2 * LispMachine.stackMax * Heap.slotSize)
    }
  }

  @Test(
    "Every text that is read prints as a text that reads the same; every encoding is the only one"
  )
  func roundTrips() throws {
    var random = SplitMix64(seed: 3)
    for _ in 0..<2_000 {
      let datum = Self.datum(depth: 4, using: &random)
      #expect(try Datum(datum.bytes, facets: false) == datum)
      #expect(try Reader.datum(datum.description) == datum)
    }
    let facet = Datum.facet(Address(3), ["a", "b"])
    #expect(try Datum(facet.bytes, facets: true) == facet)
    #expect(throws: DecodingFailure.self) { try Datum(facet.bytes, facets: false) }
    #expect(throws: LispFailure.self) { try Reader.datum(facet.description) }
  }

  static func datum(depth: Int, using random: inout SplitMix64) -> Datum {
    let bytes = (0..<Int.random(in: 0..<12, using: &random)).map { _ in
      UInt8.random(in: 0...255, using: &random)
    }
    switch Int.random(in: 0..<(depth > 0 ? 10 : 7), using: &random) {
    case 0: return .bool(Bool.random(using: &random))
    case 1:
      return .integer(Int64(bitPattern: random.next() >> UInt64.random(in: 0..<64, using: &random)))
    case 2:
      return .amount(UInt128(random.next()) << UInt128(UInt8.random(in: 0..<64, using: &random)))
    case 3: return .symbol(["a", "-", "+", "a-b!", "->x", "<=?"][Int(random.next() % 6)])
    case 4: return .string(["", "é\"\\\n", "plain"][Int(random.next() % 3)])
    case 5: return .bytes(bytes)
    case 6: return .address(Address(UInt8.random(in: 0...255, using: &random)))
    default:
      return .list(
        (0..<Int.random(in: 0..<5, using: &random)).map { _ in
          datum(depth: depth - 1, using: &random)
        }
      )
    }
  }

  @Test("Depth has an end, in texts, encodings and values, and none of it on the host's stack")
  func depth() throws {
    let deep = String(repeating: "(", count: 65_000)
    #expect(run(deep).contains("too much nesting"))
    #expect(run(String(repeating: "'", count: 65_000)).contains("too much nesting"))
    let ok = String(repeating: "(", count: 64) + String(repeating: ")", count: 64)
    #expect(try Reader.datum(ok).description == ok)
    #expect(try Datum(Reader.datum(ok).bytes, facets: false).description == ok)
    let bytes = [[UInt8]](repeating: [0, 1, 0], count: 20_000).flatMap { $0 }
    #expect(throws: DecodingFailure.self) { try Datum(bytes, facets: false) }
    let nest = "(let l ((i 0) (x '())) (if (= i 100000) x (l (+ i 1) (list x))))"
    #expect(run(nest) == "too much nesting")
    let same =
      "(define (n) (let l ((i 0) (x '())) (if (= i 30000) x (l (+ i 1) (list x))))) (equal? (n) (n))"
    #expect(run(same) == "#t")
    let lambdas =
      String(repeating: "(lambda () ", count: 40) + "1" + String(repeating: ")", count: 40)
    #expect(run(lambdas).contains("too much nesting of functions"))
    let clauses = "(cond " + String(repeating: "(#f 1)", count: 10_000) + "(else 2))"
    #expect(run(clauses) == "2")
    let and = "(and " + String(repeating: "1 ", count: 30_000) + "2)"
    #expect(run(and) == "2")
  }
}
