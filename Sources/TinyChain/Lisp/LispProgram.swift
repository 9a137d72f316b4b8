/// What the machine does in a step.
///
/// Indices of locals count from the frame's first argument.
enum Instruction: BitwiseCopyable {
  /// Constants by the place behind the globals; so are the names of slots and tables.
  case constant(Int32), local(Int32), captured(Int32), global(Int32), setGlobal(Int32)
  /// A contract's state variable or table, by its name.
  case slot(Int32), setSlot(Int32), table(Int32)
  /// Puts a local into a box, so that closures share it;
  case boxLocal(Int32), pushBox
  /// takes a box's content; stores the top into the box under it, leaving the value.
  case unbox, setBox
  case closure(Int32), primitive(Primitive, Int32)
  case call(Int32), tailCall(Int32), `return`
  /// By a distance from the next instruction.
  case jump(Condition, Int32)
  /// The top, or this many values under it.
  case drop, slide(Int32)

  enum Condition {
    /// Takes the top off if it asks for it; the last two leave it on if they jump.
    case always, ifFalse, ifFalseElseDrop, ifTrueElseDrop
  }
}

/// Procedures the machine provides, by name.
enum Primitive: String, CaseIterable, BitwiseCopyable {
  case add = "+", subtract = "-", multiply = "*", divide = "/", remainder = "%", muldiv
  case isEqual = "=", less = "<", greater = ">", lessOrEqual = "<=", greaterOrEqual = ">="
  case toInteger = "integer", toAmount = "amount"
  case not, same = "equal?", type, cons, car, cdr, list, length, isNull = "null?"
  case concat, slice, byte, toBytes = "bytes", toAddress = "address", sha256
  case fail, require
  // The world is asked.
  case get, put = "put!", delete = "delete!", balance = "balance-of", pay, send, attempt = "try"
  case emit, mint = "mint!", facet
  // Not procedures, but variables.
  case selfAddress = "self", caller, value, height

  var isVariable: Bool { arguments == 0...0 }

  /// How many it takes.
  var arguments: ClosedRange<Int> {
    switch self {
    case .selfAddress, .caller, .value, .height: 0...0
    case .toInteger, .toAmount, .not, .type, .car, .cdr, .length, .isNull, .toBytes, .toAddress,
      .sha256, .fail, .balance:
      1...1
    case .divide, .remainder, .isEqual, .less, .greater, .lessOrEqual, .greaterOrEqual, .same,
      .cons, .concat, .byte, .require, .delete, .mint, .facet:
      2...2
    case .muldiv, .slice, .get, .put: 3...3
    case .list: 0...255
    case .emit: 1...255
    case .add, .subtract, .multiply, .pay, .send, .attempt: 2...255
    }
  }
}

/// A procedure as compiled.
struct Lambda {
  var entry: Int32 = 0
  let parameters: Int
  /// What a closure takes along from the frame that makes it: locals, and what that has captured.
  var captures: [Instruction] = []
}

/// A program ready to run.
public struct LispProgram: Sendable {
  let source: [UInt8]
  var code: [Instruction] = []
  /// For each instruction the offset of the form in the source.
  var offsets: [Int32] = []
  var lambdas: [Lambda] = []
  var constants: [Datum] = []
  var globals = 0
  /// The top-level forms; the value of the last is the program's.
  var main = 0
  /// What `(contract …)` declares.
  var contract: Contract?

  /// Who may send a message: anyone; holders of a facet that names it; anyone, as it changes nothing.
  enum Access: String { case on, only, view }

  /// What a contract does upon a message.
  typealias Handler = (access: Access, lambda: Int)

  struct Contract {
    /// State variables that the arguments of its creation set.
    var parameters: [String] = []
    /// Sets the other state variables, then runs the `init` clauses.
    var create = 0
    var handlers: [String: Handler] = [:]
  }

  /// Compiles a source, in time and memory linear in its length.
  public init(source: [UInt8]) throws(LispFailure) {
    var compiler = Compiler(source: source)
    try compiler.compile(Reader.forms(of: source))
    self = compiler.program
  }

  init(unfinished source: [UInt8]) { self.source = source }
}
