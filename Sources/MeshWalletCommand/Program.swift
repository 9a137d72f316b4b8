import Curve25519
import MeshWalletNode
import Service

/// The program: its configuration and its commands.
let program = Program(
  version: MeshWalletService.version,
  environmentPrefix: "MESH_WALLET_",
  configuration: WalletOptions.all,
  root: Command(
    "mesh-wallet",
    summary: "Pay and be paid, at once, with amounts that only the two know",
    discussion: """
      A wallet is a directory: wallet.toml says which network and where its validators are, \
      wallet.key holds the keys under a password, wallet.db what must not be forgotten. All of it \
      but the keys can be fetched again from the validators, and the keys grow again from 24 words.

      The password is typed, or read from --password-file, or from the variable \
      MESH_WALLET_PASSWORD, or from standard input. With --json an answer is one line of JSON, \
      amounts in it are whole numbers of the smallest unit, and a failure is \
      {"error":{"code":…,"message":…}} with status 1, or 3 if the validators could not be reached or \
      did not answer in time: what was signed by then is stored and goes on with the next command.
      """,
    examples: [
      .init("mesh-wallet init --genesis FILE --validators KEY@HOST,KEY@HOST,…", "Choose a network"),
      .init("mesh-wallet keygen", "Make keys; write the 24 words down"),
      .init("mesh-wallet send --to tmesh1… --amount 500 --memo rent", "Pay"),
      .init("mesh-wallet receive", "Take what was paid"),
    ],
    subcommands: [
      initCommand, keygenCommand, addressCommand, sendCommand, balanceCommand, receiveCommand,
      historyCommand, resyncCommand, watchCommand, verifyCommand, exportCommand, watchOnlyCommand,
      unlockCommand, lockCommand, agentCommand,
    ]
  ),
  problem: { ArithmeticPath.problem }
)
