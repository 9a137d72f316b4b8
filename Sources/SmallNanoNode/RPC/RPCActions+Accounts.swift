import Kernel
import SmallNano

/// What the ledger says of accounts.
extension RPCActions {
  private static let accountField = RPCAction.Field.required("account", "an address")
  private static let confirmedOnly = RPCAction.Field.optional(
    "include_only_confirmed",
    "false: count unconfirmed blocks too; true if not said"
  )

  /// Receivables of an account that a call looks at; the answer says so if there may be more.
  static let receivablesSummedMax = 1000

  static let accounts: [RPCAction] = [
    RPCAction("account_info", "Head, balance and confirmed state of an account.", [accountField]) {
      call,
      context in
      let account = try call.account()
      return try await context.ledger.snapshot { try info(of: account, $0) }
    },
    RPCAction(
      "account_balance",
      "Balance, and what waits to be received.",
      [accountField, confirmedOnly]
    ) { call, context in
      let account = try call.account()
      let isConfirmed = try call.flag("include_only_confirmed", default: true)
      return try await context.ledger.snapshot {
        try balance(of: account, onlyConfirmed: isConfirmed, $0)
      }
    },
    RPCAction(
      "accounts_balances",
      "account_balance of several accounts.",
      [.required("accounts", "an array of addresses"), confirmedOnly]
    ) { call, context in
      let accounts = try call.accounts()
      let isConfirmed = try call.flag("include_only_confirmed", default: true)
      return try await context.ledger.snapshot { tables in
        [
          "balances": RPCFormat.object(
            try accounts.map {
              ($0.address, try balance(of: $0, onlyConfirmed: isConfirmed, tables))
            }
          )
        ]
      }
    },
    RPCAction(
      "accounts_frontiers",
      "The head of each account that is opened.",
      [.required("accounts", "an array of addresses")]
    ) { call, context in
      let accounts = try call.accounts()
      return try await context.ledger.snapshot { tables in
        [
          "frontiers": RPCFormat.object(
            try accounts.compactMap { account in
              try tables.account(account).map { (account.address, JSON($0.head.description)) }
            }
          )
        ]
      }
    },
    RPCAction(
      "account_history",
      "Blocks of an account, newest first.",
      [
        accountField,
        .optional("count", "at most so many, 100 if not said"),
        .optional("head", "begin with this block of the account"),
        .optional("offset", "leave out so many first"),
        .optional("raw", "true: every field, and changes too"),
      ]
    ) { call, context in
      let account = try call.account()
      let count = try call.count(default: 100, max: RPCCall.listMax)
      let head = try call.optionalHash("head")
      let offset = try call.count("offset", default: 0, max: .max)
      let isRaw = try call.flag("raw")
      return try await context.ledger.snapshot {
        try history(of: account, head: head, offset: offset, count: count, isRaw: isRaw, $0)
      }
    },
    RPCAction("account_representative", "Whom an account names.", [accountField]) { call, context in
      let account = try call.account()
      let state = try await context.ledger.snapshot { try $0.account(account) }
      guard let state else { throw RPCFailure.accountNotFound }
      return ["representative": JSON(state.representative.address)]
    },
    RPCAction("account_weight", "Confirmed weight delegated to an account.", [accountField]) {
      call,
      context in
      let account = try call.account()
      let weight = try await context.ledger.snapshot { try $0.weight(of: account) }
      return ["weight": RPCFormat.amount(weight)]
    },
    RPCAction("account_key", "The public key of an address.", [accountField]) { call, _ in
      ["key": JSON(try call.account().bytes.hex)]
    },
    RPCAction(
      "account_get",
      "The address of a public key.",
      [.required("key", "64 hexadecimal digits")]
    ) { call, _ in
      ["account": JSON(Account(try call.bytes32("key")).address)]
    },
    RPCAction("validate_account_number", "Whether a text is an address.", [accountField]) {
      call,
      _ in
      // Any text is a good question here; only its absence or another type is not.
      do {
        _ = try Account(address: try call.string("account"))
        return ["valid": "1"]
      } catch let failure as AddressFailure {
        return ["valid": "0", "reason": JSON("\(failure)")]
      }
    },
    receivable,
    receivable.named("pending"),
    RPCAction(
      "receivable_exists",
      "Whether a send waits to be received.",
      [.required("hash", "of the send"), confirmedOnly]
    ) { call, context in
      let hash = try call.hash()
      let onlyConfirmed = try call.flag("include_only_confirmed", default: true)
      return try await context.ledger.snapshot { tables in
        guard let send = try tables.block(hash) else { throw RPCFailure.blockNotFound(hash) }
        let key = ReceivableKey(destination: Account(send.block.link), hash: hash)
        let found = try tables.receivable(key)
        let isThere = found != nil && found?.receivedAt == nil
        let counts = try !onlyConfirmed || tables.isConfirmed(send.block.slot)
        return ["exists": isThere && counts ? "1" : "0"]
      }
    },
    RPCAction(
      "frontiers",
      "Heads of accounts in account order.",
      [
        .required("account", "the first"),
        .optional("count", "at most so many, 100 if not said"),
      ]
    ) { call, context in
      let start = try call.account()
      let count = try call.count(default: 100, max: RPCCall.listMax)
      let accounts = try await context.ledger.snapshot {
        try $0.accounts(from: start, limit: count)
      }
      return [
        "frontiers": RPCFormat.object(
          accounts.map { ($0.account.address, JSON($0.state.head.description)) }
        )
      ]
    },
  ]

