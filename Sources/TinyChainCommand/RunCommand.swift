import Glibc
import Kernel
import Service
import TinyChain
import TinyChainNode

private let file = Argument("file", .path, help: "A program: .bf, .asm or .lisp")
private let input = Option<String?>(
  "input",
  .optional(.string),
  default: nil,
  scope: .commandLine,
  help: "What the program reads"
)
private let inputFile = Option<String?>(
  "input_file",
  .optional(.path),
  default: nil,
  scope: .commandLine,
  help: "A file with what the program reads"
)
private let trace = Option(
  "trace",
  .boolean,
  default: false,
  scope: .commandLine,
  help: "Show each step, on standard error or as `trace` in JSON"
)
private let profile = Option(
  "profile",
  .boolean,
  default: false,
  scope: .commandLine,
  help: "Show where the gas goes: loops of Brainfuck, lines of Lisp"
)
private let originalRule = Option(
  "original_rule",
  .boolean,
  default: false,
  scope: .commandLine,
  help: "Count as the original did: `]` goes to its `[`, which is executed again (Brainfuck)"
)

/// `tinychain run`.
let runCommand = Command(
  "run",
  summary: "Run a program by itself, without a chain",
  discussion: """
    Brainfuck: what is no instruction is a comment, `,` at the end of the input gives 0, the tape has \
    65,536 cells. The output goes to standard output as it comes, what it cost to standard error. \
    Lisp: the value of the last form is shown. The status is 0 if the program finished, 1 if it did \
    not, 2 if it is none.
    """,
  examples: [
    .init("tinychain run hello.bf", "Run it, with a billion gas at most"),
    .init("tinychain run rot13.bf --input 'Hello'", "Give it something to read"),
    .init("tinychain run mandelbrot.bf --gas 20000000000", "Give it more gas"),
    .init(
      "tinychain run factorial.lisp --json",
      "One JSON object: output_hex, gas_used, steps, status"
    ),
    .init("tinychain run slow.bf --profile", "See which loops are dear"),
    .init("tinychain run hello.bf --original-rule", "2,271 gas for what costs 2,208 here"),
  ],
  options: [input, inputFile, gasOption, trace, profile, originalRule, jsonOption],
  arguments: [file]
) { call in
  let path = call[file]
  guard let language = ProgramFile.Language(path: path) else {
    throw wrong("\(path) ends in none of .bf, .asm and .lisp, so its language is not known")
  }
  guard !(call[trace] && call[profile]) else { throw wrong("give --trace or --profile, not both") }
  if call[originalRule] {
    guard language != .lisp else { throw wrong("--original-rule is for Brainfuck") }
    guard !call[trace], !call[profile] else {
      throw wrong("--trace and --profile follow this program's rule, not --original-rule")
    }
  }
  let bytes = try read(path, bytesMax: ProgramFile.bytesMax)
  let program: ProgramFile
  do {
    program = try ProgramFile(bytes, in: language)
  } catch {
    throw wrong("\(path) is no program: \(error)")
  }
  switch program {
  case .brainfuck(let program):
    let run = BrainfuckRun(
      program,
      input: try inputBytes(call),
      gas: call[gasOption],
      rule: call[originalRule] ? .toOpen : .pastOpen
    )
    let source = language == .brainfuck ? bytes : program.source
    try runBrainfuck(run, source: source, call)
  case .lisp(let source):
    guard call[input] == nil, call[inputFile] == nil else {
      throw wrong("a Lisp program reads no input")
    }
    do {
      try runLisp(try LispRun(source: source, gas: call[gasOption]), source: source, call)
    } catch let failure as LispFailure {
      throw wrong("\(path) is no program: \(failure)")
    }
  }
}

/// Bytes a program may read.
private let inputMax = 64 << 20

private func inputBytes(_ call: Invocation) throws -> [UInt8] {
  switch (call[input], call[inputFile]) {
  case (nil, nil): return []
  case (let text?, nil): return Array(text.utf8)
  case (nil, let path?): return try read(path, bytesMax: inputMax)
  case (_?, _?): throw wrong("give --input or --input-file, not both")
  }
}

// MARK: Brainfuck

/// What JSON holds; as text the output has no limit.
private let outputMax = 16 << 20
/// Steps of a trace in JSON.
private let traceMax = 10_000

private func runBrainfuck(_ run: BrainfuckRun, source: [UInt8], _ call: Invocation) throws {
  let positions = SourcePositions(source)
  let report: BrainfuckRun.Report
  var extra: [(String, JSON)] = []
  var last: UInt8 = 10
  if call[trace] {
    var steps: [JSON] = []
    var lines = LineOutput()
    report = run.trace(outputMax: outputMax) { step in
      if call[jsonOption] {
        if steps.count < traceMax { steps.append(json(of: step, positions)) }
      } else {
        lines.append(line(of: step, positions))
      }
    }
    lines.flush()
    extra = [("trace", .array(steps)), ("trace_complete", JSON(report.steps <= traceMax))]
  } else if call[profile] {
    let (found, loops) = run.profile(outputMax: outputMax)
    report = found
    let shown = loops.prefix(20)
    if !call[jsonOption] {
      for loop in shown { Terminal.standard.printError(line(of: loop, report, positions)) }
    }
    extra = [("profile", .array(shown.map { json(of: $0, positions) }))]
  } else if call[jsonOption] {
    report = run.run(outputMax: outputMax)
  } else {
    report = run.run { output in
      last = output.last ?? last
      return writeOutput(output)
    }
  }
  if call[jsonOption] {
    show(
      status: report.ending.rawValue,
      output: report.output,
      gas: report.gasUsed,
      steps: report.steps,
      extra
    )
  } else {
    _ = writeOutput(report.output)
    // Else, on a terminal, the output's last line and what it cost would stand side by side.
    let isOpen = (report.output.last ?? last) != 10
    if isOpen, isatty(STDOUT_FILENO) == 1 { Terminal.standard.printError("\n") }
    Terminal.standard.printError(
      "\(report.ending.words): \(report.steps) steps, \(report.gasUsed) gas\n"
    )
  }
  guard report.ending == .finished else { throw CommandFailure(report.ending.advice(run.gas)) }
}

