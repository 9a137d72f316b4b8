import Kernel
import Service
import TinyChain
import TinyChainNode

private let file = Argument("file", .path, help: "Assembly, its name ending in .asm; or Brainfuck")

private enum Form: String, CaseIterable, Sendable {
  case text, code
}

private let form = Option(
  "as",
  .choice,
  default: Form.text,
  scope: .commandLine,
  help: "text: the program; code: hexadecimal, as a contract is created from it"
)
private let raw = Option(
  "raw",
  .boolean,
  default: false,
  scope: .commandLine,
  help: "For --as code: a contract whose whole output is its answer, instead of frames"
)

/// `tinychain asm`.
let asmCommand = Command(
  "asm",
  summary: "Translate assembly into Brainfuck",
  discussion: """
    A statement a line, `#` begins a comment. `cell a` and `stored b` name cells, of which the stored \
    ones stay from call to call; set, add, subtract, move, copy, deduct, input, skip, while, if, \
    ifnot, ifequal, end, write, answer, event and revert are explained in the tutorial.
    """,
  examples: [
    .init("tinychain asm counter.asm", "Show the program"),
    .init("tinychain asm counter.asm --as code", "Its code on the wire"),
  ],
  options: [form, raw, jsonOption],
  arguments: [file]
) { call in
  let path = call[file]
  guard let language = ProgramFile.Language(path: path), language != .lisp else {
    throw wrong("\(path) ends in neither .asm nor .bf")
  }
  let program: BrainfuckProgram
  do {
    let bytes = try read(path, bytesMax: ProgramFile.bytesMax)
    guard case .brainfuck(let found) = try ProgramFile(bytes, in: language) else { return }
    program = found
  } catch let failure as ProgramFile.Failure {
    throw wrong("\(path) is no program: \(failure)")
  }
  let code = BrainfuckCode(mode: call[raw] ? .raw : .framed, program: program).bytes
  let text = String(decoding: program.source, as: UTF8.self)
  if call[jsonOption] {
    let answer: JSON = [
      "program": JSON(text), "instructions": JSON(program.opcodes.count), "code": JSON(code.hex),
    ]
    Terminal.standard.print(answer.text + "\n")
  } else {
    Terminal.standard.print((call[form] == .code ? code.hex : text) + "\n")
  }
}
