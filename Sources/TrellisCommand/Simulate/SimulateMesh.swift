import Mesh
import MeshSimulation
import Service

private let nodes = Option<Int?>(
  "nodes",
  .optional(.integer(4...10)),
  default: nil,
  scope: .commandLine,
  help: "Validators in every run, instead of a number drawn from the seed"
)
private let nodesMax = Option<Int>(
  "nodes_max",
  .integer(4...10),
  default: 10,
  scope: .commandLine,
  help: "The most validators that a seed may draw; few are quick"
)
private let canary = Option<Canary?>(
  "canary",
  .optional(.choice),
  default: nil,
  scope: .commandLine,
  help: "Plant this fault; the command then succeeds if the checkers find it"
)

let simulateMeshCommand = Command(
  "mesh",
  summary: "Simulates MESH networks: one certificate a slot, durability, supply, liveness",
  discussion: SimulateOption.exitStatus,
  examples: [
    .init("trellis simulate mesh --seeds 200", "Two hundred networks, one after another"),
    .init("trellis simulate mesh --seed 42 --trace", "Every step of one of them"),
    .init(
      "trellis simulate mesh --canary ignoreJustification --seeds 200",
      "Finds ballots that nothing justifies"
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
  try SimulationRun(
    system: "mesh",
    scenario: scenario.run,
    canary: call[canary]?.rawValue
  ).run(call)
}
