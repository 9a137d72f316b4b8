import EventLoop
import Kernel
import SmallNano
import Vault

/// The node's wallet; every call needs the token.
extension RPCActions {
  private static let passwordField = RPCAction.Field.required(
    "password",
    "up to 1024 bytes; in the body only"
  )

  static let walletActions: [RPCAction] = [
    RPCAction(
      "wallet_create",
      "Makes the node's wallet and unlocks it; answers the 24 words that restore it.",
      needsToken: true,
      [passwordField]
    ) { call, context in
      let words = try await context.wallet.create(password: try call.password())
      return [
        "mnemonic": JSON(words.joined(separator: " ")),
        "accounts": RPCFormat.accounts(try await context.wallet.entries.map(\.account)),
      ]
    },
    RPCAction(
      "wallet_restore",
      "Makes the node's wallet from a seed, with the accounts that the ledger knows.",
      needsToken: true,
      [
        passwordField,
        .optional("mnemonic", "24 words"),
        .optional("seed", "64 hexadecimal digits, instead of the words"),
      ]
    ) { call, context in
      let password = try call.password()
      let words = try call.optionalString("mnemonic")
      let seed = try call.optionalSeed("seed")
      switch (words, seed) {
      case (let words?, nil):
        try await context.wallet.restore(seed: Mnemonic.seed(of: words), password: password)
      case (nil, let seed?):
        try await context.wallet.restore(seed: seed, password: password)
      case (nil, nil), (_?, _?):
        throw RPCFailure(status: 400, "missing_field", "give either mnemonic or seed")
      }
      return ["accounts": RPCFormat.accounts(try await context.wallet.entries.map(\.account))]
    },
    RPCAction(
      "wallet_unlock",
      "Unlocks the wallet.",
      needsToken: true,
      [passwordField, .optional("timeout", "lock again after so many seconds")]
    ) { call, context in
      let seconds = try call.optionalInteger("timeout", UInt32.self)
      try await context.wallet.unlock(
        password: try call.password(),
        for: seconds.map { .seconds($0) }
      )
      return ["unlocked": "1"]
    },
    RPCAction("wallet_lock", "Locks the wallet and wipes its keys.", needsToken: true) {
      _,
      context in
      await context.wallet.lock()
      return ["locked": "1"]
    },
    RPCAction("wallet_locked", "Whether the wallet is locked.", needsToken: true) { _, context in
      ["locked": await context.wallet.isUnlocked ? "0" : "1"]
    },
    RPCAction("wallet_info", "The wallet's state and totals.", needsToken: true) { _, context in
      let accounts = try await context.wallet.entries.map(\.account)
      let (balance, isUnlocked) = (
        try await context.ledger.snapshot { tables in
          try accounts.reduce(Amount.zero) {
            $0.adding(try tables.account($1)?.balance ?? .zero) ?? $0
          }
        },
        await context.wallet.isUnlocked
      )
      var members: [(String, JSON)] = [
        ("exists", "1"),
        ("locked", isUnlocked ? "0" : "1"),
        ("accounts_count", .decimal(accounts.count)),
        ("balance", RPCFormat.amount(balance)),
        ("votes", RPCFormat.flag(context.wallet.options.votes)),
        ("auto_receive", RPCFormat.flag(context.wallet.options.receivesAutomatically)),
        ("not_voting", RPCFormat.accounts(await context.wallet.refusedVoters)),
      ]
      if let representative = await context.wallet.representative {
        members.append(("representative", JSON(representative.address)))
      }
      if let lockedAt = await context.wallet.lockedAt {
        members.append(("locks_at", .decimal(lockedAt.milliseconds / 1000)))
      }
      return RPCFormat.object(members)
    },
    RPCAction(
      "wallet_balances",
      "account_balance of the wallet's accounts.",
      needsToken: true,
      [.optional("include_only_confirmed", "false: count unconfirmed blocks too")]
    ) { call, context in
      let accounts = try await context.wallet.entries.prefix(RPCCall.listMax).map(\.account)
      let onlyConfirmed = try call.flag("include_only_confirmed", default: true)
      return try await context.ledger.snapshot { tables in
        [
          "balances": RPCFormat.object(
            try accounts.map {
              ($0.address, try balance(of: $0, onlyConfirmed: onlyConfirmed, tables))
            }
          )
        ]
      }
    },
    RPCAction(
      "wallet_change_password",
      "Encrypts the wallet with another password.",
      needsToken: true,
      [passwordField, .required("new_password", "the password from now on")]
    ) { call, context in
      try await context.wallet.changePassword(
        from: try call.password(),
        to: try call.password("new_password")
      )
      return ["changed": "1"]
    },
    RPCAction(
      "wallet_mnemonic",
      "The 24 words that restore the wallet.",
      needsToken: true,
      [passwordField]
    ) { call, context in
      let words = try await context.wallet.words(password: try call.password())
      return ["mnemonic": JSON(words.joined(separator: " "))]
    },
    RPCAction(
      "wallet_representative_set",
      "Sets whom accounts name that the wallet opens from now on.",
      needsToken: true,
      [.required("representative", "an address")]
    ) { call, context in
      try await context.wallet.setDefaultRepresentative(try call.account("representative"))
      return ["set": "1"]
    },
    RPCAction(
      "wallet_vote_here",
      "Says that the wallet's keys vote from no other node.",
      needsToken: true,
      [.required("confirm", "true")]
    ) { call, context in
      guard try call.flag("confirm") else {
        throw RPCFailure(
          "not_confirmed",
          "a key that votes from two nodes can break the network's safety: "
            + "stop the other node for good, then repeat with confirm = true"
        )
      }
      return ["voters": RPCFormat.accounts(try await context.wallet.voteHere())]
    },
    RPCAction(
      "account_create",
      "Adds an account to the wallet.",
      needsToken: true,
      [.optional("index", "of the key; the lowest free if not said")]
    ) { call, context in
      let index = try call.optionalInteger("index", UInt32.self)
      let entry = try await context.wallet.addAccount(index: index)
      return ["account": JSON(entry.account.address), "index": .decimal(entry.index)]
    },
    RPCAction("account_list", "The wallet's accounts, by index.", needsToken: true) { _, context in
      ["accounts": RPCFormat.accounts(try await context.wallet.entries.map(\.account))]
    },
  ]

