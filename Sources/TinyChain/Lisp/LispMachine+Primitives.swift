import Kernel

extension Primitive {
  /// The common case: arithmetic on two integers.
  ///
  /// Nil leaves it to `apply`.
  @inline(__always)
  func onIntegers(_ first: Value, _ second: Value) -> Value? {
    guard case .integer(let a) = first, case .integer(let b) = second else { return nil }
    return calculate(a, b) { .integer($0) }
  }

  /// A comparison's truth, or the number as a value; nil if it is out of range, or this no arithmetic.
  @inline(__always)
  func calculate<I: FixedWidthInteger>(_ a: I, _ b: I, value: (I) -> Value) -> Value? {
    let number: (partialValue: I, overflow: Bool)
    switch self {
    case .isEqual: return .bool(a == b)
    case .less: return .bool(a < b)
    case .greater: return .bool(a > b)
    case .lessOrEqual: return .bool(a <= b)
    case .greaterOrEqual: return .bool(a >= b)
    case .add: number = a.addingReportingOverflow(b)
    case .subtract: number = a.subtractingReportingOverflow(b)
    case .multiply: number = a.multipliedReportingOverflow(by: b)
    case .divide: number = a.dividedReportingOverflow(by: b)
    case .remainder: number = a.remainderReportingOverflow(dividingBy: b)
    default: return nil
    }
    return number.overflow ? nil : value(number.partialValue)
  }
}

extension LispMachine {
  /// The result of a primitive on the last `count` values of the stack.
  mutating func apply(_ primitive: Primitive, _ count: Int) throws(LispProblem) -> Value {
    let first = stack.count - count
    let a = count > 0 ? stack[first] : .null
    let b = count > 1 ? stack[first + 1] : .null
    switch primitive {
    case .add, .subtract, .multiply, .divide, .remainder, .isEqual, .less, .greater, .lessOrEqual,
      .greaterOrEqual:
      var result = a
      for index in 1..<count { result = try calculate(primitive, result, stack[first + index]) }
      return result
    case .muldiv: return try muldiv(a, b, stack[first + 2])
    case .toInteger: return .integer(try fitted(magnitude(a)))
    case .toAmount: return try amount(magnitude(a))
    case .not: return .bool(a == .bool(false))
    case .same: return .bool(try areEqual(a, b))
    case .type: return try symbol(typeName(a))
    case .cons:
      guard isList(b) else { throw .expected("a list to put a value in front of") }
      return try pair(a, b)
    case .car: return heap[try pairPlace(a)]
    case .cdr: return heap[try pairPlace(a) + 1]
    case .list: return try list(stack[first...])
    case .isNull: return .bool(a == .null)
    case .length: return .integer(try length(a))
    case .concat: return try concat(a, b)
    case .slice:
      let (data, start, end) = (try data(a), try integer(b), try integer(stack[first + 2]))
      guard 0 <= start, start <= end, end <= data.count else { throw .overflow }
      try reserve(Heap.blobSize + Int(end - start))
      return .blob(.bytes, heap.append(blob: Array(data[Int(start)..<Int(end)])))
    case .byte:
      let (data, place) = (try data(a), try integer(b))
      guard 0 <= place, place < data.count else { throw .overflow }
      return .integer(Int64(data[Int(place)]))
    case .toBytes:
      guard case .blob(_, let index) = a else { throw .expected("bytes, a string or an address") }
      return .blob(.bytes, index)
    case .toAddress:
      guard case .blob(.bytes, let index) = a, heap.blob(index).count == Address.size else {
        throw .expected("20 bytes")
      }
      return .blob(.address, index)
    case .sha256:
      let data = try data(a)
      try charge(GasPrice.sha256(bytes: data.count))
      return try blob(.bytes, SHA256.hash(data).bytes)
    case .fail: throw .failed(try datum(of: a))
    case .require:
      guard a != .bool(false) else { throw .failed(try datum(of: b)) }
      return a
    default: return try ask(primitive, Array(stack[first...]))
    }
  }

  private mutating func calculate(
    _ primitive: Primitive,
    _ a: Value,
    _ b: Value
  ) throws(LispProblem) -> Value {
    if let result = primitive.onIntegers(a, b) { return result }
    if case .integer = a, case .integer = b { throw .overflow }
    var number: UInt128?
    let result = primitive.calculate(try magnitude(a), try magnitude(b)) {
      number = $0
      return .null
    }
    guard let result else { throw .overflow }
    if let number { return try amount(number) }
    return result
  }

  /// a · b / c rounded down, exact in between.
  private mutating func muldiv(_ a: Value, _ b: Value, _ c: Value) throws(LispProblem) -> Value {
    let divisor = try magnitude(c)
    let product = try magnitude(a).multipliedFullWidth(by: magnitude(b))
    guard product.high < divisor else { throw .overflow }
    return try amount(divisor.dividingFullWidth(product).quotient)
  }

  private func data(_ value: Value) throws(LispProblem) -> [UInt8] {
    guard case .blob(.bytes, let index) = value else { throw .expected("bytes") }
    return heap.blob(index)
  }

  private func isList(_ value: Value) -> Bool {
    if case .pair = value { true } else { value == .null }
  }

  private func pairPlace(_ value: Value) throws(LispProblem) -> Int32 {
    guard case .pair(let place) = value else { throw .expected("a list that is not empty") }
    return place
  }

  private mutating func length(_ value: Value) throws(LispProblem) -> Int64 {
    if case .blob(_, let index) = value { return Int64(heap.blob(index).count) }
    guard isList(value) else { throw .expected("a list, string or bytes") }
    return Int64(try items(value).count)
  }

  private mutating func concat(_ a: Value, _ b: Value) throws(LispProblem) -> Value {
    guard case .blob(let kind, let first) = a, case .blob(kind, let second) = b else {
      throw .expected("two strings, or bytes twice")
    }
    try reserve(Heap.blobSize + heap.blob(first).count + heap.blob(second).count)
    let joined = heap.append(blob: heap.blob(first) + heap.blob(second))
    return .blob(kind == .string ? .string : .bytes, joined)
  }

  private func typeName(_ value: Value) -> String {
    switch value {
    case .null, .pair: "list"
    case .bool: "bool"
    case .integer: "integer"
    case .amount: "amount"
    case .symbol: "symbol"
    case .blob(let kind, _): kind.rawValue
    case .facet: "facet"
    case .table: "table"
    case .closure, .undefined, .box, .header, .moved: "procedure"
    }
  }
}
