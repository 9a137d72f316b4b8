import Curve25519
import Service
import SmallNanoNode

/// The program: its configuration and its tree of commands, one file each.
let smallnano = Program(
  version: Node.version,
  environmentPrefix: "SMALLNANO_",
  configuration: NodeOptions.all,
  root: Command(
    "smallnano",
    summary: "Pay without fees, on any machine",
    discussion: """
      A node keeps the ledger, talks to its peers and, if asked to, votes. All other commands talk \
      to a running node or read its files.
      """,
    examples: [
      Command.Example("smallnano node run", "Run a node of the dev network in ~/.smallnano"),
      Command.Example("smallnano node run --help", "See every setting"),
    ],
    subcommands: [
      nodeCommand, walletCommand, accountCommand, sendCommand, receiveCommand, balanceCommand,
      historyCommand, configCommand, ledgerCommand,
    ]
  ),
  problem: { ArithmeticPath.problem }
)
