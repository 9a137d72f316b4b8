import Kernel
import Storage
import TinyChain

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
      anchor INTEGER NOT NULL, status INTEGER NOT NULL
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

  /// A table that is not asked for headers.
  init(reading database: Database) {
    (self.database, tailMax, keyMask) = (database, Self.tailMax, .max)
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
  func add(_ entry: HeaderEntry) throws {
    let parent = count == 0 ? nil : try number(of: entry.header.parent)
    // What follows the newest of all is newer: so a sync looks nothing up.
    guard try parent == count || number(of: entry.id) == nil else { return }
    guard count == 0 || parent != nil else {
      throw database.damaged("the parent of header \(entry.id) is not kept")
    }
    count += 1
    try insertRow.run {
      $0.bind(count)
      $0.bind(parent)
      $0.bind(entry.header.bytes)
      $0.bind(Self.compact(entry.work))
      $0.bind(Int64(bitPattern: entry.anchorTime))
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

  /// The block was executed to the roots of its header.
  func markExecuted(_ id: Bytes32) throws {
    guard let number = try number(of: id) else {
      throw database.damaged("header \(id) is not kept")
    }
    try set(number, .executed)
  }

  /// The block is not what its header says; nor can be what descends from it.
  func markInvalid(_ id: Bytes32) throws {
    guard let number = try number(of: id) else {
      throw database.damaged("header \(id) is not kept")
    }
    var invalid: Set<Int64> = [number]
    // Who descends from it came after it.
    let later = "SELECT number, parent FROM headers WHERE number > ? ORDER BY number"
    try database.statement(later).forEach({ $0.bind(number) }) { row in
      if invalid.contains(row.integer(1)) { invalid.insert(row.integer(0)) }
      return true
    }
    for number in invalid { try set(number, .invalid) }
  }

  private func set(_ number: Int64, _ status: HeaderEntry.Status) throws {
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
      if let best, height <= best.height {
        if try best.number == current || self.number(at: height) == current { break }
      }
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

  func entry(of id: Bytes32) throws -> HeaderEntry? {
    try number(of: id).flatMap { try entry(number: $0, id: id) }
  }

  /// Of the heaviest branch.
  func entry(at height: UInt32) throws -> HeaderEntry? {
    try number(at: Int64(height)).flatMap { try entry(number: $0) }
  }

  /// The last of the heaviest branch.
  func heaviest() throws -> HeaderEntry? {
    try best.flatMap { try entry(number: $0.number) }
  }

  /// The ends of branches that are heavier than a tip, first seen first; not those that are invalid.
  ///
  /// Looked for among the newest headers: an end that came before all of them has had its time.
  func leaves(heavierThan work: UInt256, among limit: Int) throws -> [HeaderEntry] {
    var ends: [Int64: HeaderEntry] = [:]
    let query =
      "SELECT header, work, anchor, status, number, parent FROM headers WHERE number > ? ORDER BY number"
    try database.statement(query).forEach({ $0.bind(max(0, count - Int64(limit))) }) { row in
      let entry = try Self.entry(row)
      guard entry.status != .invalid else { return true }
      ends[row.integer(5)] = nil
      ends[row.integer(4)] = entry.work > work ? entry : nil
      return true
    }
    return ends.sorted { $0.key < $1.key }.map(\.value)
  }

  /// Headers of the heaviest branch from a height on, at most so many.
  func headers(from height: UInt32, limit: Int) throws -> [HeaderEntry] {
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

  private func entry(number: Int64, id: Bytes32? = nil) throws -> HeaderEntry? {
    try readRow.first({ $0.bind(number) }) { try Self.entry($0, id: id) }
  }

  private static func entry(_ row: Statement.Row, id: Bytes32? = nil) throws -> HeaderEntry {
    let (bytes, work) = (row.bytes(0), row.bytes(1))
    guard let header = try? Header(bytes), work.count <= 32,
      let full = Bytes32([UInt8](repeating: 0, count: 32 - work.count) + work),
      let status = HeaderEntry.Status(rawValue: UInt8(clamping: row.integer(3)))
    else { throw row.damaged("a header that cannot be read") }
    var entry = HeaderEntry(
      header,
      id: id ?? SHA256.double(bytes),
      work: UInt256(bigEndian: full),
      anchorTime: UInt64(bitPattern: row.integer(2))
    )
    entry.status = status
    return entry
  }

  /// From within the id: work leaves zeros at one end of it.
  private func key(of id: Bytes32) -> Int64 { Int64(bitPattern: id.words.1 & keyMask) }

  /// Without the zeros that such a number begins with.
  private static func compact(_ work: UInt256) -> [UInt8] {
    Array(work.bigEndianBytes.bytes.drop { $0 == 0 })
  }

  private lazy var insertRow = database.statement(
    "INSERT INTO headers (number, parent, header, work, anchor, status) VALUES (?, ?, ?, ?, ?, ?)"
  )
  private lazy var insertKey = database.statement(
    "INSERT INTO header_index (key, number) VALUES (?, ?)"
  )
  private lazy var insertHeaviest = database.statement(
    "INSERT INTO heaviest (height, number) VALUES (?, ?)"
  )
  private lazy var setStatus = database.statement("UPDATE headers SET status = ? WHERE number = ?")
  private lazy var readRow = database.statement(
    "SELECT header, work, anchor, status FROM headers WHERE number = ?"
  )
  private lazy var readParent = database.statement("SELECT parent FROM headers WHERE number = ?")
  private lazy var readNumbers = database.statement(
    "SELECT number FROM header_index WHERE key = ?"
  )
  private lazy var readNumberAt = database.statement(
    "SELECT number FROM heaviest WHERE height = ?"
  )
  private lazy var readHeaviest = database.statement(
    "SELECT header, work, anchor, status FROM heaviest JOIN headers USING (number) WHERE height >= ? "
      + "ORDER BY height LIMIT ?"
  )
}
