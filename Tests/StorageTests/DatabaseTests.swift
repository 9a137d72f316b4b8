import Kernel
import Storage
import TestSupport
import Testing

@Suite("Database")
struct DatabaseTests {
  private let directory = TemporaryDirectory()
  private var path: String { directory.file("test.db") }

  private func open(_ mode: Database.Mode = .readWrite) throws -> Database {
    try Database(path: path, mode: mode)
  }

  private func problem(_ body: () throws -> Void) throws -> StorageFailure.Problem {
    try #require(#expect(throws: StorageFailure.self, performing: body)).problem
  }

  // MARK: Values

  @Test("Values come back as they were bound")
  func values() throws {
    let database = try open()
    try database.execute("CREATE TABLE t (a, b, c, d, e, f)")
    let key = Bytes32(words: (1, 2, 3, .max))
    try database.statement("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)").run {
      $0.bind(Int64.min)
      $0.bind([1, 2, 3] as [UInt8])
      $0.bind([] as [UInt8])
      $0.bind("grün")
      $0.bind(key)
      $0.bindNull()
    }
    let found: Bool? = try database.statement("SELECT * FROM t").first { row in
      #expect(row.integer(0) == .min)
      #expect(row.bytes(1) == [1, 2, 3])
      #expect(row.bytes(2) == [])
      #expect(!row.isNull(2))
      #expect(row.text(3) == "grün")
      let bytes = try row.bytes32(4)
      #expect(bytes == key)
      #expect(row.isNull(5))
      #expect(throws: StorageFailure.self) { try row.bytes32(1) }
      return true
    }
    #expect(found == true)
  }

  @Test("A statement can be used again after an error and after an early end")
  func reuse() throws {
    let database = try open()
    try database.execute("CREATE TABLE t (a INTEGER PRIMARY KEY)")
    let insert = database.statement("INSERT INTO t VALUES (?)")
    for number in 1...3 { try insert.run { $0.bind(number) } }
    #expect(throws: StorageFailure.self) { try insert.run { $0.bind(3) } }
    try insert.run { $0.bind(4) }
    let scan = database.statement("SELECT a FROM t ORDER BY a")
    try scan.forEach { $0.integer(0) < 2 }
    #expect(try scan.all { $0.integer(0) } == [1, 2, 3, 4])
  }

  // MARK: Transactions

  @Test("A transaction that throws leaves nothing")
  func rollback() throws {
    struct Stop: Error {}
    let database = try open()
    try database.execute("CREATE TABLE t (a)")
    #expect(throws: Stop.self) {
      try database.transaction {
        try database.execute("INSERT INTO t VALUES (1)")
        throw Stop()
      }
    }
    #expect(!database.isInTransaction)
    #expect(try database.statement("SELECT count(*) FROM t").first { $0.integer(0) } == 0)
  }

  @Test("A snapshot keeps seeing the same state while another connection commits")
  func snapshot() throws {
    let writer = try open()
    try writer.execute("CREATE TABLE t (a); INSERT INTO t VALUES (1)")
    let reader = try open(.readOnly)
    let count = reader.statement("SELECT count(*) FROM t")
    try reader.snapshot {
      #expect(try count.first { $0.integer(0) } == 1)
      try writer.execute("INSERT INTO t VALUES (2)")
      #expect(try count.first { $0.integer(0) } == 1)
    }
    #expect(try count.first { $0.integer(0) } == 2)
  }

  @Test("A second writer is told that the file is locked")
  func locked() throws {
    let first = try open()
    try first.begin()
    let second = try Database(path: path, options: Database.Options(busyTimeout: .zero))
    #expect(try problem { try second.begin() } == .locked)
  }

  // MARK: Failures

  @Test("A missing file, a missing directory and garbage are told apart")
  func cannotOpen() throws {
    #expect(try problem { _ = try open(.readOnly) } == .cannotOpen)
    #expect(
      try problem { _ = try Database(path: directory.file("no/such.db")) } == .cannotOpen
    )
    directory.write([UInt8](repeating: 7, count: 5000), to: "test.db")
    #expect(try problem { _ = try open() } == .notADatabase)
  }

  @Test("A file shorter than it says is damaged")
  func truncated() throws {
    do {
      let database = try open()
      try database.execute("CREATE TABLE t (a); INSERT INTO t VALUES (zeroblob(20000))")
      try database.checkpoint()
    }
    let bytes = try #require(directory.read("test.db"))
    directory.write(Array(bytes.prefix(bytes.count / 2)), to: "test.db")
    #expect(try problem { _ = try open() } == .damaged)
    #expect(try problem { _ = try open(.readOnly) } == .damaged)
  }

  @Test("Writing to a read-only connection says so")
  func readOnly() throws {
    _ = try open()
    let reader = try open(.readOnly)
    #expect(try problem { try reader.execute("CREATE TABLE t (a)") } == .readOnly)
  }

  @Test("A full disk says so, and the transaction is gone")
  func full() throws {
    let database = try Database(path: path, options: Database.Options(pagesMax: 5))
    try database.execute("CREATE TABLE t (a)")
    #expect(
      try problem {
        try database.transaction {
          try database.execute("INSERT INTO t VALUES (zeroblob(100000))")
        }
      } == .full
    )
    #expect(try database.statement("SELECT count(*) FROM t").first { $0.integer(0) } == 0)
  }

  @Test("A failure's text names the file and what to do")
  func description() {
    let failure = StorageFailure(path: "/data/x.db", problem: .newerSchema(found: 3, known: 2))
    #expect(
      failure.description
        == "/data/x.db: its schema is version 3, this program knows 2; use the newer program"
    )
  }

  // MARK: Migrations

  @Test("Each script runs once, in order, and a failing one leaves the version before it")
  func migrations() throws {
    let scripts = ["CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y", "CREATE TABLE b (z)"]
    let database = try open()
    try database.migrate(by: Array(scripts.prefix(2)))
    #expect(throws: StorageFailure.self) {
      try database.migrate(by: scripts.prefix(2) + ["CREATE TABLE c (z); nonsense"])
    }
    try database.requireSchema(version: 2)
    try database.migrate(by: scripts)
    try database.migrate(by: scripts)
    try database.requireSchema(version: 3)
    try database.execute("SELECT y FROM a; SELECT z FROM b")
  }

  @Test("A newer schema and another program's tables are refused")
  func foreignSchema() throws {
    let database = try open()
    try database.migrate(by: ["CREATE TABLE a (x)", "CREATE TABLE b (x)"])
    #expect(
      try problem { try database.migrate(by: ["CREATE TABLE a (x)"]) }
        == .newerSchema(found: 2, known: 1)
    )
    let other = try Database(path: directory.file("other.db"))
    try other.execute("CREATE TABLE theirs (x)")
    #expect(
      try problem { try other.migrate(by: ["CREATE TABLE a (x)"]) }
        == .foreign("this is another program's database")
    )
  }

  @Test("What is kept under a name comes back")
  func meta() throws {
    let database = try open()
    try database.migrate(by: [""])
    try database.setMeta("colour", to: [1, 2])
    try database.setMeta("colour", to: [3])
    #expect(try database.meta("colour") { $0.bytes(0) } == [3])
    #expect(try database.meta("taste") { $0.bytes(0) } == nil)
  }
}
