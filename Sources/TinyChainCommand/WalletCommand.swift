import Kernel
import Service
import TinyChain
import TinyChainNode
import Vault

private let newName = Argument("name", .string, default: "main", help: "What to call the account")
private let to = Argument("to", .string, help: "An address, or an account of the wallet")
private let amount = Argument(
  "units",
  .integer(1...UInt64(Int64.max)),
  help: "How much; a coin has a million units"
)

/// `tinychain wallet …`.
let walletCommand = Command(
  "wallet",
  summary: "Accounts of your own, in an encrypted file",
  discussion: """
    The file is `keystore` in the data directory, mode 0600; the password of its first account opens \
    them all. A password is typed at the terminal, or read from --password-file, or from standard \
    input; never from a flag, which other users could see.
    """,
  subcommands: [
    Command(
      "new",
      summary: "Make an account",
      examples: [
        .init("tinychain wallet new alice", "Asks for a password, and shows the address")
      ],
      options: [
        NodeOptions.dataDirectory, NodeOptions.network, jsonOption, SecretInput.passwordFile,
      ],
      arguments: [newName],
      run: newAccount
    ),
    Command(
      "list",
      summary: "List the accounts, and what they have if a node answers",
      examples: [.init("tinychain wallet list --json", "For a program")],
      options: ClientOptions.talking,
      run: listAccounts
    ),
    Command(
      "send",
      summary: "Send coins",
      examples: [
        .init("tinychain wallet send alice 5000000 --from faucet", "Five coins of the dev network"),
        .init("tinychain wallet send ttiny1… 100 --from alice", "To anybody"),
      ],
      options: ClientOptions.talking + [
        ClientOptions.from, ClientOptions.gasLimit, SecretInput.passwordFile,
      ],
      arguments: [to, amount]
    ) { call in
      let client = try Client(call)
      let request = Request(
        .transfer,
        to: try client.wallet.address(call[to]),
        value: call[amount],
        gasLimit: call[ClientOptions.gasLimit]
      )
      try await client.send(request) { $0["id"]?.string }
    },
  ]
)

@Sendable private func newAccount(_ call: Invocation) async throws {
  let path = Wallet.path(call)
  try DataDirectory.create(call[NodeOptions.dataDirectory])
  do {
    var keystore = try Keystore(path: path) ?? Keystore()
    guard Keystore.isName(call[newName]), call[newName] != "faucet" else {
      throw wrong("\(KeystoreFailure.badName); `faucet` is the dev network's")
    }
    let input = SecretInput()
    let isFirst = keystore.entries.isEmpty
    var password = Array(
      (isFirst ? try input.newPassword(call) : try input.password(call)).utf8
    )
    let entry = try keystore.add(call[newName], password: SecretBytes(wiping: &password))
    try keystore.write(to: path)
    let address = entry.address.text(isMain: call[NodeOptions.network] == .main)
    Terminal.standard.print(
      call[jsonOption]
        ? (["name": JSON(entry.name), "address": JSON(address)] as JSON).text + "\n"
        : address + "\n"
    )
  } catch let failure as KeystoreFailure {
    throw CommandFailure("\(failure); nothing was done")
  }
}

@Sendable private func listAccounts(_ call: Invocation) async throws {
  let client = try Client(call)
  var entries: [JSON] = []
  for entry in client.wallet.keystore?.entries ?? [] {
    let address = entry.address.text(isMain: client.wallet.isMain)
    // Without a node, the accounts are there all the same.
    let account = try? await client.node.call("user_getBalance", ["address": JSON(address)])
    let balance = account?["balance"]
    if !call[jsonOption] {
      let has = balance?.string.map { "  \($0) units" } ?? ""
      Terminal.standard.print("\(entry.name)  \(address)\(has)\n")
    }
    entries.append([
      "name": JSON(entry.name), "address": JSON(address), "balance": balance ?? .null,
    ])
  }
  if call[jsonOption] { Terminal.standard.print(JSON.array(entries).text + "\n") }
}
