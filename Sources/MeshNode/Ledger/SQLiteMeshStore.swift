public import Mesh
public import Storage

/// A validator's state in an SQLite file.
///
/// `apply` writes into a transaction that is opened when first needed; `commit` makes durable all
/// that was applied since the last one, with one sync of the disk. A failure is remembered: what was
/// not committed is gone, reads answer empty from then on, and `commit` throws it, so that no vote
/// that stood behind the change gets out. The remedy is to restart.
///
/// `@unchecked Sendable`: it has no lock and is confined to its owner. The machine that holds it is
/// itself held by one actor, which alone calls it; it moves between threads, never runs on two.
public final class SQLiteMeshStore: LedgerStore, @unchecked Sendable {
  /// What went wrong first.
  public private(set) var failure: StorageFailure?
  public private(set) var totals: LedgerTotals
  /// The key may have voted before this file was made: its locks are lost, and it must vote no more.
  public let followsOnly: Bool
  private var isTotalsDirty = false

  private let database: Database
  private let tables: MeshTables
  // Nil for what is known not to be there: a new slot is asked about six times before its vote.
  private var accounts: RecentValues<AccountID, AccountState?>
  private var locks: RecentValues<Slot, SlotLock?>
  private var records: RecentValues<OutputReference, OutputRecord?>
  private var places: RecentValues<TransitionHash, UInt64>

  /// Of each kind, twice as many at most: 1,024 locks are about 5 MB.
  public static let recentMax = 1024

  /// Creates an empty file of no network yet, or leaves one that is there as it is.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - followsOnly: for a key that may have voted before.
  /// - Throws: `StorageFailure`.
  public static func create(path: String, followsOnly: Bool = false) throws {
    let database = try MeshSchema.openForWriting(path: path, options: Database.Options())
    if followsOnly {
      try database.transaction { try MeshSchema.setFollowsOnly(database, to: true) }
    }
  }

  /// Opens a validator's file; an empty one is tied to the network and gets its first balances.
  ///
  /// - Throws: `StorageFailure` if the file is not a sound one of this network, or cannot be written.
  public init(
    path: String,
    genesis: Genesis,
    options: Database.Options = Database.Options(),
    recentMax: Int = SQLiteMeshStore.recentMax
  ) throws {
    accounts = RecentValues(generationMax: recentMax)
    locks = RecentValues(generationMax: recentMax)
    records = RecentValues(generationMax: recentMax)
    places = RecentValues(generationMax: recentMax)
    database = try MeshSchema.openForWriting(path: path, options: options)
    tables = MeshTables(of: database)
    let (database, tables) = (self.database, self.tables)
    try database.transaction {
      guard try MeshSchema.bind(database, to: genesis) else { return }
      // One by one: a change of a hundred thousand would take tens of megabytes.
      for account in genesis.firstAccounts { try tables.put(account) }
      try tables.put(genesis.firstTotals)
    }
    totals = try tables.totals()
    followsOnly = try MeshSchema.followsOnly(database)
  }

  /// Opens a file to read one state of it, also beside the process that writes it.
  ///
  /// - Throws: `StorageFailure`, also if nothing was ever written to it.
  public init(
    reading path: String,
    genesis: Genesis,
    options: Database.Options = Database.Options(),
    recentMax: Int = SQLiteMeshStore.recentMax
  ) throws {
    accounts = RecentValues(generationMax: recentMax)
    locks = RecentValues(generationMax: recentMax)
    records = RecentValues(generationMax: recentMax)
    places = RecentValues(generationMax: recentMax)
    database = try MeshSchema.openForReading(path: path, options: options)
    tables = MeshTables(of: database)
    try database.beginSnapshot()
    try MeshSchema.require(genesis, of: database)
    totals = try tables.totals()
    followsOnly = try MeshSchema.followsOnly(database)
    guard totals.accounts > 0 || totals.logCount > 0 else {
      let what = "nothing has been written to it yet: start the validator once"
      throw StorageFailure(path: path, problem: .foreign(what))
    }
  }

  // MARK: Writing

  public func apply(_ change: LedgerChange) {
    guard !change.isEmpty else { return }
    write {
      for operation in change.operations { try apply(operation) }
    }
  }

  /// Makes all that was applied durable.
  ///
  /// - Throws: `StorageFailure`, also one that happened earlier; nothing since the last commit is
  ///   kept then.
  public func commit() throws {
    write(onlyIfOpen: true) {
      if isTotalsDirty { try tables.put(totals) }
      try database.commit()
      isTotalsDirty = false
    }
    if let failure { throw failure }
  }

