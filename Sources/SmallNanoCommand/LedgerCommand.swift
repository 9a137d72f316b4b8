import EdDSA
import Glibc
import Kernel
import Service
import SmallNano
import SmallNanoNode

private let json = Option(
  "json",
  .boolean,
  default: false,
  scope: .commandLine,
  help: "Answer in JSON"
)

/// `smallnano ledger …`: reads the file, whether its node runs or not.
let ledgerCommand = Command(
  "ledger",
  summary: "The ledger's file",
  options: [
    NodeOptions.dataDirectory, NodeOptions.network, NodeOptions.launchFile, json,
  ],
  subcommands: [
    Command(
      "info",
      summary: "Show the ledger's totals",
      examples: [Command.Example("smallnano ledger info --json", "The same for a machine")]
    ) { call in
      let report = try openLedger(call).snapshot { try $0.totals() }
      show(report, problems: [], json: call[json])
    },
    Command(
      "verify",
      summary: "Read every block and check that the ledger is sound; status 1 if it is not",
      examples: [
        Command.Example("smallnano ledger verify", "Check hashes, chains, sums and signatures")
      ]
    ) { call in
      let report = try openLedger(call).verify { block in
        Ed25519.isValid(block.signature, of: block.hash.bytes.bytes, by: block.account.key)
      }
      show(report.totals, problems: report.problems, json: call[json])
      if !report.isSound {
        throw CommandFailure("the ledger is damaged; restore it, or sync a new one from peers")
      }
    },
  ]
)

private func openLedger(_ call: Invocation) throws -> LedgerReader {
  let configuration = try NodeConfiguration(try NodeOptions.withFile(call.settings))
  let path = Node.ledgerPath(in: configuration.dataDirectory)
  guard access(path, F_OK) == 0 else {
    throw CommandFailure("there is no ledger at \(path); `smallnano node run` makes one")
  }
  return try LedgerReader(path: path, parameters: configuration.parameters)
}

private func show(_ totals: LedgerTotals, problems: [String], json: Bool) {
  let figures: [(String, String)] = [
    ("accounts", "\(totals.accounts)"),
    ("blocks", "\(totals.blocks)"),
    ("confirmed_blocks", "\(totals.confirmedBlocks)"),
    ("balances", "\(totals.balances)"),
    ("receivables", "\(totals.receivables)"),
    ("burned", "\(totals.burned)"),
  ]
  if json {
    var object = JSON.Object()
    for (name, value) in figures { object[name] = JSON(value) }
    object["problems"] = .array(problems.map { JSON($0) })
    Terminal.standard.print(JSON.object(object).text + "\n")
  } else {
    for (name, value) in figures { Terminal.standard.print("\(name): \(value)\n") }
    for problem in problems { Terminal.standard.print("problem: \(problem)\n") }
  }
}
