import Kernel

/// Turns forms into instructions, in one pass.
///
/// Locals live on the stack, and closures copy what they use. A variable that is ever the target of
/// `set!`, or defined within a body, lives in a box that its users share.
struct Compiler {
  var program: LispProgram
  private var functions: [Function] = []
  /// For each name what it means here, innermost last.
  private var bindings: [String: [Binding]] = [:]
  /// Names that are assigned anywhere; one pass over the source knows them.
  private var assigned: Set<String> = []
  private var constantIndex: [Datum: Int32] = [:]
  private var uniqueCount = 0

  /// Functions inside one another: to capture a variable of an outer one costs a step for each.
  private static let functionsNestedMax = 16

  private enum Binding {
    /// `unique` tells apart bindings of the same name.
    case local(function: Int, index: Int32, isBoxed: Bool, unique: Int)
    case global(Int32)
    case slot
    case table
    case primitive(Primitive)
  }

  /// A function being compiled.
  private struct Function {
    var code: [Instruction] = []
    var offsets: [Int32] = []
    var lambda: Lambda
    /// Values on the stack above the frame's base.
    var depth: Int
    var captured: [Int: Int32] = [:]
  }

  fileprivate enum Special: String, CaseIterable {
    case define, lambda, `if`, `let`, cond, quote, begin, set = "set!", and, or
    case contract, slot, table, `init`, on, only, view, `else`
  }

  init(program: LispProgram) {
    self.program = program
    for primitive in Primitive.allCases {
      bindings[primitive.signature.name] = [.primitive(primitive)]
    }
  }

  mutating func compile(_ forms: [Syntax]) throws(LispFailure) {
    for form in forms { noteAssignments(in: form) }
    // Definitions see one another whatever their order.
    for form in forms {
      if let (name, _) = try definition(form) { try declareGlobal(name, at: form) }
      if form.head == .contract { try declare(contract: form) }
    }
    begin(parameters: [])
    try emit(.null, at: 0)
    for form in forms {
      try emit(.drop, at: form.offset)
      if try definition(form) != nil {
        try defineGlobal(form)
      } else if form.head == .contract {
        try compile(contract: form)
      } else {
        try expression(form)
      }
    }
    program.main = try end()
  }

  private mutating func noteAssignments(in form: Syntax) {
    guard case .list(let items) = form.kind else { return }
    if form.head == .set, items.count > 1, let name = items[1].symbol { assigned.insert(name) }
    for item in items { noteAssignments(in: item) }
  }

  // MARK: Contracts

  private func clauses(_ form: Syntax) throws(LispFailure) -> (header: [Syntax], [Syntax]) {
    guard case .list(let items) = form.kind, items.count >= 2,
      case .list(let header) = items[1].kind, header.first?.symbol != nil
    else { throw failure("(contract (name parameter …) clause …)", at: form) }
    return (Array(header.dropFirst()), Array(items.dropFirst(2)))
  }

  private mutating func declare(contract form: Syntax) throws(LispFailure) {
    guard program.contract == nil else { throw failure("one contract", at: form) }
    let (parameters, clauses) = try clauses(form)
    var contract = LispProgram.Contract()
    for parameter in parameters {
      contract.parameters.append(try declare(parameter, as: .slot))
    }
    for clause in clauses {
      guard case .list(let items) = clause.kind else { throw failure("a clause", at: clause) }
      switch clause.head {
      case .slot where items.count == 3: _ = try declare(items[1], as: .slot)
      case .table where items.count == 2: _ = try declare(items[1], as: .table)
      case .define:
        if let (name, _) = try definition(clause) { try declareGlobal(name, at: clause) }
      case .`init`, .on, .only, .view: continue
      default:
        throw failure("(slot name value), table, define, init, on, only or view", at: clause)
      }
    }
    program.contract = contract
  }

