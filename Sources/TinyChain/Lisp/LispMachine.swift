import Kernel

/// A Lisp machine: a loop over instructions, with a stack of its own.
struct LispMachine {
  /// Calls that wait for one another; a tail call does not wait.
  static let framesMax = 4_096
  /// Values on the stack when a procedure is entered; 1 MiB.
  static let stackMax = 65_536
  /// Different symbols met, which stay as long as the machine; more than a source has.
  static let namesMax = 65_536
  /// Bytes of an entry's key.
  static let keyMax = 256

  let program: LispProgram
  /// What the contract is asked, and by whom.
  let call: Call
  var sending: Sending
  var world = World(State(), height: 0, time: 0)
  var gas: UInt64
  /// Instructions executed.
  private(set) var steps: UInt64 = 0
  var stack: [Value] = []
  var heap = Heap()
  /// What is gone on with when a procedure returns.
  private var frames: [(counter: Int32, base: Int32)] = []
  private var (base, counter, isRunning) = (0, 0, false)
  /// Globals, then constants.
  private var statics: [Value]
  private var names: [String] = []
  private var nameIndex: [String: Int32] = [:]

  /// The constants are paid for with the code.
  init(_ program: LispProgram, call: Call, sending: Sending) {
    (self.program, self.call, self.sending) = (program, call, sending)
    gas = .max
    statics = [Value](repeating: .undefined, count: program.globals)
    for constant in program.constants {
      // With gas without end, only memory could fail: not that of 64 KiB of source.
      statics.append((try? value(of: constant)) ?? .undefined)
    }
    gas = call.gas
  }

  // MARK: Gas and memory

  mutating func charge(_ amount: UInt64) throws(LispProblem) {
    guard gas >= amount else { throw .outOfGas }
    gas -= amount
  }

  /// Pays for bytes on the heap.
  mutating func reserve(_ bytes: Int) throws(LispProblem) {
    try charge(GasPrice.change + GasPrice.touch(bytes: bytes))
    guard heap.bytes + bytes <= Heap.bytesMax else { throw .tooMuch("memory") }
  }

  mutating func pair(_ first: Value, _ rest: Value) throws(LispProblem) -> Value {
    try reserve(2 * Heap.slotSize)
    return .pair(heap.append(first, rest))
  }

  mutating func blob(_ kind: Value.Blob, _ bytes: [UInt8]) throws(LispProblem) -> Value {
    try reserve(Heap.blobSize + bytes.count)
    return .blob(kind, heap.append(blob: bytes))
  }

  private mutating func box(_ value: Value) throws(LispProblem) -> Value {
    try reserve(Heap.slotSize)
    return .box(heap.append(value))
  }

  /// Between instructions everything that lives is on the stack, global or constant.
  private mutating func collectIfDue() throws(LispProblem) {
    guard heap.isDue else { return }
    guard heap.collect(&stack, &statics) else { throw .tooMuch("memory") }
  }

  mutating func symbol(_ name: String) throws(LispProblem) -> Value {
    if let index = nameIndex[name] { return .symbol(index) }
    try charge(GasPrice.change + GasPrice.touch(bytes: Heap.blobSize + name.utf8.count))
    guard names.count < Self.namesMax else { throw .tooMuch("different symbols") }
    nameIndex[name] = Int32(names.count)
    names.append(name)
    return .symbol(Int32(names.count - 1))
  }

  func name(_ symbol: Int32) -> String { names[Int(symbol)] }

  // MARK: Running

  /// Calls a procedure of the program that captures nothing.
  mutating func run(_ lambda: Int, arguments: [Value] = []) throws(LispProblem) -> Value {
    let procedure = Value.closure(heap.append(.header(lambda: Int32(lambda), slots: 0)))
    (stack, frames) = ([procedure] + arguments, [])
    try enter(arguments.count)
    isRunning = true
    try interpret()
    isRunning = false
    return stack.removeLast()
  }

  /// A problem, with the place in the source if the program was running when it came up.
  func failure(_ problem: LispProblem) -> LispFailure {
    guard isRunning else { return LispFailure(problem) }
    let offset = Int(program.offsets[counter - 1])
    return LispFailure(problem, at: TextPosition(of: offset, in: program.source))
  }

