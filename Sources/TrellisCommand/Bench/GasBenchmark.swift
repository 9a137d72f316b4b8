import Glibc
import Kernel
import Service
import TinyChain

/// Time and memory of calls that try to take more of them than their gas pays for.
///
/// Each case is a contract that spends all gas of a transaction, or ends; the figure is processor time
/// per unit of gas, and how far the process's memory rose at most, per unit too. The cases are made to
/// be bad: each primitive alone in a loop, on large values and on small ones, calls of large code,
/// tapes whose pages are all touched; and after them programs by chance.
func benchmarkGas() throws {
  var worst = (time: GasFigure(), memory: GasFigure())
  var figures: [GasFigure] = []
  for gasCase in GasCase.lisp + GasCase.brainfuck + GasCase.random {
    let figure = try gasCase.measured()
    figures.append(figure)
    if figure.nanoseconds > worst.time.nanoseconds { worst.time = figure }
    if figure.bytes > worst.memory.bytes { worst.memory = figure }
  }
  print("\(figures.count) programs that try to take more time or memory than they pay for")
  for figure in figures.sorted(by: { $0.nanoseconds > $1.nanoseconds }).prefix(8) {
    report("  " + figure.name, figure.description)
  }
  report("  most memory: " + worst.memory.name, worst.memory.description)
}

/// What one call took for each unit of gas.
private struct GasFigure: CustomStringConvertible {
  var name = ""
  var nanoseconds = 0.0
  var bytes = 0.0

  var description: String { "\(decimal(nanoseconds)) ns, \(decimal(bytes)) bytes a gas" }
}

/// A transaction, and the contracts that there must be for it.
private struct GasCase {
  var name: String
  /// Deployed in order by the faucet, with these kinds and data.
  var contracts: [Transaction]
  /// The call, to the last of the contracts.
  var data: [UInt8]
  var gas: UInt64 = 5_000_000

  func measured() throws -> GasFigure {
    var chain = Chain(.dev)
    var transaction = Transaction(.call, data: data)
    for contract in contracts {
      var contract = contract
      (contract.chainID, contract.nonce) = (
        chain.id, chain.state.account(NetworkParameters.faucet).nonce
      )
      let signed = SignedTransaction(contract, by: NetworkParameters.faucetKey)
      let draft = InstantSequencer().draft(
        after: chain.tip.header,
        at: 0,
        for: NetworkParameters.faucet
      )
      let block = chain.executed([signed], under: draft)
      guard let execution = block.executions.first, execution.receipt.isSuccess,
        let address = Address(execution.output)
      else {
        throw CommandFailure(
          "\(name): the contract cannot be deployed: \(String(describing: block.executions.first))"
        )
      }
      transaction.to = address
      chain.append(block)
    }
    (transaction.chainID, transaction.gasLimit) = (chain.id, gas)
    transaction.nonce = chain.state.account(NetworkParameters.faucet).nonce
    transaction.maxPrice = 100
    var best = GasFigure(name: name, nanoseconds: .infinity)
    for _ in 0..<2 {
      let before = Memory.peakReset()
      let start = threadTime()
      let execution: Execution
      do {
        execution = try chain.estimate(transaction, from: NetworkParameters.faucet)
      } catch {
        throw CommandFailure("\(name): \(error)")
      }
      let time = Double((threadTime() - start).wholeNanoseconds)
      let used = Double(execution.receipt.gasUsed)
      best.nanoseconds = min(best.nanoseconds, time / used)
      best.bytes = max(best.bytes, Double(Memory.peak() - before) / used)
    }
    return best
  }
}

/// The process's memory as the kernel counts it.
private enum Memory {
  /// Forgets the highest so far.
  ///
  /// - Returns: what it is now.
  static func peakReset() -> Int {
    if let file = fopen("/proc/self/clear_refs", "w") {
      fputs("5", file)
      fclose(file)
    }
    return peak()
  }

