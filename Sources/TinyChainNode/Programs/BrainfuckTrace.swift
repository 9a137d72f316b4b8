public import TinyChain

/// One instruction of a run, before it is executed.
public struct BrainfuckStep: Hashable, Sendable {
  /// From 0.
  public let index: Int
  public let opcode: Opcode
  public let pointer: Int
  public let cell: UInt8
  public let gasLeft: UInt64
}

extension BrainfuckRun {
  /// Runs one instruction at a time, by the engine that is the specification.
  ///
  /// `watch` is shown each instruction before it is executed.
  public func trace(outputMax: Int, _ watch: (BrainfuckStep) -> Void) -> Report {
    var machine = machine
    machine.outputPause = outputMax + 1
    while true {
      if machine.counter < program.opcodes.count {
        watch(
          BrainfuckStep(
            index: machine.counter,
            opcode: program.opcodes[machine.counter],
            pointer: machine.pointer,
            cell: machine.tape[machine.pointer],
            gasLeft: UInt64(machine.gas)
          )
        )
      }
      if let stop = machine.step(program) { return report(machine, Ending(stop)) }
    }
  }

  /// What a loop cost, without the loops inside it.
  public struct LoopCost: Hashable, Sendable {
    /// The instructions from `[` to `]`; all of the program for what stands in no loop.
    public let instructions: Range<Int>
    public let steps: UInt64
    public let gas: UInt64
  }

  /// Where the gas goes: loops, the dearest first.
  public func profile(outputMax: Int) -> (report: Report, loops: [LoopCost]) {
    var executions = [UInt64](repeating: 0, count: program.opcodes.count)
    var last = 0
    let report = trace(outputMax: outputMax) {
      executions[$0.index] += 1
      last = $0.index
    }
    // What could not be paid, or led off the tape, was not executed.
    if report.ending == .outOfGas || report.ending == .leftTape { executions[last] -= 1 }
    var costs: [(range: Range<Int>, steps: UInt64, gas: UInt64)] = [(0..<executions.count, 0, 0)]
    var loops = [0]
    for (index, opcode) in program.opcodes.enumerated() {
      if opcode == .open {
        loops.append(costs.count)
        costs.append((index..<index + 1, 0, 0))
      }
      let loop = loops[loops.count - 1]
      costs[loop].steps += executions[index]
      costs[loop].gas += executions[index] * UInt64(opcode.gas)
      if opcode == .close {
        costs[loop].range = costs[loop].range.lowerBound..<index + 1
        loops.removeLast()
      }
    }
    let dearest = costs.filter { $0.steps > 0 }
      .map { LoopCost(instructions: $0.range, steps: $0.steps, gas: $0.gas) }
      .sorted { ($1.gas, $0.instructions.lowerBound) < ($0.gas, $1.instructions.lowerBound) }
    return (report, dearest)
  }
}
