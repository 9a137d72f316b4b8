import Kernel
import Mesh
import Storage

/// The rows of a validator's file as the values they stand for, over one connection.
///
/// Reads throw `StorageFailure`. Writes need an open transaction; only the store makes them.
final class MeshTables {
  private let database: Database

  init(of database: Database) {
    self.database = database
  }

  // MARK: Accounts

  private lazy var readAccount = database.statement("SELECT state FROM accounts WHERE account = ?")
  private lazy var scanAccounts = database.statement(
    "SELECT state FROM accounts WHERE account >= ? ORDER BY account LIMIT ?"
  )
  private lazy var writeAccount = database.statement(
    "INSERT OR REPLACE INTO accounts (account, state) VALUES (?, ?)"
  )

  func account(_ account: AccountID) throws -> AccountState? {
    try readAccount.first({ $0.bind(account.bytes) }, read: { try $0.decoded(0, "account") })
  }

  func accounts(from start: AccountID, limit: Int) throws -> [AccountState] {
    try scanAccounts.all {
      $0.bind(start.bytes)
      $0.bind(limit)
    } read: {
      try $0.decoded(0, "account")
    }
  }

  func put(_ state: AccountState) throws {
    try writeAccount.run {
      $0.bind(state.account.bytes)
      $0.bind(state.encoded)
    }
  }

  // MARK: Locks

  private lazy var readLock = database.statement(
    "SELECT promised, votes FROM locks WHERE account = ? AND sequence = ?"
  )
  private lazy var writeLock = database.statement(
    """
    INSERT INTO locks (account, sequence, promised, votes) VALUES (?, ?, ?, ?)
    ON CONFLICT (account, sequence) DO UPDATE
    SET promised = excluded.promised, votes = excluded.votes
    """
  )
  private lazy var deleteLock = database.statement(
    "DELETE FROM locks WHERE account = ? AND sequence = ?"
  )

  func lock(_ slot: Slot) throws -> SlotLock? {
    try readLock.first({ $0.bind(slot) }) { row in
      guard let promised = UInt32(exactly: row.integer(0)) else {
        throw row.damaged("a promised ballot is out of range")
      }
      let votes = try row.decode(1, "lock") { bytes throws(DecodingFailure) in
        try SlotLock.votes(from: bytes)
      }
      return SlotLock(slot: slot, promised: Ballot(promised), votes: votes)
    }
  }

  func put(_ lock: SlotLock) throws {
    try writeLock.run {
      $0.bind(lock.slot)
      $0.bind(Int64(lock.promised.number))
      $0.bind(lock.encodedVotes)
    }
  }

  func removeLock(_ slot: Slot) throws {
    try deleteLock.run { $0.bind(slot) }
  }

  // MARK: Certificates and the log

  private lazy var readSettled = database.statement(
    "SELECT hash FROM certificates WHERE account = ? AND sequence = ?"
  )
  private lazy var readCertificate = database.statement(
    "SELECT certificate FROM certificates WHERE hash = ?"
  )
  private lazy var readLogIndex = database.statement("SELECT id FROM certificates WHERE hash = ?")
  private lazy var readLog = database.statement(
    "SELECT hash FROM certificates WHERE id >= ? ORDER BY id LIMIT ?"
  )
  private lazy var writeCertificate = database.statement(
    "INSERT INTO certificates (id, hash, account, sequence, certificate) VALUES (?, ?, ?, ?, ?)"
  )

  func settled(_ slot: Slot) throws -> TransitionHash? {
    try readSettled.first({ $0.bind(slot) }, read: { TransitionHash(try $0.bytes32(0)) })
  }

  func certificate(_ transition: TransitionHash) throws -> SettlementCertificate? {
    try readCertificate.first({ $0.bind(transition.bytes) }) { try $0.decoded(0, "certificate") }
  }

  func logIndex(_ transition: TransitionHash) throws -> UInt64? {
    try readLogIndex.first({ $0.bind(transition.bytes) }) { UInt64(bitPattern: $0.integer(0)) }
  }

