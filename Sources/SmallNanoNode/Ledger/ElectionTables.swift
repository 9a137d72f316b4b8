import EdDSA
import Kernel
import SmallNano
import Storage

/// The rows of slots being voted on, of voters and of who was online.
final class ElectionTables {
  private let database: Database
  private let chain: ChainID

  init(of database: Database, chain: ChainID) {
    self.database = database
    self.chain = chain
  }

  // MARK: Vote records

  private lazy var readRecords = database.statement(
    """
    SELECT representative, round, normal_round, normal_hash, lock_round, lock_hash
    FROM vote_records WHERE account = ? AND height = ? ORDER BY representative
    """
  )
  private lazy var putRecord = database.statement(
    """
    INSERT OR REPLACE INTO vote_records
    (account, height, representative, round, normal_round, normal_hash, lock_round, lock_hash)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    """
  )
  private lazy var scanSlots = database.statement(
    """
    SELECT DISTINCT account, height FROM vote_records
    WHERE (account, height) >= (?, ?) ORDER BY account, height LIMIT ?
    """
  )

  func voteRecords(at slot: Slot) throws -> [VoteRecord] {
    try readRecords.all({ $0.bind(slot) }) { row in
      VoteRecord(
        representative: Account(try row.bytes32(0)),
        slot: slot,
        round: row.round(1),
        latestNormal: try row.choice(2),
        lock: try row.choice(4)
      )
    }
  }

  func slotsWithRecords(from start: Slot, limit: Int) throws -> [Slot] {
    let bind: (inout Statement.Parameters) -> Void = {
      $0.bind(start)
      $0.bind(limit)
    }
    return try scanSlots.all(bind) { row in
      Slot(account: Account(try row.bytes32(0)), height: Height(UInt64(row.integer(1))))
    }
  }

  func put(_ record: VoteRecord) throws {
    try putRecord.run {
      $0.bind(record.slot)
      $0.bind(record.representative.bytes)
      $0.bind(Int64(record.round.number))
      for choice in [record.latestNormal, record.lock] {
        $0.bind(choice.map { Int64($0.round.number) })
        $0.bind(choice?.hash.bytes)
      }
    }
  }

  // MARK: Candidates

  private lazy var readCandidates = database.statement(
    "SELECT block FROM candidates WHERE account = ? AND height = ? ORDER BY hash"
  )
  private lazy var putCandidate = database.statement(
    "INSERT OR REPLACE INTO candidates (account, height, hash, block) VALUES (?, ?, ?, ?)"
  )
  private lazy var deleteCandidate = database.statement(
    "DELETE FROM candidates WHERE account = ? AND height = ? AND hash = ?"
  )

  func candidates(at slot: Slot) throws -> [Block] {
    try readCandidates.all({ $0.bind(slot) }) { row in
      var reader = ByteReader(row.bytes(0))
      do {
        let block = try Block(from: &reader, on: chain)
        try reader.finish()
        return block
      } catch {
        throw row.damaged("a candidate's block \(error)")
      }
    }
  }

  func putCandidate(_ block: Block) throws {
    var writer = ByteWriter(capacity: Block.size)
    block.encode(into: &writer)
    try putCandidate.run {
      $0.bind(block.slot)
      $0.bind(block.hash.bytes)
      $0.bind(writer.bytes)
    }
  }

  func removeCandidate(at slot: Slot, _ hash: BlockHash) throws {
    try deleteCandidate.run {
      $0.bind(slot)
      $0.bind(hash.bytes)
    }
  }

  // MARK: Certificates

  private lazy var readCertificates = database.statement(
    """
    SELECT round, hash, votes FROM certificates WHERE account = ? AND height = ?
    ORDER BY round, hash
    """
  )
  private lazy var putCertificate = database.statement(
    """
    INSERT OR REPLACE INTO certificates (account, height, round, hash, votes)
    VALUES (?, ?, ?, ?, ?)
    """
  )
  private lazy var deleteCertificate = database.statement(
    "DELETE FROM certificates WHERE account = ? AND height = ? AND round = ? AND hash = ?"
  )

  func certificates(at slot: Slot) throws -> [Certificate] {
    try readCertificates.all({ $0.bind(slot) }) { row in
      do {
        let choice = RoundHash(round: row.round(0), hash: BlockHash(try row.bytes32(1)))
        return Certificate(slot: slot, choice: choice, votes: try Vote.list(row.bytes(2)))
      } catch let error as DecodingFailure {
        throw row.damaged("a certificate \(error)")
      }
    }
  }

  func put(_ certificate: Certificate) throws {
    try putCertificate.run {
      $0.bind(certificate.slot)
      $0.bind(certificate.choice)
      $0.bind(Vote.row(of: certificate.votes))
    }
  }

