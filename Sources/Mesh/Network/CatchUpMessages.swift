public import Kernel

/// The certificates of a validator's log, from an index on.
///
///     from u64 ‖ max u16, at most 256
public struct SyncRequest: Hashable, Sendable, WireCodable {
  /// The log starts at 1.
  public let from: UInt64
  public let max: UInt16

  public init(from: UInt64, max: UInt16 = UInt16(Limits.syncCertificates)) {
    self.from = from
    self.max = max
  }

  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    from = try reader.uint64()
    max = try reader.uint16()
    guard (1...Limits.syncCertificates).contains(Int(max)) else {
      throw reader.failure(.tooLong("sync request"))
    }
  }

  public func encode(into writer: inout ByteWriter) {
    writer.integer(from)
    writer.integer(max)
  }
}

/// first u64 (2^64 - 1: of one account) ‖ head u64 ‖ u16 count × (u32 length ‖ certificate).
public struct SyncResponse: Hashable, Sendable, WireCodable {
  /// Nil for the answer to a gap request, which has no place in the log.
  public let first: UInt64?
  public let head: UInt64
  public let certificates: [SettlementCertificate]

  public init(first: UInt64?, head: UInt64, certificates: [SettlementCertificate]) {
    self.first = first
    self.head = head
    self.certificates = certificates
  }

  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    let first = try reader.uint64()
    self.first = first == .max ? nil : first
    head = try reader.uint64()
    let count = Int(try reader.uint16())
    guard count <= Limits.syncCertificates else { throw reader.failure(.tooLong("sync response")) }
    var certificates: [SettlementCertificate] = []
    for _ in 0..<count {
      let bytes = try reader.lengthPrefixed(max: Limits.certificateBytes, "certificate")
      certificates.append(try SettlementCertificate(encoded: bytes))
    }
    self.certificates = certificates
  }

  public func encode(into writer: inout ByteWriter) {
    writer.integer(first ?? .max)
    writer.integer(head)
    writer.integer(UInt16(certificates.count))
    for certificate in certificates { writer.lengthPrefixed(certificate.encoded) }
  }
}

/// The certificates of one account, from a sequence on.
///
///     account 32 ‖ from u64 ‖ max u16, at most 256
public struct GapRequest: Hashable, Sendable, WireCodable {
  public let from: Slot
  public let max: UInt16

  public init(from: Slot, max: UInt16 = UInt16(Limits.syncCertificates)) {
    self.from = from
    self.max = max
  }

  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    let account = AccountID(try reader.bytes32())
    from = Slot(account: account, sequence: try reader.sequenceNumber())
    max = try reader.uint16()
    guard (1...Limits.syncCertificates).contains(Int(max)) else {
      throw reader.failure(.tooLong("gap request"))
    }
  }

  public func encode(into writer: inout ByteWriter) {
    writer.identifier(from.account)
    writer.integer(from.sequence.number)
    writer.integer(max)
  }
}

/// What a validator's log holds, from an index on: for a peer that has most of it already.
///
///     from u64 ‖ max u16, at most 1,024
public struct LogRequest: Hashable, Sendable, WireCodable {
  /// The log starts at 1.
  public let from: UInt64
  public let max: UInt16

  public init(from: UInt64, max: UInt16 = UInt16(Limits.logHashes)) {
    self.from = from
    self.max = max
  }

  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    from = try reader.uint64()
    max = try reader.uint16()
    guard (1...Limits.logHashes).contains(Int(max)) else {
      throw reader.failure(.tooLong("log request"))
    }
  }

  public func encode(into writer: inout ByteWriter) {
    writer.integer(from)
    writer.integer(max)
  }
}

/// first u64 ‖ head u64 ‖ u16 count × transition hash 32, in the log's order.
public struct LogHashes: Hashable, Sendable, WireCodable {
  public let first: UInt64
  public let head: UInt64
  public let hashes: [TransitionHash]

  public init(first: UInt64, head: UInt64, hashes: [TransitionHash]) {
    self.first = first
    self.head = head
    self.hashes = hashes
  }

  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    first = try reader.uint64()
    head = try reader.uint64()
    let count = Int(try reader.uint16())
    guard count <= Limits.logHashes else { throw reader.failure(.tooLong("log hashes")) }
    var hashes: [TransitionHash] = []
    for _ in 0..<count { hashes.append(TransitionHash(try reader.bytes32())) }
    self.hashes = hashes
  }

  public func encode(into writer: inout ByteWriter) {
    writer.integer(first)
    writer.integer(head)
    writer.integer(UInt16(hashes.count))
    for hash in hashes { writer.identifier(hash) }
  }
}

/// One hash of all accounts: equal wherever the same certificates were applied.
///
///     log count u64 ‖ accounts u64 ‖ digest 32
public struct StateDigest: Hashable, Sendable, WireCodable {
  public let logCount: UInt64
  public let accounts: UInt64
  public let digest: Bytes32

  public init(logCount: UInt64, accounts: UInt64, digest: Bytes32) {
    self.logCount = logCount
    self.accounts = accounts
    self.digest = digest
  }

  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    logCount = try reader.uint64()
    accounts = try reader.uint64()
    digest = try reader.bytes32()
  }

  public func encode(into writer: inout ByteWriter) {
    writer.integer(logCount)
    writer.integer(accounts)
    writer.bytes32(digest)
  }
}
