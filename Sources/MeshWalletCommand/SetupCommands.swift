import Kernel
import Mesh
import MeshWalletNode
import Service
import Vault

/// `mesh-wallet init`.
let initCommand = Command(
  "init",
  summary: "Choose the network: writes wallet.toml and keeps a copy of the genesis",
  discussion: """
    The genesis file comes from whoever runs the network, by a way you trust: all that a wallet \
    believes rests on it. Validators are named by their keys, as `mesh-validator init` prints them, \
    and where they listen; as in the validators' own files.
    """,
  examples: [
    .init(
      "mesh-wallet init --genesis genesis.mesh --validators 3b6a…@v0.example,51cc…@192.0.2.7:7701",
      "And so on for each; port 7700 unless said otherwise"
    )
  ],
  options: CommonOptions.files + [
    WalletOptions.genesis, WalletOptions.validators, WalletOptions.timeout,
    WalletOptions.agentTimeout, WalletOptions.argonMemory,
  ],
  run: WalletCall.run { call in
    let directory = try DataDirectory(call.directory)
    let path = directory.file(WalletOptions.fileName)
    guard PrivateFile.size(path) == nil else {
      throw WalletProblem(.walletExists, "\(path) is there already: edit it, or move it away")
    }
    let configuration = try WalletConfiguration(call.settings)
    // As the rest of the file is to say, with the copy in the genesis's place.
    let hosts = call.settings[WalletOptions.validators].map { "\"\($0)\"" }
    let seconds = [
      ("timeout", call.settings[WalletOptions.timeout]),
      ("agent_timeout", call.settings[WalletOptions.agentTimeout]),
    ].map { "\($0.0) = \"\($0.1.wholeMilliseconds)ms\"\n" }.joined()
    let chosen = """
      validators = [\(hosts.joined(separator: ", "))]
      argon2_memory_mb = \(call.settings[WalletOptions.argonMemory])
      \(seconds)
      """
    let file = try Settings(WalletOptions.all).applying(file: Array(chosen.utf8), path: path)
    try PrivateFile.write(
      configuration.genesis.encoded,
      to: directory.file(file[WalletOptions.genesis]),
      mode: 0o644
    )
    let text = file.renderConfigFile(heading: WalletOptions.heading)
    try PrivateFile.write(Array(text.utf8), to: path, mode: 0o644)
    let genesis = configuration.genesis
    let answer: JSON = [
      "network": JSON(genesis.name), "network_id": JSON(genesis.id.description),
      "validators": JSON(genesis.validators.count), "quorum": JSON(genesis.validators.quorum),
      "file": JSON(path),
    ]
    call.show(
      answer,
      table([
        ("network", genesis.name.terminalSafe), ("id", genesis.id.description),
        (
          "validators",
          "\(genesis.validators.count), of which \(genesis.validators.quorum) make a quorum"
        ),
        ("fee", genesis.asset.text(genesis.fees.minimum(outputs: 1) ?? .zero) + " a payment"),
        ("written", path),
      ])
    )
  }
)

private let restore = Option<Bool>(
  "restore",
  .boolean,
  default: false,
  scope: .commandLine,
  help: "From the 24 words of an earlier wallet, typed or on standard input"
)

/// `mesh-wallet keygen`.
let keygenCommand = Command(
  "keygen",
  summary: "Make the wallet's keys; prints the 24 words that restore them",
  discussion: """
    Works before `init` too, so that a network's genesis can name the account: then the public key \
    is printed, and the address once the network is known. A restored wallet finds its balance and \
    its payments again at the validators, with the first command that asks them.
    """,
  examples: [
    .init("mesh-wallet keygen", "Asks for a password, twice"),
    .init("mesh-wallet keygen --restore", "Asks for a password and the words"),
    .init("mesh-wallet keygen --restore --password-file pw < words", "In a script"),
  ],
  options: CommonOptions.secrets + [WalletOptions.genesis, WalletOptions.argonMemory, restore],
  run: WalletCall.run { call in
    let password = try call.newPassword()
    let seed: SecretBytes
    if call.call[restore] {
      do {
        seed = try Mnemonic.seed(of: try call.secretLine("The 24 words: "))
      } catch let failure as MnemonicFailure {
        throw WalletProblem(.badCommand, failure.description)
      }
    } else {
      seed = .random(32)
    }
    let file = try WalletFile(seed: seed, password: password, cost: call.cost)
    try WalletDirectory.write(file, in: call.directory, isFresh: !call.call[restore])
    var answer = try describe(file, call)
    let words = Mnemonic.words(of: seed)
    if !call.call[restore] { answer["words"] = JSON(words.joined(separator: " ")) }
    call.show(
      .object(answer),
      (call.call[restore] ? "" : wordTable(words) + "\n") + addressText(.object(answer))
    )
  }
)

