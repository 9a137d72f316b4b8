import Kernel
import Mesh
import Storage

/// The tables of a validator's file (SPEC-002, 2.8), and whose they are.
enum MeshSchema {
  /// Script n brings the schema from version n to n + 1.
  static let scripts = [version1]

  // - Values lie as their canonical encodings; columns beside them are what a query looks for.
  // - The log and the certificates are one table: a row's number is its place in the log.
  // - `outputs` holds `claims` as well: who took an output stands with it. Its number is the order in
  //   which this validator heard of outputs, and the index by recipient keeps that order.
  // - Of evidence there is one row for each key; `validator` is -1 where an owner is at fault.
  private static let version1 = """
    CREATE TABLE accounts (
      account BLOB PRIMARY KEY,
      state BLOB NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE locks (
      id INTEGER PRIMARY KEY,
      account BLOB NOT NULL,
      sequence INTEGER NOT NULL,
      promised INTEGER NOT NULL,
      votes BLOB NOT NULL,
      UNIQUE (account, sequence)
    );

    CREATE TABLE certificates (
      id INTEGER PRIMARY KEY,
      hash BLOB NOT NULL UNIQUE,
      account BLOB NOT NULL,
      sequence INTEGER NOT NULL,
      certificate BLOB NOT NULL,
      UNIQUE (account, sequence)
    );

    CREATE TABLE outputs (
      id INTEGER PRIMARY KEY,
      source BLOB NOT NULL,
      position INTEGER NOT NULL,
      recipient BLOB NOT NULL,
      origin BLOB NOT NULL,
      output BLOB NOT NULL,
      is_source_applied INTEGER NOT NULL,
      claimed_by BLOB,
      UNIQUE (source, position)
    );
    CREATE INDEX outputs_by_recipient ON outputs (recipient);
    CREATE INDEX outputs_unclaimed ON outputs (recipient) WHERE claimed_by IS NULL;

    CREATE TABLE buffer (
      id INTEGER PRIMARY KEY,
      account BLOB NOT NULL,
      sequence INTEGER NOT NULL,
      certificate BLOB NOT NULL,
      UNIQUE (account, sequence)
    );

    CREATE TABLE evidence (
      id INTEGER PRIMARY KEY,
      kind INTEGER NOT NULL,
      account BLOB NOT NULL,
      sequence INTEGER NOT NULL,
      validator INTEGER NOT NULL,
      body BLOB NOT NULL,
      UNIQUE (kind, account, sequence, validator)
    );

    CREATE TABLE cursors (
      validator INTEGER PRIMARY KEY,
      position INTEGER NOT NULL
    );
    """

  private static let networkKey = "network_id"
  private static let nameKey = "network"
  private static let followerKey = "follows_only"

  /// Opens a validator's file for its one writer, or creates an empty one.
  static func openForWriting(path: String, options: Database.Options) throws -> Database {
    let database = try Database(path: path, options: options)
    try database.migrate(by: scripts)
    return database
  }

  static func openForReading(path: String, options: Database.Options) throws -> Database {
    let database = try Database(path: path, mode: .readOnly, options: options)
    try database.requireSchema(version: scripts.count)
    return database
  }

  /// Ties an empty file to a network, within a transaction; a file of another network is refused.
  ///
  /// - Returns: whether the file was empty.
  static func bind(_ database: Database, to genesis: Genesis) throws -> Bool {
    guard try network(of: database) == nil else {
      try require(genesis, of: database)
      return false
    }
    try database.setMeta(networkKey, to: genesis.id.bytes.bytes)
    try database.setMeta(nameKey, to: Array(genesis.name.utf8))
    return true
  }

  static func require(_ genesis: Genesis, of database: Database) throws {
    guard let found = try network(of: database) else {
      let what = "it belongs to no network yet: `mesh-validator run` ties it to one"
      throw StorageFailure(path: database.path, problem: .foreign(what))
    }
    guard found != genesis.id else { return }
    let name = try database.meta(nameKey) { $0.text(0) } ?? "unknown"
    let what =
      name == genesis.name
      ? "it belongs to another network of the name \(name), with another genesis"
      : "it belongs to the network \(name), not to \(genesis.name)"
    throw StorageFailure(path: database.path, problem: .foreign(what))
  }

  static func network(of database: Database) throws -> NetworkID? {
    try database.meta(networkKey) { try $0.bytes32(0) }.map { NetworkID($0) }
  }

  // MARK: Voting

  /// Whether the file was made for a key that may have voted before: its locks are lost.
  static func followsOnly(_ database: Database) throws -> Bool {
    try database.meta(followerKey) { $0.bytes(0) == [1] } ?? false
  }

  static func setFollowsOnly(_ database: Database, to value: Bool) throws {
    try database.setMeta(followerKey, to: [value ? 1 : 0])
  }
}