  /// State variables, tables and globals have one meaning each: two would share a place.
  private mutating func declare(_ form: Syntax, as binding: Binding) throws(LispFailure) -> String {
    let name = try bindable(form)
    if let known = bindings[name]?.last {
      guard case .primitive = known else { throw failure("a name not yet defined", at: form) }
    }
    bindings[name, default: []].append(binding)
    return name
  }

  private mutating func compile(contract form: Syntax) throws(LispFailure) {
    var handlers: [String: Handler] = [:]
    let (_, clauses) = try clauses(form)
    for clause in clauses {
      guard case .list(let items) = clause.kind else { continue }
      if clause.head == .define {
        try defineGlobal(clause)
        try emit(.drop, at: clause.offset)
      }
      let access: Handler.Access
      switch clause.head {
      case .on: access = .on
      case .only: access = .only
      case .view: access = .view
      default: continue
      }
      guard items.count >= 3, case .list(let header) = items[1].kind,
        let name = header.first?.symbol,
        handlers[name] == nil
      else { throw failure("(on (message argument …) body …), each message once", at: clause) }
      let lambda = try function(Array(header.dropFirst()), body: Array(items.dropFirst(2)), clause)
      handlers[name] = Handler(lambda: lambda, access: access)
    }
    program.contract?.handlers = handlers
    begin(parameters: [])
    for clause in clauses {
      guard case .list(let items) = clause.kind else { continue }
      if clause.head == .slot, let name = items[1].symbol {
        try expression(items[2])
        try emit(.setSlot(constant(.symbol(name))), at: clause.offset)
        try emit(.drop, at: clause.offset)
      } else if clause.head == .`init` {
        for form in items.dropFirst() {
          try expression(form)
          try emit(.drop, at: form.offset)
        }
      }
    }
    try emit(.null, at: form.offset)
    let create = try end()
    program.contract?.create = create
    try emit(.null, at: form.offset)
  }

  // MARK: Definitions

  /// `(define name value)` or `(define (name parameter …) body …)`.
  private func definition(
    _ form: Syntax
  ) throws(LispFailure) -> (name: Syntax, value: Definition)? {
    guard form.head == .define, case .list(let items) = form.kind else { return nil }
    if items.count == 3, items[1].symbol != nil { return (items[1], .expression(items[2])) }
    if items.count >= 3, case .list(let header) = items[1].kind, let name = header.first {
      return (name, .function(Array(header.dropFirst()), Array(items.dropFirst(2))))
    }
    throw failure("(define name value) or (define (name parameter …) body …)", at: form)
  }

  private enum Definition {
    case expression(Syntax)
    case function([Syntax], [Syntax])
  }

  private mutating func declareGlobal(_ form: Syntax, at _: Syntax) throws(LispFailure) {
    _ = try declare(form, as: .global(Int32(program.globals)))
    program.globals += 1
  }

  private mutating func defineGlobal(_ form: Syntax) throws(LispFailure) {
    guard let (name, value) = try definition(form), case .global(let index) = meaning(of: name)
    else { return }
    try compile(value, at: form)
    try emit(.setGlobal(index), at: form.offset)
  }

  private mutating func compile(_ value: Definition, at form: Syntax) throws(LispFailure) {
    switch value {
    case .expression(let expression): try self.expression(expression)
    case .function(let parameters, let body):
      try emit(.closure(Int32(function(parameters, body: body, form))), at: form.offset)
    }
  }

  /// A name that is not reserved.
  private func bindable(_ form: Syntax) throws(LispFailure) -> String {
    guard let name = form.symbol, Special(rawValue: name) == nil,
      !Primitive.variables.contains(where: { $0.signature.name == name })
    else { throw failure("a name that is not reserved", at: form) }
    return name
  }

  // MARK: Functions

  private mutating func begin(parameters: [Syntax]) {
    functions.append(
      Function(lambda: Lambda(parameters: parameters.count), depth: parameters.count)
    )
  }

  /// Appends the function to the program; its index.
  private mutating func end() throws(LispFailure) -> Int {
    try emit(.return, at: 0)
    var function = functions.removeLast()
    function.lambda.entry = Int32(program.code.count)
    program.code += function.code
    program.offsets += function.offsets
    program.lambdas.append(function.lambda)
    return program.lambdas.count - 1
  }