  static func peak() -> Int {
    let status = (try? PrivateFile.read("/proc/self/status", bytesMax: 1 << 16)) ?? []
    let line = String(decoding: status, as: UTF8.self).split(separator: "\n")
      .first { $0.hasPrefix("VmHWM:") }
    return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) << 10
  }
}

extension GasCase {
  // MARK: Lisp

  fileprivate static var lisp: [GasCase] {
    let ones = String(repeating: "1 ", count: 200)
    let names = (0..<200).map { "v\($0)" }.joined(separator: " ")
    let setup = """
      (define bytes
        (let l ((i 0) (x #x0102030405060708)) (if (= i 12) x (l (+ i 1) (concat x x)))))
      (define same (concat bytes #x))
      (define long (let l ((i 0) (x '())) (if (= i 10000) x (l (+ i 1) (cons i x)))))
      (define twin (let l ((i 0) (x '())) (if (= i 10000) x (l (+ i 1) (cons i x)))))
      (define (many \(names)) v7)
      (define all (facet self '(a b c d e f g h)))

      """
    let most = "340282366920938463463374607431768211455u"
    let bodies = [
      "1", "(+ i 1)", "(+ \(ones))", "(* 5u 7u)", "(/ \(most) 3u)",
      "(% \(most) 12345678901234567890123u)",
      "(muldiv \(most) 340282366920938463463374607431768211454u \(most))", "(type i)",
      "(list \(ones))",
      "(concat bytes bytes)", "(concat #x01 #x02)", "(slice bytes 0 32000)", "(slice bytes 1 2)",
      "(sha256 bytes)", "(sha256 #x00)", "(equal? bytes same)", "(equal? long twin)",
      "(length long)",
      "(byte bytes 7)", "self", "caller", "value", "(balance-of self)", "(get t i 0)",
      "(put! t i i)",
      "(put! t 0 bytes)", "(get t 0 0)", "(delete! t i)", "(emit bytes)", "(emit 1)", "(emit long)",
      "(send @0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a 'x)", "(try self 'go)",
      "(send @0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a bytes)",
      "(lambda () i)", "(set! s i)", "s", "(address (slice bytes 0 20))",
      "(facet self '(a b c d e f g h))",
      "(facet all '(a b c d e f g h))", "(amount i)", "(integer 5u)", "'x", "(many \(ones))",
      "(let ((x 1) (y 2)) (lambda () (+ x y i)))", "(try all 'z)", "(cons i '())",
    ]
    func contract(_ name: String, _ source: String, after others: [Transaction] = []) -> GasCase {
      GasCase(
        name: name,
        contracts: others + [creation(source)],
        data: Datum.list([.symbol("go")]).bytes
      )
    }
    var cases = bodies.map { body in
      contract(
        "Lisp loop: " + body.prefix(40),
        "(contract (c) (slot s 0) (table t) \(setup) (on (receive) 0) (on (go) (let l ((i 0)) (begin \(body) (l (+ i 1))))))"
      )
    }
    cases += [
      contract(
        "Lisp: deep recursion",
        "(contract (c) (on (go) (let () (define (f n) (if (= n 0) 0 (+ 1 (f (- n 1))))) (let l () (begin (f 4000) (l))))))"
      ),
      contract(
        "Lisp: live lists",
        "(contract (c) (on (go) (let l ((i 0) (x '()) (y '())) (if (= i 60000) (l 0 '() x) (l (+ i 1) (cons i x) y)))))"
      ),
      contract(
        "Lisp: live closures",
        "(contract (c) (on (go) (let l ((i 0) (x 0)) (if (= i 30000) (l 0 0) (l (+ i 1) (lambda () x))))))"
      ),
    ]
    // Calls of a contract with much code that does nothing, by one that has little.
    let address = Address(
      contractBy: NetworkParameters.faucet,
      nonce: 0
    ).bytes.hex
    let callee = "(contract (d) (on (receive) 0) "
    let fillers: [(String, String)] = [
      (
        "comments",
        String(
          repeating: ";;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;;\n",
          count: 900
        )
      ),
      (
        "definitions",
        (0..<1_400).map { "(define (f\($0) x) (+ x (g \($0))))" }.joined(separator: "\n")
          + "(define (g x) x)"
      ),
      ("short definitions", (0..<3_000).map { "(define f\($0) 1)" }.joined()),
      ("constants", "(define x '(" + (0..<12_000).map { "\($0)" }.joined(separator: " ") + "))"),
      ("symbols", "(define x '(" + (0..<10_000).map { "s\($0)" }.joined(separator: " ") + "))"),
      ("handlers", (0..<2_500).map { "(on (m\($0)) 1)" }.joined()),
      (
        "captures",
        "(define (f x y z) (lambda () (lambda () (lambda () (lambda () (lambda () (lambda () (lambda () (lambda () (begin "
          + String(repeating: "x y z ", count: 8_000) + "))))))))))"
      ),
      (
        "lambdas",
        "(define f (list " + String(repeating: "(lambda(x)x)", count: 250) + "))"
          + (0..<12).map {
            "(define h\($0) (list " + String(repeating: "(lambda(x)x)", count: 250) + "))"
          }.joined()
      ),
      ("calls", "(define (f) (begin " + String(repeating: "(f)", count: 16_000) + "))"),
      ("ands", "(define (f) (begin " + String(repeating: "(and 1)", count: 7_000) + "))"),
      ("lets", "(define (f) (begin " + String(repeating: "(let((x 1))x)", count: 4_000) + "))"),
      ("conds", "(define (f) (cond " + String(repeating: "(1 2)", count: 10_000) + "))"),
      (
        "nesting",
        "(define x '("
          + String(
            repeating: String(repeating: "(", count: 50) + String(repeating: ")", count: 50),
            count: 550
          ) + "))"
      ),
    ]
    cases += fillers.map { name, filler in
      contract(
        "Lisp: called code, " + name,
        "(contract (c) (on (go) (let l () (begin (send @\(address) 'receive) (l)))))",
        after: [creation(callee + filler + ")")]
      )
    }
    return cases
  }

