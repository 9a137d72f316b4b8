import Kernel

extension LispMachine {
  // MARK: From and to messages

  /// Recursion goes no deeper than `Datum.depthMax`.
  mutating func value(of datum: Datum) throws(LispProblem) -> Value {
    switch datum {
    case .bool(let bool): return .bool(bool)
    case .integer(let integer): return .integer(integer)
    case .amount(let amount): return try self.amount(amount)
    case .symbol(let name): return try symbol(name)
    case .string(let text): return try blob(.string, Array(text.utf8))
    case .bytes(let bytes): return try blob(.bytes, bytes)
    case .address(let address): return try blob(.address, address.bytes)
    case .facet(let address, let names):
      let list = try value(of: .list(names.map { .symbol($0) }))
      let place = try value(of: .address(address))
      try reserve(2 * Heap.slotSize)
      return .facet(heap.append(place, list))
    case .list(let items):
      return try list(items.map { item throws(LispProblem) in try value(of: item) })
    }
  }

  mutating func list(_ items: some BidirectionalCollection<Value>) throws(LispProblem) -> Value {
    var list = Value.null
    for item in items.reversed() { list = try pair(item, list) }
    return list
  }

  /// A value as it leaves the machine: in a message, an answer, an event, an entry or its key.
  mutating func encoded(_ value: Value) throws(LispProblem) -> [UInt8] {
    let bytes = try datum(of: value).bytes
    guard bytes.count <= Call.dataMax else { throw .tooMuch("data in a message or entry") }
    return bytes
  }

  /// What is no larger than a message can be; its encoding may still be, by as much as names take.
  mutating func datum(of value: Value) throws(LispProblem) -> Datum {
    var room = Call.dataMax
    return try datum(of: value, room: &room, depth: 0)
  }

  /// Shared parts are written each time they are met: gas and room bound that.
  private mutating func datum(
    of value: Value,
    room: inout Int,
    depth: Int
  ) throws(LispProblem) -> Datum {
    var blob: [UInt8] = []
    if case .blob(_, let index) = value { blob = heap.blob(index) }
    room -= 1 + blob.count
    try charge(1 + GasPrice.touch(bytes: blob.count))
    guard depth <= Datum.depthMax else { throw .tooMuch("nesting") }
    guard room >= 0 else { throw .tooMuch("data in a message or entry") }
    switch value {
    case .bool(let bool): return .bool(bool)
    case .integer(let integer): return .integer(integer)
    case .amount(let place): return .amount(amount(at: place))
    case .symbol(let symbol): return .symbol(name(symbol))
    case .blob(.string, _): return .string(String(decoding: blob, as: UTF8.self))
    case .blob(.bytes, _): return .bytes(blob)
    case .blob(.address, _): return .address(try address(value))
    case .facet(let place):
      let list = try datum(of: heap[place + 1], room: &room, depth: depth)
      guard case .list(let names) = list else { throw .expected("a facet") }
      return .facet(try address(heap[place]), names.map(\.description))
    case .null, .pair:
      let items = try items(value)
      return .list(
        try items.map { item throws(LispProblem) in
          try datum(of: item, room: &room, depth: depth + 1)
        }
      )
    case .undefined, .table, .box, .closure, .header, .moved:
      throw .expected("a value that can be sent or kept, not a procedure or table")
    }
  }

  /// Of a list; none of another value.
  mutating func items(_ list: Value) throws(LispProblem) -> [Value] {
    var (items, rest) = ([Value](), list)
    while case .pair(let place) = rest {
      try charge(1)
      items.append(heap[place])
      rest = heap[place + 1]
    }
    return items
  }

  func address(_ value: Value, or other: String = "") throws(LispProblem) -> Address {
    guard case .blob(.address, let index) = value, let address = Address(heap.blob(index)) else {
      throw .expected("an address" + other)
    }
    return address
  }

  // MARK: Numbers

  mutating func amount(_ value: UInt128) throws(LispProblem) -> Value {
    try reserve(2 * Heap.slotSize)
    return .amount(
      heap.append(
        .integer(Int64(truncatingIfNeeded: value)),
        .integer(Int64(truncatingIfNeeded: value >> 64))
      )
    )
  }

  func amount(at place: Int32) -> UInt128 {
    guard case .integer(let low) = heap[place], case .integer(let high) = heap[place + 1] else {
      return 0
    }
    return UInt128(UInt64(bitPattern: high)) << 64 | UInt128(UInt64(bitPattern: low))
  }

  /// A number as another type, if it is in range.
  func fitted<I: FixedWidthInteger>(_ number: some FixedWidthInteger) throws(LispProblem) -> I {
    guard let fitted = I(exactly: number) else { throw .overflow }
    return fitted
  }

  /// A number as an amount: an integer, unless negative, will do.
  func magnitude(_ value: Value) throws(LispProblem) -> UInt128 {
    switch value {
    case .amount(let place): return amount(at: place)
    case .integer(let integer): return try fitted(integer)
    default: throw .expected("a number")
    }
  }

  /// What is moved or minted.
  func units(_ value: Value) throws(LispProblem) -> UInt64 { try fitted(magnitude(value)) }

  func integer(_ value: Value) throws(LispProblem) -> Int64 {
    guard case .integer(let integer) = value else { throw .expected("an integer") }
    return integer
  }

  // MARK: Equality

  /// By content; procedures are equal to themselves only.
  mutating func areEqual(_ first: Value, _ second: Value) throws(LispProblem) -> Bool {
    var pending = [(first, second)]
    while let (a, b) = pending.popLast() {
      try charge(1)
      switch (a, b) {
      case (.pair(let x), .pair(let y)), (.facet(let x), .facet(let y)):
        guard x != y else { continue }
        pending.append((heap[x + 1], heap[y + 1]))
        pending.append((heap[x], heap[y]))
      case (.amount(let x), .amount(let y)):
        guard amount(at: x) == amount(at: y) else { return false }
      case (.blob(let kind, let x), .blob(let other, let y)) where kind == other:
        try charge(GasPrice.touch(bytes: heap.blob(x).count))
        guard heap.blob(x) == heap.blob(y) else { return false }
      default:
        guard a == b else { return false }
      }
    }
    return true
  }
}
