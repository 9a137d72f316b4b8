import Kernel

/// What a program asks of the chain.
extension LispMachine {
  mutating func ask(_ primitive: Primitive, _ arguments: [Value]) throws(LispProblem) -> Value {
    switch primitive {
    case .selfAddress: return .address(try blob(call.contract.bytes))
    case .caller: return .address(try blob(call.caller.bytes))
    case .value: return try integer(of: call.value)
    case .height: return try integer(of: world.height)
    case .get where arguments.count == 1:
      guard let value = try load(encoded(arguments[0])) else { throw .undefined }
      return value
    case .get: return try load(entryKey(arguments[0], arguments[1])) ?? arguments[2]
    case .put where arguments.count == 2:
      try store(encoded(arguments[0]), at: encoded(arguments[1]))
      return arguments[0]
    case .put:
      let key = try entryKey(arguments[0], arguments[1])
      try store(encoded(arguments[2]), at: key)
      return arguments[2]
    case .delete:
      try store(nil, at: entryKey(arguments[0], arguments[1]))
      return .null
    case .balance:
      try charge(LispGas.entryLoad)
      guard let account = address(arguments[0]) else { throw .expected("an address") }
      return try integer(of: world.balance(of: account))
    case .pay:
      let value = try units(arguments[1])
      return try answer(to: arguments[0], value, Array(arguments[2...]))
    case .send: return try answer(to: arguments[0], 0, Array(arguments[1...]))
    case .attempt:
      let (outcome, value) = try send(to: arguments[0], 0, Array(arguments[1...]))
      let reason = try outcome.isSuccess ? value : .bytes(blob(outcome.data))
      return try pair(.bool(outcome.isSuccess), pair(reason, .null))
    case .emit:
      try change()
      let event = try message(arguments)
      try charge(Int64(GasPrice.frame(bytes: event.count) + UInt64(event.count)))
      world.emit(event, from: call.contract)
      return .null
    case .mint:
      try change()
      try charge(LispGas.entryWrite)
      guard let account = address(arguments[0]) else { throw .expected("an address") }
      let units = try units(arguments[1])
      try charge(Int64(world.sendingPrice(of: units, to: account)))
      guard world.mint(units, to: account, by: call.contract) else {
        throw .expected("the genesis contract, and a supply in range")
      }
      return .null
    case .facet: return try facet(arguments[0], arguments[1])
    default: preconditionFailure("asks nothing of the world")
    }
  }

  private func integer(of units: UInt64) throws(LispProblem) -> Value {
    guard let integer = Int64(exactly: units) else { throw .overflow }
    return .integer(integer)
  }

  private func change() throws(LispProblem) {
    guard !sending.isView else { throw .viewWrites }
  }

  // MARK: State

  /// `(table key)`; a state variable's key is its name.
  private mutating func entryKey(_ table: Value, _ key: Value) throws(LispProblem) -> [UInt8] {
    guard case .table(let name) = table else { throw .expected("a table") }
    return try encoded(pair(.symbol(name), pair(key, .null)))
  }

  private mutating func load(_ key: [UInt8]) throws(LispProblem) -> Value? {
    try charge(LispGas.entryLoad)
    guard key.count <= LispGas.keyMax else { throw .tooMuch("bytes in a key") }
    guard let bytes = world.state[.entry(key, of: call.contract)] else { return nil }
    try charge(LispGas.entryLoad * (LispGas.entryUnits(bytes.count) - 1))
    return try value(ofMessage: bytes, facets: true)
  }

  /// An entry pays for each unit of 256 bytes, and more for units that were not there before.
  mutating func store(_ bytes: [UInt8]?, at key: [UInt8]) throws(LispProblem) {
    try change()
    try charge(LispGas.entryWrite)
    guard key.count <= LispGas.keyMax else { throw .tooMuch("bytes in a key") }
    let before =
      world.state[.entry(key, of: call.contract)].map { LispGas.entryUnits($0.count) } ?? 0
    let after = bytes.map { LispGas.entryUnits($0.count) } ?? 0
    let fresh = max(0, after - before)
    try charge(
      LispGas.entryWrite * (max(after, 1) - 1)
        + (LispGas.entryFirstWrite - LispGas.entryWrite) * fresh
    )
    world.state[.entry(key, of: call.contract)] = bytes
  }