  /// Compiles `(lambda parameters body)`; the caller makes a closure of it.
  private mutating func function(
    _ parameters: [Syntax],
    body forms: [Syntax],
    _ form: Syntax
  ) throws(LispFailure) -> Int {
    guard functions.count < Self.functionsNestedMax else {
      throw LispFailure(.tooMuch("nesting of functions"), at: position(form))
    }
    guard parameters.count <= 255 else { throw failure("255 parameters at most", at: form) }
    begin(parameters: parameters)
    var names: [String] = []
    for (index, parameter) in parameters.enumerated() {
      let name = try bindable(parameter)
      guard !names.contains(name) else { throw failure("distinct parameters", at: parameter) }
      names.append(name)
      let isBoxed = assigned.contains(name)
      if isBoxed { try emit(.boxLocal(Int32(index)), at: form.offset) }
      bindLocal(name, index: index, isBoxed: isBoxed)
    }
    try body(forms, isTail: true, of: form)
    for name in names { bindings[name]?.removeLast() }
    return try end()
  }

  private mutating func bindLocal(_ name: String, index: Int, isBoxed: Bool) {
    uniqueCount += 1
    bindings[name, default: []].append(
      .local(
        function: functions.count - 1,
        index: Int32(index),
        isBoxed: isBoxed,
        unique: uniqueCount
      )
    )
  }

  /// Definitions, then forms; the value is that of the last.
  private mutating func body(
    _ forms: [Syntax],
    isTail: Bool,
    of parent: Syntax
  ) throws(LispFailure) {
    var definitions: [(name: Syntax, value: Definition)] = []
    for form in forms {
      guard let definition = try definition(form) else { break }
      definitions.append(definition)
    }
    guard definitions.count < forms.count else { throw failure("an expression", at: parent) }
    var names: [String] = []
    let start = depth
    for (name, _) in definitions {
      names.append(try bindable(name))
      try emit(.pushBox, at: name.offset)
      bindLocal(names[names.count - 1], index: depth - 1, isBoxed: true)
    }
    for (index, definition) in definitions.enumerated() {
      try emit(.local(Int32(start + index)), at: definition.name.offset)
      try compile(definition.value, at: definition.name)
      try emit(.setBox, at: definition.name.offset)
      try emit(.drop, at: definition.name.offset)
    }
    try sequence(forms.dropFirst(definitions.count), isTail: isTail)
    if !names.isEmpty { try emit(.slide(Int32(names.count)), at: parent.offset) }
    for name in names { bindings[name]?.removeLast() }
  }

  private mutating func sequence(
    _ forms: ArraySlice<Syntax>,
    isTail: Bool
  ) throws(LispFailure) {
    for form in forms.dropLast() {
      try expression(form)
      try emit(.drop, at: form.offset)
    }
    if let last = forms.last { try expression(last, isTail: isTail) }
  }

  // MARK: Expressions

  /// Leaves one value on the stack.
  ///
  /// Recursion goes no deeper than the forms, `Datum.depthMax`.
  private mutating func expression(_ form: Syntax, isTail: Bool = false) throws(LispFailure) {
    switch form.kind {
    case .atom(.symbol): try variable(form)
    case .atom(let datum): try literal(datum, at: form)
    case .list(let items):
      guard let first = items.first else {
        throw failure("a form; '() is the empty list", at: form)
      }
      if let special = form.head {
        try compile(special, items, form, isTail: isTail)
      } else {
        try application(first, items.dropFirst(), form, isTail: isTail)
      }
    }
  }

  private mutating func literal(_ datum: Datum, at form: Syntax) throws(LispFailure) {
    switch datum {
    case .bool(let bool): try emit(.bool(bool), at: form.offset)
    case .list(let items) where items.isEmpty: try emit(.null, at: form.offset)
    case .integer(let value):
      try emit(
        Int32(exactly: value).map { .integer($0) } ?? .constant(constant(datum)),
        at: form.offset
      )
    default: try emit(.constant(constant(datum)), at: form.offset)
    }
  }

