import Glibc
import Kernel
import Service
import Simulation
import SmallNano
import SmallNanoSimulation

let simulateCommand = Command(
  "simulate",
  summary: "Runs a system under seeded faults and checks its promises",
  discussion: """
    Each seed is one network: its size, weights, owners, liars, crashes, losses and partitions. \
    Equal seeds give equal runs, so a seed that fails is all that is needed to see the failure again.
    """,
  subcommands: [simulateSmallNanoCommand]
)

private let seed = Option<UInt64>(
  "seed",
  .integer,
  default: 1,
  scope: .commandLine,
  help: "The first seed"
)
private let seeds = Option<Int>(
  "seeds",
  .integer(1...1_000_000),
  default: 1,
  scope: .commandLine,
  help: "How many seeds to run, counting up"
)
private let nodes = Option<Int?>(
  "nodes",
  .optional(.integer(3...20)),
  default: nil,
  scope: .commandLine,
  help: "Nodes in every run, instead of a number drawn from the seed"
)
private let nodesMax = Option<Int>(
  "nodes_max",
  .integer(3...20),
  default: 20,
  scope: .commandLine,
  help: "The most nodes that a seed may draw; few are quick"
)
private let trace = Option<Bool>(
  "trace",
  .boolean,
  default: false,
  scope: .commandLine,
  help: "Print every step of the run; with one seed"
)
private let keepGoing = Option<Bool>(
  "keep_going",
  .boolean,
  default: false,
  scope: .commandLine,
  help: "Go on after a failure"
)
private let compare = Option<Int>(
  "compare",
  .integer(0...1_000_000),
  default: 16,
  scope: .commandLine,
  help: "Run every so many seeds thrice and compare the traces; 0 for never"
)
private let canary = Option<Canary?>(
  "canary",
  .optional(.choice),
  default: nil,
  scope: .commandLine,
  help: "Plant this fault; the command then succeeds if the checkers find it"
)
let json = Option<Bool>(
  "json",
  .boolean,
  default: false,
  scope: .commandLine,
  help: "Print one JSON object instead of text"
)

private let simulateSmallNanoCommand = Command(
  "smallnano",
  summary: "Simulates smallnano networks: agreement, durability, conservation, liveness",
  discussion: """
    Exit status 0 if every promise held in every run, 1 if one did not; with --canary the other way \
    round, for a simulator that does not see a planted fault is broken itself.
    """,
  examples: [
    .init("trellis simulate smallnano --seeds 200", "Two hundred networks, one after another"),
    .init("trellis simulate smallnano --seed 42 --trace", "Every step of one of them"),
    .init(
      "trellis simulate smallnano --canary sendBeforePersist --seeds 200",
      "Finds votes that leave before their record is durable"
    ),
  ],
  options: [seed, seeds, nodes, nodesMax, trace, keepGoing, compare, canary, json]
) { call in
  var scenario = Scenario()
  scenario.nodes = call[nodes]
  scenario.nodesMax = call[nodesMax]
  scenario.canary = call[canary]
  if call[trace] {
    guard call[seeds] == 1, !call[json] else {
      throw CommandFailure("--trace is for one seed, and not for --json", status: 2)
    }
    try printTrace(of: scenario, seed: call[seed])
    return
  }

  var runner = SeedRunner(first: call[seed], count: call[seeds])
  runner.stopsAtFailure = !call[keepGoing]
  // Hash order differs within one process too, but only a comparison shows it.
  runner.comparisonInterval = call[canary] == .iterateSet ? 1 : call[compare]
  let showsProgress = isatty(STDERR_FILENO) == 1
  let summary = runner.run(scenario.run) { progress in
    guard showsProgress else { return }
    Terminal.standard.printError(
      "\r\(progress.done)/\(progress.total) seeds, at \(progress.seed)\u{1b}[K"
    )
  }
  if showsProgress { Terminal.standard.printError("\r\u{1b}[K") }

  let output = SimulationOutput(summary, first: call[seed], canary: call[canary])
  Terminal.standard.print(call[json] ? output.json.text + "\n" : output.text)
  if let failure = output.failure { throw failure }
}

/// Prints each step as it is made, then how it ended.
private func printTrace(of scenario: Scenario, seed: UInt64) throws {
  let trace = Trace(tailMax: 1) { Terminal.standard.print($0 + "\n") }
  do throws(Violation) {
    let report = try scenario.run(seed: seed, trace: trace)
    Terminal.standard.print("seed \(seed): passed after \(report.steps) steps\n")
  } catch {
    let place = "seed \(error.seed), step \(error.step)"
    throw CommandFailure("\(place): \(error.check): \(error.text)")
  }
}
