import EdDSA
public import Kernel

extension Block {
  /// Decodes 224 bytes of the layout above.
  ///
  /// Every bit pattern is a block; rules judge it later.
  public init(from reader: inout ByteReader, on chain: ChainID) throws(DecodingFailure) {
    let account = Account(try reader.bytes32())
    let previous = BlockHash(try reader.bytes32())
    let representative = Account(try reader.bytes32())
    let balance = Amount(raw: try reader.uint128())
    let link = try reader.bytes32()
    let height = Height(try reader.uint64())
    let work = try reader.uint64()
    let signature = Signature(try reader.bytes64())
    self.init(
      account: account,
      previous: previous,
      representative: representative,
      balance: balance,
      link: link,
      height: height,
      work: work,
      signature: signature,
      on: chain
    )
  }

  public func encode(into writer: inout ByteWriter) {
    writer.bytes32(account.bytes)
    writer.bytes32(previous.bytes)
    writer.bytes32(representative.bytes)
    writer.integer(balance.raw)
    writer.bytes32(link)
    writer.integer(height.number)
    writer.integer(work)
    writer.bytes64(signature.bytes)
  }
}
