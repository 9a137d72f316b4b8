import Kernel
import Service
import SmallNano

/// An address, checked before a node is asked.
let addressType = OptionType<String>.text(
  "ADDRESS",
  parse: { text throws(ValueProblem) in
    do {
      return try Account(address: text).address
    } catch {
      throw ValueProblem("an address (\(error))")
    }
  },
  text: { $0 }
)

private let account = Argument("account", addressType, help: "An address")

/// `smallnano account …`.
let accountCommand = Command(
  "account",
  summary: "Accounts: those of the wallet, and anyone's",
  options: ClientOptions.all,
  subcommands: [
    Command("list", summary: "List the wallet's accounts with their balances") { call in
      let node = try NodeConnection(call)
      try await showWalletBalances(node)
    },
    Command("create", summary: "Add an account to the wallet") { call in
      let node = try NodeConnection(call)
      let answer = try await node.call("account_create")
      node.show(answer, "\(answer["account"]?.string ?? "?")\n")
    },
    Command(
      "info",
      summary: "Show an account's head, balance and representative",
      arguments: [account]
    ) { call in
      let node = try NodeConnection(call)
      let answer = try await node.call("account_info", ["account": JSON(call[account])])
      node.show(answer, info(answer))
    },
  ]
)

private func info(_ answer: JSON) -> String {
  let height = answer["block_count"]?.string ?? "?"
  let confirmed = answer["confirmation_height"]?.string ?? "?"
  return table([
    ("balance", smn(answer["balance"])),
    ("confirmed balance", smn(answer["confirmed_balance"])),
    ("blocks", "\(height), confirmed up to \(confirmed)"),
    ("head", answer["frontier"]?.string ?? "?"),
    ("representative", answer["representative"]?.string ?? "?"),
    ("weight", smn(answer["weight"])),
  ])
}

/// Every account of the wallet, what it holds and what waits for it.
func showWalletBalances(_ node: NodeConnection) async throws {
  let answer = try await node.call("wallet_balances")
  let members = answer["balances"]?.object?.members ?? []
  node.show(
    answer,
    members.isEmpty
      ? "the wallet has no accounts\n"
      : members.map { "\($0.key)  \(balanceText($0.value))\n" }.joined()
  )
}

/// A balance, and what waits to be received if anything does.
func balanceText(_ balance: JSON) -> String {
  let waiting = balance["receivable"]?.string
  let suffix = waiting == "0" || waiting == nil ? "" : ", \(smn(balance["receivable"])) receivable"
  return smn(balance["balance"]) + suffix
}
