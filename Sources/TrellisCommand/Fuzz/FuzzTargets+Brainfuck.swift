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

  /// Length of the data 1 ‖ data ‖ code: whatever a contract does, it ends, and spends what it had
  /// at most.
  static let brainfuckContract = FuzzTarget(
    "brainfuck-contract",
    seeds: [
      code(helloWorld, mode: .raw),
      code(",[.,]", mode: .raw),
      code("++.[-]+.[-]..", mode: .framed),  // an event of one byte
      code("+++++.--.[-]" + String(repeating: ",", count: 35) + "..+.-,.", mode: .framed),
      code(String(repeating: ",.", count: 40), mode: .framed),
      code(String(repeating: ">", count: 256) + "+.+.", mode: .raw),
    ].map { [1, 7] + $0 }
  ) { input in
    guard let length = input.first.map(Int.init), input.count > length,
      let code = try? BrainfuckCode(Array(input[(1 + length)...]))
    else { return .refused }
    var host = LoneHost()
    let call = Call(
      caller: .zero,
      contract: .zero,
      value: 0,
      gas: 100_000,
      data: Array(input[1...length])
    )
    let outcome = BrainfuckContract(code).answer(call, on: &host)
    guard outcome.gasLeft <= call.gas else { return .broken("gas out of nothing") }
    guard outcome.isSuccess || outcome.gasLeft == 0 else { return .broken("failed for less") }
    return .accepted
  }

  private static let helloWorld = """
    ++++++++[>++++[>++>+++>+++>+<<<<-]>+>+>->>+[<]<-]>>.>---.+++++++..+++.>>.<-.<.+++.------.------\
    --.>>+.>++.
    """

  private static func code(_ source: String, mode: BrainfuckMode) -> [UInt8] {
    guard let program = try? BrainfuckProgram(source: source.utf8) else {
      preconditionFailure("brackets match")
    }
    return BrainfuckCode(mode: mode, program: program).bytes
  }
}

/// A chain of one contract: whoever it calls echoes the data for half the gas.
private struct LoneHost: ContractHost {
  let height: UInt64 = 1
  let time: UInt64 = 1
  var pages: [UInt8: [UInt8]] = [:]

  func balance(of account: Address) -> UInt64 { 1_000 }
  func exists(_ account: Address) -> Bool { account == .zero }
  func page(_ index: UInt8, of contract: Address) -> [UInt8]? { pages[index] }
  mutating func setPage(_ index: UInt8, of contract: Address, to bytes: [UInt8]) {
    pages[index] = bytes
  }
  mutating func emit(_ event: [UInt8], from contract: Address) {}
  mutating func transfer(_ value: UInt64, from: Address, to: Address) -> Bool { value <= 1_000 }
  mutating func call(_ call: Call) -> Outcome {
    .returned(call.data, gasLeft: call.gas / 2)
  }
  mutating func create(_ code: BrainfuckCode, value: UInt64, by creator: Address) -> Address? {
    value <= 1_000 ? creator : nil
  }
}
