import Kernel
public import SmallNano
import Storage

/// The rows of a ledger's file as the values they stand for, over one connection.
///
/// Reads throw `StorageFailure`. Writes need an open transaction; only the store makes them.
public final class LedgerTables {
  let database: Database
  let chain: ChainID
  let numbers: AccountNumbers
  /// Cuts a block's hash to the bits that `block_hashes` holds.
  ///
  /// All 64, except in the tests of what happens when they collide.
  private let hashMask: UInt64

  init(of database: Database, chain: ChainID, hashMask: UInt64 = .max) {
    self.database = database
    self.chain = chain
    self.hashMask = hashMask
    numbers = AccountNumbers(of: database)
  }

  // MARK: Accounts

  private static let stateColumns = """
    height, head, balance, representative, confirmed, confirmed_at, confirmed_hash,
    confirmed_balance, confirmed_representative
    """
  private lazy var readState = database.statement(
    "SELECT \(Self.stateColumns) FROM accounts WHERE id = ? AND height > 0"
  )
  private lazy var scanStates = database.statement(
    """
    SELECT \(Self.stateColumns), prefix, rest FROM accounts
    WHERE prefix >= ?1 AND (prefix > ?1 OR rest >= ?2) AND height > 0
    ORDER BY prefix, rest LIMIT ?3
    """
  )
  private lazy var scanUnconfirmed = database.statement(
    """
    SELECT \(Self.stateColumns), prefix, rest FROM accounts
    WHERE prefix >= ?1 AND (prefix > ?1 OR rest >= ?2) AND height > confirmed
    ORDER BY prefix, rest LIMIT ?3
    """
  )
  private lazy var updateState = database.statement(
    """
    UPDATE accounts SET height = ?, head = ?, balance = ?, representative = ?, confirmed = ?,
    confirmed_at = ?, confirmed_hash = ?, confirmed_balance = ?, confirmed_representative = ?
    WHERE id = ?
    """
  )

  public func account(_ account: Account) throws -> AccountState? {
    guard let number = try numbers.number(of: account) else { return nil }
    return try readState.first({ $0.bind(number.value) }, read: state(of:))
  }

  /// In account order, from the first account that is not below `start`.
  public func accounts(
    from start: Account,
    limit: Int
  ) throws -> [(account: Account, state: AccountState)] {
    try states(by: scanStates, from: start, limit: limit)
  }

  /// Those with blocks above their confirmed height, in account order.
  public func unconfirmedAccounts(
    from start: Account,
    limit: Int
  ) throws -> [(account: Account, state: AccountState)] {
    try states(by: scanUnconfirmed, from: start, limit: limit)
  }

  private func states(
    by scan: Statement,
    from start: Account,
    limit: Int
  ) throws -> [(account: Account, state: AccountState)] {
    let bind: (inout Statement.Parameters) -> Void = {
      start.bind(to: &$0)
      $0.bind(limit)
    }
    return try scan.all(bind) { (try Account(row: $0, at: 9), try state(of: $0)) }
  }

  private func state(of row: Statement.Row) throws -> AccountState {
    var state = AccountState(
      head: BlockHash(try row.bytes32(1)),
      height: Height(UInt64(row.integer(0))),
      balance: try row.amount(2),
      representative: try numbers.account(AccountNumber(row.integer(3)))
    )
    let height = Height(UInt64(row.integer(4)))
    guard height.number > 0 else { return state }
    let isHead = row.isNull(6)
    state.confirmed = ConfirmedFrontier(
      hash: isHead ? state.head : BlockHash(try row.bytes32(6)),
      height: height,
      balance: isHead ? state.balance : try row.amount(7),
      representative: isHead
        ? state.representative : try numbers.account(AccountNumber(row.integer(8))),
      confirmedAt: UInt32(truncatingIfNeeded: row.integer(5))
    )
    return state
  }

