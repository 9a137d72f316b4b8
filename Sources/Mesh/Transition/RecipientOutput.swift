public import Kernel

/// An amount on its way: who may claim it, and the amount itself, hidden.
///
///       0   1  kind: 0 direct, 1 stealth
///       1   1  view tag
///       2  32  recipient
///      34  32  commitment
///      66  32  ephemeral X25519 key; any bytes, validators never decode it
///      98   2  memo length: 80, 144, 272 or 528
///     100   …  memo, with its tag
public struct RecipientOutput: Hashable, Sendable, WireCodable {
  public enum Kind: UInt8, Sendable, CaseIterable {
    case direct = 0
    /// Readable, and refused by the seventh rule while stealth outputs are off.
    case stealth = 1
  }

  public let kind: Kind
  /// Spares the recipient 255 of 256 trials; only stealth outputs need it.
  public let viewTag: UInt8
  public let recipient: AccountID
  public let commitment: Commitment
  public let ephemeralKey: Bytes32
  /// One of four lengths, so that the length tells little about the content.
  public let memo: [UInt8]

  public init(
    kind: Kind = .direct,
    viewTag: UInt8,
    recipient: AccountID,
    commitment: Commitment,
    ephemeralKey: Bytes32,
    memo: [UInt8]
  ) {
    self.kind = kind
    self.viewTag = viewTag
    self.recipient = recipient
    self.commitment = commitment
    self.ephemeralKey = ephemeralKey
    self.memo = memo
  }

  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    guard let kind = Kind(rawValue: try reader.uint8()) else {
      throw reader.failure(.unknown(WireField.kind))
    }
    self.kind = kind
    viewTag = try reader.uint8()
    recipient = AccountID(try reader.bytes32())
    commitment = try reader.commitment()
    ephemeralKey = try reader.bytes32()
    let length = Int(try reader.uint16())
    guard Memo.sealedSizes.contains(length) else {
      throw reader.failure(.tooLong(WireField.memoLength))
    }
    memo = try reader.array(length)
  }

  public func encode(into writer: inout ByteWriter) {
    writer.integer(kind.rawValue)
    writer.integer(viewTag)
    writer.identifier(recipient)
    writer.bytes32(commitment.bytes)
    writer.bytes32(ephemeralKey)
    writer.integer(UInt16(memo.count))
    writer.array(memo)
  }
}