  func removeCertificate(at slot: Slot, _ choice: RoundHash) throws {
    try deleteCertificate.run {
      $0.bind(slot)
      $0.bind(choice)
    }
  }

  private lazy var deleteElection = ["vote_records", "candidates", "certificates"].map {
    database.statement("DELETE FROM \($0) WHERE account = ? AND height = ?")
  }

  /// Records, candidates and certificates of a slot.
  func removeElection(at slot: Slot) throws {
    for delete in deleteElection {
      try delete.run { $0.bind(slot) }
    }
  }

  // MARK: Voters

  private lazy var readVoter = database.statement(
    "SELECT since FROM voters WHERE representative = ?"
  )
  private lazy var putVoter = database.statement(
    "INSERT OR REPLACE INTO voters (representative, since) VALUES (?, ?)"
  )

  func votingSince(_ representative: Account) throws -> Instant? {
    try readVoter.first({ $0.bind(representative.bytes) }) { Instant(row: $0.integer(0)) }
  }

  func admitVoter(_ representative: Account, since: Instant) throws {
    try putVoter.run {
      $0.bind(representative.bytes)
      $0.bind(since.row)
    }
  }

  // MARK: Online samples

  private lazy var readSamples = database.statement(
    "SELECT time, weight FROM online_samples ORDER BY time"
  )
  private lazy var putSample = database.statement(
    "INSERT OR REPLACE INTO online_samples (time, weight) VALUES (?, ?)"
  )
  private lazy var deleteSamples = database.statement(
    "DELETE FROM online_samples WHERE time < ?"
  )

  func onlineSamples() throws -> [OnlineSample] {
    try readSamples.all {
      OnlineSample(time: Instant(row: $0.integer(0)), weight: try $0.amount(1))
    }
  }

  func put(_ sample: OnlineSample, dropBefore: Instant) throws {
    try putSample.run {
      $0.bind(sample.time.row)
      $0.bind(sample.weight.compact)
    }
    try deleteSamples.run { $0.bind(dropBefore.row) }
  }
}

extension Instant {
  /// Nanoseconds as SQLite's signed integer; good until the year 2262.
  fileprivate var row: Int64 { Int64(clamping: nanoseconds) }

  fileprivate init(row: Int64) {
    self.init(nanoseconds: UInt64(clamping: row))
  }
}

extension Vote {
  // A certificate's votes, each: representative 32 ‖ signature 64 ‖ kind 1 ‖ round 2 ‖
  // timestamp 8 ‖ count 1 ‖ count × hash 32.

  fileprivate static func row(of votes: [Vote]) -> [UInt8] {
    var writer = ByteWriter()
    for vote in votes {
      writer.bytes32(vote.representative.bytes)
      writer.bytes64(vote.signature.bytes)
      writer.integer(vote.kind.rawValue)
      writer.integer(vote.round.number)
      writer.integer(vote.timestamp)
      writer.integer(UInt8(vote.hashes.count))
      for hash in vote.hashes { writer.bytes32(hash.bytes) }
    }
    return writer.bytes
  }

  fileprivate static func list(_ row: [UInt8]) throws(DecodingFailure) -> [Vote] {
    var reader = ByteReader(row)
    var votes: [Vote] = []
    while reader.remaining > 0 {
      let representative = Account(try reader.bytes32())
      let signature = Signature(try reader.bytes64())
      guard let kind = VoteKind(rawValue: try reader.uint8()) else {
        throw reader.failure(.unknown("vote kind"))
      }
      let round = Round(try reader.uint16())
      let timestamp = try reader.uint64()
      var hashes: [BlockHash] = []
      for _ in 0..<(try reader.uint8()) { hashes.append(BlockHash(try reader.bytes32())) }
      votes.append(
        Vote(
          representative: representative,
          kind: kind,
          round: round,
          timestamp: timestamp,
          hashes: hashes,
          signature: signature
        )
      )
    }
    return votes
  }
}

extension Statement.Row {
  fileprivate func round(_ column: Int32) -> Round {
    Round(UInt16(truncatingIfNeeded: integer(column)))
  }

  /// A round and a hash in two columns, or NULL in both.
  fileprivate func choice(_ column: Int32) throws -> RoundHash? {
    guard !isNull(column) else { return nil }
    return RoundHash(round: round(column), hash: BlockHash(try bytes32(column + 1)))
  }
}

extension Statement.Parameters {
  fileprivate mutating func bind(_ slot: Slot) {
    bind(slot.account.bytes)
    // A height above Int64.max has no row; clamped, it still finds none.
    bind(Int64(clamping: slot.height.number))
  }

  fileprivate mutating func bind(_ choice: RoundHash) {
    bind(Int64(choice.round.number))
    bind(choice.hash.bytes)
  }
}