  func put(_ account: Account, _ state: AccountState) throws {
    let number = try numbers.makeNumber(of: account)
    let representative = try numbers.makeNumber(of: state.representative)
    // The confirmed block's columns, unless they would repeat the head's.
    var frontier: (confirmed: ConfirmedFrontier, representative: AccountNumber)?
    if let confirmed = state.confirmed, confirmed.hash != state.head {
      frontier = (confirmed, try numbers.makeNumber(of: confirmed.representative))
    }
    try updateState.run {
      $0.bind(Int64(state.height.number))
      $0.bind(state.head.bytes)
      $0.bind(state.balance.compact)
      $0.bind(representative.value)
      $0.bind(Int64(state.confirmedHeight.number))
      $0.bind(state.confirmed.map { Int64($0.confirmedAt) })
      $0.bind(frontier?.confirmed.hash.bytes)
      $0.bind(frontier?.confirmed.balance.compact)
      $0.bind(frontier?.representative.value)
      $0.bind(number.value)
    }
  }

  func remove(_ account: Account) throws {
    guard let number = try numbers.number(of: account) else { return }
    try updateState.run {
      $0.bind(0)
      for _ in 0..<3 { $0.bindNull() }
      $0.bind(0)
      for _ in 0..<4 { $0.bindNull() }
      $0.bind(number.value)
    }
  }

  // MARK: Blocks

  private lazy var descendBlocks = database.statement(
    "SELECT height, body FROM blocks WHERE account = ? AND height <= ? ORDER BY height DESC"
  )
  lazy var lowestBlock = database.statement(
    "SELECT min(height) FROM blocks WHERE account = ?"
  )
  private lazy var insertBlock = database.statement(
    "INSERT INTO blocks (account, height, body) VALUES (?, ?, ?)"
  )
  private lazy var deleteBlock = database.statement(
    "DELETE FROM blocks WHERE account = ? AND height = ?"
  )
  private lazy var findHash = database.statement(
    "SELECT account, height FROM block_hashes WHERE prefix = ?"
  )
  private lazy var insertHash = database.statement(
    "INSERT INTO block_hashes (prefix, account, height) VALUES (?, ?, ?)"
  )
  private lazy var deleteHash = database.statement(
    "DELETE FROM block_hashes WHERE prefix = ? AND account = ? AND height = ?"
  )

  /// A block of the chain, confirmed or not.
  public func block(_ hash: BlockHash) throws -> LedgerBlock? {
    let places = try findHash.all({ $0.bind(prefix(of: hash)) }) {
      (AccountNumber($0.integer(0)), Height(UInt64($0.integer(1))))
    }
    for (number, height) in places {
      let found = try blocks(
        of: try numbers.account(number),
        number,
        from: height,
        through: height
      )
      if let block = found.last, block.hash == hash { return block }
    }
    return nil
  }

  public func block(at slot: Slot) throws -> LedgerBlock? {
    try blocks(of: slot.account, from: slot.height, through: slot.height).last
  }

  /// The blocks of an account's chain at the heights of a range, ascending.
  ///
  /// Those that do not exist are left out. The caller bounds the range.
  public func blocks(
    of account: Account,
    from low: Height,
    through high: Height
  ) throws -> [LedgerBlock] {
    guard let number = try numbers.number(of: account) else { return [] }
    return try blocks(of: account, number, from: low, through: high)
  }

  func blocks(
    of account: Account,
    _ number: AccountNumber,
    from low: Height,
    through high: Height
  ) throws -> [LedgerBlock] {
    // No row has a height above Int64.max; a peer may ask for one.
    guard low <= high, low.number > 0, low.number <= UInt64(Int64.max) else { return [] }
    var rows: [(height: Height, body: [UInt8])] = []
    let bind: (inout Statement.Parameters) -> Void = {
      $0.bind(number.value)
      $0.bind(Int64(clamping: high.number))
    }
    try descendBlocks.forEach(bind) { row in
      let height = Height(UInt64(row.integer(0)))
      guard !rows.isEmpty || height >= low else { return false }
      let body = row.bytes(1)
      rows.append((height, body))
      return height > low || !BlockRow.isAnchor(body)
    }
    var chain: [LedgerBlock] = []
    for (height, body) in rows.reversed() {
      chain.append(try block(of: account, at: height, body, above: chain.last))
    }
    return Array(chain.drop { $0.block.height < low })
  }