  func log(from index: UInt64, limit: Int) throws -> [TransitionHash] {
    guard index >= 1, let start = Int64(exactly: index) else { return [] }
    return try readLog.all {
      $0.bind(start)
      $0.bind(limit)
    } read: {
      TransitionHash(try $0.bytes32(0))
    }
  }

  func append(_ certificate: SettlementCertificate, at index: UInt64) throws {
    guard let place = Int64(exactly: index) else { preconditionFailure("the log is full") }
    try writeCertificate.run {
      $0.bind(place)
      $0.bind(certificate.hash.bytes)
      $0.bind(certificate.slot)
      $0.bind(certificate.encoded)
    }
  }

  // MARK: Outputs

  private static let outputColumns =
    "id, source, position, origin, output, is_source_applied, claimed_by"
  private lazy var readOutput = database.statement(
    "SELECT \(Self.outputColumns) FROM outputs WHERE source = ? AND position = ?"
  )
  private lazy var scanOutputs = database.statement(
    "SELECT \(Self.outputColumns) FROM outputs WHERE id > ? ORDER BY id LIMIT ?"
  )
  private lazy var scanOutputsOf = database.statement(
    """
    SELECT \(Self.outputColumns) FROM outputs WHERE recipient = ? AND id > ? ORDER BY id LIMIT ?
    """
  )
  private lazy var scanUnclaimedOf = database.statement(
    """
    SELECT \(Self.outputColumns) FROM outputs
    WHERE recipient = ? AND id > ? AND claimed_by IS NULL ORDER BY id LIMIT ?
    """
  )
  private lazy var writeOutput = database.statement(
    """
    INSERT INTO outputs
    (id, source, position, recipient, origin, output, is_source_applied, claimed_by)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (source, position) DO UPDATE
    SET is_source_applied = excluded.is_source_applied, claimed_by = excluded.claimed_by
    """
  )

  func output(_ reference: OutputReference) throws -> OutputRecord? {
    try readOutput.first({
      $0.bind(reference.source.bytes)
      $0.bind(Int64(reference.index))
    }) { try $0.outputRecord() }
  }

  func outputs(after index: UInt64, limit: Int) throws -> [OutputRecord] {
    guard let index = Int64(exactly: index) else { return [] }
    return try scanOutputs.all {
      $0.bind(index)
      $0.bind(limit)
    } read: {
      try $0.outputRecord()
    }
  }

  func outputs(
    of account: AccountID,
    after index: UInt64,
    limit: Int,
    onlyUnclaimed: Bool
  ) throws -> [OutputRecord] {
    guard let index = Int64(exactly: index) else { return [] }
    return try (onlyUnclaimed ? scanUnclaimedOf : scanOutputsOf).all {
      $0.bind(account.bytes)
      $0.bind(index)
      $0.bind(limit)
    } read: {
      try $0.outputRecord()
    }
  }

  func put(_ record: OutputRecord) throws {
    guard let index = Int64(exactly: record.index) else {
      preconditionFailure("too many outputs")
    }
    try writeOutput.run {
      $0.bind(index)
      $0.bind(record.reference.source.bytes)
      $0.bind(Int64(record.reference.index))
      $0.bind(record.output.recipient.bytes)
      $0.bind(record.encodedOrigin)
      $0.bind(record.output.encoded)
      $0.bind(record.isSourceApplied ? 1 : 0)
      $0.bind(record.claimedBy?.bytes)
    }
  }

  // MARK: The buffer

  private lazy var readBuffered = database.statement(
    "SELECT certificate FROM buffer WHERE account = ? AND sequence = ?"
  )
  private lazy var scanBuffered = database.statement(
    """
    SELECT account, sequence FROM buffer WHERE (account, sequence) >= (?, ?)
    ORDER BY account, sequence LIMIT ?
    """
  )
  private lazy var writeBuffered = database.statement(
    """
    INSERT INTO buffer (account, sequence, certificate) VALUES (?, ?, ?)
    ON CONFLICT (account, sequence) DO UPDATE SET certificate = excluded.certificate
    """
  )
  private lazy var deleteBuffered = database.statement(
    "DELETE FROM buffer WHERE account = ? AND sequence = ?"
  )