  private mutating func constant(_ datum: Datum) -> Int32 {
    if let index = constantIndex[datum] { return index }
    let index = Int32(program.constants.count)
    constantIndex[datum] = index
    program.constants.append(datum)
    return index
  }

  private func meaning(of form: Syntax) -> Binding? {
    form.symbol.flatMap { bindings[$0]?.last }
  }

  private mutating func variable(_ form: Syntax) throws(LispFailure) {
    switch meaning(of: form) {
    case .local(let function, let index, let isBoxed, let unique):
      try place(function, index, unique, at: form)
      if isBoxed { try emit(.unbox, at: form.offset) }
    case .global(let index): try emit(.global(index), at: form.offset)
    case .slot: try emit(.slot(constant(form.datum)), at: form.offset)
    case .table: try emit(.table(constant(form.datum)), at: form.offset)
    case .primitive(let primitive) where Primitive.variables.contains(primitive):
      try emit(.primitive(primitive, 0), at: form.offset)
    case .primitive: throw failure("a value; wrap a primitive in a lambda", at: form)
    case nil: throw LispFailure(.unbound(form.symbol ?? ""), at: position(form))
    }
  }

  /// Pushes a local of this function or, captured, of one around it.
  private mutating func place(
    _ owner: Int,
    _ index: Int32,
    _ unique: Int,
    at form: Syntax
  ) throws(LispFailure) {
    var source = Lambda.Capture.local(index)
    for function in (owner + 1)..<max(functions.count, owner + 1) {
      let known = functions[function].captured[unique]
      let slot = known ?? Int32(functions[function].lambda.captures.count)
      if known == nil {
        functions[function].lambda.captures.append(source)
        functions[function].captured[unique] = slot
      }
      source = .captured(slot)
    }
    switch source {
    case .local(let index): try emit(.local(index), at: form.offset)
    case .captured(let index): try emit(.captured(index), at: form.offset)
    }
  }

  private mutating func application(
    _ head: Syntax,
    _ arguments: ArraySlice<Syntax>,
    _ form: Syntax,
    isTail: Bool
  ) throws(LispFailure) {
    guard arguments.count <= 255 else { throw failure("255 arguments at most", at: form) }
    let count = Int32(arguments.count)
    if case .primitive(let primitive) = meaning(of: head), !Primitive.variables.contains(primitive)
    {
      let allowed = primitive.signature.arguments
      guard allowed.contains(arguments.count) else {
        let some = allowed.count == 1 ? "\(allowed.lowerBound)" : "\(allowed.lowerBound) or more"
        throw failure("\(some) arguments of \(primitive.signature.name)", at: form)
      }
      for argument in arguments { try expression(argument) }
      return try emit(.primitive(primitive, count), at: form.offset)
    }
    try expression(head)
    for argument in arguments { try expression(argument) }
    try emit(isTail ? .tailCall(count) : .call(count), at: form.offset)
  }

  private mutating func compile(
    _ special: Special,
    _ items: [Syntax],
    _ form: Syntax,
    isTail: Bool
  ) throws(LispFailure) {
    switch special {
    case .quote where items.count == 2: try literal(items[1].datum, at: form)
    case .begin where items.count > 1: try sequence(items.dropFirst(), isTail: isTail)
    case .lambda where items.count > 2:
      guard case .list(let parameters) = items[1].kind else { break }
      let lambda = try function(parameters, body: Array(items.dropFirst(2)), form)
      return try emit(.closure(Int32(lambda)), at: form.offset)
    case .`if` where items.count == 4: try conditional(items[1...], isTail: isTail, form)
    case .cond where items.count > 1: try cond(items.dropFirst(), isTail: isTail, form)
    case .`let` where items.count > 2: try compileLet(items, form, isTail: isTail)
    case .set where items.count == 3: try assignment(items[1], items[2], form)
    case .and, .or:
      guard items.count > 1 else { return try emit(.bool(special == .and), at: form.offset) }
      var jumps: [Int] = []
      for item in items[1...].dropLast() {
        try expression(item)
        jumps.append(here)
        let jump = special == .and ? Instruction.jumpIfFalseElseDrop(0) : .jumpIfTrueElseDrop(0)
        try emit(jump, at: form.offset)
      }
      try expression(items[items.count - 1], isTail: isTail)
      for jump in jumps { land(jump) }
    default: throw failure("a well-formed \(special.rawValue), in its place", at: form)
    }
    if special == .lambda { throw failure("(lambda (parameter …) body …)", at: form) }
  }