  private func block(
    of account: Account,
    at height: Height,
    _ body: [UInt8],
    above below: LedgerBlock?
  ) throws -> LedgerBlock {
    let row: BlockRow
    do {
      row = try BlockRow(body, at: height)
    } catch {
      throw database.damaged("the row of block \(height) of \(account) \(error)")
    }
    guard below == nil || below?.block.height.next == height,
      let previous = row.anchor?.previous ?? below?.hash,
      let balance = row.balance(after: below?.block.balance)
    else {
      throw database.damaged("block \(height) of \(account) does not follow from the one below")
    }
    let link: Bytes32 =
      switch row.link {
      case .account(let number): try numbers.account(number).bytes
      case .hash(let hash): hash
      case .none: .zero
      }
    let block = Block(
      account: account,
      previous: previous,
      representative: try numbers.account(row.representative),
      balance: balance,
      link: link,
      height: height,
      work: row.work,
      signature: row.signature,
      on: chain
    )
    return LedgerBlock(block: block, kind: row.kind, amount: row.amount)
  }

  /// On top of the account's chain.
  func put(_ ledgerBlock: LedgerBlock) throws {
    let block = ledgerBlock.block
    let number = try numbers.makeNumber(of: block.account)
    let link: BlockRow.Link =
      switch ledgerBlock.kind {
      case .send: .account(try numbers.makeNumber(of: Account(block.link)))
      case .open, .receive, .epoch: .hash(block.link)
      case .change: .none
      }
    let row = BlockRow(
      kind: ledgerBlock.kind,
      work: block.work,
      signature: block.signature,
      amount: ledgerBlock.amount,
      representative: try numbers.makeNumber(of: block.representative),
      link: link,
      anchor: BlockRow.isAnchor(block.height)
        ? BlockRow.Anchor(previous: block.previous, balance: block.balance) : nil
    )
    try insertBlock.run {
      $0.bind(number.value)
      $0.bind(Int64(block.height.number))
      $0.bind(row.encoded(at: block.height))
    }
    try insertHash.run {
      $0.bind(prefix(of: block.hash))
      $0.bind(number.value)
      $0.bind(Int64(block.height.number))
    }
  }

  /// The topmost block of the account's chain: those above would lose what they are read by.
  func removeBlock(at slot: Slot) throws {
    guard let number = try numbers.number(of: slot.account),
      let block = try block(at: slot)
    else { return }
    try deleteHash.run {
      $0.bind(prefix(of: block.hash))
      $0.bind(number.value)
      $0.bind(Int64(slot.height.number))
    }
    try deleteBlock.run {
      $0.bind(number.value)
      $0.bind(Int64(slot.height.number))
    }
  }

  /// Whether `block_hashes` leads from a hash to its block.
  func isIndexed(_ hash: BlockHash, at number: AccountNumber, _ height: Height) throws -> Bool {
    try findHash.all({ $0.bind(prefix(of: hash)) }) { ($0.integer(0), $0.integer(1)) }
      .contains { $0 == (number.value, Int64(height.number)) }
  }

  private func prefix(of hash: BlockHash) -> Int64 {
    Int64(bitPattern: hash.bytes.words.0 & hashMask)
  }

  // MARK: Receivables

  private lazy var readReceivable = database.statement(
    "SELECT source, amount, received_at FROM receivables WHERE destination = ? AND hash = ?"
  )
  private lazy var scanReceivables = database.statement(
    """
    SELECT source, amount, received_at, destination, hash FROM receivables
    WHERE (destination, hash) >= (?, ?) ORDER BY destination, hash LIMIT ?
    """
  )
  private lazy var putReceivable = database.statement(
    """
    INSERT OR REPLACE INTO receivables (destination, hash, source, amount, received_at)
    VALUES (?, ?, ?, ?, ?)
    """
  )
  private lazy var deleteReceivable = database.statement(
    "DELETE FROM receivables WHERE destination = ? AND hash = ?"
  )

  public func receivable(_ key: ReceivableKey) throws -> Receivable? {
    try readReceivable.first({ key.bind(to: &$0) }) { try receivable(key, of: $0) }
  }

  /// In key order, from the first key that is not below `start`.
  public func receivables(from start: ReceivableKey, limit: Int) throws -> [Receivable] {
    let bind: (inout Statement.Parameters) -> Void = {
      start.bind(to: &$0)
      $0.bind(limit)
    }
    return try scanReceivables.all(bind) { row in
      let key = ReceivableKey(
        destination: Account(try row.bytes32(3)),
        hash: BlockHash(try row.bytes32(4))
      )
      return try receivable(key, of: row)
    }
  }

