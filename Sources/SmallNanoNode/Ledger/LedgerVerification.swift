public import SmallNano
import Storage

/// What a full reading of a ledger found.
public struct LedgerVerification: Hashable, Sendable {
  /// Counted and added up from the rows.
  ///
  /// `burned` is taken over from the stored totals when pruning has removed blocks.
  public var totals = LedgerTotals()
  /// Whether blocks below some account's first held one are missing.
  public var isPruned = false
  /// What is wrong, one line each, at most `problemsMax`.
  public private(set) var problems: [String] = []

  /// A damaged file shows its kind of damage in the first lines.
  public static let problemsMax = 100

  public var isSound: Bool { problems.isEmpty }

  mutating func note(_ problem: @autoclosure () -> String) {
    if problems.count < Self.problemsMax { problems.append(problem()) }
  }

  mutating func require(_ condition: Bool, _ problem: @autoclosure () -> String) {
    if !condition { note(problem()) }
  }
}

extension LedgerReader {
  /// Reads the whole ledger as of one commit and checks that everything in it fits together.
  ///
  /// Chains without a gap whose hashes link, heads and balances that follow from the blocks, every
  /// hash found by its index, weights that are the sums of confirmed balances, receivables that
  /// their sends and receives agree with, and totals that are the sums of all that. It reads every
  /// block once and holds one small window of them; while it lasts the log cannot shrink.
  ///
  /// - Parameter isSignatureValid: called for each block but genesis, if given.
  /// - Returns: the sums it found, and what is wrong.
  /// - Throws: `StorageFailure` where rows cannot even be read.
  public func verify(
    isSignatureValid: ((Block) -> Bool)? = nil
  ) throws -> LedgerVerification {
    try snapshot { tables in
      var check = LedgerCheck(of: tables, isSignatureValid: isSignatureValid)
      return try check.run()
    }
  }
}

/// The work of one verification.
private struct LedgerCheck {
  /// Blocks decoded at a time.
  private static let window: UInt64 = 256

  private let tables: LedgerTables
  private let isSignatureValid: ((Block) -> Bool)?
  private var report = LedgerVerification()
  private var weights: [Account: Amount] = [:]

  init(of tables: LedgerTables, isSignatureValid: ((Block) -> Bool)?) {
    self.tables = tables
    self.isSignatureValid = isSignatureValid
  }

  mutating func run() throws -> LedgerVerification {
    try checkAccounts()
    try checkReceivables()
    try checkWeights()
    try checkTotals()
    return report
  }

  private mutating func checkAccounts() throws {
    var start: Account? = .burn  // The smallest key.
    while let from = start {
      let page = try tables.accounts(from: from, limit: 1000)
      for (account, state) in page {
        report.totals.accounts += 1
        add(state.balance, to: \.balances)
        if let confirmed = state.confirmed {
          let weight = weights[confirmed.representative, default: .zero]
          // An overflow shows in the totals too.
          weights[confirmed.representative] = weight.adding(confirmed.balance) ?? weight
        }
        try checkChain(of: account, state)
      }
      start = page.last?.account.next
    }
  }

  private mutating func checkChain(of account: Account, _ state: AccountState) throws {
    guard let number = try tables.numbers.number(of: account) else { return }
    var low = try tables.lowestHeight(of: number)
    if low > .open { report.isPruned = true }
    var below: LedgerBlock?
    while low <= state.height {
      let high = Height(min(low.number + Self.window - 1, state.height.number))
      let blocks = try tables.blocks(of: account, number, from: low, through: high)
      report.require(
        UInt64(blocks.count) == high.number - low.number + 1,
        "\(account) lacks blocks between heights \(low) and \(high)"
      )
      for block in blocks {
        try check(block, above: below, at: number, state)
        below = block
      }
      low = high.next
    }
    report.require(
      below?.hash == state.head && below?.block.balance == state.balance
        && below?.block.representative == state.representative,
      "the state of \(account) is not that of its block \(state.height)"
    )
    let above = try tables.blocks(of: account, number, from: state.height.next, through: .top)
    report.require(above.isEmpty, "\(account) has blocks above its head")
  }

