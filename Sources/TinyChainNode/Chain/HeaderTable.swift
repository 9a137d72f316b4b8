public import Kernel
import Storage
public import TinyChain

/// A header as it is kept: with the work of the whole branch up to it, and what is known of its body.
public struct StoredHeader: Hashable, Sendable {
  public enum Status: UInt8, Sendable {
    /// Nothing but the header.
    case header
    /// The body was executed to the header's roots.
    case executed
    /// The body fails, or that of an ancestor: never to be tried again.
    case invalid
  }

  public let header: Header
  public let id: Bytes32
  /// Of the branch from the genesis block on, as a big-endian number.
  public let work: Bytes32
  public var status: Status

  public init(_ header: Header, id: Bytes32, work: Bytes32, status: Status = .header) {
    (self.header, self.id, self.work, self.status) = (header, id, work, status)
  }
}

/// All headers that are known, on whatever branch, and which of them are the heaviest.
///
/// Rows are numbered as they come, so new ones go to the end of the file. Their ids are as good as
/// random, and an index of them that is kept at once writes a page for each. So the newest are found
/// in memory, and when `tailMax` of them have gathered they go into the index together and in
/// order, which writes each page of it once.
final class HeaderTable {
  static let schema = """
    CREATE TABLE headers (
      number INTEGER PRIMARY KEY, parent INTEGER, header BLOB NOT NULL, work BLOB NOT NULL,
      status INTEGER NOT NULL
    );
    CREATE TABLE header_index (
      key INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (key, number)
    ) WITHOUT ROWID;
    CREATE TABLE heaviest (height INTEGER PRIMARY KEY, number INTEGER NOT NULL);
    """

  /// Headers found in memory: 2 MB, and a twentieth of a second to read them at the start.
  static let tailMax = 32_768
  private static let indexedName = "headers_indexed"

  private let database: Database
  private let tailMax: Int
  /// Bits of an id that the index has.
  private let keyMask: UInt64
  private var tail: [Bytes32: Int64] = [:]
  /// Those after it are in `tail`.
  private var indexed: Int64 = 0
  private var count: Int64 = 0
  /// The last of `heaviest`.
  private var best: (height: UInt32, number: Int64)?

  /// With another `tailMax` and `keyMask`, so that a test need not make as many, and sees keys collide.
  init(of database: Database, tailMax: Int = HeaderTable.tailMax, keyMask: UInt64 = .max) throws {
    (self.database, self.tailMax, self.keyMask) = (database, tailMax, keyMask)
    try load()
  }

  /// Reads again what is kept in memory; so also after a transaction was given up.
  func load() throws {
    indexed = try database.meta(Self.indexedName) { $0.integer(0) } ?? 0
    count = try database.statement("SELECT max(number) FROM headers").first { $0.integer(0) } ?? 0
    tail = [:]
    try database.statement("SELECT number, header FROM headers WHERE number > ?").forEach {
      $0.bind(indexed)
    } read: { row in
      tail[SHA256.double(row.bytes(1))] = row.integer(0)
      return true
    }
    let last = "SELECT height, number FROM heaviest ORDER BY height DESC LIMIT 1"
    best = try database.statement(last).first { (UInt32(clamping: $0.integer(0)), $0.integer(1)) }
  }

  // MARK: Changing

  /// Keeps a header whose parent is kept, or the first of all; one that is known stays as it is.
  func add(_ entry: StoredHeader) throws {
    guard try number(of: entry.id) == nil else { return }
    let parent = count == 0 ? nil : try number(of: entry.header.parent)
    guard count == 0 || parent != nil else {
      throw database.damaged("the parent of header \(entry.id) is not kept")
    }
    count += 1
    try insertRow.run {
      $0.bind(count)
      $0.bind(parent)
      $0.bind(entry.header.bytes)
      $0.bind(Self.compact(entry.work))
      $0.bind(Int(entry.status.rawValue))
    }
    tail[entry.id] = count
    if tail.count >= tailMax { try index() }
  }

  private func index() throws {
    for (id, number) in tail.sorted(by: { key(of: $0.key) < key(of: $1.key) }) {
      try insertKey.run {
        $0.bind(key(of: id))
        $0.bind(number)
      }
    }
    tail = [:]
    indexed = count
    try database.statement("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)").run {
      $0.bind(Self.indexedName)
      $0.bind(indexed)
    }
  }

  func mark(_ id: Bytes32, _ status: StoredHeader.Status) throws {
    guard let number = try number(of: id) else {
      throw database.damaged("header \(id) is not kept")
    }
    try setStatus.run {
      $0.bind(Int(status.rawValue))
      $0.bind(number)
    }
  }

