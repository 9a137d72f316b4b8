/// What the machine does in a step.
///
/// Indices of locals count from the frame's first argument.
enum Instruction: BitwiseCopyable {
  case constant(Int32)
  case null
  case integer(Int32)
  case bool(Bool)
  case local(Int32)
  case captured(Int32)
  case global(Int32)
  case setGlobal(Int32)
  /// A contract's state variable, by the constant that is its name.
  case slot(Int32)
  case setSlot(Int32)
  case table(Int32)
  /// Puts a local into a box, so that closures share it;
  case boxLocal(Int32)
  case pushBox
  /// takes a box's content; stores the top into the box under it, leaving the value.
  case unbox
  case setBox
  case closure(Int32)
  case primitive(Primitive, Int32)
  case call(Int32)
  case tailCall(Int32)
  case `return`
  // Distances count from the next instruction.
  case jump(Int32)
  case jumpIfFalse(Int32)
  /// Jumps keeping the top if it is (not) false, else drops it.
  case jumpIfFalseElseDrop(Int32)
  case jumpIfTrueElseDrop(Int32)
  case drop
  /// Drops this many values under the top.
  case slide(Int32)
}

/// Procedures the machine provides.
enum Primitive: UInt8, CaseIterable, BitwiseCopyable {
  // Numbers.
  case add, subtract, multiply, divide, remainder, muldiv
  case isEqual, less, greater, lessOrEqual, greaterOrEqual
  case toInteger, toAmount
  // Values.
  case not, same, type, cons, car, cdr, list, length, isNull
  case concat, slice, byte, toBytes, toAddress, sha256
  // The end of it.
  case fail, require
  // The chain. Those after `firstOfHost` ask the host.
  case get, put, delete, balance, pay, send, attempt, emit, mint, facet
  case selfAddress, caller, value, height

  static let firstOfHost = get

  var isOfHost: Bool { rawValue >= Self.firstOfHost.rawValue }

  /// Its name, and how many arguments it takes.
  var signature: (name: String, arguments: ClosedRange<Int>) {
    switch self {
    case .add: ("+", 2...255)
    case .subtract: ("-", 2...255)
    case .multiply: ("*", 2...255)
    case .divide: ("/", 2...2)
    case .remainder: ("%", 2...2)
    case .muldiv: ("muldiv", 3...3)
    case .isEqual: ("=", 2...2)
    case .less: ("<", 2...2)
    case .greater: (">", 2...2)
    case .lessOrEqual: ("<=", 2...2)
    case .greaterOrEqual: (">=", 2...2)
    case .toInteger: ("integer", 1...1)
    case .toAmount: ("amount", 1...1)
    case .not: ("not", 1...1)
    case .same: ("equal?", 2...2)
    case .type: ("type", 1...1)
    case .cons: ("cons", 2...2)
    case .car: ("car", 1...1)
    case .cdr: ("cdr", 1...1)
    case .list: ("list", 0...255)
    case .length: ("length", 1...1)
    case .isNull: ("null?", 1...1)
    case .concat: ("concat", 2...2)
    case .slice: ("slice", 3...3)
    case .byte: ("byte", 2...2)
    case .toBytes: ("bytes", 1...1)
    case .toAddress: ("address", 1...1)
    case .sha256: ("sha256", 1...1)
    case .fail: ("fail", 1...1)
    case .require: ("require", 2...2)
    case .get: ("get", 3...3)
    case .put: ("put!", 3...3)
    case .delete: ("delete!", 2...2)
    case .balance: ("balance-of", 1...1)
    case .pay: ("pay", 2...255)
    case .send: ("send", 2...255)
    case .attempt: ("try", 2...255)
    case .emit: ("emit", 1...255)
    case .mint: ("mint!", 2...2)
    case .facet: ("facet", 2...2)
    // Not procedures, but variables.
    case .selfAddress: ("self", 0...0)
    case .caller: ("caller", 0...0)
    case .value: ("value", 0...0)
    case .height: ("height", 0...0)
    }
  }

  static let variables: [Primitive] = [.selfAddress, .caller, .value, .height]
}

/// A procedure as compiled.
struct Lambda {
  var entry: Int32 = 0
  let parameters: Int
  var captures: [Capture] = []

  /// What a closure takes along, from the frame that makes it.
  enum Capture {
    case local(Int32)
    case captured(Int32)
  }
}

/// What a contract does upon a message.
struct Handler {
  enum Access {
    /// Anyone may ask.
    case on
    /// Holders of a facet that names it.
    case only
    /// Anyone; it changes nothing.
    case view
  }

  let lambda: Int
  let access: Access
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

  struct Contract {
    /// State variables that the arguments of its creation set.
    var parameters: [String] = []
    /// Sets the other state variables, then runs the `init` clauses.
    var create = 0
    var handlers: [String: Handler] = [:]
  }

  /// Compiles a source, in time and memory linear in its length.
  public init(source: [UInt8]) throws(LispFailure) {
    var compiler = Compiler(program: LispProgram(unfinished: source))
    try compiler.compile(Reader.forms(of: source))
    self = compiler.program
  }

  init(unfinished source: [UInt8]) { self.source = source }
}
