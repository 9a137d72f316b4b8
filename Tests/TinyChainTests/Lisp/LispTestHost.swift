import Kernel

@testable import TinyChain

/// A chain with nothing but accounts and their entries, for tests of contracts in Lisp.
struct LispTestHost: LispHost {
  struct Account {
    var balance: UInt64 = 0
    var code: LispContract?
    /// Answers every message with what it was sent, as a contract of bytes would.
    var isEcho = false
    var entries: [[UInt8]: [UInt8]] = [:]
  }

  var height: UInt64 = 7
  var time: UInt64 = 1_000
  var accounts: [Address: Account] = [:]
  var events: [Datum] = []
  var stack = CallStack()
  var genesis = Address(200)

  func balance(of account: Address) -> UInt64 { accounts[account]?.balance ?? 0 }
  func exists(_ account: Address) -> Bool { accounts[account] != nil }
  func page(_ index: UInt8, of contract: Address) -> [UInt8]? { nil }
  mutating func setPage(_ index: UInt8, of contract: Address, to bytes: [UInt8]) {}
  mutating func create(_ code: BrainfuckCode, value: UInt64, by creator: Address) -> Address? {
    nil
  }

  func entry(_ key: [UInt8], of contract: Address) -> [UInt8]? { accounts[contract]?.entries[key] }

  mutating func setEntry(_ key: [UInt8], of contract: Address, to value: [UInt8]?) {
    accounts[contract, default: Account()].entries[key] = value
  }

  mutating func emit(_ event: [UInt8], from contract: Address) {
    guard let datum = try? Datum(event, facets: true) else { preconditionFailure("no value") }
    events.append(datum)
  }

  mutating func mint(_ amount: UInt64, to account: Address, by contract: Address) -> Bool {
    guard contract == genesis else { return false }
    accounts[account, default: Account()].balance += amount
    return true
  }

  mutating func transfer(_ value: UInt64, from: Address, to: Address) -> Bool {
    guard value <= balance(of: from) else { return false }
    guard value > 0 else { return true }
    accounts[from, default: Account()].balance -= value
    accounts[to, default: Account()].balance += value
    return true
  }

  mutating func call(_ call: Call) -> Outcome { self.call(call, as: Sending()).outcome }

  mutating func call(_ call: Call, as sending: Sending) -> (outcome: Outcome, isLisp: Bool) {
    let before = self
    do throws(CallFailure) {
      try stack.enter(call.contract)
      guard transfer(call.value, from: call.caller, to: call.contract) else { throw .balanceTooLow }
    } catch {
      self = before
      return (.failed(error), false)
    }
    var outcome = Outcome.returned([], gasLeft: call.gas)
    let account = accounts[call.contract]
    if account?.isEcho == true { outcome = .returned(call.data, gasLeft: call.gas) }
    if let code = account?.code { outcome = code.answer(call, as: sending, on: &self) }
    stack.leave()
    if !outcome.isSuccess { self = before }
    return (outcome, account?.code != nil)
  }

  // MARK: What tests do

  /// Creates a contract at an address.
  mutating func deploy(
    _ source: String,
    at address: Address,
    by creator: Address = Address(1),
    _ arguments: Datum...
  ) throws -> Outcome {
    let contract = try LispContract(source: Array(source.utf8))
    let call = Call(
      caller: creator,
      contract: address,
      value: 0,
      gas: 1_000_000,
      data: Datum.list(arguments).bytes
    )
    let outcome = contract.create(call, on: &self)
    accounts[address, default: Account()].code = contract
    return outcome
  }

  /// What a contract answers to a message given as text.
  mutating func ask(
    _ contract: Address,
    _ message: String,
    from caller: Address = Address(1),
    value: UInt64 = 0
  ) throws -> Datum {
    let call = Call(
      caller: caller,
      contract: contract,
      value: value,
      gas: 1_000_000,
      data: try Reader.datum(message).bytes
    )
    let outcome = self.call(call)
    guard outcome.isSuccess else {
      throw Refusal(reason: String(decoding: outcome.data, as: UTF8.self))
    }
    return try Datum(outcome.data, facets: true)
  }
}

struct Refusal: Error, Hashable {
  let reason: String
}

/// What a program is, run alone; its failure as text otherwise.
func run(_ source: String, gas: UInt64 = 10_000_000) -> String {
  runCounting(source, gas: gas).text
}

func runCounting(_ source: String, gas: UInt64) -> (text: String, gasLeft: UInt64, steps: UInt64) {
  let call = Call(caller: Address(1), contract: Address(2), value: 0, gas: gas, data: [])
  do {
    var host = LispTestHost()
    let (result, gasLeft, steps) = try LispProgram(source: Array(source.utf8)).run(call, on: &host)
    return (try result.get().description, gasLeft, steps)
  } catch {
    return ("\(error)", 0, 0)
  }
}
