public import Kernel
public import TinyChain

/// A new block as its header and 6 bytes for each transaction, as who hears of it has most of them.
public struct ShortBlock: Hashable, Sendable {
  public let header: Header
  /// Chosen by the sender; so nobody can prepare transactions that have one short id.
  public let salt: UInt64
  /// In the block's order, each below 2^48.
  public let ids: [UInt64]

  public init(_ header: Header, salt: UInt64, transactions ids: [Bytes32]) {
    let short = ShortID(of: header, salt: salt)
    (self.header, self.salt, self.ids) = (header, salt, ids.map { short($0) })
  }

  // Two items: header 180 ‖ salt 8, and the ids, 6 each.
  var items: [[UInt8]] {
    let ids = ids.reduce(into: ByteWriter(capacity: ids.count * ShortID.size)) { writer, id in
      writer.integer(UInt32(truncatingIfNeeded: id))
      writer.integer(UInt16(truncatingIfNeeded: id >> 32))
    }
    return [header.bytes + salt.littleEndianBytes, ids.bytes]
  }

  init(items: ArraySlice<[UInt8]>) throws(DecodingFailure) {
    guard items.count == 2, let head = items.first, let tail = items.last else {
      throw DecodingFailure(.truncated, at: 0)
    }
    var reader = ByteReader(head)
    header = try Header(try reader.array(Header.size))
    salt = try reader.uint64()
    try reader.finish()
    reader = ByteReader(tail)
    let count = tail.count / ShortID.size
    guard count <= PeerLimits.blockTransactionsMax else { throw reader.failure(.tooLong("ids")) }
    var ids: [UInt64] = []
    ids.reserveCapacity(count)
    for _ in 0..<count {
      let low = try reader.uint32()
      ids.append(UInt64(low) | UInt64(try reader.uint16()) << 32)
    }
    try reader.finish()
    self.ids = ids
  }
}

/// Makes short ids: SipHash-2-4 of the transaction's id, of which 48 bits are kept.
///
/// The key is the first 16 bytes of SHA-256(header ‖ salt 8).
public struct ShortID: Sendable {
  public static let size = 6

  private let hash: SipHash

  public init(of header: Header, salt: UInt64) {
    let words = SHA256.hash(header.bytes + salt.littleEndianBytes).words
    hash = SipHash(key: (words.0, words.1))
  }

  public func callAsFunction(_ id: Bytes32) -> UInt64 { hash.hash(id.bytes).0 & 0xffff_ffff_ffff }
}
