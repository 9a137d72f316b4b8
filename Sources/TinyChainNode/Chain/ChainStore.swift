public import Kernel
import Service
import Storage
public import TinyChain

/// The chain on disk: blocks with all that came of them, and the state at the tip; beside them, where
/// there are forks, all headers and the bodies of blocks that are not on the chain.
///
/// A block and its changes to the state are one transaction, which is on the disk before `append`
/// returns; so a crash at any write leaves the chain before the block or after it. What belongs
/// together beyond that, a reorganisation, `transaction` makes one.
public final class ChainStore {
  /// A block as it was stored.
  public struct StoredBlock: Sendable {
    public let header: Header
    public let id: Bytes32
    public let transactions: [[UInt8]]
  }

  /// A transaction with what came of it.
  public struct StoredTransaction: Sendable {
    public let bytes: [UInt8]
    public let height: UInt32
    /// In its block, from 0.
    public let index: Int
    public let receipt: [UInt8]
    public let output: [UInt8]
    public let failure: String?
  }

  let database: Database
  /// Where blocks are mined.
  let headers: HeaderTable

  /// Version by version; a released script is never edited.
  static let schema = [
    """
    CREATE TABLE blocks (
      height INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, header BLOB NOT NULL,
      changes BLOB NOT NULL, origin BLOB
    );
    CREATE TABLE transactions (
      id BLOB PRIMARY KEY, height INTEGER NOT NULL, place INTEGER NOT NULL, bytes BLOB NOT NULL,
      receipt BLOB NOT NULL, output BLOB NOT NULL, failure TEXT
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX transactions_by_place ON transactions (height, place);
    CREATE TABLE leaves (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    """,
    HeaderTable.schema2 + """
      CREATE TABLE bodies (
        id BLOB NOT NULL UNIQUE, height INTEGER NOT NULL, transactions BLOB NOT NULL
      );
      CREATE INDEX bodies_by_height ON bodies (height);
      CREATE TABLE peers (address BLOB PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID;
      """,
    HeaderTable.schema3,
    """
    CREATE TABLE pool (id BLOB NOT NULL UNIQUE, bytes BLOB NOT NULL);
    CREATE TABLE bans (
      host TEXT NOT NULL, node BLOB NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (host, node)
    ) WITHOUT ROWID;
    """,
  ]

  /// Opens the chain of these parameters, or begins it with their genesis block.
  ///
  /// The file grows to `pagesMax` pages at most; without it, the disk says.
  public init(path: String, _ parameters: NetworkParameters, pagesMax: Int64? = nil) throws {
    let options = Database.Options(cacheBytes: 2 << 20, pagesMax: pagesMax)
    database = try Database(path: path, options: options)
    try database.migrate(by: Self.schema)
    headers = try HeaderTable(of: database)
    let genesis = parameters.genesis
    if try database.meta("genesis", read: { $0.bytes(0) }) == nil {
      try database.transaction {
        try insert(genesis)
        try database.setMeta("genesis", to: genesis.id.bytes)
      }
    }
    guard try database.meta("genesis", read: { $0.bytes(0) }) == genesis.id.bytes else {
      throw StorageFailure(path: path, problem: .foreign("this is the chain of another network"))
    }
  }

  /// Opens a store that another connection writes, to read it.
  public init(reading path: String, _ parameters: NetworkParameters) throws {
    let options = Database.Options(cacheBytes: 1 << 20)
    database = try Database(path: path, mode: .readOnly, options: options)
    try database.requireSchema(version: Self.schema.count)
    // Whoever writes knows of the newest headers what is in memory alone: here the blocks are read.
    headers = try HeaderTable(reading: database)
  }

  /// The chain at its tip.
  public func chain(_ parameters: NetworkParameters) throws -> Chain {
    let leaves = try database.statement("SELECT key, value FROM leaves").all {
      (key: $0.bytes(0), value: $0.bytes(1))
    }
    let state = State(leaves: leaves)
    let query = "SELECT height, id, header FROM blocks ORDER BY height DESC LIMIT 1"
    guard let tip = try database.statement(query).first(read: Self.block) else {
      throw database.damaged("the store has no block")
    }
    guard state.tree.root == tip.header.stateRoot else {
      throw database.damaged("the state is not that of block \(tip.header.height)")
    }
    return Chain(parameters, state: state, tip: tip.header, id: tip.id)
  }

  // MARK: Changing

  /// Makes all that `body` does one change: on the disk when this returns, or nothing of it.
  ///
  /// Within another it is a part of that one.
  public func transaction<Result>(_ body: () throws -> Result) throws -> Result {
    guard !database.isInTransaction else { return try body() }
    do {
      return try database.transaction(body)
    } catch {
      try headers.load()
      throw error
    }
  }

  /// Keeps a block upon the tip.
  ///
  /// `origin` is what it was made of, if that is not its own: a commit.
  public func append(_ block: ExecutedBlock, origin: [UInt8]? = nil) throws {
    try transaction { try insert(block, origin: origin) }
  }

