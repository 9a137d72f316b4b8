import Kernel
import SmallNano
import Storage
import TestSupport
import Testing

@testable import SmallNanoNode

@Suite("A ledger's file")
struct SQLiteLedgerStoreTests {
  private let directory = TemporaryDirectory()
  private let parameters = RandomLedger.parameters
  private var path: String { directory.file("ledger.db") }

  private func open(_ parameters: NetworkParameters? = nil) throws -> SQLiteLedgerStore {
    try SQLiteLedgerStore(path: path, parameters: parameters ?? self.parameters)
  }

  /// A ledger after some random operations, committed and closed.
  private func makeLedger(steps: Int = 200) throws -> LedgerTotals {
    let store = try open()
    var ledger = Ledger(store: store, parameters: parameters)
    var source = RandomLedger(seed: 5)
    var change = LedgerChange()
    for _ in 0..<steps { _ = ledger.carryOut(source.next(for: ledger), into: &change) }
    try store.checkpoint()
    return store.totals
  }

  // MARK: Restart

  @Test("A restart after genesis has spent mints nothing")
  func restart() throws {
    let before = try makeLedger()
    let ledger = Ledger(store: try open(), parameters: parameters)
    #expect(ledger.genesisChange == nil)
    #expect(ledger.store.totals == before)
    let genesis = try #require(ledger.store.account(parameters.genesisAccount))
    #expect(genesis.height > .open)
    #expect(genesis.balance < parameters.supply)
  }

  @Test("A crash before the first commit leaves a file that gets its genesis")
  func crashAtGenesis() throws {
    #expect(Ledger(store: try open(), parameters: parameters).genesisChange != nil)
    let again = Ledger(store: try open(), parameters: parameters)
    #expect(again.genesisChange != nil)
    try (again.store as? SQLiteLedgerStore)?.commit()
    #expect(Ledger(store: try open(), parameters: parameters).genesisChange == nil)
  }

  // MARK: Bad files

  private func failure(opening: () throws -> Void) throws -> StorageFailure {
    let error = #expect(throws: StorageFailure.self, performing: opening)
    let failure = try #require(error)
    #expect(failure.description.hasPrefix(directory.path))
    return failure
  }

  @Test("The ledger of another network is refused by name")
  func otherNetwork() throws {
    _ = try makeLedger()
    let otherGenesis = try failure { _ = try open(.dev) }
    #expect(otherGenesis.description.contains("another dev network"))
    let beta = NetworkParameters(
      network: .beta,
      genesisAccount: parameters.genesisAccount,
      epochKey: parameters.epochKey,
      supply: parameters.supply,
      workThresholds: parameters.workThresholds,
      minimumBalance: parameters.minimumBalance,
      quorumFloorPercent: 60,
      peeringPort: 1,
      rpcPort: 2
    )
    let other = try failure { _ = try open(beta) }
    #expect(other.description.contains("belongs to the network dev, not to beta"))
    #expect(throws: StorageFailure.self) { try LedgerReader(path: path, parameters: beta) }
  }

  @Test("A newer schema is refused with both versions")
  func newerSchema() throws {
    _ = try makeLedger()
    try change("UPDATE meta SET value = 99 WHERE name = 'schema_version'")
    #expect(try failure { _ = try open() }.problem == .newerSchema(found: 99, known: 1))
  }

  @Test("A truncated file is refused as damaged")
  func truncated() throws {
    _ = try makeLedger()
    let bytes = try #require(directory.read("ledger.db"))
    directory.write(Array(bytes.prefix(bytes.count - 4096)), to: "ledger.db")
    #expect(try failure { _ = try open() }.problem == .damaged)
  }

  @Test("A file that is no database is refused as such")
  func garbage() throws {
    directory.write(Array("this is a letter, not a ledger".utf8), to: "ledger.db")
    #expect(try failure { _ = try open() }.problem == .notADatabase)
  }

  @Test("Totals that are not the supply are refused at start")
  func brokenTotals() throws {
    _ = try makeLedger()
    try change("UPDATE meta SET value = zeroblob(16) || substr(value, 17) WHERE name = 'totals'")
    let failure = try failure { _ = try open() }
    #expect(failure.problem == .damaged)
    #expect(failure.description.contains("raw together"))
  }

  private func change(_ sql: String) throws {
    let database = try Database(path: path)
    try database.execute(sql)
    try database.checkpoint()
  }

  // MARK: Failing while running

