import EdDSA
public import Kernel

extension Vote {
  // 0   32  representative      98  2   round
  // 32  64  signature           100 8   timestamp in ms
  // 96  1   flags (0)           108 1   count (1...255)
  // 97  1   kind                109 count × 32  hashes, no two equal

  /// Decodes the layout above.
  ///
  /// Flag 1, ids shortened to 16 bytes, is not spoken by this version and refused as unknown. A
  /// hash listed twice is refused, so that one statement has one text.
  ///
  /// - Throws: `DecodingFailure`, also for a settled vote of another round than 0.
  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    let representative = Account(try reader.bytes32())
    let signature = Signature(try reader.bytes64())
    guard try reader.uint8() == 0 else { throw reader.failure(.unknown("vote flag")) }
    guard let kind = VoteKind(rawValue: try reader.uint8()) else {
      throw reader.failure(.unknown("vote kind"))
    }
    let round = Round(try reader.uint16())
    guard kind != .settled || round == .zero else {
      throw reader.failure(.notCanonical("round of a settled vote"))
    }
    let timestamp = try reader.uint64()
    let count = Int(try reader.uint8())
    guard count > 0 else { throw reader.failure(.notCanonical("count")) }
    guard reader.remaining >= count * 32 else { throw reader.failure(.truncated) }
    let hashes = try BlockHash.distinct(count, from: &reader)
    self.init(
      representative: representative,
      kind: kind,
      round: round,
      timestamp: timestamp,
      hashes: hashes,
      signature: signature
    )
  }

  public func encode(into writer: inout ByteWriter) {
    writer.bytes32(representative.bytes)
    writer.bytes64(signature.bytes)
    writer.integer(UInt8(0))
    writer.integer(kind.rawValue)
    writer.integer(round.number)
    writer.integer(timestamp)
    writer.integer(UInt8(hashes.count))
    for hash in hashes { writer.bytes32(hash.bytes) }
  }
}

extension BlockHash {
  /// Reads hashes of which no two are equal.
  static func distinct(
    _ count: Int,
    from reader: inout ByteReader
  ) throws(DecodingFailure) -> [BlockHash] {
    var hashes: [BlockHash] = []
    hashes.reserveCapacity(count)
    for _ in 0..<count { hashes.append(BlockHash(try reader.bytes32())) }
    // Set is keyed at random for each process, so no list makes it slow.
    guard count == 1 || Set(hashes).count == count else {
      throw reader.failure(.notCanonical("repeated hash"))
    }
    return hashes
  }
}
