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

  init(isSuccess: Bool, gasUsed: UInt64, output: [UInt8], events: [Event]) {
    (self.isSuccess, self.gasUsed, self.events) = (isSuccess, gasUsed, events)
    outputHash = SHA256.hash(isSuccess ? output : [])
  }

  // status 1 ‖ gas 8 ‖ hash 32 ‖ number of events 4 ‖ events (contract 20 ‖ length 2 ‖ data)
  public var bytes: [UInt8] {
    var writer = ByteWriter(capacity: 64)
    writer.integer(UInt8(isSuccess ? 1 : 0))
    writer.integer(gasUsed)
    writer.bytes32(outputHash)
    writer.integer(UInt32(events.count))
    for event in events {
      event.contract.encode(into: &writer)
      writer.integer(UInt16(event.data.count))
      writer.array(event.data)
    }
    return writer.bytes
  }

  public init(_ bytes: [UInt8]) throws(DecodingFailure) {
    var (reader, events) = (ByteReader(bytes), [Event]())
    let status = try reader.uint8()
    guard status <= 1 else { throw reader.failure(.unknown("status")) }
    isSuccess = status == 1
    gasUsed = try reader.uint64()
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
  public var transactionRoot = Bytes32.zero
  public var stateRoot = Bytes32.zero
  public var receiptRoot = Bytes32.zero
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
    writer.integer(version)
    writer.integer(height)
    for hash in [parent, transactionRoot, stateRoot, receiptRoot] { writer.bytes32(hash) }
    producer.encode(into: &writer)
    writer.integer(time)
    writer.integer(bits)
    writer.integer(gasUsed)
    writer.integer(nonce)
    return writer.bytes
  }

  public init(_ bytes: [UInt8]) throws(DecodingFailure) {
    var reader = ByteReader(bytes)
    version = try reader.uint32()
    height = try reader.uint32()
    parent = try reader.bytes32()
    transactionRoot = try reader.bytes32()
    stateRoot = try reader.bytes32()
    receiptRoot = try reader.bytes32()
    producer = try Address(from: &reader)
    time = try reader.uint64()
    bits = try reader.uint32()
    gasUsed = try reader.uint32()
    nonce = try reader.uint64()
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
    while reader.remaining > 0 {
      transactions.append(try reader.array(Int(try reader.uint32())))
    }
    return (header, transactions)
  }

  public var bytes: [UInt8] {
    transactions.reduce(into: header.bytes) { bytes, transaction in
      bytes += UInt32(transaction.transaction.size).littleEndianBytes + transaction.bytes
    }
  }

  /// Of a tree from indices to ids.
  static func transactionRoot(_ transactions: [SignedTransaction]) -> Bytes32 {
    MerkleTree(list: transactions.map(\.id.bytes)).root
  }
}
