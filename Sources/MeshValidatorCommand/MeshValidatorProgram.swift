import Curve25519
import MeshNode
import Service

/// The program: its configuration and its commands, one file each.
let meshValidator = Program(
  version: ValidatorConfiguration.version,
  environmentPrefix: "MESH_VALIDATOR_",
  configuration: ValidatorOptions.all,
  root: Command(
    "mesh-validator",
    summary: "Settle confidential payments with other validators",
    discussion: """
      A new network: each operator runs `init` and gives the public key that it prints to one of \
      them, who makes the genesis file of all keys and first balances. Everyone gets that file, \
      writes the others' addresses into config.toml, and starts `run`.
      """,
    examples: [
      Command.Example("mesh-validator init", "Make key and database in ~/.mesh-validator"),
      Command.Example(
        "mesh-validator genesis --name test --validator KEY … --allocate ACCOUNT=10000 -o genesis.mesh",
        "Make a network"
      ),
      Command.Example("mesh-validator run --genesis genesis.mesh", "Run the validator"),
      Command.Example("mesh-validator audit", "Check that nobody has made money"),
    ],
    subcommands: [genesisCommand, initCommand, runCommand, auditCommand, statusCommand]
  ),
  problem: { ArithmeticPath.problem }
)

/// What several commands take.
enum CommonOptions {
  static let json = Option(
    "json",
    .boolean,
    default: false,
    scope: .commandLine,
    help: "Answer in JSON"
  )
}
