import Kernel
import SmallNano
import Storage

/// The tables of a ledger's file, and whose ledger it is.
enum LedgerSchema {
  /// Script n brings the schema from version n to n + 1.
  static let scripts = [version1]

  // Rows are few bytes, because a node keeps millions of them:
  //
  // - Accounts have numbers. A row is made for whoever is named, opened (`height` > 0) or not; it
  //   stays when an open block is rolled back. A key lies in two pieces, `prefix` being its first 8
  //   bytes in an order-keeping integer: the index then needs 8 bytes and not 32.
  // - The confirmed block's columns are NULL when it is the head, which is nearly always.
  // - `blocks.body` is described in BlockRow.swift. `block_hashes` finds a block by 64 bits of its
  //   hash; the whole hash is then computed from the body and compared.
  // - The tables of elections are small, and hold whole keys.
  private static let version1 = """
    CREATE TABLE accounts (
      id INTEGER PRIMARY KEY,
      prefix INTEGER NOT NULL,
      rest BLOB NOT NULL,
      height INTEGER NOT NULL,
      head BLOB,
      balance BLOB,
      representative INTEGER,
      confirmed INTEGER NOT NULL,
      confirmed_at INTEGER,
      confirmed_hash BLOB,
      confirmed_balance BLOB,
      confirmed_representative INTEGER
    );
    CREATE INDEX accounts_by_key ON accounts (prefix);
    CREATE INDEX accounts_unconfirmed ON accounts (prefix) WHERE height > confirmed;

    CREATE TABLE blocks (
      account INTEGER NOT NULL,
      height INTEGER NOT NULL,
      body BLOB NOT NULL,
      PRIMARY KEY (account, height)
    ) WITHOUT ROWID;
    CREATE TABLE block_hashes (
      prefix INTEGER NOT NULL,
      account INTEGER NOT NULL,
      height INTEGER NOT NULL,
      PRIMARY KEY (prefix, account, height)
    ) WITHOUT ROWID;

    CREATE TABLE receivables (
      destination BLOB NOT NULL,
      hash BLOB NOT NULL,
      source INTEGER NOT NULL,
      amount BLOB NOT NULL,
      received_at INTEGER,
      PRIMARY KEY (destination, hash)
    ) WITHOUT ROWID;

    CREATE TABLE weights (
      representative INTEGER PRIMARY KEY,
      weight BLOB NOT NULL
    );

    CREATE TABLE vote_records (
      account BLOB NOT NULL,
      height INTEGER NOT NULL,
      representative BLOB NOT NULL,
      round INTEGER NOT NULL,
      normal_round INTEGER,
      normal_hash BLOB,
      lock_round INTEGER,
      lock_hash BLOB,
      PRIMARY KEY (account, height, representative)
    ) WITHOUT ROWID;
    CREATE TABLE candidates (
      account BLOB NOT NULL,
      height INTEGER NOT NULL,
      hash BLOB NOT NULL,
      block BLOB NOT NULL,
      PRIMARY KEY (account, height, hash)
    ) WITHOUT ROWID;
    CREATE TABLE certificates (
      account BLOB NOT NULL,
      height INTEGER NOT NULL,
      round INTEGER NOT NULL,
      hash BLOB NOT NULL,
      votes BLOB NOT NULL,
      PRIMARY KEY (account, height, round, hash)
    );
    CREATE TABLE voters (
      representative BLOB PRIMARY KEY,
      since INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE online_samples (
      time INTEGER PRIMARY KEY,
      weight BLOB NOT NULL
    );

    CREATE TABLE peers (
      address TEXT PRIMARY KEY,
      last_seen INTEGER NOT NULL,
      failures INTEGER NOT NULL
    ) WITHOUT ROWID;
    """

  /// Opens a ledger's file for its one writer; creates it if there is none.
  static func openForWriting(
    path: String,
    parameters: NetworkParameters,
    options: Database.Options
  ) throws -> Database {
    let database = try Database(path: path, options: options)
    try database.migrate(by: scripts)
    if try chain(of: database) == nil {
      try database.transaction {
        try database.setMeta("network", to: Array(parameters.network.name.utf8))
        try database.setMeta("chain_id", to: parameters.chainID.bytes.bytes)
      }
    }
    try requireNetwork(parameters, of: database)
    return database
  }

  /// Opens a ledger's file for a reader.
  static func openForReading(
    path: String,
    parameters: NetworkParameters,
    options: Database.Options
  ) throws -> Database {
    let database = try Database(path: path, mode: .readOnly, options: options)
    try database.requireSchema(version: scripts.count)
    try requireNetwork(parameters, of: database)
    return database
  }

  private static func chain(of database: Database) throws -> Bytes32? {
    try database.meta("chain_id") { try $0.bytes32(0) }
  }

  private static func requireNetwork(
    _ parameters: NetworkParameters,
    of database: Database
  ) throws {
    guard try chain(of: database) != parameters.chainID.bytes else { return }
    let found = try database.meta("network") { $0.text(0) } ?? "unknown"
    let wanted = parameters.network.name
    let what =
      found == wanted
      ? "this ledger belongs to another \(wanted) network, with another genesis"
      : "this ledger belongs to the network \(found), not to \(wanted)"
    throw StorageFailure(path: database.path, problem: .foreign(what))
  }
}