  func buffered(_ slot: Slot) throws -> SettlementCertificate? {
    try readBuffered.first({ $0.bind(slot) }) { try $0.decoded(0, "buffered certificate") }
  }

  func bufferedSlots(from start: Slot, limit: Int) throws -> [Slot] {
    try scanBuffered.all {
      $0.bind(start)
      $0.bind(limit)
    } read: { row in
      let sequence = SequenceNumber(UInt64(bitPattern: row.integer(1)))
      return Slot(account: AccountID(try row.bytes32(0)), sequence: sequence)
    }
  }

  func putBuffered(_ certificate: SettlementCertificate) throws {
    try writeBuffered.run {
      $0.bind(certificate.slot)
      $0.bind(certificate.encoded)
    }
  }

  func removeBuffered(_ slot: Slot) throws {
    try deleteBuffered.run { $0.bind(slot) }
  }

  // MARK: Evidence

  private lazy var readHasEvidence = database.statement(
    "SELECT 1 FROM evidence WHERE kind = ? AND account = ? AND sequence = ? AND validator = ?"
  )
  private lazy var scanEvidence = database.statement("SELECT kind, body FROM evidence ORDER BY id")
  private lazy var writeEvidence = database.statement(
    "INSERT INTO evidence (kind, account, sequence, validator, body) VALUES (?, ?, ?, ?, ?)"
  )

  func hasEvidence(_ key: Evidence.Key) throws -> Bool {
    try readHasEvidence.first({ $0.bind(key) }) { _ in true } ?? false
  }

  func evidence() throws -> [Evidence] {
    try scanEvidence.all { row in
      let kind = row.integer(0)
      return try row.decode(1, "evidence") { bytes throws(DecodingFailure) in
        try Evidence(kind: kind, bytes)
      }
    }
  }

  func put(_ evidence: Evidence) throws {
    try writeEvidence.run {
      $0.bind(evidence.key)
      $0.bind(evidence.encodedBody)
    }
  }

  // MARK: Cursors and totals

  private lazy var readCursor = database.statement(
    "SELECT position FROM cursors WHERE validator = ?"
  )
  private lazy var writeCursor = database.statement(
    "INSERT OR REPLACE INTO cursors (validator, position) VALUES (?, ?)"
  )

  func cursor(_ validator: ValidatorIndex) throws -> UInt64 {
    try readCursor.first({ $0.bind(Int64(validator.number)) }) {
      UInt64(bitPattern: $0.integer(0))
    } ?? 0
  }

  func putCursor(_ validator: ValidatorIndex, _ position: UInt64) throws {
    try writeCursor.run {
      $0.bind(Int64(validator.number))
      $0.bind(Int64(bitPattern: position))
    }
  }

  private static let totalsKey = "totals"

  func totals() throws -> LedgerTotals {
    try database.meta(Self.totalsKey) { row in
      try row.decode(0, "totals") { bytes throws(DecodingFailure) in
        try LedgerTotals(stored: bytes)
      }
    } ?? LedgerTotals()
  }

  func put(_ totals: LedgerTotals) throws {
    try database.setMeta(Self.totalsKey, to: totals.stored)
  }

  /// What the totals count, counted: of a file that was not written by rules the totals lie.
  func counts() throws -> LedgerTotals {
    func count(_ table: String) throws -> UInt64 {
      try database.statement("SELECT count(*) FROM \(table)").first {
        UInt64(bitPattern: $0.integer(0))
      } ?? 0
    }
    var counted = try totals()
    counted.accounts = try count("accounts")
    counted.logCount = try count("certificates")
    counted.outputCount = try count("outputs")
    counted.bufferCount = try count("buffer")
    counted.evidenceCount = try count("evidence")
    return counted
  }
}

extension Statement.Parameters {
  fileprivate mutating func bind(_ slot: Slot) {
    bind(slot.account.bytes)
    // A sequence number is below 2^63.
    bind(Int64(bitPattern: slot.sequence.number))
  }

  fileprivate mutating func bind(_ key: Evidence.Key) {
    bind(Int64(key.kind))
    bind(key.slot)
    bind(key.validator.map { Int64($0.number) } ?? -1)
  }
}
