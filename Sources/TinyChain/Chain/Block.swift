public import Kernel

/// What became of a transaction.
public struct Receipt: Hashable, Sendable {
  /// Something that a contract said.
  public struct Event: Hashable, Sendable {
    public let contract: Address
    public let data: [UInt8]
  }

  public let isSuccess: Bool
  public let gasUsed: UInt64
  /// SHA-256 of what the call answered; of nothing if it failed.
  public let outputHash: Bytes32
  public let events: [Event]

  init(_ outcome: Outcome, gasUsed: UInt64, events: [Event]) {
    (self.isSuccess, self.gasUsed, self.events) = (outcome.isSuccess, gasUsed, events)
    outputHash = SHA256.hash(isSuccess ? outcome.data : [])
  }

  // status 1 ‖ gas 8 ‖ hash 32 ‖ number of events 4 ‖ events (contract 20 ‖ length 2 ‖ data)
  public var bytes: [UInt8] {
    let head = [isSuccess ? 1 : 0] + gasUsed.littleEndianBytes + outputHash.bytes
    return events.reduce(into: head + UInt32(events.count).littleEndianBytes) { bytes, event in
      bytes += event.contract.bytes + UInt16(event.data.count).littleEndianBytes + event.data
    }
  }

  public init(_ bytes: [UInt8]) throws(DecodingFailure) {
    var (reader, events) = (ByteReader(bytes), [Event]())
    let status = try reader.uint8()
    guard status <= 1 else { throw reader.failure(.unknown("status")) }
    (isSuccess, gasUsed) = (status == 1, try reader.uint64())
    outputHash = try reader.bytes32()
    for _ in 0..<(try reader.uint32()) {
      let contract = try Address(from: &reader)
      events.append(Event(contract: contract, data: try reader.array(Int(try reader.uint16()))))
    }
    self.events = events
    try reader.finish()
  }
}

/// The head of a block, which commits to all of it and to the state after it.
public struct Header: Hashable, Sendable {
  public static let size = 180
  public static let version: UInt32 = 1

  public var version = Self.version
  public var height: UInt32 = 0
  public var parent = Bytes32.zero
  /// Of trees over the transactions' ids, all leaves of the state, the receipts.
  public var (transactionRoot, stateRoot, receiptRoot) = (Bytes32.zero, Bytes32.zero, Bytes32.zero)
  public var producer = Address.zero
  /// In seconds.
  public var time: UInt64 = 0
  /// The target of the work, compact; zero where none is asked for.
  public var bits: UInt32 = 0
  public var gasUsed: UInt32 = 0
  public var nonce: UInt64 = 0

  public init(time: UInt64, producer: Address = .zero, bits: UInt32 = 0) {
    (self.time, self.producer, self.bits) = (time, producer, bits)
  }

  public var id: Bytes32 { SHA256.double(bytes) }

  // The fields in their order; the nonce last, so that work varies one block of SHA-256 only.
  public var bytes: [UInt8] {
    var writer = ByteWriter(capacity: Self.size)
    for field in [version, height] { writer.integer(field) }
    for hash in [parent, transactionRoot, stateRoot, receiptRoot] { writer.bytes32(hash) }
    producer.encode(into: &writer)
    writer.integer(time)
    for field in [bits, gasUsed] { writer.integer(field) }
    writer.integer(nonce)
    return writer.bytes
  }

  public init(_ bytes: [UInt8]) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    (version, height) = (try reader.uint32(), try reader.uint32())
    (parent, transactionRoot) = (try reader.bytes32(), try reader.bytes32())
    (stateRoot, receiptRoot) = (try reader.bytes32(), try reader.bytes32())
    (producer, time) = (try Address(from: &reader), try reader.uint64())
    (bits, gasUsed, nonce) = (try reader.uint32(), try reader.uint32(), try reader.uint64())
    try reader.finish()
  }
}

/// A header with its transactions: 180 ‖ each transaction behind its length 4.
public struct Block: Sendable {
  public static let gasMax: UInt64 = 50_000_000
  public static let bytesMax = 4 << 20

  public var header: Header
  public let transactions: [SignedTransaction]

  public init(header: Header, transactions: [SignedTransaction]) {
    (self.header, self.transactions) = (header, transactions)
  }

  /// Splits a block, so that its signatures can be checked in parallel, which is most of its cost.
  public static func parts(
    of bytes: [UInt8]
  ) throws(DecodingFailure) -> (header: Header, transactions: [[UInt8]]) {
    var reader = ByteReader(bytes)
    guard bytes.count <= bytesMax else { throw reader.failure(.tooLong("block")) }
    let header = try Header(try reader.array(Header.size))
    var transactions: [[UInt8]] = []
    while reader.remaining > 0 { transactions.append(try reader.array(Int(try reader.uint32()))) }
    return (header, transactions)
  }

  public var bytes: [UInt8] {
    transactions.reduce(into: header.bytes) { bytes, transaction in
      bytes += UInt32(transaction.transaction.size).littleEndianBytes + transaction.bytes
    }
  }

  /// Of a tree from indices to ids, which are known of transactions that are none, too.
  ///
  /// So who sent the wrong body is told from who mined a wrong block.
  public static func transactionRoot(ids: [Bytes32]) -> Bytes32 {
    MerkleTree(list: ids.map(\.bytes)).root
  }
}
