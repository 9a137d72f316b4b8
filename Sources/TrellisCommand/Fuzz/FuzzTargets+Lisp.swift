import Kernel
import Simulation
import TinyChain

extension FuzzTargets {
  /// Text: what reads prints as a text that reads the same.
  static let lispReader = FuzzTarget(
    "lisp-reader",
    seeds: [
      "(a -5 5u #t #x0aff \"q\\n\")", "'(1 (2 ()))", "@" + String(repeating: "0a", count: 20),
    ]
    .map { Array($0.utf8) }
  ) { input in
    guard let forms = try? Reader.forms(of: input) else { return .refused }
    for form in forms {
      guard (try? Reader.datum(form.datum.description)) == form.datum else {
        return .broken("prints as another value")
      }
    }
    return .accepted
  }

  /// A value in a message or an entry.
  static let lispDatum = FuzzTarget(
    "lisp-datum",
    seeds: [
      Datum.list([.symbol("go"), .integer(-1), .amount(7), .string("é"), .bytes([1, 2])]).bytes,
      Datum.list([.bool(true), .list([]), .address(.zero), .facet(.zero, ["a"])]).bytes,
    ]
  ) { input in
    guard let datum = try? Datum(input, facets: true) else { return .refused }
    return same(datum.bytes, input)
  }

  /// Length 2 ‖ source ‖ message: whatever a contract does, it ends, and spends what it had at most.
  static let lispContract = FuzzTarget(
    "lisp-contract",
    seeds: [
      "(contract (c) (slot n 0) (on (go m) (set! n (+ n m)) (list n m self caller value height)))",
      "(contract (c) (table t) (on (go m) (put! t m (get t m 1u)) (emit 'a m) (try self 'go m)))",
      "(contract (c) (define (f x) (if (< x 9) (f (+ x 1)) (cons x '()))) (view (go m) (f m)))",
      "(contract (c) (on (go m) (let l ((i 0) (x #x00)) (if (= i 5) x (l (+ i 1) (concat x x))))))",
      "(contract (c p) (init (fail 'x)) (only (a) 1) (on (go m) (cond ((= m 1) (set! m 2) (lambda () m)))))",
    ].compactMap {
      let message = Datum.list([.symbol("go"), .integer(1)])
      return LispContract.creation(source: Array($0.utf8), arguments: message)
    },
    cost: 4
  ) { input in
    guard let parts = try? LispContract.parts(of: input),
      let contract = try? LispContract(source: parts.source)
    else { return .refused }
    var host = LoneLispHost()
    for author in [Sending.Author.anyone, .lisp] {
      let call = Call(caller: .zero, contract: .zero, value: 5, gas: 20_000, data: parts.arguments)
      let outcomes = [
        contract.create(call, on: &host),
        contract.answer(call, as: Sending(author: author), on: &host),
      ]
      for outcome in outcomes {
        guard outcome.gasLeft <= call.gas else { return .broken("gas out of nothing") }
        guard outcome.isSuccess || outcome.gasLeft == 0 else { return .broken("failed for less") }
      }
    }
    return .accepted
  }
}

/// A chain of one contract: whoever it calls echoes the data for half the gas.
private struct LoneLispHost: LispHost {
  let height: UInt64 = 1
  let time: UInt64 = 1
  var entries: [[UInt8]: [UInt8]] = [:]

  func balance(of account: Address) -> UInt64 { 1_000 }
  func exists(_ account: Address) -> Bool { account == .zero }
  func page(_ index: UInt8, of contract: Address) -> [UInt8]? { nil }
  mutating func setPage(_ index: UInt8, of contract: Address, to bytes: [UInt8]) {}
  mutating func emit(_ event: [UInt8], from contract: Address) {}
  mutating func transfer(_ value: UInt64, from: Address, to: Address) -> Bool { value <= 1_000 }
  mutating func create(_ code: BrainfuckCode, value: UInt64, by creator: Address) -> Address? {
    nil
  }
  func entry(_ key: [UInt8], of contract: Address) -> [UInt8]? { entries[key] }
  mutating func setEntry(_ key: [UInt8], of contract: Address, to value: [UInt8]?) {
    entries[key] = value
  }
  mutating func mint(_ amount: UInt64, to account: Address, by contract: Address) -> Bool { true }
  mutating func call(_ call: Call) -> Outcome { .returned(call.data, gasLeft: call.gas / 2) }
  mutating func call(_ call: Call, as sending: Sending) -> (outcome: Outcome, isLisp: Bool) {
    (self.call(call), call.data.count.isMultiple(of: 2))
  }
}
