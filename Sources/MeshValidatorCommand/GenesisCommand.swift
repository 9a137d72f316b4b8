import EventLoop
import Glibc
import Kernel
import Mesh
import MeshNode
import Service

private let name = Option(
  "name",
  .optional(.string("NAME")),
  default: nil,
  scope: .commandLine,
  help: "The network's name, 1 to 32 bytes; all but \"mesh\" are test networks"
)
private let validators = Option(
  "validator",
  .list(of: .publicKey),
  default: [],
  scope: .commandLine,
  help: "Public key of a validator; once for each"
)
private let allocations = Option(
  "allocate",
  .list(of: .firstBalance),
  default: [],
  scope: .commandLine,
  help: "First balance of an account, in whole tokens; once for each"
)
private let allocationsFile = Option(
  "allocations",
  .optional(.path),
  default: nil,
  scope: .commandLine,
  help: "A file of more of them, one ACCOUNT=AMOUNT a line; # begins a remark"
)
private let feeBase = Option(
  "fee_base",
  .tokens,
  default: DecimalAmount.zero,
  scope: .commandLine,
  help: "Fee of a payment, in whole tokens"
)
private let feePerOutput = Option(
  "fee_per_output",
  .tokens,
  default: DecimalAmount.zero,
  scope: .commandLine,
  help: "Fee of each recipient of a payment, in whole tokens"
)
private let symbol = Option(
  "symbol",
  .string("TEXT"),
  default: "TEST",
  scope: .commandLine,
  help: "What a token is called, 1 to 16 bytes"
)
private let decimals = Option(
  "decimals",
  .integer(UInt8(0)...19),
  default: 2,
  scope: .commandLine,
  help: "Decimals of an amount"
)
private let output = Option(
  "output",
  .optional(.path),
  default: nil,
  short: "o",
  scope: .commandLine,
  help: "The file to write"
)

/// `mesh-validator genesis`: what a network starts from.
let genesisCommand = Command(
  "genesis",
  summary: "Make a network: its validators, fees and first balances, in one file",
  discussion: """
    The file is the network: its hash is the network's id, and every validator and every wallet \
    needs the same bytes. The supply is the sum of the first balances; nothing can be added later. \
    Of n validators (n - 1) / 3 may be faulty, so four bear one.
    """,
  examples: [
    Command.Example(
      """
      mesh-validator genesis --name testnet --validator KEY1 --validator KEY2 --validator KEY3 \
      --validator KEY4 --allocate ALICE=10000 --fee-base 0.01 -o genesis.mesh
      """,
      "Four validators, and 10,000 tokens for the account with the public key ALICE"
    ),
    Command.Example(
      "mesh-validator genesis --name solo --validator KEY --allocations balances -o genesis.mesh",
      "One validator, and the first balances of a file"
    ),
  ],
  options: [
    name, validators, allocations, allocationsFile, feeBase, feePerOutput, symbol, decimals, output,
    CommonOptions.json,
  ],
  run: makeGenesis
)

@Sendable private func makeGenesis(_ call: Invocation) async throws {
  guard let name = call[name] else {
    throw UsageFailure.missingValue(flag: "--name", placeholder: "NAME")
  }
  guard let path = call[output] else {
    throw UsageFailure.missingValue(flag: "--output", placeholder: "FILE")
  }
  let genesis: Genesis
  do {
    genesis = try buildGenesis(name, call)
  } catch let failure as GenesisFailure {
    throw CommandFailure("\(failure)", status: UsageFailure.exitStatus)
  }
  // Another genesis is another network: whoever has the file's bytes would be left behind.
  guard access(path, F_OK) != 0 else {
    throw CommandFailure(
      "\(path) is there already, and made anew it would be another network: move it away, or name"
        + " another file"
    )
  }
  try GenesisFile.write(genesis, to: path)
  if call[CommonOptions.json] {
    let answer: JSON = [
      "file": JSON(path),
      "network": JSON(genesis.name),
      "network_id": JSON("\(genesis.id)"),
      "validators": .array(genesis.validators.keys.map { JSON("\($0)") }),
      "quorum": JSON(genesis.validators.quorum),
      "supply_units": .decimal(genesis.asset.supply.units),
    ]
    Terminal.standard.print(answer.text + "\n")
    return
  }
  var rows = [
    ("file", path), ("network", genesis.name), ("network id", "\(genesis.id)"),
    ("supply", "\(genesis.asset.supply) units of \(genesis.asset.symbol)"),
    ("quorum", "\(genesis.validators.quorum) of \(genesis.validators.count)"),
  ]
  for (index, key) in genesis.validators.keys.enumerated() {
    rows.append(("validator \(index)", "\(key)"))
  }
  Terminal.standard.print(table(rows))
}

private func buildGenesis(_ name: String, _ call: Invocation) throws -> Genesis {
  let places = call[decimals]
  func amount(_ tokens: DecimalAmount, _ source: String) throws -> Amount {
    guard let amount = tokens.amount(decimals: places) else {
      throw UsageFailure.badValue(
        source: source,
        key: "the amount",
        found: "'\(tokens.text)'",
        expected: "below 2^64 units, with at most \(places) decimals"
      )
    }
    return amount
  }
  var supply = Amount.zero
  var rows: [Genesis.Allocation] = []
  func allocate(_ balances: [FirstBalance], _ source: String) throws {
    for balance in balances {
      let amount = try amount(balance.amount, source)
      guard let sum = supply.adding(amount) else { throw GenesisFailure.supplyTooLarge }
      supply = sum
      rows.append(.init(account: balance.account, asset: Genesis.assetID, amount: amount))
    }
  }
  try allocate(call[allocations], "--allocate")
  if let path = call[allocationsFile] { try allocate(try FirstBalance.readFile(path), path) }
  guard !call[validators].isEmpty else {
    throw UsageFailure.missingValue(flag: "--validator", placeholder: "KEY")
  }
  return try Genesis(
    name: name,
    createdMs: SystemClock.now.milliseconds,
    fees: Genesis.Fees(
      base: try amount(call[feeBase], "--fee-base"),
      perOutput: try amount(call[feePerOutput], "--fee-per-output")
    ),
    asset: Genesis.Asset(
      id: Genesis.assetID,
      decimals: places,
      symbol: call[symbol],
      supply: supply
    ),
    validators: ValidatorSet(epoch: .zero, keys: call[validators].sorted()),
    allocations: rows.sorted { $0.account < $1.account }
  )
}