  private func insert(_ block: ExecutedBlock, origin: [UInt8]? = nil) throws {
    let height = Int64(block.header.height)
    try insertBlock.run {
      $0.bind(height)
      $0.bind(block.id)
      $0.bind(block.header.bytes)
      $0.bind(StateJournal.bytes(of: block.changes))
      $0.bind(origin)
    }
    // In the table's order: then a page of it that has gone out of the cache is read once, not for each.
    let order = block.transactions.indices.sorted {
      block.transactions[$0].id < block.transactions[$1].id
    }
    for index in order {
      let (transaction, execution) = (block.transactions[index], block.executions[index])
      try insertTransaction.run {
        $0.bind(transaction.id)
        $0.bind(height)
        $0.bind(index)
        $0.bind(transaction.bytes)
        $0.bind(execution.receipt.bytes)
        $0.bind(execution.output)
        if let failure = execution.failure { $0.bind(failure.name) } else { $0.bindNull() }
      }
    }
    for change in block.changes { try set(change.key, to: change.after) }
  }

  /// Takes the tip away, and with it what it did.
  ///
  /// - Returns: its changes, and the block before it.
  public func undoTip(at height: UInt32) throws -> (changes: [StateChange], parent: StoredBlock) {
    try transaction {
      let journal = try database.statement("SELECT changes FROM blocks WHERE height = ?").first {
        $0.bind(Int64(height))
      } read: {
        $0.bytes(0)
      }
      guard height > 0, let journal, let changes = try? StateJournal.changes(of: journal),
        let parent = try block(at: height - 1)
      else { throw database.damaged("block \(height) cannot be undone") }
      for change in changes { try set(change.key, to: change.before) }
      for table in ["transactions", "blocks"] {
        try database.statement("DELETE FROM \(table) WHERE height = ?").run {
          $0.bind(Int64(height))
        }
      }
      return (changes, parent)
    }
  }

  private func set(_ key: [UInt8], to value: [UInt8]?) throws {
    if let value {
      try setLeaf.run {
        $0.bind(key)
        $0.bind(value)
      }
    } else {
      try removeLeaf.run { $0.bind(key) }
    }
  }

  private lazy var insertBlock = database.statement(
    "INSERT INTO blocks (height, id, header, changes, origin) VALUES (?, ?, ?, ?, ?)"
  )
  private lazy var insertTransaction = database.statement(
    "INSERT INTO transactions (id, height, place, bytes, receipt, output, failure) "
      + "VALUES (?, ?, ?, ?, ?, ?, ?)"
  )
  private lazy var setLeaf = database.statement(
    "INSERT OR REPLACE INTO leaves (key, value) VALUES (?, ?)"
  )
  private lazy var removeLeaf = database.statement("DELETE FROM leaves WHERE key = ?")

  // MARK: Reading

  public func block(at height: UInt32) throws -> StoredBlock? {
    let block = try database.statement("SELECT height, id, header FROM blocks WHERE height = ?")
      .first({ $0.bind(Int64(height)) }, read: Self.block)
    guard let block else { return nil }
    let query = "SELECT bytes FROM transactions WHERE height = ? ORDER BY place"
    let transactions = try database.statement(query).all {
      $0.bind(Int64(height))
    } read: {
      $0.bytes(0)
    }
    return StoredBlock(header: block.header, id: block.id, transactions: transactions)
  }

  /// The height of a block on the chain.
  public func height(of id: Bytes32) throws -> UInt32? {
    try database.statement("SELECT height FROM blocks WHERE id = ?").first {
      $0.bind(id)
    } read: {
      UInt32(clamping: $0.integer(0))
    }
  }

  /// What the blocks were made of, in their order.
  public func origins() throws -> [[UInt8]] {
    let query = "SELECT origin FROM blocks WHERE origin IS NOT NULL ORDER BY height"
    return try database.statement(query).all { $0.bytes(0) }
  }

  /// Headers from a height on, at most so many.
  public func headers(from height: UInt32, count: Int) throws -> [Header] {
    let query = "SELECT height, id, header FROM blocks WHERE height >= ? ORDER BY height LIMIT ?"
    return try database.statement(query).all {
      $0.bind(Int64(height))
      $0.bind(count)
    } read: {
      try Self.block($0).header
    }
  }

  public func transaction(_ id: Bytes32) throws -> StoredTransaction? {
    let columns = "bytes, height, place, receipt, output, failure"
    return try database.statement("SELECT \(columns) FROM transactions WHERE id = ?").first {
      $0.bind(id)
    } read: { row in
      StoredTransaction(
        bytes: row.bytes(0),
        height: UInt32(clamping: row.integer(1)),
        index: Int(row.integer(2)),
        receipt: row.bytes(3),
        output: row.bytes(4),
        failure: row.isNull(5) ? nil : row.text(5)
      )
    }
  }

  /// The receipts of a block, in its order.
  public func receipts(at height: UInt32) throws -> [[UInt8]] {
    try database.statement("SELECT receipt FROM transactions WHERE height = ? ORDER BY place").all {
      $0.bind(Int64(height))
    } read: {
      $0.bytes(0)
    }
  }

  private static func block(_ row: Statement.Row) throws -> StoredBlock {
    guard let header = try? Header(row.bytes(2)), Int64(header.height) == row.integer(0) else {
      throw row.damaged("a header that cannot be read")
    }
    return StoredBlock(header: header, id: try row.bytes32(1), transactions: [])
  }
}
