import Kernel
import Simulation
import TinyChain

extension FuzzTargets {
  static let brainfuckCode = FuzzTarget(
    "brainfuck-code",
    seeds: ["", "+.", helloWorld].map { code($0, mode: .framed) }
  ) { input in
    guard let code = try? BrainfuckCode(input) else { return .refused }
    return code.bytes == input ? .accepted : .broken("reads back otherwise")
  }

  /// Gas 2 ‖ pages loaded 1 ‖ output pause 1 ‖ source: both engines come to the same end.
  static let brainfuckEngines = FuzzTarget(
    "brainfuck-engines",
    seeds: [
      helloWorld, ",[.,]", ">>+[[->+<]+>-]<[<]>[>]", "++[>+++[->>++<-<+>]<-]>[>[-]+>]",
      "+[[->>>>>>>>+<<<<<<<<]>>>>>>>>]", "+++[->+++[-<->>+++<]<]>>[<<+>>-]",
    ].map { [0xff, 0x3f, 1, 0] + Array($0.utf8) }
  ) { input in
    guard input.count >= 4, let program = try? BrainfuckProgram(source: input.dropFirst(4)) else {
      return .refused
    }
    let folded = FoldedProgram(program)
    var naive = BrainfuckMachine(
      tape: [UInt8](repeating: 0, count: 256 * Int(max(1, input[2]))),
      input: Array(input),
      gas: UInt64(input[0]) | UInt64(input[1]) << 8
    )
    naive.outputPause = input[3] == 0 ? .max : Int(input[3])
    var fast = naive
    while true {
      let stop = naive.runNaively(program)
      guard fast.run(folded) == stop, fast == naive else { return .broken("the engines differ") }
      switch stop {
      case .finished, .outOfGas, .leftTape: return .accepted
      case .pageNeeded: naive.tape += [UInt8](repeating: 7, count: 256)
      case .outputPaused: naive.output = []
      }
      fast = naive
    }
  }

  static let helloWorld = """
    ++++++++[>++++[>++>+++>+++>+<<<<-]>+>+>->>+[<]<-]>>.>---.+++++++..+++.>>.<-.<.+++.------.------\
    --.>>+.>++.
    """

  static func code(_ source: String, mode: BrainfuckMode) -> [UInt8] {
    guard let program = try? BrainfuckProgram(source: source.utf8) else {
      preconditionFailure("brackets match")
    }
    return BrainfuckCode(mode: mode, program: program).bytes
  }
}