  @Test("A full disk is remembered, nothing of the change is kept, and reads are empty")
  func fullDisk() throws {
    _ = try makeLedger()
    let pages = try Database(path: path).fileBytes() / 4096
    var options = Database.Options()
    options.pagesMax = pages + 2
    let store = try SQLiteLedgerStore(path: path, parameters: parameters, options: options)
    let before = try #require(store.account(parameters.genesisAccount))
    var ledger = Ledger(store: store, parameters: parameters)
    var source = RandomLedger(seed: 6)
    var change = LedgerChange()
    for _ in 0..<400 where !store.hasFailed {
      _ = ledger.carryOut(source.next(for: ledger), into: &change)
    }
    #expect(store.failure?.problem == .full)
    #expect(store.account(parameters.genesisAccount) == nil)
    // Whatever is asked of a ledger whose disk has failed, it answers.
    for _ in 0..<200 { _ = ledger.carryOut(source.next(for: ledger), into: &change) }
    #expect(throws: StorageFailure.self) { try store.commit() }
    #expect(throws: StorageFailure.self) { try store.commit() }
    #expect(try open().account(parameters.genesisAccount) == before)
  }

  // MARK: Reading beside the writer

  @Test("A reader sees what was committed, and nothing else")
  func reader() throws {
    let store = try open()
    var ledger = Ledger(store: store, parameters: parameters)
    try store.commit()
    let reader = try LedgerReader(path: path, parameters: parameters)
    var source = RandomLedger(seed: 7)
    var change = LedgerChange()
    for _ in 0..<300 { _ = ledger.carryOut(source.next(for: ledger), into: &change) }
    #expect(try reader.snapshot { try $0.totals() }.blocks == 1)
    try store.commit()
    try reader.snapshot { tables in
      #expect(try tables.totals() == store.totals)
      for account in RandomLedger.accounts {
        let state = store.account(account)
        #expect(try tables.account(account) == state)
        let history = try tables.history(of: account, limit: 1000)
        #expect(history.count == Int(state?.height.number ?? 0))
        #expect(history.first?.hash == state?.head)
        #expect(history.last?.block.previous ?? .zero == .zero)
        let page = try tables.history(of: account, from: Height(10), limit: 3)
        #expect(page == Array(history.filter { $0.block.height <= Height(10) }.prefix(3)))
        let key = ReceivableKey(destination: account, hash: .zero)
        let waiting = store.receivables(from: key, limit: 1000)
          .filter { $0.key.destination == account && $0.receivedAt == nil }
        #expect(try tables.receivables(of: account, limit: 1000) == waiting)
        #expect(try tables.receivables(of: account, limit: 2) == Array(waiting.prefix(2)))
      }
    }
  }

  @Test(
    "Verification finds what was changed behind the ledger's back",
    arguments: [
      "UPDATE accounts SET balance = x'0001' WHERE id = 1",
      "UPDATE accounts SET head = zeroblob(32) WHERE id = 2",
      "DELETE FROM block_hashes WHERE height = 3 AND account = 1",
      "DELETE FROM receivables WHERE received_at IS NULL",
      "UPDATE weights SET weight = x'0001'",
      "UPDATE meta SET value = substr(value, 1, 48) || zeroblob(24) WHERE name = 'totals'",
    ]
  )
  func verification(_ damage: String) throws {
    _ = try makeLedger(steps: 400)
    let reader = try LedgerReader(path: path, parameters: parameters)
    #expect(try reader.verify().problems == [])
    try change(damage)
    #expect(try !reader.verify().isSound)
  }

  @Test("Verification asks for every signature but that of genesis")
  func signatures() throws {
    let totals = try makeLedger()
    let reader = try LedgerReader(path: path, parameters: parameters)
    var asked: UInt64 = 0
    let report = try reader.verify { _ in
      asked += 1
      return asked != 3
    }
    #expect(asked == totals.blocks - 1)
    #expect(report.problems.count == 1)
  }

  // MARK: Peers

  @Test("Known peers come back newest first, and the oldest make room")
  func peers() throws {
    let store = try open()
    let peers = (0..<1100).map {
      StoredPeer(
        address: "[::1]:\($0)",
        lastSeen: Instant(milliseconds: UInt64($0)),
        failures: UInt32($0)
      )
    }
    store.put(peers)
    store.removePeer("[::1]:1099")
    try store.commit()
    let found = try open().peers()
    #expect(found.first == peers[1098])
    #expect(found.count == 999)
    #expect(found.last == peers[100])
  }
}
