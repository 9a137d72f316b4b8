import Kernel
import Service
import SmallNano

/// What to send: so many smn, or everything but the minimum that stays.
private enum Quantity: Equatable, Sendable {
  case amount(Amount)
  case all
}

private let quantityType = OptionType<Quantity>.text(
  "AMOUNT",
  parse: { text throws(ValueProblem) in
    if text == "all" { return .all }
    guard let amount = Amount(smnText: text), amount > .zero else {
      throw ValueProblem("an amount in smn, for example 12.5, or 'all'")
    }
    return .amount(amount)
  },
  text: { quantity in
    switch quantity {
    case .amount(let amount): amount.smn
    case .all: "all"
    }
  }
)

private let amount = Argument("amount", quantityType, help: "In smn, for example 12.5; or 'all'")
private let destination = Argument("address", addressType, help: "Who gets it")
private let from = Option<String?>(
  "from",
  .optional(addressType),
  default: nil,
  scope: .commandLine,
  help: "The account that pays; needed if the wallet has several"
)
private let id = Option<String?>(
  "id",
  .optional(.string("TEXT")),
  default: nil,
  scope: .commandLine,
  help: "A name for this payment: the same call again pays no second time"
)

/// `smallnano send`.
let sendCommand = Command(
  "send",
  summary: "Send from an account of the wallet",
  discussion: """
    Prints the block's hash as soon as the node has it on disk and has told the network; \
    confirmation follows within moments. If a call ends without an answer, repeat it with the --id \
    it had: it is carried out once.
    """,
  examples: [
    .init("smallnano send 12.5 smn_3…", "Pay 12.5 smn"),
    .init("smallnano send 7 smn_3… --from smn_1… --id rent-may", "Safe to repeat"),
    .init("smallnano send all smn_3…", "All but the minimum balance"),
  ],
  options: ClientOptions.all + [from, id],
  arguments: [amount, destination]
) { call in
  let node = try NodeConnection(call)
  var fields: JSON.Object = .init()
  fields["source"] = JSON(try await payer(call, node))
  fields["destination"] = JSON(call[destination])
  switch call[amount] {
  case .amount(let amount): fields["amount"] = .decimal(amount.raw)
  case .all: fields["amount"] = "all"
  }
  if let id = call[id] { fields["id"] = JSON(id) }
  let answer = try await node.call("send", .object(fields))
  node.show(answer, "\(answer["block"]?.string ?? "?")\n")
}

private func payer(_ call: Invocation, _ node: NodeConnection) async throws -> String {
  if let from = call[from] { return from }
  let accounts = try await node.walletAccounts()
  guard let only = accounts.first, accounts.count == 1 else {
    throw CommandFailure("the wallet has \(accounts.count) accounts: say which pays, with --from")
  }
  return only
}

private let anyAccount = Argument(
  "account",
  OptionType<String?>.optional(addressType),
  default: nil,
  help: "An address; without it, every account of the wallet"
)

/// `smallnano receive`.
let receiveCommand = Command(
  "receive",
  summary: "Receive what waits for the wallet's accounts and is confirmed",
  options: ClientOptions.all,
  arguments: [anyAccount]
) { call in
  let node = try NodeConnection(call)
  let accounts: [String]
  if let account = call[anyAccount] {
    accounts = [account]
  } else {
    accounts = try await node.walletAccounts()
  }
  var blocks: [JSON] = []
  for account in accounts {
    let answer = try await node.call(
      "receive",
      ["account": JSON(account)],
      nilIf: "nothing_receivable"
    )
    blocks += answer?["blocks"]?.array ?? []
  }
  let lines = blocks.compactMap(\.string).map { $0 + "\n" }.joined()
  node.show(["blocks": .array(blocks)], blocks.isEmpty ? "nothing to receive\n" : lines)
}

/// `smallnano balance`.
let balanceCommand = Command(
  "balance",
  summary: "Show confirmed balances",
  examples: [
    .init("smallnano balance", "Of every account of the wallet"),
    .init("smallnano balance smn_3…", "Of anyone's account"),
  ],
  options: ClientOptions.all,
  arguments: [anyAccount]
) { call in
  let node = try NodeConnection(call)
  guard let account = call[anyAccount] else { return try await showWalletBalances(node) }
  let answer = try await node.call("account_balance", ["account": JSON(account)])
  node.show(answer, balanceText(answer) + "\n")
}

private let account = Argument("account", addressType, help: "An address")
private let count = Option<Int>(
  "count",
  .integer(1...1000),
  default: 20,
  scope: .commandLine,
  help: "The newest so many"
)

/// `smallnano history`.
let historyCommand = Command(
  "history",
  summary: "Show an account's payments, newest first",
  options: ClientOptions.all + [count],
  arguments: [account]
) { call in
  let node = try NodeConnection(call)
  let answer = try await node.call(
    "account_history",
    ["account": JSON(call[account]), "count": .decimal(call[count])]
  )
  let entries = answer["history"]?.array ?? []
  node.show(answer, entries.isEmpty ? "no payments\n" : entries.map(historyLine).joined())
}

private func historyLine(_ entry: JSON) -> String {
  let isSend = entry["type"] == "send"
  let height = entry["height"]?.string ?? "?"
  let state = entry["confirmed"] == "true" ? "" : "  not confirmed yet"
  let direction = isSend ? "to  " : "from"
  return "\(height)  \(isSend ? "-" : "+")\(smn(entry["amount"]))  \(direction) "
    + "\(entry["account"]?.string ?? "?")\(state)\n"
}
