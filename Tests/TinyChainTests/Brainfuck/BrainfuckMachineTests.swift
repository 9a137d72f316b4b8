import Testing
import TinyChain

/// What a program did: its stop, output, gas and steps, by the engine named.
struct BrainfuckRun: Hashable {
  var stop = BrainfuckStop.finished
  var output = ""
  var gasUsed: Int64 = 0
  var steps: UInt64 = 0

  /// Both engines, which must agree.
  init(_ source: String, input: String = "", gas: UInt64 = 1_000_000) throws {
    let program = try BrainfuckProgram(source: source.utf8)
    var naive = BrainfuckMachine(input: Array(input.utf8), gas: gas)
    var fast = naive
    stop = naive.runNaively(program)
    #expect(fast.run(FoldedProgram(program)) == stop)
    #expect(fast == naive)
    output = String(decoding: naive.output, as: UTF8.self)
    gasUsed = Int64(gas) - naive.gas
    steps = naive.steps
  }
}

@Suite("The Brainfuck machine")
struct BrainfuckMachineTests {
  static let helloWorld = """
    ++++++++[>++++[>++>+++>+++>+<<<<-]>+>+>->>+[<]<-]>>.>---.+++++++..+++.>>.<-.<.+++.------.------\
    --.>>+.>++.
    """

  @Test("Hello World takes 906 steps and 2,208 gas")
  func hello() throws {
    let run = try BrainfuckRun(Self.helloWorld)
    #expect(run.stop == .finished)
    #expect(run.output == "Hello World!\n")
    #expect(run.steps == 906)
    #expect(run.gasUsed == 2_208)
  }

  @Test("By the original's rule it takes 969 steps and 2,271 gas")
  func originalRule() throws {
    var machine = BrainfuckMachine(gas: 10_000)
    let program = try BrainfuckProgram(source: Self.helloWorld.utf8)
    #expect(machine.runNaively(program, rule: .toOpen) == .finished)
    #expect(machine.output == Array("Hello World!\n".utf8))
    #expect(machine.steps == 969)
    #expect(10_000 - machine.gas == 2_271)
  }

  @Test("59 plus signs and a dot print a semicolon for 237 gas")
  func semicolon() throws {
    let run = try BrainfuckRun(String(repeating: "+", count: 59) + ".")
    #expect(run.output == ";")
    #expect(run.gasUsed == 237)
  }

  @Test("The last byte of the input is delivered, and what follows is zeros")
  func input() throws {
    let run = try BrainfuckRun(",[.,]+++.", input: "abc")
    #expect(run.output == "abc\u{3}")
  }

  @Test("Cells wrap in both directions")
  func wrap() throws {
    #expect(try BrainfuckRun("-[>+<-]>[<+>-]<+[>+<-]>.").output == "\0")
  }

  @Test("To leave the tape on either side is a trap, and an instruction unpaid is not executed")
  func traps() throws {
    #expect(try BrainfuckRun("+<+").stop == .leftTape)
    #expect(try BrainfuckRun("+<+").gasUsed == 4)
    #expect(try BrainfuckRun("+[>+]").stop == .leftTape)
    #expect(try BrainfuckRun("+++", gas: 11).stop == .outOfGas)
    #expect(try BrainfuckRun("+++", gas: 11).steps == 2)
    #expect(try BrainfuckRun("+++", gas: 12).stop == .finished)
    #expect(try BrainfuckRun("+[]").stop == .outOfGas)
    #expect(try BrainfuckRun("").stop == .finished)
  }

  @Test("A gas limit beyond 2^63 is as good as 2^63 - 1")
  func hugeGas() throws {
    var machine = BrainfuckMachine(gas: .max)
    #expect(machine.run(FoldedProgram(try BrainfuckProgram(source: "+++.".utf8))) == .finished)
    #expect(machine.gas == .max - 13)
  }

  @Test("Step by step it is the same run")
  func steps() throws {
    let program = try BrainfuckProgram(source: Self.helloWorld.utf8)
    var machine = BrainfuckMachine(gas: 10_000)
    var stop: BrainfuckStop?
    while stop == nil { stop = machine.step(program) }
    #expect(stop == .finished)
    #expect(machine.steps == 906)
  }

  @Test("It waits at the page it needs, and goes on where it was")
  func pages() throws {
    let program = try BrainfuckProgram(source: ("+[[>]" + "+.<]").utf8)
    var machine = BrainfuckMachine(tape: [1, 1, 1, 1], gas: 100)
    #expect(machine.run(FoldedProgram(program)) == .pageNeeded)
    #expect(machine.pointer == 3)
    machine.tape += [0, 0]
    machine.outputPause = 1
    #expect(machine.run(FoldedProgram(program)) == .outputPaused)
    #expect(machine.output == [1])
    #expect(machine.pointer == 4)
  }
}

@Suite("Brainfuck code")
struct BrainfuckCodeTests {
  @Test("Comments are stripped from a source")
  func comments() throws {
    let program = try BrainfuckProgram(source: "one + two\n- [comment é > ]".utf8)
    #expect(String(decoding: program.source, as: UTF8.self) == "+-[>]")
  }

  @Test("Brackets without a partner are named", arguments: [("]", 0), ("+[", 1), ("[[]", 0)])
  func unbalanced(source: String, index: Int) {
    #expect(throws: BrainfuckCodeFailure.unbalanced(at: index)) {
      try BrainfuckProgram(source: source.utf8)
    }
  }

  @Test("Code is mode, count and three bits an instruction, lowest first")
  func layout() throws {
    let program = try BrainfuckProgram(source: "+-[.,]<>+".utf8)
    let code = BrainfuckCode(mode: .raw, program: program)
    // From the right: 2 3 6 4 5 7 1 0 2, in three bits each.
    #expect(code.bytes == [1, 9, 0, 0, 0, 0b10_011_010, 0b1_101_100_1, 0b00_000_111, 0b010])
    #expect(try BrainfuckCode(code.bytes) == code)
  }

  @Test("Every length reads back")
  func roundTrip() throws {
    for count in 0...40 {
      let opcodes = (0..<count).map { Opcode.allCases[($0 * 5 + count) % 6] }
      let code = BrainfuckCode(mode: .framed, program: try BrainfuckProgram(opcodes))
      #expect(try BrainfuckCode(code.bytes) == code)
    }
  }

  @Test(
    "What no encoder writes is refused",
    arguments: [
      [],
      [2, 0, 0, 0, 0],  // mode
      [0, 1, 0, 0, 0],  // no instruction
      [0, 0, 0, 0, 0, 0],  // more than counted
      [0, 1, 0, 0, 0, 0b1010],  // pad
      [0, 0xff, 0xff, 0xff, 0xff],
    ] as [[UInt8]]
  )
  func refused(bytes: [UInt8]) {
    #expect {
      try BrainfuckCode(bytes)
    } throws: { error in
      guard case .malformed = error as? BrainfuckCodeFailure else { return false }
      return true
    }
  }
}
