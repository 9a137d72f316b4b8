import Service
import SmallNanoNode

/// What stands under `smallnano config`.
let configCommand = Command(
  "config",
  summary: "The configuration",
  options: NodeOptions.all,
  subcommands: [
    Command(
      "check",
      summary: "Check the configuration file, variables and flags together",
      examples: [
        Command.Example("smallnano config check", "Say what is wrong, with the line; status 2")
      ]
    ) { call in
      _ = try NodeConfiguration(try NodeOptions.withFile(call.settings))
      Terminal.standard.print("the configuration is sound\n")
    },
    Command(
      "print",
      summary: "Show the values in force and where each comes from",
      examples: [
        Command.Example(
          "SMALLNANO_RPC_PORT=7001 smallnano config print",
          "See a variable go before the file"
        )
      ]
    ) { call in
      Terminal.standard.print(try NodeOptions.withFile(call.settings).renderEffective())
    },
  ]
)