  /// Makes a branch the heaviest: from its last header back to where it left the one that was.
  func setHeaviest(_ id: Bytes32) throws {
    guard let number = try number(of: id), let header = try entry(number: number)?.header else {
      throw database.damaged("header \(id) is not kept")
    }
    var branch: [Int64] = []
    var next: Int64? = number
    var height = Int64(header.height)
    while let current = next {
      if let best, best.number == current { break }
      if try self.number(at: height) == current { break }
      branch.append(current)
      (next, height) = (try parent(of: current), height - 1)
    }
    let fork = Int64(header.height) - Int64(branch.count)
    if let best, Int64(best.height) > fork {
      try database.statement("DELETE FROM heaviest WHERE height > ?").run { $0.bind(fork) }
    }
    for (offset, number) in branch.reversed().enumerated() {
      try insertHeaviest.run {
        $0.bind(fork + 1 + Int64(offset))
        $0.bind(number)
      }
    }
    best = (header.height, number)
  }

  // MARK: Reading

  func entry(of id: Bytes32) throws -> StoredHeader? {
    try number(of: id).flatMap { try entry(number: $0, id: id) }
  }

  /// Of the heaviest branch.
  func entry(at height: UInt32) throws -> StoredHeader? {
    try number(at: Int64(height)).flatMap { try entry(number: $0) }
  }

  /// The last of the heaviest branch.
  func heaviest() throws -> StoredHeader? {
    try best.flatMap { try entry(number: $0.number) }
  }

  /// The newest that are known, on all branches, in the order in which they came.
  func newest(_ limit: Int) throws -> [StoredHeader] {
    let query = "SELECT header, work, status FROM headers WHERE number > ? ORDER BY number"
    return try database.statement(query).all({ $0.bind(max(0, count - Int64(limit))) }) {
      try Self.entry($0)
    }
  }

  /// Headers of the heaviest branch from a height on, at most so many.
  func headers(from height: UInt32, limit: Int) throws -> [StoredHeader] {
    try readHeaviest.all {
      $0.bind(Int64(height))
      $0.bind(limit)
    } read: {
      try Self.entry($0)
    }
  }

  private func number(of id: Bytes32) throws -> Int64? {
    if let number = tail[id] { return number }
    guard indexed > 0 else { return nil }
    let candidates = try readNumbers.all({ $0.bind(key(of: id)) }) { $0.integer(0) }
    // Somebody may have made headers with an equal key.
    return try candidates.first { try entry(number: $0)?.id == id }
  }

  private func number(at height: Int64) throws -> Int64? {
    try readNumberAt.first({ $0.bind(height) }) { $0.integer(0) }
  }

  private func parent(of number: Int64) throws -> Int64? {
    try readParent.first({ $0.bind(number) }) { $0.isNull(0) ? nil : $0.integer(0) } ?? nil
  }

  private func entry(number: Int64, id: Bytes32? = nil) throws -> StoredHeader? {
    try readRow.first({ $0.bind(number) }) { try Self.entry($0, id: id) }
  }

  private static func entry(_ row: Statement.Row, id: Bytes32? = nil) throws -> StoredHeader {
    let bytes = row.bytes(0)
    let work = row.bytes(1)
    guard let header = try? Header(bytes), work.count <= 32,
      let full = Bytes32([UInt8](repeating: 0, count: 32 - work.count) + work),
      let status = StoredHeader.Status(rawValue: UInt8(clamping: row.integer(2)))
    else { throw row.damaged("a header that cannot be read") }
    return StoredHeader(header, id: id ?? SHA256.double(bytes), work: full, status: status)
  }

  /// From within the id: work leaves zeros at one end of it.
  private func key(of id: Bytes32) -> Int64 { Int64(bitPattern: id.words.1 & keyMask) }

  /// Without the zeros that such a number begins with.
  private static func compact(_ work: Bytes32) -> [UInt8] { Array(work.bytes.drop { $0 == 0 }) }

  private lazy var insertRow = database.statement(
    "INSERT INTO headers (number, parent, header, work, status) VALUES (?, ?, ?, ?, ?)"
  )
  private lazy var insertKey = database.statement(
    "INSERT INTO header_index (key, number) VALUES (?, ?)"
  )
  private lazy var insertHeaviest = database.statement(
    "INSERT INTO heaviest (height, number) VALUES (?, ?)"
  )
  private lazy var setStatus = database.statement("UPDATE headers SET status = ? WHERE number = ?")
  private lazy var readRow = database.statement(
    "SELECT header, work, status FROM headers WHERE number = ?"
  )
  private lazy var readParent = database.statement("SELECT parent FROM headers WHERE number = ?")
  private lazy var readNumbers = database.statement(
    "SELECT number FROM header_index WHERE key = ?"
  )
  private lazy var readNumberAt = database.statement(
    "SELECT number FROM heaviest WHERE height = ?"
  )
  private lazy var readHeaviest = database.statement(
    "SELECT header, work, status FROM heaviest JOIN headers USING (number) WHERE height >= ? "
      + "ORDER BY height LIMIT ?"
  )
}
