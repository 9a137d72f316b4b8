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
  /// Names that are assigned anywhere; one look at the source tells.
  private var assigned: Set<String> = []
  private var constantIndex: [Datum: Int32] = [:]
  /// Where in the source the form being compiled begins.
  private var offset = 0

  /// Functions inside one another: to capture a variable of an outer one costs a step for each.
  private static let functionsNestedMax = 16
  private static let argumentsMax = 255

  private typealias Forms = ArraySlice<Syntax>

  /// A place in the frame of a function, by how many are around that.
  private struct Variable: Hashable { let owner, index: Int }

  private enum Binding {
    case local(Variable, isBoxed: Bool)
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
    /// The place in the closure of what it takes along.
    var captured: [Variable: Int32] = [:]
  }

  fileprivate enum Special: String {
    case define, lambda, `if`, `let`, cond, quote, begin
    case set = "set!"
    case and, or
    case contract, slot, table, `init`, on, only, view, `else`
  }

  init(source: [UInt8]) {
    program = LispProgram(unfinished: source)
    for primitive in Primitive.allCases { bindings[primitive.rawValue] = [.primitive(primitive)] }
  }

  mutating func compile(_ forms: [Syntax]) throws(LispFailure) {
    for form in forms { noteAssignments(in: form) }
    // What a contract defines is as if it stood before it.
    let forms = forms.flatMap { form in
      form.clauses.filter { $0.head == .define } + [form]
    }
    // Definitions see one another whatever their order.
    for form in forms {
      if form.head == .contract { try declareContract(form) }
      guard form.head == .define else { continue }
      _ = try declare(definition(form).name, as: .global(Int32(program.globals)))
      program.globals += 1
    }
    begin(parameters: 0)
    pushConstant(.list([]))
    for form in forms {
      emit(.drop)
      offset = form.offset
      switch form.head {
      case .define: try define(form)
      case .contract: try contract(form)
      default: try expression(form)
      }
    }
    program.main = end()
  }

  private mutating func noteAssignments(in form: Syntax) {
    let items = form.items
    if form.head == .set, items.count > 1, let name = items[1].symbol { assigned.insert(name) }
    for item in items { noteAssignments(in: item) }
  }

  // MARK: Contracts

  private mutating func declareContract(_ form: Syntax) throws(LispFailure) {
    let items = form.items
    guard program.contract == nil, items.count > 1, !items[1].items.isEmpty else {
      throw expected("one (contract (name parameter …) clause …)", at: form)
    }
    var contract = LispProgram.Contract()
    for parameter in items[1].items.dropFirst() {
      contract.parameters.append(try declare(parameter, as: .slot))
    }
    for clause in form.clauses {
      let parts = clause.items
      switch clause.head {
      case .slot where parts.count == 3: _ = try declare(parts[1], as: .slot)
      case .table where parts.count == 2: _ = try declare(parts[1], as: .table)
      case .define, .`init`, .on, .only, .view: continue
      default:
        throw expected("(slot name value), table, define, init, on, only or view", at: clause)
      }
    }
    program.contract = contract
  }

  private mutating func contract(_ form: Syntax) throws(LispFailure) {
    var handlers: [String: LispProgram.Handler] = [:]
    for clause in form.clauses {
      guard let access = LispProgram.Access(rawValue: clause.head?.rawValue ?? "") else { continue }
      let items = clause.items
      offset = clause.offset
      guard items.count > 2, let name = items[1].items.first?.symbol, handlers[name] == nil else {
        throw expected("(on (message argument …) body …), each message once")
      }
      let lambda = try function(items[1].items.dropFirst(), items.dropFirst(2))
      handlers[name] = (access, lambda)
    }
    program.contract?.handlers = handlers
    let forms = form.clauses.flatMap { clause -> Forms in
      let rest = clause.items.dropFirst()
      return switch clause.head {
      case .slot: [clause.replaced(by: ["set!"], Array(rest))]
      case .`init`: rest
      default: []
      }
    }
    let nothing = form.replaced(by: ["quote"], [form.replaced(by: [], [])])
    let create = try function([], forms + [nothing])
    program.contract?.create = create
    pushConstant(.list([]))
  }

  // MARK: Definitions

  /// `(define name value)`, or `(define (name parameter …) body …)` for a lambda.
  private func definition(_ form: Syntax) throws(LispFailure) -> (name: Syntax, value: Syntax) {
    let items = form.items
    if items.count == 3, items[1].symbol != nil { return (items[1], items[2]) }
    guard items.count > 2, let name = items[1].items.first else {
      throw expected("(define name value) or (define (name parameter …) body …)", at: form)
    }
    let parameters = Syntax(kind: .list(Array(items[1].items.dropFirst())), offset: form.offset)
    return (name, form.replaced(by: ["lambda"], [parameters] + items.dropFirst(2)))
  }

  /// Leaves the value on the stack.
  private mutating func define(_ form: Syntax) throws(LispFailure) {
    let (name, value) = try definition(form)
    try assign(to: name, value)
  }

  /// State variables, tables and globals have one meaning each: two would share a place.
  private mutating func declare(_ form: Syntax, as it: Binding) throws(LispFailure) -> String {
    let name = try bindable(form)
    if let known = bindings[name]?.last {
      guard case .primitive = known else { throw expected("a name not yet defined", at: form) }
    }
    bindings[name, default: []].append(it)
    return name
  }

  /// A name that is not reserved.
  private func bindable(_ form: Syntax) throws(LispFailure) -> String {
    guard let name = form.symbol, Special(rawValue: name) == nil,
      Primitive(rawValue: name)?.isVariable != true
    else { throw expected("a name that is not reserved", at: form) }
    return name
  }

  // MARK: Functions

  private mutating func begin(parameters: Int) {
    functions.append(Function(lambda: Lambda(parameters: parameters), depth: parameters))
  }

  /// Appends the function to the program; its index.
  private mutating func end() -> Int {
    emit(.return)
    var function = functions.removeLast()
    function.lambda.entry = Int32(program.code.count)
    program.code += function.code
    program.offsets += function.offsets
    program.lambdas.append(function.lambda)
    return program.lambdas.count - 1
  }

  /// Compiles `(lambda parameters body)`; the caller makes a closure of it.
  private mutating func function(_ parameters: Forms, _ forms: Forms) throws(LispFailure) -> Int {
    guard functions.count < Self.functionsNestedMax else {
      throw failure(.tooMuch("nesting of functions"))
    }
    guard parameters.count <= Self.argumentsMax else { throw expected("fewer parameters") }
    begin(parameters: parameters.count)
    try bind(parameters, at: 0)
    guard Set(parameters.map(\.symbol)).count == parameters.count else {
      throw expected("distinct parameters")
    }
    try body(forms, isTail: true)
    unbind(parameters)
    return end()
  }

  /// Names the values on the stack from `start` on; what a body defines is not there yet.
  private mutating func bind(_ names: Forms, at start: Int, new: Bool = false) throws(LispFailure) {
    for (index, form) in zip(start..., names) {
      let name = try bindable(form)
      let isBoxed = new || assigned.contains(name)
      if isBoxed { emit(new ? .pushBox : .boxLocal(Int32(index))) }
      let variable = Variable(owner: functions.count - 1, index: index)
      bindings[name, default: []].append(.local(variable, isBoxed: isBoxed))
    }
  }

  private mutating func unbind(_ names: Forms) {
    for name in names { bindings[name.symbol ?? ""]?.removeLast() }
  }

  /// Definitions, then forms; the value is that of the last.
  private mutating func body(_ forms: Forms, isTail: Bool) throws(LispFailure) {
    let definitions = forms.prefix { $0.head == .define }
    guard definitions.count < forms.count else { throw expected("an expression") }
    let names = try definitions.map { form throws(LispFailure) in try definition(form).name }
    try bind(names[...], at: depth, new: true)
    for form in definitions {
      try define(form)
      emit(.drop)
    }
    try sequence(forms.dropFirst(definitions.count), isTail: isTail)
    emit(.slide(Int32(names.count)))
    unbind(names[...])
  }

  private mutating func sequence(_ forms: Forms, isTail: Bool) throws(LispFailure) {
    for form in forms.dropLast() {
      try expression(form)
      emit(.drop)
    }
    if let last = forms.last { try expression(last, isTail: isTail) }
  }

  // MARK: Expressions

  /// Leaves one value on the stack.
  ///
  /// Recursion goes little deeper than the forms, `Datum.depthMax`.
  private mutating func expression(_ form: Syntax, isTail: Bool = false) throws(LispFailure) {
    let outer = offset
    offset = form.offset
    defer { offset = outer }
    switch form.kind {
    case .atom(.symbol(let name)): try variable(name)
    case .atom(let datum): pushConstant(datum)
    case .list(let items):
      guard !items.isEmpty else { throw expected("a form; '() is the empty list") }
      if let special = form.head {
        try compile(special, form, isTail: isTail)
      } else {
        try application(form, isTail: isTail)
      }
    }
  }

  private mutating func compile(_ it: Special, _ form: Syntax, isTail: Bool) throws(LispFailure) {
    let items = form.items
    let count = items.count
    switch it {
    case .quote where count == 2: pushConstant(items[1].datum)
    case .begin where count > 1: try sequence(items.dropFirst(), isTail: isTail)
    case .lambda where count > 2 && items[1].isList:
      emit(.closure(Int32(try function(items[1].items[...], items.dropFirst(2)))))
    case .`if` where count == 4:
      let otherwise = form.replaced(by: ["else"], [items[3]])
      try cond([form.replaced(by: [], [items[1], items[2]]), otherwise], isTail: isTail)
    case .cond where count > 1: try cond(items.dropFirst(), isTail: isTail)
    case .`let` where count > 2: try bindings(form, isTail: isTail)
    case .set where count == 3 && items[1].symbol != nil: try assign(to: items[1], items[2])
    case .and, .or:
      guard count > 1 else { return pushConstant(.bool(it == .and)) }
      var jumps: [Int] = []
      for item in items[1..<count - 1] {
        try expression(item)
        jumps.append(jump(it == .and ? .ifFalseElseDrop : .ifTrueElseDrop))
      }
      try expression(items[count - 1], isTail: isTail)
      for jump in jumps { land(jump) }
    default: throw expected("a well-formed \(it.rawValue), in its place")
    }
  }

  /// `(cond (test body …) … (else body …))`; without `else` it fails when no test holds.
  private mutating func cond(_ clauses: Forms, isTail: Bool) throws(LispFailure) {
    var ends: [Int] = []
    for (index, clause) in zip(clauses.indices, clauses) {
      let items = clause.items
      let isElse = items.first?.symbol == "else"
      guard items.count > 1, !isElse || index == clauses.endIndex - 1 else {
        throw expected("(test body …), else last", at: clause)
      }
      guard !isElse else {
        try sequence(items.dropFirst(), isTail: isTail)
        for end in ends { land(end) }
        return
      }
      try expression(items[0])
      let next = jump(.ifFalse)
      try sequence(items.dropFirst(), isTail: isTail)
      ends.append(jump(.always))
      land(next)
      functions[functions.count - 1].depth -= 1
    }
    pushConstant(.string("no clause of cond holds"))
    emit(.primitive(.fail, 1))
    for end in ends { land(end) }
  }

  /// `(let ((name value) …) body …)`, or with a name for the body, which it calls to loop.
  private mutating func bindings(_ form: Syntax, isTail: Bool) throws(LispFailure) {
    let items = form.items
    let isLoop = items[1].symbol != nil
    let pairs = items[isLoop ? 2 : 1]
    guard pairs.isList, pairs.items.allSatisfy({ $0.items.count == 2 }) else {
      throw expected("(let ((name value) …) body …)")
    }
    let names = pairs.items.map { $0.items[0] }
    let values = pairs.items.map { $0.items[1] }
    if isLoop {
      // ((let () (define name (lambda names body …)) name) value …)
      let parameters = Syntax(kind: .list(names), offset: form.offset)
      let lambda = form.replaced(by: ["lambda"], [parameters] + items.dropFirst(3))
      let none = Syntax(kind: .list([]), offset: form.offset)
      let define = form.replaced(by: ["define"], [items[1], lambda])
      let loop = form.replaced(by: ["let"], [none, define, items[1]])
      return try application(form.replaced(by: [], [loop] + values), isTail: isTail)
    }
    let start = depth
    for value in values { try expression(value) }
    try bind(names[...], at: start)
    try body(items.dropFirst(2), isTail: isTail)
    emit(.slide(Int32(names.count)))
    unbind(names[...])
  }

  private mutating func application(_ form: Syntax, isTail: Bool) throws(LispFailure) {
    let (head, arguments) = (form.items[0], form.items.dropFirst())
    guard arguments.count <= Self.argumentsMax else { throw expected("fewer arguments") }
    let count = Int32(arguments.count)
    let known = head.symbol.flatMap { bindings[$0]?.last }
    if case .primitive(let primitive) = known, !primitive.isVariable {
      let allowed = primitive.arguments
      guard allowed.contains(arguments.count) else {
        let more = allowed.count == 1 ? "" : " or more"
        throw expected("\(allowed.lowerBound)\(more) arguments of \(primitive.rawValue)")
      }
      for argument in arguments { try expression(argument) }
      return emit(.primitive(primitive, count))
    }
    try expression(head)
    for argument in arguments { try expression(argument) }
    emit(isTail ? .tailCall(count) : .call(count))
  }

  // MARK: Variables

  private mutating func variable(_ name: String) throws(LispFailure) {
    switch bindings[name]?.last {
    case .local(let variable, let isBoxed):
      place(variable)
      if isBoxed { emit(.unbox) }
    case .global(let index): emit(.global(index))
    case .slot: emit(.slot(constant(.symbol(name))))
    case .table: emit(.table(constant(.symbol(name))))
    case .primitive(let primitive) where primitive.isVariable: emit(.primitive(primitive, 0))
    case .primitive: throw expected("a value; wrap a primitive in a lambda")
    case nil: throw failure(.unbound(name))
    }
  }

  /// Leaves the value on the stack.
  private mutating func assign(to form: Syntax, _ value: Syntax) throws(LispFailure) {
    let store: Instruction
    switch form.symbol.flatMap({ bindings[$0]?.last }) {
    case .local(let variable, _):
      place(variable)
      store = .setBox
    case .global(let index): store = .setGlobal(index)
    case .slot: store = .setSlot(constant(form.datum))
    case .table, .primitive, nil: throw expected("a variable", at: form)
    }
    try expression(value)
    emit(store)
  }

  /// Pushes a local of this function or, captured, of one around it.
  private mutating func place(_ variable: Variable) {
    emit(source(of: variable, in: functions.count - 1))
  }

  /// Where a function has a variable; those between its owner and this one take it along.
  private mutating func source(of variable: Variable, in function: Int) -> Instruction {
    guard function > variable.owner else { return .local(Int32(variable.index)) }
    if let slot = functions[function].captured[variable] { return .captured(slot) }
    let source = source(of: variable, in: function - 1)
    let slot = Int32(functions[function].lambda.captures.count)
    functions[function].lambda.captures.append(source)
    functions[function].captured[variable] = slot
    return .captured(slot)
  }

  // MARK: Code

  private var depth: Int { functions[functions.count - 1].depth }

  private mutating func emit(_ instruction: Instruction) {
    if case .slide(0) = instruction { return }
    let current = functions.count - 1
    functions[current].code.append(instruction)
    functions[current].offsets.append(Int32(offset))
    functions[current].depth += instruction.growth
  }

  private mutating func pushConstant(_ datum: Datum) { emit(.constant(constant(datum))) }

  /// The constant's place behind the globals, which are all declared before there is code.
  private mutating func constant(_ datum: Datum) -> Int32 {
    if let index = constantIndex[datum] { return index }
    let index = Int32(program.globals + program.constants.count)
    constantIndex[datum] = index
    program.constants.append(datum)
    return index
  }

  /// A jump to nowhere yet; its index.
  private mutating func jump(_ condition: Instruction.Condition) -> Int {
    emit(.jump(condition, 0))
    return functions[functions.count - 1].code.count - 1
  }

  /// Makes the jump at `index` go to the next instruction.
  private mutating func land(_ index: Int) {
    let current = functions.count - 1
    guard case .jump(let condition, _) = functions[current].code[index] else { return }
    let distance = Int32(functions[current].code.count - index - 1)
    functions[current].code[index] = .jump(condition, distance)
  }

  private func failure(_ problem: LispProblem, at form: Syntax? = nil) -> LispFailure {
    LispFailure(problem, at: TextPosition(of: form?.offset ?? offset, in: program.source))
  }

  /// What should have been here, or at a part of the form being compiled.
  private func expected(_ what: String, at form: Syntax? = nil) -> LispFailure {
    failure(.expected(what), at: form)
  }
}

