import Service
import SmallNano
import SmallNanoSimulation

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
private let canary = Option<Canary?>(
  "canary",
  .optional(.choice),
  default: nil,
  scope: .commandLine,
  help: "Plant this fault; the command then succeeds if the checkers find it"
)

let simulateSmallNanoCommand = Command(
  "smallnano",
  summary: "Simulates smallnano networks: agreement, durability, conservation, liveness",
  discussion: SimulateOption.exitStatus,
  examples: [
    .init("trellis simulate smallnano --seeds 200", "Two hundred networks, one after another"),
    .init("trellis simulate smallnano --seed 42 --trace", "Every step of one of them"),
    .init(
      "trellis simulate smallnano --canary sendBeforePersist --seeds 200",
      "Finds votes that leave before their record is durable"
    ),
  ],
  options: [
    SimulateOption.seed, SimulateOption.seeds, nodes, nodesMax, SimulateOption.trace,
    SimulateOption.keepGoing, SimulateOption.compare, canary, json,
  ]
) { call in
  var scenario = Scenario()
  scenario.nodes = call[nodes]
  scenario.nodesMax = call[nodesMax]
  scenario.canary = call[canary]
  // Hash order differs within one process too, but only a comparison shows it.
  try SimulationRun(
    system: "smallnano",
    scenario: scenario.run,
    canary: call[canary]?.rawValue,
    comparesAlways: call[canary] == .iterateSet
  ).run(call)
}
