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
    case .string(let text): return .string(try blob(Array(text.utf8)))
    case .bytes(let bytes): return .bytes(try blob(bytes))
    case .address(let address): return .address(try blob(address.bytes))
    case .facet(let address, let names):
      let list = try value(of: .list(names.map { .symbol($0) }))
      let place = try value(of: .address(address))
      try reserve(2 * Heap.slotSize)
      return .facet(heap.append(place, list))
    case .list(let items):
      var list = Value.null
      for item in items.reversed() {
        let first = try value(of: item)
        list = try pair(first, list)
      }
      return list
    }
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
    let blob = blobIndex(of: value).map { heap.blob($0) } ?? []
    room -= 1 + blob.count
    try charge(1 + LispGas.touch(blob.count))
    guard depth <= Datum.depthMax else { throw .tooMuch("nesting") }
    guard room >= 0 else { throw .tooMuch("data in a message or entry") }
    switch value {
    case .bool(let bool): return .bool(bool)
    case .integer(let integer): return .integer(integer)
    case .amount(let place): return .amount(amount(at: place))
    case .symbol(let symbol): return .symbol(name(symbol))
    case .string: return .string(String(decoding: blob, as: UTF8.self))
    case .bytes: return .bytes(blob)
    case .address: return .address(Address(blob) ?? .zero)
    case .facet(let place):
      let list = try datum(of: heap[place + 1], room: &room, depth: depth)
      guard case .list(let names) = list else { throw .expected("a facet") }
      return .facet(address(heap[place]) ?? .zero, names.map(\.description))
    case .null, .pair:
      var list: [Datum] = []
      for item in try items(value) {
        list.append(try datum(of: item, room: &room, depth: depth + 1))
      }
      return .list(list)
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

  func blobIndex(of value: Value) -> Int32? {
    switch value {
    case .string(let index), .bytes(let index), .address(let index): index
    default: nil
    }
  }

  func address(_ value: Value) -> Address? {
    if case .address(let index) = value { Address(heap.blob(index)) } else { nil }
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

  /// A number as an amount: an integer, unless negative, will do.
  func magnitude(_ value: Value) throws(LispProblem) -> UInt128 {
    switch value {
    case .amount(let place): return amount(at: place)
    case .integer(let integer):
      guard let amount = UInt128(exactly: integer) else { throw .overflow }
      return amount
    default: throw .expected("a number")
    }
  }

  /// What is moved or minted.
  func units(_ value: Value) throws(LispProblem) -> UInt64 {
    guard let units = UInt64(exactly: try magnitude(value)) else { throw .overflow }
    return units
  }

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
      case (.string(let x), .string(let y)), (.bytes(let x), .bytes(let y)),
        (.address(let x), .address(let y)):
        try charge(LispGas.touch(heap.blob(x).count))
        guard heap.blob(x) == heap.blob(y) else { return false }
      default:
        guard a == b else { return false }
      }
    }
    return true
  }
}