  private static func info(of account: Account, _ tables: LedgerTables) throws -> JSON {
    guard let state = try tables.account(account) else { throw RPCFailure.accountNotFound }
    let open = try tables.block(at: Slot(account: account, height: .open))
    return [
      "frontier": JSON(state.head.description),
      "open_block": JSON((open?.hash ?? .zero).description),
      "balance": RPCFormat.amount(state.balance),
      "block_count": .decimal(state.height.number),
      "representative": JSON(state.representative.address),
      "weight": RPCFormat.amount(try tables.weight(of: account)),
      "confirmation_height": .decimal(state.confirmedHeight.number),
      "confirmation_height_frontier": JSON((state.confirmed?.hash ?? .zero).description),
      "confirmed_balance": RPCFormat.amount(state.confirmed?.balance ?? .zero),
      "confirmed_representative": JSON(
        (state.confirmed?.representative ?? state.representative).address
      ),
    ]
  }

  static func balance(
    of account: Account,
    onlyConfirmed: Bool,
    _ tables: LedgerTables
  ) throws -> JSON {
    let state = try tables.account(account)
    let balance = onlyConfirmed ? state?.confirmed?.balance : state?.balance
    let waiting = try tables.receivables(of: account, limit: receivablesSummedMax)
    var sum = Amount.zero
    for each in waiting where try !onlyConfirmed || tables.isConfirmed(each.key.hash) {
      sum = sum.adding(each.amount) ?? sum  // the supply bounds it
    }
    var members: [(String, JSON)] = [
      ("balance", RPCFormat.amount(balance ?? .zero)),
      ("pending", RPCFormat.amount(sum)),
      ("receivable", RPCFormat.amount(sum)),
    ]
    if waiting.count == receivablesSummedMax { members.append(("receivable_is_partial", "true")) }
    return RPCFormat.object(members)
  }

  // MARK: History