  private static func creation(_ source: String) -> Transaction {
    let data = LispContract.creation(source: Array(source.utf8), arguments: .list([])) ?? []
    var transaction = Transaction(.createLisp, data: data)
    transaction.maxPrice = 100
    return transaction
  }

  // MARK: Brainfuck

  fileprivate static var brainfuck: [GasCase] {
    // Frames again and again; a byte costs as many + as it is, so the fields are mostly zeros.
    func write(_ bytes: [Int]) -> String {
      bytes.map { String(repeating: "+", count: $0) + ($0 == 0 ? "." : ".[-]") }.joined()
    }
    let frames: [(String, [Int])] = [
      ("CALL", [1] + [Int](repeating: 0, count: 38)), ("EVENT", [2, 0, 0]),
      ("SEND", [3] + [Int](repeating: 0, count: 28)), ("INFO", [5, 0]),
      ("CREATE", [6] + [Int](repeating: 0, count: 18)), ("SHA256", [7, 0, 0]),
    ]
    var cases = frames.map { name, bytes in
      GasCase(
        name: "Brainfuck: frame " + name,
        contracts: [creation(.framed, "+[>" + write(bytes) + "<]")],
        data: []
      )
    }
    let raw = [
      ("an empty loop", "+[]"), ("a long loop", "+[>+<+>-<-]"), ("output", "+[>.<]"),
      ("a counter of bytes", "+[>+[>+[>+[>+<-]<-]<-]<+]"),
      ("a multiplication with no effect", "+[>[->+<]<]"), ("scans", ">+>+>+>+<<<<+[[>]<[<]>]"),
    ]
    cases += raw.map { name, source in
      GasCase(name: "Brainfuck: " + name, contracts: [creation(.raw, source)], data: [])
    }
    let address = Address(contractBy: NetworkParameters.faucet, nonce: 0).bytes.hex
    let long = BrainfuckProgram.opcodesMax - 2
    let fillers = [
      ("additions", String(repeating: "+", count: long)),
      ("loops", String(repeating: "[]", count: long / 2)),
      (
        "nesting",
        String(repeating: "[", count: long / 2) + String(repeating: "]", count: long / 2)
      ),
    ]
    cases += fillers.map { name, filler in
      GasCase(
        name: "Brainfuck: called code, " + name,
        contracts: [
          creation(.raw, "[" + filler + "]"),
          creation("(contract (c) (on (go) (let l () (begin (send @\(address) #x00) (l)))))"),
        ],
        data: Datum.list([.symbol("go")]).bytes
      )
    }
    return cases
  }

