import Glibc
import Kernel
import Service
import Simulation

let simulateCommand = Command(
  "simulate",
  summary: "Runs a system under seeded faults and checks its promises",
  discussion: """
    Each seed is one network: its size, weights, owners, liars, crashes, losses and partitions. \
    Equal seeds give equal runs, so a seed that fails is all that is needed to see the failure again.
    """,
  subcommands: [simulateSmallNanoCommand, simulateMeshCommand, simulateTinyChainCommand]
)

let json = Option<Bool>(
  "json",
  .boolean,
  default: false,
  scope: .commandLine,
  help: "Print one JSON object instead of text"
)

/// The options that every system's simulation has.
enum SimulateOption {
  static let seed = Option<UInt64>(
    "seed",
    .integer,
    default: 1,
    scope: .commandLine,
    help: "The first seed"
  )
  static let seeds = Option<Int>(
    "seeds",
    .integer(1...1_000_000),
    default: 1,
    scope: .commandLine,
    help: "How many seeds to run, counting up"
  )
  static let trace = Option<Bool>(
    "trace",
    .boolean,
    default: false,
    scope: .commandLine,
    help: "Print every step of the run; with one seed"
  )
  static let keepGoing = Option<Bool>(
    "keep_going",
    .boolean,
    default: false,
    scope: .commandLine,
    help: "Go on after a failure"
  )
  static let compare = Option<Int>(
    "compare",
    .integer(0...1_000_000),
    default: 16,
    scope: .commandLine,
    help: "Run every so many seeds thrice and compare the traces; 0 for never"
  )
  static let exitStatus = """
    Exit status 0 if every promise held in every run, 1 if one did not; with --canary the other way \
    round, for a simulator that does not see a planted fault is broken itself.
    """
}

/// Runs what the shared options say, and prints what came of it.
struct SimulationRun {
  let system: String
  let scenario: SeedRunner.Scenario
  /// The fault that was planted, if one was.
  let canary: String?
  /// Compare every run, as the fault shows itself in nothing else.
  var comparesAlways = false

  func run(_ call: Invocation) throws {
    if call[SimulateOption.trace] {
      guard call[SimulateOption.seeds] == 1, !call[json] else {
        throw CommandFailure("--trace is for one seed, and not for --json", status: 2)
      }
      return try printTrace(seed: call[SimulateOption.seed])
    }
    let first = call[SimulateOption.seed]
    var runner = SeedRunner(first: first, count: call[SimulateOption.seeds])
    runner.stopsAtFailure = !call[SimulateOption.keepGoing]
    runner.comparisonInterval = comparesAlways ? 1 : call[SimulateOption.compare]
    let showsProgress = isatty(STDERR_FILENO) == 1
    let summary = runner.run(scenario) { progress in
      guard showsProgress else { return }
      Terminal.standard.printError(
        "\r\(progress.done)/\(progress.total) seeds, at \(progress.seed)\u{1b}[K"
      )
    }
    if showsProgress { Terminal.standard.printError("\r\u{1b}[K") }

    let output = SimulationOutput(summary, system: system, first: first, canary: canary)
    Terminal.standard.print(call[json] ? output.json.text + "\n" : output.text)
    if let failure = output.failure { throw failure }
  }

  /// Prints each step as it is made, then how it ended.
  private func printTrace(seed: UInt64) throws {
    let trace = Trace(tailMax: 1) { Terminal.standard.print($0 + "\n") }
    do throws(Violation) {
      let report = try scenario(seed, trace)
      Terminal.standard.print("seed \(seed): passed after \(report.steps) steps\n")
    } catch {
      let place = "seed \(error.seed), step \(error.step)"
      throw CommandFailure("\(place): \(error.check): \(error.text)")
    }
  }
}