/// `mesh-wallet show-address`.
let addressCommand = Command(
  "show-address",
  summary: "Show where to be paid, and the account's public key; needs no password",
  examples: [
    .init("mesh-wallet show-address", "For payers"),
    .init("mesh-wallet show-address --json", "For scripts: address, account, view key"),
  ],
  options: CommonOptions.files + [WalletOptions.genesis],
  run: WalletCall.run { call in
    let answer = JSON.object(try describe(try WalletDirectory.read(in: call.directory), call))
    call.show(answer, addressText(answer))
  }
)

private func describe(_ file: WalletFile, _ call: WalletCall) throws -> JSON.Object {
  var answer = JSON.Object()
  if WalletConfiguration.hasGenesis(call.settings) {
    let genesis = try WalletConfiguration.genesis(call.settings)
    answer["network"] = JSON(genesis.name)
    answer["address"] = JSON(file.address(on: genesis).description)
  }
  answer["account"] = JSON(file.account.description)
  answer["view_key"] = JSON(file.viewKey.hex)
  answer["watch_only"] = JSON(file.isWatchOnly)
  return answer
}

private func addressText(_ answer: JSON) -> String {
  var rows: [(String, String)] = []
  if answer["address"] != nil {
    rows = [("address", answer.text("address")), ("network", answer.text("network"))]
  } else {
    rows = [("address", "known once a network is chosen: mesh-wallet init")]
  }
  rows.append(("public key", answer.text("account")))
  if answer["watch_only"] == true { rows.append(("kind", "watch-only")) }
  return table(rows)
}

private let full = Option<Bool>(
  "full",
  .boolean,
  default: false,
  scope: .commandLine,
  help: "Show the balance and what was sent, too; without it, only what was received"
)

/// `mesh-wallet export-view-key`.
let exportCommand = Command(
  "export-view-key",
  summary: "Print a key that shows this account's payments and spends nothing",
  discussion: """
    Always asks for the password, even of an unlocked wallet. Who has the key sees the past and the \
    future of the account, and it cannot be called back.
    """,
  examples: [
    .init("mesh-wallet export-view-key", "For a till or an auditor of income"),
    .init("mesh-wallet export-view-key --full", "For an auditor of everything"),
  ],
  options: CommonOptions.secrets + [full],
  run: WalletCall.run { call in
    var keys = try call.openKeys()
    if call.call[full] {
      guard keys.full != nil else {
        throw WalletProblem(.watchOnly, "this wallet sees the income only, and can show no more")
      }
    } else {
      keys = .income(keys.account, keys.incoming)
    }
    let text = ViewKeyText.text(of: keys)
    let answer: JSON = [
      "view_key": JSON(text), "level": call.call[full] ? "full" : "income",
      "account": JSON(keys.account.description),
    ]
    call.show(answer, text + "\n")
  }
)

private let viewKey = Option<String>(
  "view_key",
  .string("KEY"),
  default: "-",
  scope: .commandLine,
  help: "What `export-view-key` printed; - reads a line of standard input"
)

/// `mesh-wallet watch-only`.
let watchOnlyCommand = Command(
  "watch-only",
  summary: "Make a wallet that sees an account's payments and can spend nothing",
  discussion: """
    With an income key, `balance` shows what was ever received, `history` and `watch` each payment. \
    With a full one they show the balance and what was sent, too. `send` and `receive` are refused.
    """,
  examples: [
    .init("mesh-wallet watch-only --data-dir till --view-key meshview1…", "Asks for a password"),
    .init("mesh-wallet watch-only --data-dir till --view-key - --password-file pw", "In a script"),
  ],
  options: CommonOptions.secrets + [WalletOptions.genesis, WalletOptions.argonMemory, viewKey],
  run: WalletCall.run { call in
    let password = try call.newPassword()
    var text = call.call[viewKey]
    if text == "-" { text = try call.secretLine("The view key: ") }
    let keys: WalletKeys
    do throws(AddressFailure) {
      keys = try ViewKeyText.keys(of: text)
    } catch {
      throw WalletProblem(.badCommand, "this is no view key: \(error)")
    }
    let file = try WalletFile(watching: keys, password: password, cost: call.cost)
    try WalletDirectory.write(file, in: call.directory, isFresh: false)
    let answer = JSON.object(try describe(file, call))
    call.show(answer, addressText(answer))
  }
)
