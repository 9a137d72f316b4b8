import Kernel

/// What a program asks of the chain.
extension LispMachine {
  mutating func ask(_ primitive: Primitive, _ arguments: [Value]) throws(LispProblem) -> Value {
    switch primitive {
    case .selfAddress: return try blob(.address, call.contract.bytes)
    case .caller: return try blob(.address, call.caller.bytes)
    case .value: return .integer(try fitted(call.value))
    case .height: return .integer(try fitted(world.height))
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
      try charge(GasPrice.pageLoad)
      return .integer(try fitted(world.balance(of: address(arguments[0]))))
    case .pay, .send:
      let value = try primitive == .pay ? units(arguments[1]) : 0
      let message = arguments[(primitive == .pay ? 2 : 1)...]
      let (outcome, answer) = try send(value, to: arguments[0], message)
      guard outcome.isSuccess else { throw .refused(outcome.data) }
      return answer
    case .attempt:
      let (outcome, answer) = try send(0, to: arguments[0], arguments[1...])
      let result = try outcome.isSuccess ? answer : blob(.bytes, outcome.data)
      return try list([.bool(outcome.isSuccess), result])
    case .emit:
      try change()
      let event = try encoded(list(arguments))
      try charge(GasPrice.frame(bytes: event.count) + UInt64(event.count))
      world.emit(event, from: call.contract)
      return .null
    case .mint:
      try change()
      try charge(GasPrice.pageWrite)
      let (account, units) = (try address(arguments[0]), try units(arguments[1]))
      try charge(world.sendingPrice(of: units, to: account))
      guard world.mint(units, to: account, by: call.contract) else {
        throw .expected("the genesis contract, and a supply in range")
      }
      return .null
    case .facet: return try facet(arguments[0], arguments[1])
    default: preconditionFailure("asks nothing of the world")
    }
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
    try charge(GasPrice.pageLoad)
    guard key.count <= Self.keyMax else { throw .tooMuch("bytes in a key") }
    guard let bytes = world.state[.entry(key, of: call.contract)] else { return nil }
    try charge(GasPrice.pageLoad * (GasPrice.pages(bytes: bytes.count) - 1))
    return try value(ofMessage: bytes, facets: true)
  }

  /// An entry pays for each page, and more for pages that were not there before.
  mutating func store(_ bytes: [UInt8]?, at key: [UInt8]) throws(LispProblem) {
    try change()
    try charge(GasPrice.pageWrite)
    guard key.count <= Self.keyMax else { throw .tooMuch("bytes in a key") }
    let entry = StateKey.entry(key, of: call.contract)
    let before = world.state[entry].map { GasPrice.pages(bytes: $0.count) } ?? 0
    let after = bytes.map { GasPrice.pages(bytes: $0.count) } ?? 0
    try charge(GasPrice.pageWrite * (max(after, 1) - 1))
    try charge((GasPrice.pageFirstWrite - GasPrice.pageWrite) * (max(after, before) - before))
    world.state[entry] = bytes
  }

  // MARK: Messages

  /// Bytes that hold one value, and nothing a stranger could have made up.
  mutating func value(ofMessage bytes: [UInt8], facets: Bool) throws(LispProblem) -> Value {
    try charge(GasPrice.touch(bytes: bytes.count))
    guard let datum = try? Datum(bytes, facets: facets) else { throw .expected("an encoded value") }
    return try value(of: datum)
  }

  /// Sends (message argument …), or bytes as they are, or nothing but the value.
  ///
  /// - Returns: the answer, or null after a failure.
  private mutating func send(
    _ value: UInt64,
    to target: Value,
    _ message: ArraySlice<Value>
  ) throws(LispProblem) -> (Outcome, Value) {
    var (place, sending) = (target, Sending(author: .lisp, isView: sending.isView))
    if case .facet(let facet) = target {
      guard let name = message.first, try items(heap[facet + 1]).contains(name) else {
        throw .expected("a message that the facet allows")
      }
      (place, sending.author) = (heap[facet], .facet)
    }
    let contract = try address(place, or: " or a facet")
    var data: [UInt8] = []
    if case .blob(.bytes, let index) = message.first, message.count == 1 {
      (data, sending.author) = (heap.blob(index), .anyone)
      guard data.count <= Call.dataMax else { throw .tooMuch("data in a message or entry") }
    } else if !message.isEmpty {
      data = try encoded(list(message))
    }
    if value > 0 { try change() }
    try charge(world.sendingPrice(of: value, to: contract))
    try charge(GasPrice.frame(bytes: data.count))
    let given = GasPrice.forwarded(gas, of: gas)
    gas -= given
    let call = Call(caller: call.contract, contract: contract, value: value, gas: given, data: data)
    let (outcome, isLisp) = world.call(call, as: sending)
    gas += min(outcome.gasLeft, given)
    let answer = outcome.data
    guard outcome.isSuccess, !answer.isEmpty else { return (outcome, .null) }
    return (
      outcome, try isLisp ? self.value(ofMessage: answer, facets: true) : blob(.bytes, answer)
    )
  }

  // MARK: Facets

  /// `(facet self '(message …))`, or a narrower facet of one's own or another contract.
  private mutating func facet(_ source: Value, _ names: Value) throws(LispProblem) -> Value {
    var (contract, isAllowed) = (source, (try? address(source)) == call.contract)
    let asked = try items(names)
    for name in asked { guard case .symbol = name else { throw .expected("symbols") } }
    if case .facet(let facet) = source {
      contract = heap[facet]
      let allowed = try items(heap[facet + 1])
      try charge(UInt64(asked.count * allowed.count))
      isAllowed = asked.allSatisfy { allowed.contains($0) }
    }
    guard isAllowed, !asked.isEmpty else {
      throw .expected("self or a facet, and a list of messages that it allows")
    }
    try reserve(2 * Heap.slotSize)
    return .facet(heap.append(contract, names))
  }
}
