import Mining
import Service
import TinyChainNode

/// The program: its configuration and its tree of commands, one file each.
let tinychain = Program(
  version: ChainAPI.version,
  environmentPrefix: "TINYCHAIN_",
  configuration: NodeOptions.all,
  root: Command(
    "tinychain",
    summary: "Programs on a chain small enough to read",
    discussion: """
      `run`, `repl` and `asm` need no chain. `dev` is a chain of your own that answers at once, `node \
      run` a node among others that mine one; the other commands talk to either.
      """,
    examples: [
      Command.Example("tinychain run hello.bf", "Run a Brainfuck program"),
      Command.Example("tinychain repl", "Try Lisp, and see what each line costs"),
      Command.Example("tinychain dev", "Start a chain for development on port 5100"),
      Command.Example("tinychain node run --mine", "Mine the dev network; twice, and they sync"),
    ],
    subcommands: [
      runCommand, replCommand, asmCommand, devCommand, nodeCommand, walletCommand, deployCommand,
      callCommand,
      testCommand, verifyCommand, gitCommand,
    ]
  ),
  problem: { NonceSearch.problem }
)