extension BrainfuckRun.Ending {
  fileprivate var words: String {
    switch self {
    case .finished: "finished"
    case .outOfGas: "out of gas"
    case .leftTape: "left the tape"
    case .outputTooLong: "stopped writing"
    }
  }

  fileprivate func advice(_ gas: UInt64) -> String {
    switch self {
    case .finished: ""
    case .outOfGas: "the program did not end within \(gas) gas; give it more with --gas"
    case .leftTape: "the program moved left of its first cell, or right of its 65,536th"
    case .outputTooLong: "the program wrote more than is taken"
    }
  }
}

private func json(of step: BrainfuckStep, _ positions: SourcePositions) -> JSON {
  [
    "instruction": JSON(step.index), "opcode": JSON(step.opcode.text),
    "position": JSON("\(positions[step.index])"), "pointer": JSON(step.pointer),
    "cell": JSON(step.cell), "gas_left": JSON(step.gasLeft),
  ]
}

private func line(of step: BrainfuckStep, _ positions: SourcePositions) -> String {
  "\(positions[step.index])  \(step.opcode.text)  pointer \(step.pointer)  cell \(step.cell)  "
    + "gas \(step.gasLeft)\n"
}

private func json(of loop: BrainfuckRun.LoopCost, _ positions: SourcePositions) -> JSON {
  [
    "position": JSON("\(positions[loop.instructions.lowerBound])"),
    "instructions": JSON(loop.instructions.count), "steps": JSON(loop.steps),
    "gas": JSON(loop.gas),
  ]
}

private func line(
  of loop: BrainfuckRun.LoopCost,
  _ report: BrainfuckRun.Report,
  _ positions: SourcePositions
) -> String {
  let share = loop.gas * 1_000 / max(1, report.gasUsed)
  return "\(share / 10).\(share % 10) %  \(loop.gas) gas, \(loop.steps) steps  "
    + "at \(positions[loop.instructions.lowerBound])  \(positions.text(of: loop.instructions))\n"
}

extension Opcode {
  fileprivate var text: String { String(decoding: [character], as: UTF8.self) }
}

// MARK: Lisp

private func runLisp(_ run: LispRun, source: [UInt8], _ call: Invocation) throws {
  let report = run.run()
  var extra: [(String, JSON)] = []
  let lines = source.split(separator: 10, omittingEmptySubsequences: false)
  func text(ofLine number: Int) -> String {
    String(decoding: lines[number - 1].drop { $0 == 32 }.prefix(60), as: UTF8.self)
  }
  if call[trace] {
    let gasMax: UInt64 = 4_096
    let marks = run.trace(gasMax: gasMax)
    let complete = report.gasUsed <= gasMax
    extra = [
      ("trace", .array(marks.map { ["gas": JSON($0.gas), "position": JSON("\($0.position)")] })),
      ("trace_complete", JSON(complete)),
    ]
    if !call[jsonOption] {
      for mark in marks {
        Terminal.standard.printError(
          "gas \(mark.gas)  at \(mark.position)  \(text(ofLine: mark.position.line))\n"
        )
      }
      if !complete { Terminal.standard.printError("(a trace ends after \(gasMax) gas)\n") }
    }
  }
  if call[profile] {
    let places = run.profile(samples: 200)
    let samples = max(1, places.reduce(0) { $0 + $1.count })
    extra = [
      (
        "profile",
        .array(
          places.prefix(20).map {
            ["line": JSON($0.line), "per_mille": JSON($0.count * 1000 / samples)]
          }
        )
      )
    ]
    if !call[jsonOption] {
      for place in places.prefix(20) {
        Terminal.standard.printError(
          "\(place.count * 100 / samples) %  line \(place.line)  \(text(ofLine: place.line))\n"
        )
      }
    }
  }
  let result: String
  switch report.result {
  case .success(let value): result = value.description
  case .failure(let failure): result = failure.description
  }
  let isFinished = report.ending == "finished"
  if call[jsonOption] {
    show(
      status: report.ending,
      output: isFinished ? Array(result.utf8) : [],
      gas: report.gasUsed,
      steps: report.steps,
      [(isFinished ? "result" : "reason", JSON(result))] + extra
    )
  } else {
    if isFinished { Terminal.standard.print(result + "\n") }
    Terminal.standard.printError("\(report.ending): \(report.steps) steps, \(report.gasUsed) gas\n")
  }
  guard isFinished else { throw CommandFailure(result) }
}

private func show(
  status: String,
  output: [UInt8],
  gas: UInt64,
  steps: UInt64,
  _ extra: [(String, JSON)]
) {
  var object = JSON.Object()
  object["status"] = JSON(status)
  object["output_hex"] = JSON(output.hex)
  object["gas_used"] = JSON(gas)
  object["steps"] = JSON(steps)
  for (key, value) in extra { object[key] = value }
  Terminal.standard.print(JSON.object(object).text + "\n")
}