  /// Test, consequent, alternative.
  private mutating func conditional(
    _ parts: ArraySlice<Syntax>,
    isTail: Bool,
    _ form: Syntax
  ) throws(LispFailure) {
    let first = parts.startIndex
    try expression(parts[first])
    let start = here
    try emit(.jumpIfFalse(0), at: form.offset)
    try expression(parts[first + 1], isTail: isTail)
    let middle = here
    try emit(.jump(0), at: form.offset)
    land(start)
    functions[functions.count - 1].depth -= 1
    try expression(parts[first + 2], isTail: isTail)
    land(middle)
  }

  /// `(cond (test body …) … (else body …))`; without `else` it fails when no test holds.
  private mutating func cond(
    _ clauses: ArraySlice<Syntax>,
    isTail: Bool,
    _ form: Syntax
  ) throws(LispFailure) {
    var ends: [Int] = []
    for (index, clause) in zip(clauses.indices, clauses) {
      guard case .list(let items) = clause.kind, items.count > 1 else {
        throw failure("(test body …)", at: clause)
      }
      if items[0].symbol == "else" {
        guard index == clauses.endIndex - 1 else { throw failure("else last", at: clause) }
        try sequence(items.dropFirst(), isTail: isTail)
      } else {
        try expression(items[0])
        let start = here
        try emit(.jumpIfFalse(0), at: clause.offset)
        try sequence(items.dropFirst(), isTail: isTail)
        ends.append(here)
        try emit(.jump(0), at: clause.offset)
        land(start)
        functions[functions.count - 1].depth -= 1
        guard index == clauses.endIndex - 1 else { continue }
        try emit(.constant(constant(.string("no clause of cond holds"))), at: form.offset)
        try emit(.primitive(.fail, 1), at: form.offset)
      }
    }
    for end in ends { land(end) }
  }

  /// `(let ((name value) …) body …)`, or with a name for the body, called again to loop.
  private mutating func compileLet(
    _ items: [Syntax],
    _ form: Syntax,
    isTail: Bool
  ) throws(LispFailure) {
    let isNamed = items[1].symbol != nil
    guard items.count > (isNamed ? 3 : 2), case .list(let pairs) = items[isNamed ? 2 : 1].kind
    else {
      throw failure("(let ((name value) …) body …)", at: form)
    }
    var variables: [Syntax] = []
    var values: [Syntax] = []
    for pair in pairs {
      guard case .list(let both) = pair.kind, both.count == 2 else {
        throw failure("(name value)", at: pair)
      }
      variables.append(both[0])
      values.append(both[1])
    }
    let forms = Array(items.dropFirst(isNamed ? 3 : 2))
    guard !isNamed else {
      return try loop(items[1], variables, values, forms, form, isTail: isTail)
    }
    let start = depth
    for value in values { try expression(value) }
    var names: [String] = []
    for (index, variable) in variables.enumerated() {
      names.append(try bindable(variable))
      let isBoxed = assigned.contains(names[index])
      if isBoxed { try emit(.boxLocal(Int32(start + index)), at: variable.offset) }
      bindLocal(names[index], index: start + index, isBoxed: isBoxed)
    }
    try body(forms, isTail: isTail, of: form)
    if !names.isEmpty { try emit(.slide(Int32(names.count)), at: form.offset) }
    for name in names { bindings[name]?.removeLast() }
  }