  static let payments: [RPCAction] = [
    RPCAction(
      "send",
      "Sends from an account of the wallet.",
      needsToken: true,
      [
        .required("source", "an account of the wallet"),
        .required("destination", "an address"),
        .required("amount", "raw, or \"all\" for everything but the minimum balance"),
        .optional("id", "up to 64 characters; a call repeated with it returns the same block"),
      ]
    ) { call, context in
      let isEverything = call.fields["amount"]?.string == "all"
      let hash = try await context.wallet.send(
        from: try call.account("source"),
        to: try call.account("destination"),
        amount: isEverything ? nil : try call.amount(),
        id: try call.optionalString("id")
      )
      return ["block": JSON(hash.description)]
    },
    RPCAction(
      "receive",
      "Receives one send, or all that wait and are confirmed.",
      needsToken: true,
      [
        .required("account", "an account of the wallet"),
        .optional("block", "the hash of the send"),
      ]
    ) { call, context in
      let account = try call.account()
      let send = try call.optionalHash("block")
      let hashes = try await context.wallet.receive(on: account, send: send)
      guard send != nil, let hash = hashes.first else {
        return ["blocks": RPCFormat.hashes(hashes)]
      }
      return ["block": JSON(hash.description)]
    },
    RPCAction(
      "account_representative_set",
      "Lets an account of the wallet name another representative.",
      needsToken: true,
      [
        .required("account", "an account of the wallet"),
        .required("representative", "an address"),
      ]
    ) { call, context in
      let hash = try await context.wallet.setRepresentative(
        of: try call.account(),
        to: try call.account("representative")
      )
      return ["block": JSON(hash.description)]
    },
  ]
}
