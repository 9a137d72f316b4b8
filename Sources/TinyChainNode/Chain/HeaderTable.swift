import Kernel
import Storage
import TinyChain

/// All headers that are known, on whatever branch, and which of them are the heaviest.
///
/// They are numbered as they come, so that new ones go to the end of the file.
final class HeaderTable {
  /// What version 2 had: a row for each header, each height and each id.
  static let schema2 = """
    CREATE TABLE headers (
      number INTEGER PRIMARY KEY, parent INTEGER, header BLOB NOT NULL, work BLOB NOT NULL,
      anchor INTEGER NOT NULL, status INTEGER NOT NULL
    );
    CREATE TABLE header_index (
      key INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (key, number)
    ) WITHOUT ROWID;
    CREATE TABLE heaviest (height INTEGER PRIMARY KEY, number INTEGER NOT NULL);
    """

  /// From version 2: each row becomes a run of one; the index is made anew when the table is opened.
  static let schema3 =
    "ALTER TABLE headers RENAME TO headers2; ALTER TABLE heaviest RENAME TO heaviest2;"
    + HeaderRun.schema + HeaderIndex.schema + HeaviestLine.schema + """
      INSERT INTO headers SELECT number, parent, work, anchor,
        CASE status WHEN 0 THEN x'00' WHEN 1 THEN x'01' ELSE x'02' END, header FROM headers2;
      INSERT INTO heaviest SELECT height, number, height FROM heaviest2;
      DROP TABLE headers2; DROP TABLE heaviest2; DROP TABLE header_index;
      DELETE FROM meta WHERE name = 'headers_indexed';
      """

  private let database: Database
  private let sizes: HeaderIndex.Sizes
  private var index: HeaderIndex
  private var line: HeaviestLine
  private var count: Int64 = 0
  /// Of `count`.
  private var newest: Bytes32?
  /// Runs that were read lately.
  private var recent: [HeaderRun] = []
  private var nextRecent = 0

  /// Runs kept, for who goes along a branch: 16 × 22 × 300 bytes = 100 KB.
  private static let recentMax = 16

  /// With other sizes, so that a test need not make as many, and sees keys collide.
  init(of database: Database, _ sizes: HeaderIndex.Sizes = .init()) throws {
    (self.database, self.sizes) = (database, sizes)
    (index, line) = (try HeaderIndex(of: database, sizes), try HeaviestLine(of: database))
    try load()
  }

  /// A table that is not asked for headers.
  init(reading database: Database) throws {
    (self.database, sizes) = (database, .init())
    (index, line) = (try HeaderIndex(of: database, sizes), try HeaviestLine(of: database))
  }

  /// Reads again what is kept in memory; so also after a transaction was given up.
  func load() throws {
    (index, line) = (try HeaderIndex(of: database, sizes), try HeaviestLine(of: database))
    (recent, nextRecent) = ([], 0)
    let last = try lastRun.first { try HeaderRun($0) }
    (count, newest) = (last?.last ?? 0, last?.entries.last?.id)
    // More than have room come of a file of version 2.
    var next = index.indexed + 1
    while next <= count {
      try readRuns.forEach({ $0.bind(next) }) { row in
        let run = try HeaderRun(row)
        guard run.contains(next) else { throw row.damaged("header \(next) is missing") }
        for number in next...run.last { index.add(run[number].id) }
        next = run.last + 1
        return !index.isFull
      }
      if index.isFull { try database.transaction { try index.flush() } }
    }
  }

  // MARK: Changing

  /// Keeps headers whose parents are kept, or the first of all; one that is known stays as it is.
  func add(_ entries: [HeaderEntry]) throws {
    var rest = entries[...]
    while let entry = rest.first {
      let parent = try number(of: entry.header.parent)
      // What follows the newest of all is newer: so a sync looks nothing up.
      guard try parent != nil && parent == count || number(of: entry.id) == nil else {
        rest.removeFirst()
        continue
      }
      guard count == 0 || parent != nil else {
        throw database.damaged("the parent of header \(entry.id) is not kept")
      }
      let run = HeaderRun(startOf: rest, number: count + 1, parent: parent)
      try insertRun.run { run.bind(to: &$0) }
      for entry in run.entries { index.add(entry.id) }
      (count, newest) = (run.last, run.entries.last?.id)
      rest.removeFirst(run.entries.count)
    }
    if index.isFull { try index.flush() }
  }

  /// The block was executed to the roots of its header.
  func markExecuted(_ id: Bytes32) throws {
    let number = try knownNumber(of: id)
    try set(.executed, of: number...number, in: run(of: number))
  }

  /// The block is not what its header says; nor can be what descends from it.
  func markInvalid(_ id: Bytes32) throws {
    let number = try knownNumber(of: id)
    let first = try run(of: number)
    var (runs, invalid) = ([first], Set(number...first.last))
    // Who descends from it came after it.
    try readParents.forEach({ $0.bind(first.last) }) { row in
      guard invalid.contains(row.integer(1)) else { return true }
      let run = try run(of: row.integer(0))
      invalid.formUnion(run.number...run.last)
      runs.append(run)
      return true
    }
    for run in runs { try set(.invalid, of: max(number, run.number)...run.last, in: run) }
  }