  /// The function is known only to itself; the values are computed outside of its scope.
  private mutating func loop(
    _ name: Syntax,
    _ variables: [Syntax],
    _ values: [Syntax],
    _ forms: [Syntax],
    _ form: Syntax,
    isTail: Bool
  ) throws(LispFailure) {
    guard values.count <= 255 else { throw failure("255 variables at most", at: form) }
    let bound = try bindable(name)
    let start = depth
    try emit(.pushBox, at: form.offset)
    bindLocal(bound, index: start, isBoxed: true)
    try emit(.local(Int32(start)), at: form.offset)
    try emit(.closure(Int32(function(variables, body: forms, form))), at: form.offset)
    try emit(.setBox, at: form.offset)
    bindings[bound]?.removeLast()
    for value in values { try expression(value) }
    try emit(isTail ? .tailCall(Int32(values.count)) : .call(Int32(values.count)), at: form.offset)
    try emit(.slide(1), at: form.offset)
  }

  private mutating func assignment(
    _ name: Syntax,
    _ value: Syntax,
    _ form: Syntax
  ) throws(LispFailure) {
    switch meaning(of: name) {
    case .local(let function, let index, _, let unique):
      try place(function, index, unique, at: name)
      try expression(value)
      try emit(.setBox, at: form.offset)
    case .global(let index):
      try expression(value)
      try emit(.setGlobal(index), at: form.offset)
    case .slot:
      try expression(value)
      try emit(.setSlot(constant(name.datum)), at: form.offset)
    case .table, .primitive, nil: throw failure("a variable", at: name)
    }
  }

  // MARK: Code

  private var depth: Int { functions[functions.count - 1].depth }
  private var here: Int { functions[functions.count - 1].code.count }

  private mutating func emit(_ instruction: Instruction, at offset: Int) throws(LispFailure) {
    let current = functions.count - 1
    functions[current].code.append(instruction)
    functions[current].offsets.append(Int32(offset))
    functions[current].depth += instruction.growth
  }

  /// Makes the jump at `index` go to the next instruction.
  private mutating func land(_ index: Int) {
    let distance = Int32(here - index - 1)
    let current = functions.count - 1
    switch functions[current].code[index] {
    case .jump: functions[current].code[index] = .jump(distance)
    case .jumpIfFalse: functions[current].code[index] = .jumpIfFalse(distance)
    case .jumpIfFalseElseDrop: functions[current].code[index] = .jumpIfFalseElseDrop(distance)
    case .jumpIfTrueElseDrop: functions[current].code[index] = .jumpIfTrueElseDrop(distance)
    default: preconditionFailure("not a jump")
    }
  }

  private func position(_ form: Syntax) -> TextPosition {
    TextPosition(of: form.offset, in: program.source)
  }

  private func failure(_ expected: String, at form: Syntax) -> LispFailure {
    LispFailure(.expected(expected), at: position(form))
  }
}

extension Syntax {
  fileprivate var symbol: String? {
    if case .atom(.symbol(let name)) = kind { name } else { nil }
  }

  /// The special form this is.
  fileprivate var head: Compiler.Special? {
    guard case .list(let items) = kind, let name = items.first?.symbol else { return nil }
    return Compiler.Special(rawValue: name)
  }
}

extension Instruction {
  /// How many values more it leaves on the stack, if it does not jump.
  fileprivate var growth: Int {
    switch self {
    case .constant, .null, .integer, .bool, .local, .captured, .global, .slot, .table, .pushBox,
      .closure:
      1
    case .setGlobal, .setSlot, .boxLocal, .unbox, .jump, .return: 0
    case .setBox, .jumpIfFalse, .jumpIfFalseElseDrop, .jumpIfTrueElseDrop, .drop: -1
    case .primitive(_, let count): 1 - Int(count)
    case .call(let count), .tailCall(let count): -Int(count)
    case .slide(let count): -Int(count)
    }
  }
}
