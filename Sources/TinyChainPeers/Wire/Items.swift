import Kernel

/// A body as all messages are made: items, each behind its length 4.
enum Items {
  /// Splits a body of at most `PeerLimits.bodyBytesMax` bytes into at most so many items.
  static func split(_ body: [UInt8], countMax: Int) throws(DecodingFailure) -> [[UInt8]] {
    var reader = ByteReader(body)
    guard body.count <= PeerLimits.bodyBytesMax else { throw reader.failure(.tooLong("body")) }
    var items: [[UInt8]] = []
    while reader.remaining > 0 {
      guard items.count < countMax else { throw reader.failure(.tooLong("items")) }
      items.append(try reader.array(Int(try reader.uint32())))
    }
    return items
  }

  static func joined(_ items: some Sequence<[UInt8]>) -> [UInt8] {
    var writer = ByteWriter()
    for item in items {
      writer.integer(UInt32(item.count))
      writer.array(item)
    }
    return writer.bytes
  }

  /// The only item of a body.
  static func only(_ body: [UInt8]) throws(DecodingFailure) -> [UInt8] {
    let items = try split(body, countMax: 1)
    guard let item = items.first else { throw DecodingFailure(.truncated, at: 0) }
    return item
  }

  /// One item for each id.
  static func ids(_ items: some Sequence<[UInt8]>) throws(DecodingFailure) -> [Bytes32] {
    var ids: [Bytes32] = []
    for item in items {
      var reader = ByteReader(item)
      ids.append(try reader.bytes32())
      try reader.finish()
    }
    return ids
  }
}
