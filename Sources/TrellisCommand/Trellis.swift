import Curve25519
import Service

/// The house on one machine: run it, try it, attack it, measure it.
let trellis = Program(
  version: "0.1.0",
  environmentPrefix: "TRELLIS_",
  configuration: [],
  root: Command(
    "trellis",
    summary: "Runs, simulates, fuzzes and measures the ledgers of this house on one machine",
    subcommands: [
      devnetCommand, simulateCommand, modelCommand, fuzzCommand, benchCommand, linkCommand,
      vectorsCommand,
    ]
  ),
  problem: { ArithmeticPath.problem }
)
