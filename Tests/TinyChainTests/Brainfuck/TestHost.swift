import Kernel
import TinyChain

/// A chain with nothing but accounts, for tests of contracts.
struct TestHost: ContractHost {
  struct Account: Hashable {
    var balance: UInt64 = 0
    var code: BrainfuckCode?
    var pages: [UInt8: [UInt8]] = [:]
  }

  struct Event: Hashable {
    var contract: Address
    var data: [UInt8]
  }

  var height: UInt64 = 7
  var time: UInt64 = 1_000
  var accounts: [Address: Account] = [:]
  var events: [Event] = []
  var stack = CallStack()
  var created: UInt8 = 0

  func balance(of account: Address) -> UInt64 { accounts[account]?.balance ?? 0 }

  func exists(_ account: Address) -> Bool { accounts[account] != nil }

  func page(_ index: UInt8, of contract: Address) -> [UInt8]? {
    accounts[contract]?.pages[index]
  }

  mutating func setPage(_ index: UInt8, of contract: Address, to bytes: [UInt8]) {
    precondition(index > 0)
    precondition(bytes.count == 256)
    accounts[contract, default: Account()].pages[index] = bytes
  }

  mutating func emit(_ event: [UInt8], from contract: Address) {
    events.append(Event(contract: contract, data: event))
  }

  mutating func transfer(_ value: UInt64, from: Address, to: Address) -> Bool {
    guard value <= balance(of: from) else { return false }
    guard value > 0 else { return true }
    accounts[from, default: Account()].balance -= value
    accounts[to, default: Account()].balance += value
    return true
  }

  mutating func call(_ call: Call) -> Outcome {
    let before = self
    do throws(CallFailure) {
      try stack.enter(call.contract)
      guard transfer(call.value, from: call.caller, to: call.contract) else { throw .balanceTooLow }
    } catch {
      self = before
      return .failed(error)
    }
    var outcome = Outcome.returned([], gasLeft: call.gas)
    if let code = accounts[call.contract]?.code {
      outcome = BrainfuckContract(code).answer(call, on: &self)
    }
    stack.leave()
    if !outcome.isSuccess { self = before }
    return outcome
  }

  mutating func create(_ code: BrainfuckCode, value: UInt64, by creator: Address) -> Address? {
    let address = Address(100 + created)
    guard transfer(value, from: creator, to: address) else { return nil }
    created += 1
    accounts[address, default: Account()].code = code
    return address
  }
}

extension Address {
  /// 20 times the same byte.
  init(_ byte: UInt8) {
    var reader = ByteReader([UInt8](repeating: byte, count: Address.size))
    guard let address = try? Address(from: &reader) else { preconditionFailure("20 bytes") }
    self = address
  }
}
