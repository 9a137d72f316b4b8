import Kernel

/// The chain as contracts see it and change it, while a block is executed.
struct World: LispHost {
  /// Coins that can ever be: so sums of balances stay in range.
  static let supplyMax: UInt64 = 1 << 63

  var state: State
  let height: UInt64
  let time: UInt64
  var events: [Receipt.Event] = []
  private var stack = CallStack()

  init(_ state: State, height: UInt64, time: UInt64) {
    (self.state, self.height, self.time) = (state, height, time)
  }

  // MARK: What contracts ask

  func balance(of account: Address) -> UInt64 { state.account(account).balance }
  func exists(_ account: Address) -> Bool { state[.account(account)] != nil }
  func page(_ index: UInt8, of contract: Address) -> [UInt8]? { state[.page(index, of: contract)] }
  func entry(_ key: [UInt8], of contract: Address) -> [UInt8]? { state[.entry(key, of: contract)] }

  mutating func setPage(_ index: UInt8, of contract: Address, to bytes: [UInt8]) {
    state[.page(index, of: contract)] = bytes
  }

  mutating func setEntry(_ key: [UInt8], of contract: Address, to value: [UInt8]?) {
    state[.entry(key, of: contract)] = value
  }

  mutating func emit(_ event: [UInt8], from contract: Address) {
    events.append(Receipt.Event(contract: contract, data: event))
  }

  mutating func transfer(_ value: UInt64, from: Address, to: Address) -> Bool {
    guard value <= balance(of: from) else { return false }
    guard value > 0 else { return true }
    state.change(from) { $0.balance -= value }
    state.change(to) { $0.balance += value }
    return true
  }

  mutating func mint(_ amount: UInt64, to account: Address, by contract: Address) -> Bool {
    guard contract == SneedToken.address, amount <= Self.supplyMax - state.supply else {
      return false
    }
    state.supply += amount
    state.change(account) { $0.balance += amount }
    return true
  }

  mutating func create(_ code: BrainfuckCode, value: UInt64, by creator: Address) -> Address? {
    let address = Address(contractBy: creator, nonce: state.account(creator).nonce)
    guard found(.brainfuck, code.bytes, at: address, value: value, by: creator) else { return nil }
    state.change(creator) { $0.nonce += 1 }
    return address
  }

  mutating func call(_ call: Call) -> Outcome { self.call(call, as: Sending()).outcome }

  mutating func call(_ call: Call, as sending: Sending) -> (outcome: Outcome, isLisp: Bool) {
    let code = state.account(call.contract).code
    let outcome = enter(call, isView: sending.isView && code != .lisp) { world in
      guard world.transfer(call.value, from: call.caller, to: call.contract) else {
        return .failed(.balanceTooLow)
      }
      return world.answer(call, as: sending, by: code)
    }
    return (outcome, code == .lisp)
  }

  // MARK: How it is done

  /// Runs `body` within the contract, and undoes what it did if it fails.
  ///
  /// Or if it changed anything for a view: a Lisp machine sees to that itself.
  private mutating func enter(
    _ call: Call,
    isView: Bool = false,
    _ body: (inout World) -> Outcome
  ) -> Outcome {
    do throws(CallFailure) { try stack.enter(call.contract) } catch { return .failed(error) }
    let (checkpoint, count) = (state.checkpoint, events.count)
    var outcome = body(&self)
    stack.leave()
    let isChanged = state.checkpoint > checkpoint || events.count > count
    if isView, isChanged, outcome.isSuccess { outcome = .failed(.reverted) }
    if !outcome.isSuccess {
      state.revert(to: checkpoint)
      events.removeSubrange(count...)
    }
    return outcome
  }

  private mutating func answer(
    _ call: Call,
    as sending: Sending,
    by code: Account.Code
  ) -> Outcome {
    let bytes = state[.code(call.contract)] ?? []
    switch code {
    case .none where call.contract == .zero && !call.data.isEmpty: return runRaw(call)
    case .none: return .returned([], gasLeft: call.gas)
    case .brainfuck:
      guard let code = try? BrainfuckCode(bytes) else { preconditionFailure("checked before") }
      return BrainfuckContract(code).answer(call, on: &self)
    case .lisp:
      guard let code = try? LispContract(source: bytes) else {
        preconditionFailure("compiled once")
      }
      return code.answer(call, as: sending, on: &self)
    }
  }

  /// Runs the data as raw code on the tape of `call.contract`.
  ///
  /// Raw, as framed code could speak in the name of an account that is everybody's.
  private mutating func runRaw(_ call: Call) -> Outcome {
    guard let code = try? BrainfuckCode(call.data), code.mode == .raw else {
      return .failed(.invalidCode)
    }
    var call = call
    call.data = []
    return BrainfuckContract(code).answer(call, on: &self)
  }

  private mutating func found(
    _ code: Account.Code,
    _ bytes: [UInt8],
    at address: Address,
    value: UInt64,
    by creator: Address
  ) -> Bool {
    guard state.account(address).code == .none, transfer(value, from: creator, to: address) else {
      return false
    }
    state[.code(address)] = bytes
    state.change(address) { $0.code = code }
    return true
  }

  // MARK: What transactions ask

  /// Does what a transaction says with this gas, after its fee is paid; all or nothing.
  mutating func run(_ transaction: Transaction, by sender: Address, gas: UInt64) -> Outcome {
    let data = transaction.data
    var call = Call(
      caller: sender,
      contract: transaction.to,
      value: transaction.value,
      gas: gas,
      data: data
    )
    switch transaction.kind {
    case .transfer, .call:
      let price = sendingPrice(of: call.value, to: call.contract)
      guard price <= gas else { return .failed(.outOfGas) }
      call.gas -= price
      if transaction.kind == .call { return self.call(call) }
      let isMoved = transfer(call.value, from: sender, to: call.contract)
      return isMoved ? .returned([], gasLeft: call.gas) : .failed(.balanceTooLow)
    case .createBrainfuck, .createLisp, .eval:
      call.contract = Address(contractBy: sender, nonce: transaction.nonce)
      if transaction.kind == .eval {
        let checkpoint = state.checkpoint
        defer { state.revert(to: checkpoint) }
        return runRaw(call)
      }
      if transaction.kind == .createBrainfuck {
        guard (try? BrainfuckCode(data)) != nil else { return .failed(.invalidCode) }
        return create(.brainfuck, data, call) { _, call in .returned([], gasLeft: call.gas) }
      }
      guard let parts = try? LispContract.parts(of: data),
        let contract = try? LispContract(source: parts.source)
      else { return .failed(.invalidCode) }
      call.data = parts.arguments
      return create(.lisp, parts.source, call) { contract.create($1, on: &$0) }
    case .proved: preconditionFailure("refused when it was decoded")
    }
  }

  /// Keeps code under `call.contract`, then lets it set itself up; answers with its address.
  private mutating func create(
    _ code: Account.Code,
    _ bytes: [UInt8],
    _ call: Call,
    _ body: (inout World, Call) -> Outcome
  ) -> Outcome {
    var call = call
    let price = GasPrice.newAccount + GasPrice.code(bytes: bytes.count)
    guard price <= call.gas else { return .failed(.outOfGas) }
    call.gas -= price
    return enter(call) { world in
      let (address, value) = (call.contract, call.value)
      guard world.found(code, bytes, at: address, value: value, by: call.caller) else {
        return .failed(.balanceTooLow)
      }
      let outcome = body(&world, call)
      return outcome.isSuccess ? .returned(address.bytes, gasLeft: outcome.gasLeft) : outcome
    }
  }
}