  private func receivable(_ key: ReceivableKey, of row: Statement.Row) throws -> Receivable {
    Receivable(
      key: key,
      source: try numbers.account(AccountNumber(row.integer(0))),
      amount: try row.amount(1),
      receivedAt: row.isNull(2) ? nil : Height(UInt64(row.integer(2)))
    )
  }

  func put(_ receivable: Receivable) throws {
    let source = try numbers.makeNumber(of: receivable.source)
    try putReceivable.run {
      receivable.key.bind(to: &$0)
      $0.bind(source.value)
      $0.bind(receivable.amount.compact)
      $0.bind(receivable.receivedAt.map { Int64($0.number) })
    }
  }

  func removeReceivable(_ key: ReceivableKey) throws {
    try deleteReceivable.run { key.bind(to: &$0) }
  }

  // MARK: Weights

  private lazy var readWeight = database.statement(
    "SELECT weight FROM weights WHERE representative = ?"
  )
  private lazy var scanWeights = database.statement("SELECT representative, weight FROM weights")
  private lazy var putWeight = database.statement(
    "INSERT OR REPLACE INTO weights (representative, weight) VALUES (?, ?)"
  )
  private lazy var deleteWeight = database.statement(
    "DELETE FROM weights WHERE representative = ?"
  )

  /// Confirmed weight delegated to a representative.
  public func weight(of representative: Account) throws -> Amount {
    guard let number = try numbers.number(of: representative) else { return .zero }
    return try readWeight.first({ $0.bind(number.value) }, read: { try $0.amount(0) }) ?? .zero
  }

  /// Those with at least `minimum`, in account order; reads every weight.
  public func weights(
    atLeast minimum: Amount
  ) throws -> [(representative: Account, weight: Amount)] {
    var found: [(number: AccountNumber, weight: Amount)] = []
    try scanWeights.forEach { row in
      let weight = try row.amount(1)
      if weight >= minimum { found.append((AccountNumber(row.integer(0)), weight)) }
      return true
    }
    return try found.map { (representative: try numbers.account($0.number), weight: $0.weight) }
      .sorted { $0.representative < $1.representative }
  }

  func putWeight(_ weight: Amount, of representative: Account) throws {
    let number = try numbers.makeNumber(of: representative)
    guard weight > .zero else { return try deleteWeight.run { $0.bind(number.value) } }
    try putWeight.run {
      $0.bind(number.value)
      $0.bind(weight.compact)
    }
  }

  // MARK: Totals

  private static let totalsName = "totals"

  public func totals() throws -> LedgerTotals {
    let bytes = try database.meta(Self.totalsName) { $0.bytes(0) }
    guard let bytes else { return LedgerTotals() }
    do {
      return try LedgerTotals(row: bytes)
    } catch {
      throw database.damaged("the row of totals \(error)")
    }
  }

  func put(_ totals: LedgerTotals) throws {
    try database.setMeta(Self.totalsName, to: totals.row)
  }
}

extension LedgerTotals {
  // balances 16 ‖ receivables 16 ‖ burned 16 ‖ accounts 8 ‖ blocks 8 ‖ confirmed blocks 8

  fileprivate var row: [UInt8] {
    var writer = ByteWriter(capacity: 72)
    for amount in [balances, receivables, burned] { writer.integer(amount.raw) }
    for count in [accounts, blocks, confirmedBlocks] { writer.integer(count) }
    return writer.bytes
  }

  fileprivate init(row: [UInt8]) throws(DecodingFailure) {
    var reader = ByteReader(row)
    self.init(
      balances: Amount(raw: try reader.uint128()),
      receivables: Amount(raw: try reader.uint128()),
      burned: Amount(raw: try reader.uint128()),
      accounts: try reader.uint64(),
      blocks: try reader.uint64(),
      confirmedBlocks: try reader.uint64()
    )
    try reader.finish()
  }
}

extension Statement.Row {
  func amount(_ column: Int32) throws -> Amount {
    do {
      return try Amount(compact: bytes(column))
    } catch {
      throw damaged("an amount \(error)")
    }
  }
}

extension ReceivableKey {
  fileprivate func bind(to parameters: inout Statement.Parameters) {
    parameters.bind(destination.bytes)
    parameters.bind(hash.bytes)
  }
}