extension Syntax {
  fileprivate var symbol: String? {
    if case .atom(.symbol(let name)) = kind { name } else { nil }
  }

  fileprivate var isList: Bool {
    if case .list = kind { true } else { false }
  }

  /// Of a list; none of an atom.
  fileprivate var items: [Syntax] {
    if case .list(let items) = kind { items } else { [] }
  }

  /// Of a contract; none of another form.
  fileprivate var clauses: ArraySlice<Syntax> { head == .contract ? items.dropFirst(2) : [] }

  /// The special form this is.
  fileprivate var head: Compiler.Special? {
    items.first?.symbol.flatMap { Compiler.Special(rawValue: $0) }
  }

  /// A list of symbols and forms that stands here.
  fileprivate func replaced(by symbols: [String], _ forms: [Syntax]) -> Syntax {
    let start = symbols.map { Syntax(kind: .atom(.symbol($0)), offset: offset) }
    return Syntax(kind: .list(start + forms), offset: offset)
  }
}

extension Instruction {
  /// How many values more it leaves on the stack, if it does not jump.
  fileprivate var growth: Int {
    switch self {
    case .constant, .local, .captured, .global, .slot, .table, .pushBox, .closure: 1
    case .setGlobal, .setSlot, .boxLocal, .unbox, .return, .jump(.always, _): 0
    case .setBox, .jump, .drop: -1
    case .primitive(_, let count): 1 - Int(count)
    case .call(let count), .tailCall(let count), .slide(let count): -Int(count)
    }
  }
}
