/// The chain as contracts see it and change it, while a block is executed.
struct World {
  /// Coins that can ever be: so sums of balances stay in range.
  static let supplyMax: UInt64 = 1 << 63

  var state: State
  let height, time, baseFee: UInt64
  /// Of the block that is being made.
  var (producer, chainID, gasLeft) = (Address.zero, UInt32(0), Block.gasMax)
  var events: [Receipt.Event] = []
  /// The contracts that are running, each having called the next.
  private(set) var running: [Address] = []

  init(_ state: State, height: UInt64, time: UInt64, chainID: UInt32 = 0) {
    (self.state, self.height, self.time, self.chainID) = (state, height, time, chainID)
    baseFee = state[number: .baseFee]
  }

  // MARK: What contracts ask

  func balance(of account: Address) -> UInt64 { state.account(account).balance }

  /// To bring an account into being by sending to it costs more.
  func sendingPrice(of value: UInt64, to account: Address) -> UInt64 {
    value > 0 && state[.account(account)] == nil ? GasPrice.newAccount : 0
  }

  mutating func emit(_ event: [UInt8], from contract: Address) {
    events.append(Receipt.Event(contract: contract, data: event))
  }

  /// False, with nothing moved, if the balance is too low.
  mutating func transfer(_ value: UInt64, from: Address, to: Address) -> Bool {
    guard value <= balance(of: from) else { return false }
    guard value > 0 else { return true }
    state.change(from) { $0.balance -= value }
    state.change(to) { $0.balance += value }
    return true
  }

  /// Adds to a balance; only the genesis contract can, while the supply stays in range.
  mutating func mint(_ amount: UInt64, to account: Address, by contract: Address) -> Bool {
    let supply = state[number: .supply]
    guard contract == SneedToken.address, amount <= Self.supplyMax - supply else { return false }
    state[number: .supply] = supply + amount
    state.change(account) { $0.balance += amount }
    return true
  }

  /// A new contract with this value; nil, with nothing done, if the creator's balance is too low.
  mutating func create(_ code: BrainfuckCode, value: UInt64, by creator: Address) -> Address? {
    let address = Address(contractBy: creator, nonce: state.account(creator).nonce)
    guard transfer(value, from: creator, to: address) else { return nil }
    state.change(creator) { $0.nonce += 1 }
    keep(code.bytes, .brainfuck, at: address)
    return address
  }

  /// Moves the value and runs the contract, if the account has one; undoes all if that fails.
  ///
  /// - Returns: the outcome, and whether a Lisp contract wrote the answer.
  mutating func call(
    _ call: Call,
    as sending: Sending = Sending()
  ) -> (outcome: Outcome, isLisp: Bool) {
    let code = state.account(call.contract).code
    let outcome = enter(call, isView: sending.isView && code != .lisp) { world in
      let bytes = world.state[.code(call.contract)] ?? []
      switch code {
      case .none where call.contract == .zero && !call.data.isEmpty: return world.runRaw(call)
      case .none: return .returned([], gasLeft: call.gas)
      case .brainfuck:
        guard let code = try? BrainfuckCode(bytes) else { preconditionFailure("kept code") }
        return BrainfuckContract.answer(call, by: code, on: &world)
      case .lisp:
        guard let code = try? LispContract(source: bytes) else { preconditionFailure("kept code") }
        return code.answer(call, as: sending, on: &world)
      }
    }
    return (outcome, code == .lisp)
  }

  // MARK: What transactions ask

  /// Does what a transaction says with this gas, after its fee is paid; all or nothing.
  mutating func run(_ transaction: Transaction, by sender: Address, gas: UInt64) -> Outcome {
    let (value, data) = (transaction.value, transaction.data)
    var call = Call(caller: sender, contract: transaction.to, value: value, gas: gas, data: data)
    var code = (kind: Account.Code.brainfuck, bytes: data)
    var contract: LispContract?
    switch transaction.kind {
    case .transfer, .call:
      let price = sendingPrice(of: value, to: call.contract)
      guard price <= gas else { return .failed(.outOfGas) }
      call.gas -= price
      if transaction.kind == .call { return self.call(call).outcome }
      let isMoved = transfer(value, from: sender, to: call.contract)
      return isMoved ? .returned([], gasLeft: call.gas) : .failed(.balanceTooLow)
    case .eval:
      let checkpoint = state.checkpoint
      defer { state.revert(to: checkpoint) }
      call.contract = Address(contractBy: sender, nonce: transaction.nonce)
      return runRaw(call)
    case .createBrainfuck:
      guard (try? BrainfuckCode(data)) != nil else { return .failed(.invalidCode) }
    case .createLisp:
      guard let parts = try? LispContract.parts(of: data),
        let lisp = try? LispContract(source: parts.source)
      else { return .failed(.invalidCode) }
      (contract, code, call.data) = (lisp, (.lisp, parts.source), parts.arguments)
    case .proved: preconditionFailure("refused when it was decoded")
    }
    call.contract = Address(contractBy: sender, nonce: transaction.nonce)
    let price = GasPrice.newAccount + GasPrice.code(bytes: code.bytes.count)
    guard price <= gas else { return .failed(.outOfGas) }
    call.gas -= price
    return enter(call) { world in
      world.keep(code.bytes, code.kind, at: call.contract)
      let outcome = contract?.create(call, on: &world) ?? .returned([], gasLeft: call.gas)
      guard outcome.isSuccess else { return outcome }
      return .returned(call.contract.bytes, gasLeft: outcome.gasLeft)
    }
  }

  // MARK: How it is done

  /// Moves the value and runs `body` within the contract; undoes what it did if it fails.
  ///
  /// Or if it changed anything for a view: a Lisp machine sees to that itself, and knows where.
  private mutating func enter(
    _ call: Call,
    isView: Bool = false,
    _ body: (inout World) -> Outcome
  ) -> Outcome {
    guard !running.contains(call.contract) else { return .failed(.reentered) }
    guard running.count < Call.depthMax else { return .failed(.tooDeep) }
    let (checkpoint, count) = (state.checkpoint, events.count)
    guard transfer(call.value, from: call.caller, to: call.contract) else {
      return .failed(.balanceTooLow)
    }
    running.append(call.contract)
    var outcome = body(&self)
    running.removeLast()
    let isChanged = state.checkpoint > checkpoint || events.count > count
    if isView, isChanged, outcome.isSuccess { outcome = .failed(.reverted) }
    guard !outcome.isSuccess else { return outcome }
    state.revert(to: checkpoint)
    events.removeSubrange(count...)
    return outcome
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
    return BrainfuckContract.answer(call, by: code, on: &self)
  }

  private mutating func keep(_ bytes: [UInt8], _ code: Account.Code, at address: Address) {
    state[.code(address)] = bytes
    state.change(address) { $0.code = code }
  }
}
