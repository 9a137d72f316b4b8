import EventLoop
import Glibc
import Kernel
import Service

/// The systems that have an act.
private enum System: String, CaseIterable, Sendable {
  case smallnano
  case mesh
  case tinychain
}

private let once = Option<Bool>(
  "once",
  .boolean,
  default: false,
  scope: .commandLine,
  help: "End after the story: status 0 if every step succeeded"
)
private let only = Option<System?>(
  "only",
  .optional(.choice),
  default: nil,
  scope: .commandLine,
  help: "Tell the story of this system alone"
)
let smallnano = Option<String?>(
  "smallnano",
  .optional(.path),
  default: nil,
  scope: .commandLine,
  help: "The smallnano program, instead of the one beside this one"
)
let meshValidator = Option<String?>(
  "mesh_validator",
  .optional(.path),
  default: nil,
  scope: .commandLine,
  help: "The mesh-validator program, instead of the one beside this one"
)
let meshWallet = Option<String?>(
  "mesh_wallet",
  .optional(.path),
  default: nil,
  scope: .commandLine,
  help: "The mesh-wallet program, instead of the one beside this one"
)
let tinychain = Option<String?>(
  "tinychain",
  .optional(.path),
  default: nil,
  scope: .commandLine,
  help: "The tinychain program, instead of the one beside this one"
)
private let keep = Option<Bool>(
  "keep",
  .boolean,
  default: false,
  scope: .commandLine,
  help: "Leave the data directories and logs behind"
)

let devnetCommand = Command(
  "devnet",
  summary: "Starts real processes of each system and tells a story of payments with them",
  discussion: """
    Processes with ledgers of their own, on free loopback ports, in a temporary directory. They pay, \
    are killed in the middle of it and come back. Then a table for each system, and all stays up \
    until Ctrl-C.

    smallnano: three voters; Alice pays Bob; a fresh node joins.
    mesh: four validators; Alice pays Bob, amounts unseen; one is killed; Carol tries to spend twice.
    tinychain: two miners and a node; contracts in Brainfuck and Lisp; headers check it; a fork heals.
    """,
  examples: [
    .init("trellis devnet", "The story, then nodes to play with"),
    .init("trellis devnet --only smallnano", "One system's act"),
    .init("trellis devnet --once --json", "For machines: the tables as JSON, and a status"),
  ],
  options: [once, only, json, keep, smallnano, meshValidator, meshWallet, tinychain]
) { call in
  let systems = call[only].map { [$0] } ?? System.allCases
  // What is missing is said before anything is started.
  var programs: [NeighbourProgram: String] = [:]
  if systems.contains(.smallnano) {
    programs[.smallnano] = try NeighbourProgram.smallnano.path(given: call[smallnano])
  }
  if systems.contains(.mesh) {
    programs[.meshValidator] = try NeighbourProgram.meshValidator.path(given: call[meshValidator])
    programs[.meshWallet] = try NeighbourProgram.meshWallet.path(given: call[meshWallet])
  }
  if systems.contains(.tinychain) {
    programs[.tinychain] = try NeighbourProgram.tinychain.path(given: call[tinychain])
  }
  let loop = try EventLoop(name: "devnet")
  let directory = try TemporaryDirectory()
  let isJSON = call[json]
  let devnet = Devnet(directory: directory.path, on: loop) { line in
    if isJSON { Terminal.standard.printError(line) } else { Terminal.standard.print(line) }
  }
  var acts: [any DevnetAct] = []
  if let program = programs[.smallnano] { acts.append(SmallNanoAct(devnet, program: program)) }
  if let validator = programs[.meshValidator], let wallet = programs[.meshWallet] {
    acts.append(MeshAct(devnet, validator: validator, wallet: wallet))
  }
  if let program = programs[.tinychain] { acts.append(TinyChainAct(devnet, program: program)) }
  let signals = try await Signal.stream(of: [.interrupt, .terminate, .hangup], on: loop)
  let story = acts
  let result = await devnet.run(story, signals: signals, staysUp: !call[once]) {
    var tables = JSON.Object()
    for act in story {
      if story.count > 1 { await devnet.note("-- \(act.name) --") }
      let table = try await act.tell()
      if isJSON { tables[act.name] = table.json } else { Terminal.standard.print(table.text) }
    }
    if isJSON { Terminal.standard.print(JSON.object(tables).text + "\n") }
  }
  if call[keep] {
    Terminal.standard.printError("data directories and logs: \(directory.path)\n")
  } else {
    directory.remove()
  }
  try result.get()
}
