import CSQLite
import Kernel

/// One connection to an SQLite file in write-ahead mode.
///
/// A commit is durable: the log is synced before it returns. Readers on connections of their own
/// see the last commit and neither wait for the writer nor hold it up. A connection belongs to one
/// owner at a time and is not for concurrent use.
public final class Database {
  public enum Mode: Sendable {
    /// Creates the file if there is none.
    case readWrite
    case readOnly
  }

  /// What a connection may use.
  public struct Options: Sendable {
    /// Pages kept in memory.
    public var cacheBytes: Int
    /// Of a file that is created; an existing one keeps its own.
    public var pageBytes: Int
    /// How long to wait for another process's transaction.
    public var busyTimeout: Duration
    /// Pages in the log before a commit moves them into the file.
    public var checkpointPages: Int
    /// The file grows to so many pages at most; nil leaves it to the disk.
    public var pagesMax: Int64?

    public init(
      cacheBytes: Int = 8 << 20,
      pageBytes: Int = 4096,
      busyTimeout: Duration = .seconds(5),
      checkpointPages: Int = 1000,
      pagesMax: Int64? = nil
    ) {
      self.cacheBytes = cacheBytes
      self.pageBytes = pageBytes
      self.busyTimeout = busyTimeout
      self.checkpointPages = checkpointPages
      self.pagesMax = pagesMax
    }
  }

  /// The log is cut back to this size after a large transaction.
  private static let journalBytesMax = 64 << 20

  public let path: String
  public let mode: Mode
  let handle: OpaquePointer

  /// Opens or creates a file, and reads enough of it to know that it is a whole database.
  public init(path: String, mode: Mode = .readWrite, options: Options = Options()) throws {
    self.path = path
    self.mode = mode
    let access: Int32 =
      switch mode {
      case .readWrite: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
      case .readOnly: SQLITE_OPEN_READONLY
      }
    var connection: OpaquePointer?
    // One owner at a time needs no mutex of SQLite's.
    let flags = access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
    let status = sqlite3_open_v2(path, &connection, flags, nil)
    guard status == SQLITE_OK, let connection else {
      let failure = StorageFailure(path: path, code: status, connection: connection)
      sqlite3_close_v2(connection)
      throw failure
    }
    handle = connection  // From here on `deinit` closes it.
    sqlite3_busy_timeout(handle, Int32(clamping: options.busyTimeout.wholeMilliseconds))
    try configure(options)
  }

  deinit {
    sqlite3_close_v2(handle)  // Waits for statements that are still held.
  }

  private func configure(_ options: Options) throws {
    // Negative means KiB, not pages.
    try execute("PRAGMA cache_size = \(-max(options.cacheBytes / 1024, 64))")
    try execute("PRAGMA mmap_size = 0")  // An I/O error must be an error, not a signal.
    try execute("PRAGMA temp_store = MEMORY")
    if mode == .readWrite {
      guard sqlite3_db_readonly(handle, "main") == 0 else {
        throw StorageFailure(path: path, problem: .readOnly)
      }
      try execute("PRAGMA page_size = \(options.pageBytes)")
      try execute("PRAGMA journal_mode = WAL")
      try execute("PRAGMA synchronous = FULL")
      try execute("PRAGMA wal_autocheckpoint = \(options.checkpointPages)")
      try execute("PRAGMA journal_size_limit = \(Self.journalBytesMax)")
      if let pagesMax = options.pagesMax { try execute("PRAGMA max_page_count = \(pagesMax)") }
    }
    // Reads the header and the schema; a file shorter than its header says fails here.
    try execute("SELECT count(*) FROM sqlite_schema")
  }

  // MARK: Statements

  /// Runs statements whose results do not matter.
  public func execute(_ sql: String) throws {
    let status = sqlite3_exec(handle, sql, nil, nil, nil)
    guard status == SQLITE_OK else { throw failure(status) }
  }

  /// A statement that is prepared when it is first used, and kept.
  public func statement(_ sql: String) -> Statement {
    Statement(sql, in: self)
  }

  /// The key of the last row inserted into a table that numbers its rows.
  public var lastInsertedRow: Int64 { sqlite3_last_insert_rowid(handle) }

  /// The last error of this connection.
  func failure(_ code: Int32) -> StorageFailure {
    StorageFailure(path: path, code: code, connection: handle)
  }

  /// A failure for rows that cannot be: what was found goes into the message.
  public func damaged(_ finding: String) -> StorageFailure {
    StorageFailure(path: path, problem: .damaged, detail: finding)
  }

  // MARK: Transactions

  public var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

  /// Starts to write; fails if another process is writing.
  public func begin() throws {
    try execute("BEGIN IMMEDIATE")
  }

  /// Starts to read one state of the database, which later commits do not change.
  public func beginSnapshot() throws {
    try execute("BEGIN DEFERRED")
  }

  /// Makes all since `begin` durable, or nothing of it.
  public func commit() throws {
    do {
      try execute("COMMIT")
    } catch {
      rollback()
      throw error
    }
  }

  /// Forgets all since `begin`.
  public func rollback() {
    guard isInTransaction else { return }
    // If it fails the connection has rolled back by itself, or does so when it is closed.
    sqlite3_exec(handle, "ROLLBACK", nil, nil, nil)
  }

  /// Commits what `body` writes; forgets it if `body` throws.
  public func transaction<Result>(_ body: () throws -> Result) throws -> Result {
    try begin()
    let result: Result
    do {
      result = try body()
    } catch {
      rollback()
      throw error
    }
    try commit()
    return result
  }

  /// Lets `body` read one state of the database.
  public func snapshot<Result>(_ body: () throws -> Result) throws -> Result {
    try beginSnapshot()
    defer { rollback() }
    return try body()
  }

  // MARK: Size

  /// Bytes of the file, without its log.
  public func fileBytes() throws -> Int64 {
    let pages = try statement("PRAGMA page_count").first { $0.integer(0) } ?? 0
    let size = try statement("PRAGMA page_size").first { $0.integer(0) } ?? 0
    return pages * size
  }

  /// Moves the whole log into the file.
  public func checkpoint() throws {
    try execute("PRAGMA wal_checkpoint(TRUNCATE)")
  }
}
