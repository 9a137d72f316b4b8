import Kernel
import TinyChain

/// A program with all that a run of it depends on.
struct EngineCase {
  var opcodes: [Opcode]
  var gas: UInt64 = 3_000
  var input: [UInt8] = []
  /// What the loaded cells hold, repeated.
  var cells: [UInt8] = [0]
  /// Loaded at the start; further pages follow as the machine asks for them.
  var loaded = BrainfuckMachine.cellsMax
  /// The output is taken away whenever it is this long.
  var outputPause = Int.max

  /// How the two engines differ, or nil; they are compared at every stop on the way.
  func disagreement() throws(BrainfuckCodeFailure) -> String? {
    let program = try BrainfuckProgram(opcodes)
    let folded = FoldedProgram(program)
    var naive = BrainfuckMachine(
      tape: (0..<loaded).map { cells[$0 % cells.count] },
      input: input,
      gas: gas
    )
    naive.outputPause = outputPause
    var fast = naive
    while true {
      let (expected, stop) = (naive.runNaively(program), fast.run(folded))
      // Each step costs 1 at least, so neither time nor output is out of proportion to gas.
      guard stop == expected, fast == naive, fast.steps <= gas - UInt64(fast.gas) else {
        return
          "\(String(decoding: program.source, as: UTF8.self)) with gas \(gas), cells \(cells): "
          + "\(expected) at \(naive.counter), pointer \(naive.pointer), gas \(naive.gas), "
          + "\(naive.steps) steps; but \(stop) at \(fast.counter), pointer \(fast.pointer), "
          + "gas \(fast.gas), \(fast.steps) steps"
      }
      switch stop {
      case .finished, .outOfGas, .leftTape: return nil
      case .pageNeeded:
        for index in 0..<256 { naive.tape.append(cells[index % cells.count]) }
      case .outputPaused: naive.output = []
      }
      fast = naive
    }
  }

  /// Random opcodes whose brackets match, with loops like those that are folded among them.
  static func randomOpcodes(count: Int, using random: inout SplitMix64) -> [Opcode] {
    var opcodes: [Opcode] = []
    var depth = 0
    while opcodes.count < count {
      switch Int.random(in: 0..<24, using: &random) {
      case 0: opcodes += multiplyLoop(using: &random)
      case 1:
        let move: Opcode = Bool.random(using: &random) ? .left : .right
        opcodes += [.open] + Array(repeating: move, count: Int.random(in: 1...3, using: &random))
        opcodes.append(.close)
      case 2...3:
        opcodes.append(.open)
        depth += 1
      case 4...5 where depth > 0:
        opcodes.append(.close)
        depth -= 1
      default:
        opcodes.append(Opcode.allCases[Int.random(in: 0..<6, using: &random)])
      }
    }
    return opcodes + Array(repeating: .close, count: depth)
  }

  /// Counts its cell up or down by one, or now and then by two; it may not come back to it.
  private static func multiplyLoop(using random: inout SplitMix64) -> [Opcode] {
    var body: [Opcode] = []
    let count: Opcode = Bool.random(using: &random) ? .increment : .decrement
    body += Array(repeating: count, count: Int.random(in: 0..<8, using: &random) == 0 ? 2 : 1)
    var offset = 0
    for _ in 0..<Int.random(in: 0...3, using: &random) {
      let move = Int.random(in: -2...2, using: &random)
      body += Array(repeating: move < 0 ? .left : .right, count: abs(move))
      offset += move
      if offset != 0 {
        let value: Opcode = Bool.random(using: &random) ? .increment : .decrement
        body += Array(repeating: value, count: Int.random(in: 0...3, using: &random))
      }
    }
    if Int.random(in: 0..<8, using: &random) != 0 {
      body += Array(repeating: offset > 0 ? .left : .right, count: abs(offset))
    }
    return [.open] + body + [.close]
  }
}
