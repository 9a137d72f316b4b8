import Kernel

@testable import TinyChain

/// A world whose accounts tests set and look at as they like.
struct TestHost {
  var world = World(State(), height: 7, time: 1_000)

  struct Account: Hashable {
    var balance: UInt64 = 0
    var kind = TinyChain.Account.Code.none
    var code: [UInt8] = []
    var pages: [UInt8: [UInt8]] = [:]

    init(balance: UInt64 = 0) { self.balance = balance }

    init(balance: UInt64 = 0, code: BrainfuckCode) {
      (self.balance, self.kind, self.code) = (balance, .brainfuck, code.bytes)
    }

    init(balance: UInt64 = 0, code: LispContract) {
      (self.balance, self.kind, self.code) = (balance, .lisp, code.program.source)
    }
  }

  /// All accounts; equal if every leaf of the state is.
  struct Accounts: Equatable {
    var state: State

    subscript(address: Address) -> Account? {
      get {
        guard state[.account(address)] != nil else { return nil }
        var account = Account(balance: state.account(address).balance)
        account.kind = state.account(address).code
        account.code = state[.code(address)] ?? []
        for index in 0...UInt8.max { account.pages[index] = state[.page(index, of: address)] }
        return account
      }
      set {
        state.change(address) {
          $0.balance = newValue?.balance ?? 0
          $0.code = newValue?.kind ?? .none
        }
        state[.code(address)] = newValue?.code
        guard newValue?.kind != .lisp else { return }
        for index in 0...UInt8.max { state[.page(index, of: address)] = newValue?.pages[index] }
      }
    }

    static func == (a: Self, b: Self) -> Bool {
      var (a, b) = (a.state, b.state)
      _ = (a.commit(), b.commit())
      return a.tree.root == b.tree.root
    }
  }

  var accounts: Accounts {
    get { Accounts(state: world.state) }
    set { world.state = newValue.state }
  }

  var height: UInt64 {
    get { world.height }
    set { world = World(world.state, height: newValue, time: world.time) }
  }

  var events: [Receipt.Event] { world.events }

  func balance(of account: Address) -> UInt64 { world.balance(of: account) }

  mutating func call(_ call: Call) -> Outcome { world.call(call).outcome }

  // MARK: Lisp

  /// What contracts said, as values.
  var said: [Datum] {
    world.events.compactMap { try? Datum($0.data, facets: true) }
  }

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
    let outcome = contract.create(call, on: &world)
    accounts[address] = Account(code: contract)
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
  do {
    let (result, gasLeft, steps) = try LispProgram(source: Array(source.utf8)).run(gas: gas)
    return (try result.get().description, gasLeft, steps)
  } catch {
    return ("\(error)", 0, 0)
  }
}

extension Address {
  /// 20 times the same byte.
  init(_ byte: UInt8) {
    guard let address = Address([UInt8](repeating: byte, count: Address.size)) else {
      preconditionFailure("20 bytes")
    }
    self = address
  }
}
