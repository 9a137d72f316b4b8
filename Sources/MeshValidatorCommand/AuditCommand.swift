import Kernel
import Mesh
import MeshNode
import Service

/// `mesh-validator audit`: reads the file, whether its validator runs or not.
let auditCommand = Command(
  "audit",
  summary: "Check that nobody has made money, and print the state digest; status 1 if not sound",
  discussion: """
    Adds up the commitments of all balances and unclaimed outputs and compares the sum with the \
    supply less the fees, without knowing any amount. The digest is the same at all validators that \
    have applied the same certificates. It reads one state of the database, also beside a running \
    validator, which it neither stops nor waits for.
    """,
  examples: [
    Command.Example("mesh-validator audit", "The validator of config.toml"),
    Command.Example(
      "mesh-validator audit --data-dir v1 --genesis genesis.mesh --json",
      "For scripts"
    ),
  ],
  options: [
    ValidatorOptions.dataDirectory, ValidatorOptions.config, ValidatorOptions.genesis,
    CommonOptions.json,
  ]
) { call in
  let configuration = try ValidatorConfiguration(try ValidatorOptions.withFile(call.settings))
  let directory = ValidatorDirectory(configuration.dataDirectory)
  let audit = try LedgerAudit(of: directory, genesis: configuration.genesis)
  if call[CommonOptions.json] {
    Terminal.standard.print(answer(audit, configuration.genesis).text + "\n")
  } else {
    Terminal.standard.print(text(audit, configuration.genesis))
  }
  guard audit.isSound else {
    throw CommandFailure(
      audit.totals.isHalted
        ? "a safety fault was found: more validators are faulty than may be"
        : "the state is not sound: stop this validator and compare with the others"
    )
  }
}

private func answer(_ audit: LedgerAudit, _ genesis: Genesis) -> JSON {
  [
    "network": JSON(genesis.name),
    "supply_intact": JSON(audit.isSupplyIntact),
    "totals_right": JSON(audit.areTotalsRight),
    "halted": JSON(audit.totals.isHalted),
    "digest": JSON("\(audit.digest.digest)"),
    "log": JSON(audit.totals.logCount),
    "accounts": JSON(audit.totals.accounts),
    "outputs": JSON(audit.totals.outputCount),
    "buffered": JSON(audit.totals.bufferCount),
    "fee_pool_units": .decimal(audit.totals.feePool.units),
    "supply_units": .decimal(genesis.asset.supply.units),
    "follows_only": JSON(audit.followsOnly),
    "evidence": .array(
      audit.evidence.map { ["culprit": JSON($0.culprit), "slot": JSON("\($0.key.slot)")] }
    ),
  ]
}

private func text(_ audit: LedgerAudit, _ genesis: Genesis) -> String {
  let verdict = audit.isSupplyIntact ? "holds" : "DOES NOT HOLD"
  var rows = [
    ("network", genesis.name),
    ("supply equation", "balances + unclaimed outputs + fees = supply  \(verdict)"),
    ("supply", "\(genesis.asset.supply) units, of which \(audit.totals.feePool) are fees"),
    ("state digest", "\(audit.digest.digest)"),
    ("log", "\(audit.totals.logCount) certificates"),
    ("accounts", "\(audit.totals.accounts)"),
    ("outputs", "\(audit.totals.outputCount)"),
    ("waiting", "\(audit.totals.bufferCount) certificates"),
  ]
  if !audit.areTotalsRight { rows.append(("totals", "differ from the rows: the file is damaged")) }
  if audit.totals.isHalted { rows.append(("safety fault", "yes: this validator votes no more")) }
  if audit.followsOnly { rows.append(("votes", "never: its database was lost once")) }
  for evidence in audit.evidence {
    rows.append(("fault proved", "\(evidence.culprit), at \(evidence.key.slot)"))
  }
  return table(rows)
}
