import BrainfuckAssembler
import Testing
import TinyChain

/// The output of an assembled program.
private func output(_ source: String, input: [UInt8] = []) throws -> [UInt8] {
  var machine = BrainfuckMachine(input: input, gas: 10_000_000)
  #expect(machine.run(FoldedProgram(try Assembler.assemble(source))) == .finished)
  return machine.output
}

@Suite("The assembler")
struct AssemblerTests {
  @Test("Numbers, characters, texts and cells are written")
  func write() throws {
    let source = """
      cell a b  # names
      set a 200
      add a 100
      set b 'x'
      subtract b 1
      write 7 "hé #1" a b '!'
      """
    #expect(try output(source) == [7] + Array("hé #1".utf8) + [44] + Array("w!".utf8))
  }

  @Test("Cells are moved, copied and deducted")
  func moves() throws {
    let source = """
      cell a b c
      set a 5
      set b 9
      copy a c
      write a b c
      deduct a b
      write a b
      move c b
      write b c
      """
    #expect(try output(source) == [5, 9, 5, 0, 4, 5, 0])
  }

  @Test(
    "Conditions look once, and leave what they look at alone",
    arguments: [(0, "nb"), (1, "ib"), (7, "iseb")] as [(UInt8, String)]
  )
  func conditions(value: UInt8, expected: String) throws {
    let source = """
      cell a
      input a
      if a
        write 'i'
        ifequal a 7
          write 's'
          set a 6
          ifequal a 6
            write 'e'
          end
        end
      end
      ifnot a
        write 'n'
      end
      write 'b'
      """
    #expect(try output(source, input: [value]) == Array(expected.utf8))
  }

  @Test("A loop runs until its cell is 0, and bytes are skipped")
  func loop() throws {
    let source = """
      cell a
      skip 3
      input a
      while a
        write a
        input a
      end
      """
    #expect(try output(source, input: [9, 9, 9, 1, 2, 3, 0, 4]) == [1, 2, 3])
  }

  @Test("Names of several cells are read, copied, written and taken apart")
  func runs() throws {
    let source = """
      stored a*3 c
      cell b*3
      input a
      copy a b
      set b.1 'x'
      write a b b.2
      move b a
      write a b
      """
    #expect(try output(source, input: [7, 8, 9]) == [7, 8, 9, 7, 120, 9, 9, 7, 120, 9, 0, 0, 0])
  }

  @Test(
    "Names of several cells are the same if each cell is, and stay as they are",
    arguments: [
      ([1, 2, 3], [1, 2, 3], true), ([0, 0, 0], [0, 0, 0], true),
      ([255, 255, 255], [255, 255, 255], true), ([1, 2, 3], [0, 2, 3], false),
      ([1, 2, 3], [1, 3, 3], false), ([1, 2, 3], [1, 2, 255], false),
      ([1, 2, 3], [2, 1, 3], false), ([200, 0, 0], [0, 0, 200], false),
      ([0, 1, 0], [0, 0, 0], false), ([1, 0, 0], [0, 255, 255], false),
    ] as [([UInt8], [UInt8], Bool)]
  )
  func same(a: [UInt8], b: [UInt8], isSame: Bool) throws {
    let source = """
      cell a*3 between
      stored b*3
      input a
      input b
      ifsame a b
        write 'y'
      end
      ifsame b a
        write 'y'
      end
      write a b
      """
    #expect(try output(source, input: a + b) == Array((isSame ? "yy" : "").utf8) + a + b)
  }

  @Test("Conditions are 32 deep, with room for what they need")
  func depth() throws {
    let source =
      "cell a\nset a 1" + String(repeating: "\nif a", count: 31) + "\nifequal a 1\nwrite a"
      + String(repeating: "\nend", count: 32)
    #expect(try output(source) == [1])
  }

  @Test(
    "What is wrong is named with its line",
    arguments: [
      ("\nfly a", 2, .unknownStatement),
      ("5", 1, .unknownStatement),
      ("set a 5", 1, .unknownCell("a")),
      ("cell a\nset a 256", 2, .wrongArguments("a number up to 255 or a character")),
      ("cell a\nset a 70000", 2, .wrongArguments("a number up to 65535")),
      ("cell a\nset a 'ab'", 2, .wrongArguments("one ASCII character")),
      ("cell a\ncopy a a", 2, .wrongArguments("two cells")),
      ("cell a a", 1, .nameTaken("a")),
      ("cell a*2 a", 1, .nameTaken("a")),
      ("cell a.1", 1, .wrongArguments("a name without '.'")),
      ("cell a*1", 1, .wrongArguments("a number of cells from 2 to 255 after '*'")),
      ("cell a*2*2", 1, .wrongArguments("a number of cells from 2 to 255 after '*'")),
      ("cell a*2 b*3\ncopy a b", 2, .wrongArguments("two names of as many cells")),
      ("cell a*2\nset a 5", 2, .wrongArguments("a single cell")),
      ("cell a*2\nset a.2 5", 2, .unknownCell("a.2")),
      ("stored a*255 b*255", 1, .tooManyCells),
      ("write \"open", 1, .unclosedText),
      ("end", 1, .endWithoutBeginning),
      ("cell a\nif a\nwrite a", 2, .missingEnd),
      ("cell" + (0..<74).map { " c\($0)" }.joined(), 1, .tooManyCells),
      ("cell a" + String(repeating: "\nif a", count: 33), 34, .tooDeep),
      (String(repeating: "skip 65535\n", count: 4), 4, .tooLong),
    ] as [(String, Int, AssemblyFailure.Problem)]
  )
  func failures(source: String, line: Int, problem: AssemblyFailure.Problem) {
    let error = #expect(throws: AssemblyFailure.self) { try Assembler.assemble(source) }
    #expect(error?.line == line)
    #expect(error?.problem == problem)
  }
}
