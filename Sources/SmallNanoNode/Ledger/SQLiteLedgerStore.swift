public import Kernel
public import SmallNano
public import Storage

/// A node's ledger in an SQLite file.
///
/// `apply` writes into a transaction that is opened when first needed; `commit` makes durable all
/// that was applied since the last one, with one sync of the disk. A failure is remembered: what was
/// not committed is gone, reads answer empty from then on, and `commit` throws it, so that no effect
/// that stood behind the change gets out. The remedy is to restart.
///
/// `@unchecked Sendable`: it has no lock and is confined to its owner. The machine that holds it is
/// itself held by one actor, which alone calls it; it moves between threads, never runs on two.
public final class SQLiteLedgerStore: LedgerStore, @unchecked Sendable {
  /// What went wrong first.
  public private(set) var failure: StorageFailure?
  public private(set) var totals: LedgerTotals
  private var isTotalsDirty = false

  private let database: Database
  private let tables: LedgerTables
  private let elections: ElectionTables
  private let peerTable: PeerTable

  /// Opens a ledger's file, or creates an empty one.
  ///
  /// - Throws: `StorageFailure` if the file is not a sound ledger of this network, cannot be
  ///   written, or its totals do not add up to the supply.
  public convenience init(
    path: String,
    parameters: NetworkParameters,
    options: Database.Options = Database.Options()
  ) throws {
    try self.init(path: path, parameters: parameters, options: options, hashMask: .max)
  }

  /// With fewer bits in the index of hashes, so that a test sees them collide.
  init(
    path: String,
    parameters: NetworkParameters,
    options: Database.Options,
    hashMask: UInt64
  ) throws {
    database = try LedgerSchema.openForWriting(
      path: path,
      parameters: parameters,
      options: options
    )
    tables = LedgerTables(of: database, chain: parameters.chainID, hashMask: hashMask)
    elections = ElectionTables(of: database, chain: parameters.chainID)
    peerTable = PeerTable(of: database)
    totals = try tables.totals()
    guard totals.blocks == 0 || totals.sum == parameters.supply else {
      let sum = totals.sum?.description ?? "more than 2^128"
      throw database.damaged("balances, receivables and burned are \(sum) raw together")
    }
    if totals.blocks > 0, try tables.block(parameters.genesisBlock.hash) == nil {
      throw database.damaged("the genesis block is missing")
    }
  }

  // MARK: Writing

  public func apply(_ change: LedgerChange) {
    guard !change.isEmpty else { return }
    write {
      for operation in change.operations {
        try apply(operation)
      }
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
    case .putAccount(let account, let state): try tables.put(account, state)
    case .removeAccount(let account): try tables.remove(account)
    case .putBlock(let block): try tables.put(block)
    case .removeBlock(let slot): try tables.removeBlock(at: slot)
    case .putReceivable(let receivable): try tables.put(receivable)
    case .removeReceivable(let key): try tables.removeReceivable(key)
    case .putWeight(let representative, let weight):
      try tables.putWeight(weight, of: representative)
    case .putTotals(let totals):
      self.totals = totals  // Written once, before the commit.
      isTotalsDirty = true
    case .putVoteRecord(let record): try elections.put(record)
    case .putCandidate(let block): try elections.putCandidate(block)
    case .removeCandidate(let slot, let hash): try elections.removeCandidate(at: slot, hash)
    case .putCertificate(let certificate): try elections.put(certificate)
    case .removeCertificate(let slot, let choice):
      try elections.removeCertificate(at: slot, choice)
    case .removeElection(let slot): try elections.removeElection(at: slot)
    case .admitVoter(let representative, let since):
      try elections.admitVoter(representative, since: since)
    case .putOnlineSample(let sample, let dropBefore):
      try elections.put(sample, dropBefore: dropBefore)
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

  public func account(_ account: Account) -> AccountState? {
    read(nil) { try tables.account(account) }
  }

  public func block(_ hash: BlockHash) -> LedgerBlock? {
    read(nil) { try tables.block(hash) }
  }

  public func block(at slot: Slot) -> LedgerBlock? {
    read(nil) { try tables.block(at: slot) }
  }

  public func receivable(_ key: ReceivableKey) -> Receivable? {
    read(nil) { try tables.receivable(key) }
  }

  public func receivables(from start: ReceivableKey, limit: Int) -> [Receivable] {
    read([]) { try tables.receivables(from: start, limit: limit) }
  }

  public func accounts(
    from start: Account,
    limit: Int
  ) -> [(account: Account, state: AccountState)] {
    read([]) { try tables.accounts(from: start, limit: limit) }
  }

  public func unconfirmedAccounts(
    from start: Account,
    limit: Int
  ) -> [(account: Account, state: AccountState)] {
    read([]) { try tables.unconfirmedAccounts(from: start, limit: limit) }
  }

  public func weight(of representative: Account) -> Amount {
    read(.zero) { try tables.weight(of: representative) }
  }

  public func weights(atLeast minimum: Amount) -> [(representative: Account, weight: Amount)] {
    read([]) { try tables.weights(atLeast: minimum) }
  }

  public func voteRecords(at slot: Slot) -> [VoteRecord] {
    read([]) { try elections.voteRecords(at: slot) }
  }

  public func candidates(at slot: Slot) -> [Block] {
    read([]) { try elections.candidates(at: slot) }
  }

  public func certificates(at slot: Slot) -> [Certificate] {
    read([]) { try elections.certificates(at: slot) }
  }

  public func slotsWithRecords(from start: Slot, limit: Int) -> [Slot] {
    read([]) { try elections.slotsWithRecords(from: start, limit: limit) }
  }

  public func votingSince(_ representative: Account) -> Instant? {
    read(nil) { try elections.votingSince(representative) }
  }

  public func onlineSamples() -> [OnlineSample] {
    read([]) { try elections.onlineSamples() }
  }

  // MARK: Peers

  /// Known peers, most recently seen first; at most 1000.
  public func peers() -> [StoredPeer] {
    read([]) { try peerTable.all() }
  }

  /// Adds or replaces peers, durable with the next commit; of too many the oldest go.
  public func put(_ peers: [StoredPeer]) {
    write { try peerTable.put(peers) }
  }

  /// Forgets a peer, with the next commit.
  public func removePeer(_ address: String) {
    write { try peerTable.remove(address) }
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