  // MARK: Messages

  /// Bytes that hold one value, and nothing a stranger could have made up.
  mutating func value(ofMessage bytes: [UInt8], facets: Bool) throws(LispProblem) -> Value {
    try charge(LispGas.touch(bytes.count))
    guard let datum = try? Datum(bytes, facets: facets) else { throw .expected("an encoded value") }
    return try value(of: datum)
  }

  private mutating func message(_ arguments: [Value]) throws(LispProblem) -> [UInt8] {
    var list = Value.null
    for argument in arguments.reversed() { list = try pair(argument, list) }
    return try encoded(list)
  }

  private mutating func answer(
    to target: Value,
    _ value: UInt64,
    _ arguments: [Value]
  ) throws(LispProblem) -> Value {
    let (outcome, value) = try send(to: target, value, arguments)
    guard outcome.isSuccess else { throw .refused(outcome.data) }
    return value
  }

  /// Sends (message argument …), or bytes as they are, or nothing but the value.
  private mutating func send(
    to target: Value,
    _ value: UInt64,
    _ arguments: [Value]
  ) throws(LispProblem) -> (Outcome, Value) {
    var (place, sending) = (target, Sending(author: .lisp, isView: sending.isView))
    if case .facet(let facet) = target {
      guard let message = arguments.first, try items(heap[facet + 1]).contains(message) else {
        throw .expected("a message that the facet allows")
      }
      (place, sending.author) = (heap[facet], .facet)
    }
    guard let contract = address(place) else { throw .expected("an address or a facet") }
    var data: [UInt8] = []
    if case .bytes(let index) = arguments.first, arguments.count == 1 {
      (data, sending.author) = (heap.blob(index), .anyone)
      guard data.count <= Call.dataMax else { throw .tooMuch("data in a message or entry") }
    } else if !arguments.isEmpty {
      data = try message(arguments)
    }
    if value > 0 { try change() }
    try charge(Int64(world.sendingPrice(of: value, to: contract)))
    try charge(Int64(GasPrice.frame(bytes: data.count)))
    let given = GasPrice.forwarded(UInt64(gas), of: UInt64(gas))
    gas -= Int64(given)
    let call = Call(
      caller: call.contract,
      contract: contract,
      value: value,
      gas: given,
      data: data
    )
    let (outcome, isLisp) = world.call(call, as: sending)
    gas += Int64(min(outcome.gasLeft, given))
    guard outcome.isSuccess, !outcome.data.isEmpty else { return (outcome, .null) }
    return (
      outcome,
      isLisp
        ? try self.value(ofMessage: outcome.data, facets: true) : .bytes(try blob(outcome.data))
    )
  }

  // MARK: Facets

  /// `(facet self '(message …))`, or a narrower facet of one's own or another contract.
  private mutating func facet(_ source: Value, _ names: Value) throws(LispProblem) -> Value {
    var (contract, isAllowed) = (source, address(source) == call.contract)
    let asked = try items(names)
    for name in asked { guard case .symbol = name else { throw .expected("symbols") } }
    if case .facet(let facet) = source {
      contract = heap[facet]
      let allowed = try items(heap[facet + 1])
      try charge(Int64(asked.count * allowed.count))
      isAllowed = asked.allSatisfy { allowed.contains($0) }
    }
    guard isAllowed, !asked.isEmpty else {
      throw .expected("self or a facet, and a list of messages that it allows")
    }
    try reserve(2 * Heap.slotSize)
    return .facet(heap.append(contract, names))
  }
}