  private mutating func interpret() throws(LispProblem) {
    let code = program.code
    while true {
      let instruction = code[counter]
      counter += 1
      guard gas > 0 else { throw .outOfGas }
      gas -= 1
      steps &+= 1
      switch instruction {
      case .constant(let index): stack.append(statics[Int(index)])
      case .table(let index):
        guard case .symbol(let name) = statics[Int(index)] else { throw .undefined }
        stack.append(.table(name))
      case .local(let index): stack.append(stack[base + Int(index)])
      case .captured(let index): stack.append(try captured(index))
      case .global(let index):
        guard statics[Int(index)] != .undefined else { throw .undefined }
        stack.append(statics[Int(index)])
      case .setGlobal(let index):
        try charge(GasPrice.change)
        statics[Int(index)] = stack[stack.count - 1]
      case .pushBox:
        try collectIfDue()
        stack.append(try box(.undefined))
      case .boxLocal(let index):
        try collectIfDue()
        stack[base + Int(index)] = try box(stack[base + Int(index)])
      case .unbox:
        guard case .box(let place) = stack[stack.count - 1], heap[place] != .undefined else {
          throw .undefined
        }
        stack[stack.count - 1] = heap[place]
      case .setBox:
        let value = stack.removeLast()
        guard case .box(let place) = stack[stack.count - 1] else { throw .undefined }
        try charge(GasPrice.change)
        heap[place] = value
        stack[stack.count - 1] = value
      case .closure(let index):
        try collectIfDue()
        stack.append(try closure(index))
      case .primitive(let primitive, let count):
        if count == 2,
          let result = primitive.onIntegers(stack[stack.count - 2], stack[stack.count - 1])
        {
          stack.removeLast()
          stack[stack.count - 1] = result
        } else {
          try perform(primitive, Int(count))
        }
      case .slot(let index):
        stack.append(statics[Int(index)])
        try perform(.get, 1)
      case .setSlot(let index):
        stack.append(statics[Int(index)])
        try perform(.put, 2)
      case .call(let count):
        guard frames.count < Self.framesMax else { throw .tooMuch("recursion") }
        frames.append((Int32(counter), Int32(base)))
        try enter(Int(count))
      case .tailCall(let count):
        let kept = Int(count) + 1
        let from = stack.count - kept
        for index in 0..<kept { stack[base - 1 + index] = stack[from + index] }
        stack.removeLast(from - base + 1)
        try enter(Int(count))
      case .return:
        guard let frame = frames.popLast() else { return }
        stack[base - 1] = stack[stack.count - 1]
        stack.removeLast(stack.count - base)
        (base, counter) = (Int(frame.base), Int(frame.counter))
      case .jump(let condition, let distance):
        let isFalse = stack[stack.count - 1] == .bool(false)
        if condition == .always || isFalse != (condition == .ifTrueElseDrop) {
          counter += Int(distance)
          if condition == .ifFalse { stack.removeLast() }
        } else {
          stack.removeLast()
        }
      case .drop: stack.removeLast()
      case .slide(let count):
        let top = stack.removeLast()
        stack.removeLast(Int(count))
        stack.append(top)
      }
    }
  }

  /// Puts the result of a primitive in the place of its arguments.
  private mutating func perform(_ primitive: Primitive, _ count: Int) throws(LispProblem) {
    try collectIfDue()
    let result = try apply(primitive, count)
    stack.removeLast(count)
    stack.append(result)
  }

  /// The stack ends with a closure and its arguments.
  private mutating func enter(_ count: Int) throws(LispProblem) {
    try collectIfDue()
    guard case .closure(let place) = stack[stack.count - count - 1],
      case .header(let lambda, _) = heap[place]
    else { throw .expected("a procedure") }
    let parameters = program.lambdas[Int(lambda)].parameters
    guard parameters == count else { throw .expected("\(parameters) arguments") }
    guard stack.count <= Self.stackMax else { throw .tooMuch("stack") }
    base = stack.count - count
    counter = Int(program.lambdas[Int(lambda)].entry)
  }

  @inline(__always)
  private func captured(_ index: Int32) throws(LispProblem) -> Value {
    guard case .closure(let place) = stack[base - 1] else { throw .undefined }
    return heap[place + 1 + index]
  }

  private mutating func closure(_ index: Int32) throws(LispProblem) -> Value {
    let captures = program.lambdas[Int(index)].captures
    try reserve((captures.count + 1) * Heap.slotSize)
    let place = heap.append(.header(lambda: index, slots: Int32(captures.count)))
    for capture in captures {
      if case .local(let index) = capture { _ = heap.append(stack[base + Int(index)]) }
      if case .captured(let index) = capture { _ = heap.append(try captured(index)) }
    }
    return .closure(place)
  }
}