  private static func history(
    of account: Account,
    head: BlockHash?,
    offset: Int,
    count: Int,
    isRaw: Bool,
    _ tables: LedgerTables
  ) throws -> JSON {
    guard let state = try tables.account(account) else { throw RPCFailure.accountNotFound }
    var top = state.height
    if let head {
      guard let block = try tables.block(head)?.block, block.account == account else {
        throw RPCFailure.blockNotFound(head)
      }
      top = block.height
    }
    let (height, isPast) = top.number.subtractingReportingOverflow(UInt64(offset))
    let blocks =
      isPast || height == 0
      ? [] : try tables.history(of: account, from: Height(height), limit: count)
    var history: [JSON] = []
    for held in blocks where isRaw || held.kind != .change {
      let isConfirmed = held.block.height <= state.confirmedHeight
      history.append(try entry(held, isConfirmed: isConfirmed, isRaw: isRaw, tables))
    }
    var members: [(String, JSON)] = [
      ("account", JSON(account.address)),
      ("history", .array(history)),
    ]
    if let last = blocks.last, last.block.height > .open {
      members.append(("previous", JSON(last.block.previous.description)))
    }
    return RPCFormat.object(members)
  }

  private static func entry(
    _ held: LedgerBlock,
    isConfirmed: Bool,
    isRaw: Bool,
    _ tables: LedgerTables
  ) throws -> JSON {
    let block = held.block
    let other: Account =
      switch held.kind {
      case .send: Account(block.link)
      // Genesis has no source.
      case .open, .receive: try tables.block(BlockHash(block.link))?.block.account ?? block.account
      case .change, .epoch: block.representative
      }
    let type = held.kind == .open ? "receive" : RPCFormat.name(of: held.kind)
    var members: [(String, JSON)] = [
      ("type", isRaw ? "state" : JSON(type)),
      ("account", JSON(other.address)),
      ("amount", RPCFormat.amount(held.amount)),
      ("height", .decimal(block.height.number)),
      ("hash", JSON(block.hash.description)),
      ("confirmed", RPCFormat.flag(isConfirmed)),
    ]
    if isRaw {
      members += [
        ("subtype", JSON(RPCFormat.name(of: held.kind))),
        ("representative", JSON(block.representative.address)),
        ("link", JSON(block.link.hex)),
        ("balance", RPCFormat.amount(block.balance)),
        ("previous", JSON(block.previous.description)),
        ("signature", JSON(block.signature.bytes.bytes.hex)),
        ("work", RPCFormat.work(block.work)),
      ]
    }
    return RPCFormat.object(members)
  }

  // MARK: Receivables

  private static let receivable = RPCAction(
    "receivable",
    "Sends that wait for an account, in order of hash.",
    [
      accountField,
      .optional("count", "at most so many, 100 if not said"),
      .optional("threshold", "only those of at least this amount; gives amounts too"),
      .optional("source", "true: give amount and sender"),
      confirmedOnly,
    ]
  ) { call, context in
    let account = try call.account()
    let count = try call.count(default: 100, max: RPCCall.listMax)
    let threshold = try call.optionalAmount("threshold")
    let withSource = try call.flag("source")
    let onlyConfirmed = try call.flag("include_only_confirmed", default: true)
    return try await context.ledger.snapshot { tables in
      let held = try tables.receivables(of: account, limit: receivablesSummedMax)
      let waiting = try held.filter {
        try $0.amount >= threshold ?? .zero && (!onlyConfirmed || tables.isConfirmed($0.key.hash))
      }.prefix(count)
      let blocks: JSON =
        if withSource {
          RPCFormat.object(
            waiting.map {
              (
                $0.key.hash.description,
                ["amount": RPCFormat.amount($0.amount), "source": JSON($0.source.address)]
              )
            }
          )
        } else if threshold != nil {
          RPCFormat.object(
            waiting.map { ($0.key.hash.description, RPCFormat.amount($0.amount)) }
          )
        } else {
          RPCFormat.hashes(waiting.map(\.key.hash))
        }
      // More may lie behind the thousand that were looked at.
      return held.count == receivablesSummedMax
        ? ["blocks": blocks, "is_partial": "true"] : ["blocks": blocks]
    }
  }
}
