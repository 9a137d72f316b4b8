import EventLoop
import Glibc
import Service

private let once = Option<Bool>(
  "once",
  .boolean,
  default: false,
  scope: .commandLine,
  help: "End after the story: status 0 if every step succeeded"
)
let smallnano = Option<String?>(
  "smallnano",
  .optional(.path),
  default: nil,
  scope: .commandLine,
  help: "The smallnano program, instead of the one beside this one"
)
private let keep = Option<Bool>(
  "keep",
  .boolean,
  default: false,
  scope: .commandLine,
  help: "Leave the nodes' data directories and logs behind"
)

let devnetCommand = Command(
  "devnet",
  summary: "Starts three smallnano nodes that confirm payments by their own votes",
  discussion: """
    Three processes with ledgers of their own, on free loopback ports, in a temporary directory. \
    Alice pays Bob; nodes are killed in the middle of it and come back; a fresh one joins. Then a \
    table, and the nodes stay up until Ctrl-C.
    """,
  examples: [
    .init("trellis devnet", "The story, then nodes to play with"),
    .init("trellis devnet --once --json", "For machines: the table as JSON, and a status"),
  ],
  options: [once, json, keep, smallnano]
) { call in
  let loop = try EventLoop(name: "devnet")
  let program = try smallnanoProgram(call[smallnano])
  let directory = try TemporaryDirectory()
  let isJSON = call[json]
  let devnet = Devnet(program: program, directory: directory.path, on: loop) { line in
    if isJSON { Terminal.standard.printError(line) } else { Terminal.standard.print(line) }
  }
  let signals = try await Signal.stream(of: [.interrupt, .terminate, .hangup], on: loop)
  let result = await devnet.run(signals: signals, staysUp: !call[once]) { story in
    let table = try await story.tell()
    Terminal.standard.print(isJSON ? table.json.text + "\n" : table.text)
  }
  if call[keep] {
    Terminal.standard.printError("data directories and logs: \(directory.path)\n")
  } else {
    directory.remove()
  }
  try result.get()
}
