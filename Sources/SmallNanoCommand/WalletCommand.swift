import Kernel
import Service
import Vault

private let timeout = Option<UInt32?>(
  "timeout",
  .optional(.integer(1...31_536_000, placeholder: "SECONDS")),
  default: nil,
  scope: .commandLine,
  help: "Lock again after so many seconds; without it, until locked or stopped"
)

/// `smallnano wallet …`: the wallet of a running node.
let walletCommand = Command(
  "wallet",
  summary: "The node's wallet: one seed, any number of accounts",
  discussion: """
    The node keeps it encrypted. A password is typed at the terminal, or read from --password-file, \
    or from standard input; never from a flag, which other users could see.
    """,
  options: ClientOptions.all,
  subcommands: [
    Command(
      "create",
      summary: "Make a wallet with a new seed; prints the 24 words that restore it",
      examples: [.init("smallnano wallet create", "Asks for a password, twice")],
      options: [SecretInput.passwordFile]
    ) { call in
      let node = try NodeConnection(call)
      let password = try SecretInput().newPassword(call)
      let answer = try await node.call("wallet_create", ["password": JSON(password)])
      node.show(answer, words(answer) + "\n" + accounts(answer))
    },
    Command(
      "restore",
      summary: "Make the wallet again from its 24 words or its seed",
      discussion: """
        After the password comes a line with the 24 words, or with the 64 hexadecimal digits of the \
        seed. The accounts that the ledger knows come back with it. A restored key does not vote \
        before `wallet vote-here`.
        """,
      examples: [
        .init("smallnano wallet restore", "Asks for a password and the words"),
        .init(
          "smallnano wallet restore --password-file pw < words",
          "The words from standard input"
        ),
      ],
      options: [SecretInput.passwordFile]
    ) { call in
      let node = try NodeConnection(call)
      let input = SecretInput()
      let password = try input.newPassword(call)
      let secret = try input.line("The 24 words, or the seed: ")
      let isSeed = Bytes32(hex: secret) != nil
      let fields: JSON = [
        "password": JSON(password), (isSeed ? "seed" : "mnemonic"): JSON(secret),
      ]
      let answer = try await node.call("wallet_restore", fields)
      node.show(answer, accounts(answer))
    },
    Command(
      "unlock",
      summary: "Unlock the wallet, to pay, receive and vote",
      options: [SecretInput.passwordFile, timeout]
    ) { call in
      let node = try NodeConnection(call)
      var fields: JSON.Object = .init()
      fields["password"] = JSON(try SecretInput().password(call))
      if let seconds = call[timeout] { fields["timeout"] = .decimal(seconds) }
      node.show(try await node.call("wallet_unlock", .object(fields)), "unlocked\n")
    },
    Command("lock", summary: "Lock the wallet and wipe its keys from memory") { call in
      let node = try NodeConnection(call)
      node.show(try await node.call("wallet_lock"), "locked\n")
    },
    Command("info", summary: "Show the wallet's state and what it holds") { call in
      let node = try NodeConnection(call)
      let answer = try await node.call("wallet_info")
      node.show(answer, info(answer))
    },
    Command(
      "vote-here",
      summary: "Say that the wallet's keys vote from no other node, so that they may from here",
      discussion: """
        A key that votes from two nodes can break the network's safety. A new wallet needs no such \
        word; a restored one, or one moved to another machine, does. Stop the other node for good \
        first.
        """
    ) { call in
      let node = try NodeConnection(call)
      let answer = try await node.call("wallet_vote_here", ["confirm": "true"])
      let voters = answer["voters"]?.array?.compactMap(\.string) ?? []
      node.show(answer, "voting with:\n" + voters.map { "  \($0)\n" }.joined())
    },
  ]
)

private func words(_ answer: JSON) -> String {
  let words = answer["mnemonic"]?.string?.split(separator: " ") ?? []
  var text = "Write these words down and keep them: they alone bring the wallet back.\n\n"
  for (index, word) in words.enumerated() {
    let number = index < 9 ? " \(index + 1)" : "\(index + 1)"
    let space = String(repeating: " ", count: max(1, 10 - word.count))
    text += "  \(number) \(word)" + (index % 4 == 3 ? "\n" : space)
  }
  return text
}

private func accounts(_ answer: JSON) -> String {
  (answer["accounts"]?.array?.compactMap(\.string) ?? []).map { $0 + "\n" }.joined()
}

private func info(_ answer: JSON) -> String {
  var rows = [
    ("state", answer["locked"] == "0" ? "unlocked" : "locked"),
    ("accounts", answer["accounts_count"]?.string ?? "?"),
    ("balance", smn(answer["balance"])),
    ("votes", answer["votes"] == "true" ? "yes, while unlocked" : "no (enable_voting is off)"),
    ("receives", answer["auto_receive"] == "true" ? "by itself, while unlocked" : "when told"),
  ]
  if let representative = answer["representative"]?.string {
    rows.append(("representative", "\(representative), for new accounts"))
  }
  for account in answer["not_voting"]?.array?.compactMap(\.string) ?? [] {
    rows.append(("not voting", "\(account): see smallnano wallet vote-here"))
  }
  return table(rows)
}