  private mutating func check(
    _ ledgerBlock: LedgerBlock,
    above below: LedgerBlock?,
    at number: AccountNumber,
    _ state: AccountState
  ) throws {
    let block = ledgerBlock.block
    report.totals.blocks += 1
    if block.height <= state.confirmedHeight { report.totals.confirmedBlocks += 1 }
    if let below {
      report.require(
        block.previous == below.hash && follows(ledgerBlock, below.block.balance),
        "\(block.slot) does not follow from the block below"
      )
    }
    if let confirmed = state.confirmed, confirmed.height == block.height {
      report.require(
        confirmed.hash == block.hash && confirmed.balance == block.balance
          && confirmed.representative == block.representative,
        "what is confirmed of \(block.account) is not its block \(block.height)"
      )
    }
    report.require(
      try tables.isIndexed(block.hash, at: number, block.height),
      "\(block.slot) is not found by its hash"
    )
    if ledgerBlock.kind == .send, block.link.isZero { add(ledgerBlock.amount, to: \.burned) }
    if let isSignatureValid, ledgerBlock.kind != .open || !block.link.isZero {
      report.require(isSignatureValid(block), "\(block.slot) has no valid signature")
    }
  }

  private func follows(_ block: LedgerBlock, _ balance: Amount) -> Bool {
    switch block.kind {
    case .receive: balance.adding(block.amount) == block.block.balance
    case .send: balance.subtracting(block.amount) == block.block.balance
    case .change, .epoch: balance == block.block.balance
    case .open: false  // Nothing lies below an open block.
    }
  }

  private mutating func checkReceivables() throws {
    var start: ReceivableKey? = ReceivableKey(destination: .burn, hash: .zero)
    while let from = start {
      let page = try tables.receivables(from: from, limit: 1000)
      for receivable in page {
        let send = try tables.block(receivable.key.hash)
        report.require(
          send?.receivable
            == Receivable(
              key: receivable.key,
              source: receivable.source,
              amount: receivable.amount
            ),
          "the receivable \(receivable.key.hash) is not what its send says"
        )
        if let height = receivable.receivedAt {
          let slot = Slot(account: receivable.key.destination, height: height)
          let receive = try tables.block(at: slot)
          report.require(
            receive?.kind.isReceiving == true
              && receive?.block.link == receivable.key.hash.bytes,
            "\(slot) does not receive \(receivable.key.hash), as its row says"
          )
        } else {
          add(receivable.amount, to: \.receivables)
        }
      }
      start = page.last?.key.next
    }
  }

  private mutating func checkWeights() throws {
    let stored = try tables.weights(atLeast: .zero)
    for (representative, weight) in stored {
      let sum = weights.removeValue(forKey: representative) ?? .zero
      report.require(
        sum == weight,
        "\(representative) has weight \(weight), confirmed balances give \(sum)"
      )
    }
    for (representative, sum) in weights.sorted(by: { $0.key < $1.key }) {
      report.note("\(representative) has no weight, confirmed balances give \(sum)")
    }
  }

  private mutating func checkTotals() throws {
    let stored = try tables.totals()
    if report.isPruned {
      report.totals.burned = stored.burned
      report.totals.blocks = stored.blocks
      report.totals.confirmedBlocks = stored.confirmedBlocks
    }
    let counted = report.totals
    report.require(
      counted == stored,
      "the totals are \(stored), the rows give \(counted)"
    )
    report.require(
      try tables.hashCount() == tables.blockCount(),
      "there are more hashes or more blocks than the other"
    )
  }

  private mutating func add(_ amount: Amount, to total: WritableKeyPath<LedgerTotals, Amount>) {
    guard let sum = report.totals[keyPath: total].adding(amount) else {
      return report.note("amounts add up to more than 128 bits")
    }
    report.totals[keyPath: total] = sum
  }
}

extension LedgerTables {
  fileprivate func lowestHeight(of number: AccountNumber) throws -> Height {
    let lowest = try lowestBlock.first({ $0.bind(number.value) }) { row in
      row.isNull(0) ? nil : Height(UInt64(row.integer(0)))
    }
    return lowest.flatMap { $0 } ?? .open
  }

  fileprivate func hashCount() throws -> Int64? {
    try database.statement("SELECT count(*) FROM block_hashes").first { $0.integer(0) }
  }

  fileprivate func blockCount() throws -> Int64? {
    try database.statement("SELECT count(*) FROM blocks").first { $0.integer(0) }
  }
}

extension Height {
  /// As high as rows go.
  fileprivate static let top = Height(UInt64(Int64.max))
}

extension Account {
  /// The account that follows in order; nil after the last.
  fileprivate var next: Account? { BlockHash(bytes).next.map { Account($0.bytes) } }
}

extension ReceivableKey {
  /// The key that follows in order; nil after the last.
  fileprivate var next: ReceivableKey? {
    if let hash = hash.next { return ReceivableKey(destination: destination, hash: hash) }
    return destination.next.map { ReceivableKey(destination: $0, hash: .zero) }
  }
}
