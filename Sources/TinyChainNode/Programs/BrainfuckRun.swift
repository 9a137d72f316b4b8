import Kernel
public import TinyChain

/// A Brainfuck program run by itself: no chain, no account, input and output as bytes.
public struct BrainfuckRun: Sendable {
  /// How a run ended, under the names that reports use.
  public enum Ending: String, Sendable {
    case finished
    case outOfGas = "out_of_gas"
    /// It moved left of its first cell or right of its last.
    case leftTape = "left_tape"
    /// It wrote more than the caller takes.
    case outputTooLong = "output_too_long"
  }

  /// What a run came to.
  public struct Report: Hashable, Sendable {
    public let ending: Ending
    /// What was written and not taken on the way.
    public let output: [UInt8]
    public let gasUsed: UInt64
    public let steps: UInt64
  }

  public let program: BrainfuckProgram
  public let input: [UInt8]
  public let gas: UInt64
  /// By any but the usual one a program is run by the naive engine.
  public let rule: BrainfuckMachine.CloseRule

  public init(
    _ program: BrainfuckProgram,
    input: [UInt8] = [],
    gas: UInt64,
    rule: BrainfuckMachine.CloseRule = .pastOpen
  ) {
    (self.program, self.input, self.rule) = (program, input, rule)
    self.gas = UInt64(Int64(clamping: gas))
  }

  var machine: BrainfuckMachine { BrainfuckMachine(input: input, gas: gas) }

  func report(_ machine: BrainfuckMachine, _ ending: Ending) -> Report {
    Report(
      ending: ending,
      output: machine.output,
      gasUsed: gas - UInt64(machine.gas),
      steps: machine.steps
    )
  }

  /// An engine that goes on where it was paused.
  private var engine: (inout BrainfuckMachine) -> BrainfuckStop {
    if rule != .pastOpen { return { $0.runNaively(program, rule: rule) } }
    let folded = FoldedProgram(program)
    return { $0.run(folded) }
  }

  /// Runs to the end, by the optimising engine where the rule allows, and keeps the output.
  ///
  /// A program that writes more than `outputMax` bytes is stopped.
  public func run(outputMax: Int) -> Report {
    var machine = machine
    machine.outputPause = outputMax + 1
    let stop = engine(&machine)
    guard stop == .outputPaused else { return report(machine, Ending(stop)) }
    machine.output.removeLast()
    return report(machine, .outputTooLong)
  }

  /// Runs to the end and hands the output on as it comes, so that it may be of any length.
  ///
  /// `take` gets up to 64 KiB at a time; its false ends the run.
  public func run(take: ([UInt8]) -> Bool) -> Report {
    var machine = machine
    let engine = engine
    while true {
      machine.outputPause = Self.chunk
      let stop = engine(&machine)
      let isWanted = take(machine.output)
      machine.output.removeAll(keepingCapacity: true)
      guard stop == .outputPaused else { return report(machine, Ending(stop)) }
      guard isWanted else { return report(machine, .outputTooLong) }
    }
  }

  private static let chunk = 1 << 16
}

extension BrainfuckRun.Ending {
  init(_ stop: BrainfuckStop) {
    switch stop {
    case .finished: self = .finished
    case .outOfGas: self = .outOfGas
    case .leftTape: self = .leftTape
    case .outputPaused: self = .outputTooLong
    case .pageNeeded: preconditionFailure("the whole tape is loaded")
    }
  }
}

extension BrainfuckCodeFailure {
  /// What is wrong with a program, instructions counted from 1.
  public var explanation: String {
    switch self {
    case .tooLong: "it has more than \(BrainfuckProgram.opcodesMax) instructions"
    case .unbalanced(let index): "instruction \(index + 1) is a bracket without its partner"
    case .malformed(let failure): "the code \(failure)"
    }
  }
}
