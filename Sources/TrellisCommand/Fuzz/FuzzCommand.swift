import Service

private let name = Argument(
  "target",
  .string,
  default: "all",
  help: "A target's name, or 'all'"
)
private let seed = Option<UInt64>(
  "seed",
  .integer,
  default: 1,
  scope: .commandLine,
  help: "Equal seeds give equal cases"
)
private let cases = Option<UInt64>(
  "cases",
  .integer(1...UInt64(1 << 40)),
  default: 10_000,
  scope: .commandLine,
  help: "Cases for each target"
)
private let list = Option<Bool>(
  "list",
  .boolean,
  default: false,
  scope: .commandLine,
  help: "Name the targets and run nothing"
)

let fuzzCommand = Command(
  "fuzz",
  summary: "Feeds mutated input to every decoder that outsiders reach",
  discussion: """
    A target fails if it traps, or if what it accepts does not keep its property: for a codec, that \
    it encodes to the same bytes. The case that failed is named, and the same seed brings it back.
    """,
  examples: [
    .init("trellis fuzz", "Every target, 10,000 cases each; costly ones fewer"),
    .init("trellis fuzz json --seed 7 --cases 1000000", "One target for longer"),
  ],
  options: [seed, cases, list],
  arguments: [name]
) { call in
  if call[list] {
    Terminal.standard.print(FuzzTargets.all.map { $0.name + "\n" }.joined())
    return
  }
  let targets: [String] = FuzzTargets.all.map(\.name)
  guard call[name] == "all" || targets.contains(call[name]) else {
    throw CommandFailure("no target is named '\(call[name])'; see trellis fuzz --list", status: 2)
  }
  guard runFuzz(name: call[name], seed: call[seed], cases: call[cases]) else {
    throw CommandFailure("a target is broken")
  }
}
