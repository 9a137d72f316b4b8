import Service
import TinyChainPeers
import TinyChainSimulation

private let nodes = Option<Int?>(
  "nodes",
  .optional(.integer(2...10)),
  default: nil,
  scope: .commandLine,
  help: "Nodes in every run, instead of a number drawn from the seed"
)
private let canary = Option<Canary?>(
  "canary",
  .optional(.choice),
  default: nil,
  scope: .commandLine,
  help: "Plant this fault; the command then succeeds if the checkers find it"
)

let simulateTinyChainCommand = Command(
  "tinychain",
  summary: "Simulates mined tinychain networks: one state a block, supply, most work, liveness",
  discussion: SimulateOption.exitStatus,
  examples: [
    .init("trellis simulate tinychain --seeds 200", "Two hundred networks, one after another"),
    .init("trellis simulate tinychain --seed 42 --trace", "Every step of one of them"),
    .init(
      "trellis simulate tinychain --canary ignoreWork --seeds 200",
      "Finds nodes that follow the longest chain, whatever work is in it"
    ),
  ],
  options: [
    SimulateOption.seed, SimulateOption.seeds, nodes, SimulateOption.trace,
    SimulateOption.keepGoing, SimulateOption.compare, canary, json,
  ]
) { call in
  var scenario = Scenario()
  scenario.nodes = call[nodes]
  scenario.canary = call[canary]
  try SimulationRun(
    system: "tinychain",
    scenario: scenario.run,
    canary: call[canary]?.rawValue
  ).run(call)
}