  private static func creation(_ mode: BrainfuckMode, _ source: String) -> Transaction {
    guard let program = try? BrainfuckProgram(source: source.utf8) else {
      preconditionFailure("its brackets match")
    }
    var transaction = Transaction(
      .createBrainfuck,
      data: BrainfuckCode(mode: mode, program: program).bytes
    )
    transaction.maxPrice = 100
    return transaction
  }

  // MARK: By chance

  fileprivate static var random: [GasCase] {
    var random = SplitMix64(seed: 9)
    var cases: [GasCase] = []
    for number in 0..<200 {
      let source = randomLisp(depth: 5, using: &random)
      let contract =
        "(contract (c) (slot s 0) (table t) (on (receive) 0) (on (go) (let l ((i 0)) (begin (try self 'go) \(source) (l (+ i 1))))))"
      guard (try? LispContract(source: Array(contract.utf8))) != nil else { continue }
      cases.append(
        GasCase(
          name: "Lisp by chance \(number)",
          contracts: [creation(contract)],
          data: Datum.list([.symbol("go")]).bytes,
          gas: 300_000
        )
      )
    }
    for number in 0..<200 {
      var source = "+["
      var depth = 1
      for _ in 0..<60 {
        let next = Array("><+-.,[]")[Int.random(in: 0..<8, using: &random)]
        if next == "[" { depth += 1 }
        if next == "]" { if depth == 1 { continue } else { depth -= 1 } }
        source.append(next)
      }
      source += "+" + String(repeating: "]", count: depth)
      cases.append(
        GasCase(
          name: "Brainfuck by chance \(number)",
          contracts: [creation(.raw, source)],
          data: [1, 2, 3],
          gas: 300_000
        )
      )
    }
    return cases
  }

  /// An expression that never fails for its types alone: of numbers.
  private static func randomLisp(depth: Int, using random: inout SplitMix64) -> String {
    guard depth > 0 else {
      return ["0", "1", "7", "i", "5u", "s", "value"].randomElement(using: &random) ?? "0"
    }
    func number() -> String {
      randomLisp(depth: depth - Int.random(in: 1...2, using: &random), using: &random)
    }
    switch Int.random(in: 0..<16, using: &random) {
    case 0: return "(if (< \(number()) \(number())) \(number()) \(number()))"
    case 1: return "(let ((z \(number()))) (+ z \(number())))"
    case 2: return "(get t \(number()) \(number()))"
    case 3: return "(put! t \(number()) \(number()))"
    case 4: return "(length (list \(number()) \(number()) \(number())))"
    case 5: return "(let m ((j 0) (x 0)) (if (= j 20) x (m (+ j 1) \(number()))))"
    case 6: return "(set! s \(number()))"
    case 7: return "((lambda (q) (+ q \(number()))) \(number()))"
    case 8: return "(byte (sha256 (concat #x01 #x02)) 3)"
    case 9: return "(length (concat \"abc\" \"defgh\"))"
    case 10: return "(begin (emit \(number())) 1)"
    case 11: return "(length (try self 'go))"
    case 12: return "(begin (equal? (list \(number())) (list \(number()))) 1)"
    default:
      return "(\(["+", "-", "*"].randomElement(using: &random) ?? "+") \(number()) \(number()))"
    }
  }
}