  private func set(
    _ status: HeaderEntry.Status,
    of numbers: ClosedRange<Int64>,
    in run: HeaderRun
  ) throws {
    var run = run
    run.set(status, of: numbers)
    try setStatus.run {
      $0.bind(run.statusBytes)
      $0.bind(run.number)
    }
    for index in recent.indices where recent[index].number == run.number { recent[index] = run }
  }

  /// Makes a branch the heaviest: from its last header back to where it left the one that was.
  func setHeaviest(_ id: Bytes32) throws {
    let number = try knownNumber(of: id)
    var height = Int64(try run(of: number)[number].header.height)
    var (stretches, next) = ([HeaviestLine.Stretch](), Optional(number))
    while let last = next, try line.number(at: height) != last {
      // As far back in its run as that is not on the line.
      let (start, parent) = try bounds(of: last)
      var first = last
      while first > start, try line.number(at: height - (last - first) - 1) != first - 1 {
        first -= 1
      }
      stretches.append(.init(height: height - (last - first), number: first, last: height))
      (next, height) = (first == start ? parent : first - 1, height - (last - first) - 1)
    }
    try line.replace(after: height, with: stretches.reversed())
  }

  // MARK: Reading

  func entry(of id: Bytes32) throws -> HeaderEntry? {
    for run in recent { if let entry = run.entries.first(where: { $0.id == id }) { return entry } }
    return try number(of: id).map { try run(of: $0)[$0] }
  }

  /// Of the heaviest branch.
  func entry(at height: UInt32) throws -> HeaderEntry? {
    try line.number(at: Int64(height)).map { try run(of: $0)[$0] }
  }

  /// The last of the heaviest branch.
  func heaviest() throws -> HeaderEntry? {
    try line.tip.map { try run(of: $0.number)[$0.number] }
  }

  /// The ends of branches that are heavier than a tip, first seen first; not those that are invalid.
  ///
  /// Looked for among the newest headers: an end that came before all of them has had its time.
  func leaves(heavierThan work: UInt256, among limit: Int) throws -> [HeaderEntry] {
    var ends: [Int64: HeaderEntry] = [:]
    var next = max(1, count - Int64(limit) + 1)
    try readRuns.forEach({ $0.bind(next) }) { row in
      let run = try HeaderRun(row)
      guard run.contains(next) else { throw row.damaged("header \(next) is missing") }
      for number in next...run.last where run[number].status != .invalid {
        if let parent = run.parent(of: number) { ends[parent] = nil }
        ends[number] = run[number].work > work ? run[number] : nil
      }
      next = run.last + 1
      return true
    }
    return ends.sorted { $0.key < $1.key }.map(\.value)
  }

  private func number(of id: Bytes32) throws -> Int64? {
    if id == newest { return count }
    if let number = index.newest(id) { return number }
    guard index.indexed > 0 else { return nil }
    return try index.candidates(for: id).first { try run(of: $0)[$0].id == id }
  }

  private func knownNumber(of id: Bytes32) throws -> Int64 {
    guard let number = try number(of: id) else {
      throw database.damaged("header \(id) is not kept")
    }
    return number
  }

  private func run(of number: Int64) throws -> HeaderRun {
    if let run = recent.first(where: { $0.contains(number) }) { return run }
    guard let run = try readRun.first({ $0.bind(number) }, read: { try HeaderRun($0) }),
      run.contains(number)
    else { throw database.damaged("header \(number) is missing") }
    if recent.count < Self.recentMax {
      recent.append(run)
    } else {
      recent[nextRecent] = run
      nextRecent = (nextRecent + 1) % Self.recentMax
    }
    return run
  }

  /// The first number of the run that has this one, and that one's parent.
  private func bounds(of number: Int64) throws -> (start: Int64, parent: Int64?) {
    let found = try readBounds.first({ $0.bind(number) }) { row in
      (row.integer(0), row.isNull(1) ? nil : row.integer(1))
    }
    guard let found else { throw database.damaged("header \(number) is missing") }
    return found
  }

  private lazy var insertRun = database.statement(HeaderRun.insertion)
  private lazy var setStatus = database.statement("UPDATE headers SET status = ? WHERE number = ?")
  private lazy var lastRun = database.statement(
    HeaderRun.selection + "ORDER BY number DESC LIMIT 1"
  )
  private lazy var readRun = database.statement(
    HeaderRun.selection + "WHERE number <= ? ORDER BY number DESC LIMIT 1"
  )
  /// From the one that has a number on.
  private lazy var readRuns = database.statement(
    HeaderRun.selection
      + "WHERE number >= (SELECT max(number) FROM headers WHERE number <= ?) ORDER BY number"
  )
  private lazy var readBounds = database.statement(
    "SELECT number, parent FROM headers WHERE number <= ? ORDER BY number DESC LIMIT 1"
  )
  private lazy var readParents = database.statement(
    "SELECT number, parent FROM headers WHERE number > ? ORDER BY number"
  )
}