  private func apply(_ operation: LedgerChange.Operation) throws {
    switch operation {
    case .putAccount(let state):
      try tables.put(state)
      accounts.put(state, for: state.account)
    case .putLock(let lock):
      try tables.put(lock)
      locks.put(lock, for: lock.slot)
    case .removeLock(let slot):
      try tables.removeLock(slot)
      locks.put(nil, for: slot)
    case .appendCertificate(let certificate, let index):
      try tables.append(certificate, at: index)
      places.put(index, for: certificate.hash)
    case .putOutput(let record):
      try tables.put(record)
      records.put(record, for: record.reference)
    case .putBuffered(let certificate): try tables.putBuffered(certificate)
    case .removeBuffered(let slot): try tables.removeBuffered(slot)
    case .putEvidence(let evidence): try tables.put(evidence)
    case .putCursor(let validator, let index): try tables.putCursor(validator, index)
    case .putTotals(let totals):
      self.totals = totals  // Written once, before the commit.
      isTotalsDirty = true
    }
  }

  private func write(onlyIfOpen: Bool = false, _ body: () throws -> Void) {
    guard failure == nil else { return }
    do {
      if !database.isInTransaction {
        if onlyIfOpen { return }
        try database.begin()
      }
      try body()
    } catch {
      fail(error)
    }
  }

  // MARK: Reading

  public var hasFailed: Bool { failure != nil }

  public func account(_ account: AccountID) -> AccountState? {
    read(nil) {
      if let recent = accounts.value(of: account) { return recent }
      let state = try tables.account(account)
      accounts.put(state, for: account)
      return state
    }
  }

  public func accounts(from start: AccountID, limit: Int) -> [AccountState] {
    read([]) { try tables.accounts(from: start, limit: limit) }
  }

  public func lock(_ slot: Slot) -> SlotLock? {
    read(nil) {
      if let recent = locks.value(of: slot) { return recent }
      let lock = try tables.lock(slot)
      locks.put(lock, for: slot)
      return lock
    }
  }

  public func settled(_ slot: Slot) -> TransitionHash? {
    read(nil) { try tables.settled(slot) }
  }

  public func certificate(_ transition: TransitionHash) -> SettlementCertificate? {
    read(nil) { try tables.certificate(transition) }
  }

  public func logIndex(_ transition: TransitionHash) -> UInt64? {
    read(nil) { try places.value(of: transition) ?? tables.logIndex(transition) }
  }

  public func log(from index: UInt64, limit: Int) -> [TransitionHash] {
    read([]) { try tables.log(from: index, limit: limit) }
  }

  public func output(_ reference: OutputReference) -> OutputRecord? {
    read(nil) {
      if let recent = records.value(of: reference) { return recent }
      let record = try tables.output(reference)
      records.put(record, for: reference)
      return record
    }
  }

  public func outputs(
    of account: AccountID,
    after index: UInt64,
    limit: Int,
    onlyUnclaimed: Bool
  ) -> [OutputRecord] {
    read([]) {
      try tables.outputs(
        of: account,
        after: index,
        limit: limit,
        onlyUnclaimed: onlyUnclaimed
      )
    }
  }

  public func outputs(after index: UInt64, limit: Int) -> [OutputRecord] {
    read([]) { try tables.outputs(after: index, limit: limit) }
  }

  public func buffered(_ slot: Slot) -> SettlementCertificate? {
    read(nil) { try tables.buffered(slot) }
  }

  public func bufferedSlots(from start: Slot, limit: Int) -> [Slot] {
    read([]) { try tables.bufferedSlots(from: start, limit: limit) }
  }

  public func hasEvidence(_ key: Evidence.Key) -> Bool {
    read(false) { try tables.hasEvidence(key) }
  }

  public func evidence() -> [Evidence] {
    read([]) { try tables.evidence() }
  }

  public func cursor(_ peer: ValidatorIndex) -> UInt64 {
    read(0) { try tables.cursor(peer) }
  }

  /// What the totals say, counted row by row; nil if it cannot be read.
  public func counts() -> LedgerTotals? {
    read(nil) { try tables.counts() }
  }

  // MARK: Size

  /// Bytes of the file, without its log.
  public func fileBytes() throws -> Int64 { try database.fileBytes() }

  /// Moves the log into the file: at shutdown, and before it is measured.
  public func checkpoint() throws {
    try commit()
    try database.checkpoint()
  }

  // MARK: Failing

  private func read<Result>(_ empty: Result, _ body: () throws -> Result) -> Result {
    guard failure == nil else { return empty }
    do {
      return try body()
    } catch {
      fail(error)
      return empty
    }
  }

  private func fail(_ error: any Error) {
    failure = error as? StorageFailure ?? database.damaged("\(error)")
    database.rollback()
  }
}
