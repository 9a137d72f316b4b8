/// Why a machine stopped.
public enum BrainfuckStop: Hashable, Sendable {
  /// It ran off the end of its program.
  case finished
  /// The next instruction costs more than is left.
  case outOfGas
  /// It moved left of the first cell or right of the last.
  case leftTape
  /// It waits at a `>` for a page of its tape; append it to `tape` and run on.
  case pageNeeded
  /// `output` has the length it was told to wait at; run on when it has been dealt with.
  case outputPaused
}

/// A Brainfuck machine: all there is to know about a run, at any instruction of it.
///
/// Cells are bytes that wrap. The pointer starts at cell 0 and moves by one, so what it can have
/// seen is always a prefix of the tape: `tape` holds that prefix, and pages are appended as needed.
/// `,` at the end of the input gives 0.
public struct BrainfuckMachine: Hashable, Sendable {
  /// Cells; to leave them is to trap.
  public static let cellsMax = 65_536

  public var tape: [UInt8]
  public internal(set) var pointer = 0
  /// The index of the next instruction.
  public internal(set) var counter = 0
  public var gas: Int64
  /// Instructions executed.
  public internal(set) var steps: UInt64 = 0
  public var input: [UInt8]
  public internal(set) var inputRead = 0
  public var output: [UInt8] = []
  /// The machine pauses when `output` gets this long.
  public var outputPause = Int.max

  /// - Parameters:
  ///   - tape: the loaded cells, 1...65,536; by default all there are, zero.
  ///   - input: what `,` reads.
  ///   - gas: more than 2^63 - 1 counts as that much, which nobody can spend.
  public init(
    tape: [UInt8] = [UInt8](repeating: 0, count: cellsMax),
    input: [UInt8] = [],
    gas: UInt64
  ) {
    precondition(!tape.isEmpty)
    precondition(tape.count <= Self.cellsMax)
    self.tape = tape
    self.input = input
    self.gas = Int64(clamping: gas)
  }

  /// What `]` does.
  public enum CloseRule: Sendable {
    /// It tests the cell and jumps past its `[`.
    case pastOpen
    /// It tests the cell and jumps to its `[`, which tests it again: as the original did.
    case toOpen
  }

  /// Runs one instruction at a time: this engine is the specification.
  public mutating func runNaively(
    _ program: BrainfuckProgram,
    rule: CloseRule = .pastOpen
  ) -> BrainfuckStop {
    interpret(program, rule: rule, until: { _ in false }) ?? .finished
  }

  /// Executes the next instruction; nil if the machine can go on.
  public mutating func step(_ program: BrainfuckProgram) -> BrainfuckStop? {
    interpret(program, rule: .pastOpen, until: { _ in true })
  }

  /// Executes instructions until the machine stops, or (nil) `isEnd` of the next one's index.
  ///
  /// An instruction that cannot be paid or leaves the tape has no effect and is not charged.
  @inline(__always)
  mutating func interpret(
    _ program: BrainfuckProgram,
    rule: CloseRule,
    until isEnd: (Int) -> Bool
  ) -> BrainfuckStop? {
    // The tape is moved out while it is borrowed, so that the rest of `self` stays at hand.
    var tape: [UInt8] = []
    swap(&tape, &self.tape)
    defer { swap(&tape, &self.tape) }
    return tape.withUnsafeMutableBufferPointer { cells in
      program.opcodes.withUnsafeBufferPointer { opcodes in
        var (pointer, counter, gas, steps) = (pointer, counter, gas, steps)
        defer {
          (self.pointer, self.counter, self.gas, self.steps) = (pointer, counter, gas, steps)
        }
        while counter < opcodes.count {
          let opcode = opcodes[counter]
          guard gas >= opcode.gas else { return .outOfGas }
          var next = counter + 1
          switch opcode {
          case .right:
            guard pointer + 1 < cells.count else {
              return cells.count == Self.cellsMax ? .leftTape : .pageNeeded
            }
            pointer += 1
          case .left:
            guard pointer > 0 else { return .leftTape }
            pointer -= 1
          case .increment: cells[pointer] &+= 1
          case .decrement: cells[pointer] &-= 1
          case .output: output.append(cells[pointer])
          case .input: cells[pointer] = nextInput()
          case .open:
            if cells[pointer] == 0 { next = Int(program.partners[counter]) + 1 }
          case .close:
            if cells[pointer] != 0 {
              next = Int(program.partners[counter]) + (rule == .pastOpen ? 1 : 0)
            }
          }
          gas -= opcode.gas
          steps &+= 1
          counter = next
          if opcode == .output, output.count == outputPause { return .outputPaused }
          if isEnd(counter) { return nil }
        }
        return .finished
      }
    }
  }

  @inline(__always)
  mutating func nextInput() -> UInt8 {
    guard inputRead < input.count else { return 0 }
    defer { inputRead += 1 }
    return input[inputRead]
  }
}
