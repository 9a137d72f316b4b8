import CSQLite
public import Kernel

/// A prepared statement of one connection.
///
/// Values are bound in order, rows are read by column number. It is reset after each use, so a
/// forgotten one holds no lock.
public final class Statement {
  private let sql: String
  private let database: Database
  private var handle: OpaquePointer?
  private var isRunning = false

  init(_ sql: String, in database: Database) {
    self.sql = sql
    self.database = database
  }

  deinit {
    sqlite3_finalize(handle)
  }

  /// Binds the parameters of a statement, first to last.
  public struct Parameters: ~Copyable {
    fileprivate let handle: OpaquePointer
    fileprivate var count: Int32 = 0
    fileprivate var status = SQLITE_OK

    fileprivate init(_ handle: OpaquePointer) {
      self.handle = handle
    }

    public mutating func bind(_ value: Int64) {
      note(sqlite3_bind_int64(handle, next(), value))
    }

    public mutating func bind(_ value: Int) {
      bind(Int64(value))
    }

    public mutating func bind(_ value: [UInt8]) {
      value.withUnsafeBytes { bind($0) }
    }

    public mutating func bind(_ value: Bytes32) {
      value.withUnsafeBytes { bind($0) }
    }

    public mutating func bind(_ value: String) {
      var value = value
      value.withUTF8 { text in
        // An empty string may have no address; SQLite would take that for NULL.
        let start = text.baseAddress.map { UnsafeRawPointer($0) } ?? Self.nowhere
        note(
          sqlite3_bind_text(
            handle,
            next(),
            start.assumingMemoryBound(to: CChar.self),
            Int32(text.count),
            Self.copied
          )
        )
      }
    }

    /// NULL for nil.
    public mutating func bind(_ value: Int64?) {
      if let value { bind(value) } else { bindNull() }
    }

    /// NULL for nil.
    public mutating func bind(_ value: [UInt8]?) {
      if let value { bind(value) } else { bindNull() }
    }

    /// NULL for nil.
    public mutating func bind(_ value: Bytes32?) {
      if let value { bind(value) } else { bindNull() }
    }

    public mutating func bindNull() {
      note(sqlite3_bind_null(handle, next()))
    }

    public mutating func bind(_ bytes: UnsafeRawBufferPointer) {
      let start = bytes.baseAddress ?? Self.nowhere
      note(sqlite3_bind_blob(handle, next(), start, Int32(bytes.count), Self.copied))
    }

    private mutating func next() -> Int32 {
      count += 1
      return count
    }

    private mutating func note(_ status: Int32) {
      if self.status == SQLITE_OK { self.status = status }
    }

    /// An address to stand for no bytes.
    private static var nowhere: UnsafeRawPointer {
      UnsafeRawPointer(bitPattern: 16).unsafelyUnwrapped
    }

    /// SQLITE_TRANSIENT, a cast that Swift does not import: SQLite copies the value at once.
    private static var copied: sqlite3_destructor_type {
      unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    }
  }

  /// The row a statement stands on; valid only within the closure that gets it.
  public struct Row {
    fileprivate let handle: OpaquePointer
    fileprivate let database: Database

    public func isNull(_ column: Int32) -> Bool {
      sqlite3_column_type(handle, column) == SQLITE_NULL
    }

    /// 0 for NULL.
    public func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    /// Empty for NULL.
    public func bytes(_ column: Int32) -> [UInt8] {
      withBytes(column) { [UInt8]($0) }
    }

    public func withBytes<Result>(
      _ column: Int32,
      _ body: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
      let start = sqlite3_column_blob(handle, column)
      let count = Int(sqlite3_column_bytes(handle, column))
      return try body(UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
    }

    /// A failure for a row that cannot be.
    public func damaged(_ finding: String) -> StorageFailure { database.damaged(finding) }

    /// Throws a failure unless the column holds 32 bytes.
    public func bytes32(_ column: Int32) throws -> Bytes32 {
      let value = withBytes(column) { bytes -> Bytes32? in
        guard bytes.count == 32 else { return nil }
        func word(_ index: Int) -> UInt64 {
          UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
        }
        return Bytes32(words: (word(0), word(1), word(2), word(3)))
      }
      guard let value else { throw database.damaged("a column of 32 bytes has another length") }
      return value
    }

    /// Empty for NULL.
    public func text(_ column: Int32) -> String {
      withBytes(column) { String(decoding: $0, as: UTF8.self) }
    }
  }

  // MARK: Running

  /// Runs a statement that returns no rows.
  public func run(_ bind: (inout Parameters) -> Void = { _ in }) throws {
    try start(bind)
    defer { end() }
    while try step() != nil {}
  }

  /// The first row, if there is one.
  public func first<Result>(
    _ bind: (inout Parameters) -> Void = { _ in },
    read: (Row) throws -> Result
  ) throws -> Result? {
    try start(bind)
    defer { end() }
    return try step().map(read)
  }

  /// Each row in turn, until `read` answers false.
  public func forEach(
    _ bind: (inout Parameters) -> Void = { _ in },
    read: (Row) throws -> Bool
  ) throws {
    try start(bind)
    defer { end() }
    while let row = try step() {
      guard try read(row) else { return }
    }
  }

  /// All rows; the statement's own LIMIT bounds them.
  public func all<Result>(
    _ bind: (inout Parameters) -> Void = { _ in },
    read: (Row) throws -> Result
  ) throws -> [Result] {
    var rows: [Result] = []
    try forEach(bind) { row in
      rows.append(try read(row))
      return true
    }
    return rows
  }

  private func start(_ bind: (inout Parameters) -> Void) throws {
    precondition(!isRunning)  // Its rows would be mixed up.
    if handle == nil {
      let flags = UInt32(SQLITE_PREPARE_PERSISTENT)
      let status = sqlite3_prepare_v3(database.handle, sql, -1, flags, &handle, nil)
      guard status == SQLITE_OK else { throw database.failure(status) }
    }
    guard let handle else { preconditionFailure("a statement without text") }
    var parameters = Parameters(handle)
    bind(&parameters)
    guard parameters.status == SQLITE_OK else { throw database.failure(parameters.status) }
    precondition(parameters.count == sqlite3_bind_parameter_count(handle))
    isRunning = true
  }

  private func step() throws -> Row? {
    guard let handle else { return nil }
    switch sqlite3_step(handle) {
    case SQLITE_ROW: return Row(handle: handle, database: database)
    case SQLITE_DONE: return nil
    case let status: throw database.failure(status)
    }
  }

  private func end() {
    sqlite3_reset(handle)
    isRunning = false
  }
}
