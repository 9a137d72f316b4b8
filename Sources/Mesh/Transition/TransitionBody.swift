import BulletproofsPlus
public import Kernel

/// One step of one account's chain: it claims outputs addressed to its sender and makes outputs for
/// others.
///
///     old balance + Σ claimed = new balance + Σ outputs + fee
///
///       0   2  version = 1            112   8  fee
///       2   1  suite                  120  32  new balance
///       3   1  kind = 0               152   2  claims: 0...64
///       4  32  network                154   1  outputs: 0...15
///      36  32  sender                 155   1  reserved = 0
///      68   8  sequence < 2^63        156   …  claims, 34 each, strictly ascending
///      76  32  previous                 …   …  outputs
///     108   4  asset                    …   2  owner memo length = 88 + 40·outputs, then the memo
public struct TransitionBody: Hashable, Sendable {
  public let network: NetworkID
  public let sender: AccountID
  public let sequence: SequenceNumber
  /// The transition before, or the account's origin.
  public let previous: TransitionHash
  public let asset: AssetID
  public let fee: Amount
  public let newBalance: Commitment
  public let claims: [OutputReference]
  public let outputs: [RecipientOutput]
  /// What the owner needs to know of it again, sealed.
  public var ownerMemo: [UInt8]

  public init(
    network: NetworkID,
    sender: AccountID,
    sequence: SequenceNumber,
    previous: TransitionHash,
    asset: AssetID = Genesis.assetID,
    fee: Amount,
    newBalance: Commitment,
    claims: [OutputReference],
    outputs: [RecipientOutput],
    ownerMemo: [UInt8] = []
  ) {
    self.network = network
    self.sender = sender
    self.sequence = sequence
    self.previous = previous
    self.asset = asset
    self.fee = fee
    self.newBalance = newBalance
    self.claims = claims
    self.outputs = outputs
    self.ownerMemo = ownerMemo
  }

  public var slot: Slot { Slot(account: sender, sequence: sequence) }

  /// H256("transition-body", bytes).
  public var hash: BodyHash { BodyHash(Tag.transitionBody.hash(encoded)) }

  /// The commitments that a range proof is about, padded with the identity to a power of two; nil
  /// without outputs, when nothing is to be proved.
  var provedCount: Int? {
    guard !outputs.isEmpty else { return nil }
    var count = 2
    while count < 1 + outputs.count { count *= 2 }
    return count
  }

  /// How long the range proof must be.
  var proofSize: Int { provedCount.flatMap { RangeProof.byteCount(values: $0) } ?? 0 }
}

extension TransitionBody: WireCodable {
  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    try reader.version()
    _ = try reader.enabledSuite()
    guard try reader.uint8() == 0 else { throw reader.failure(.unknown(WireField.kind)) }
    network = NetworkID(try reader.bytes32())
    sender = AccountID(try reader.bytes32())
    sequence = try reader.sequenceNumber()
    previous = TransitionHash(try reader.bytes32())
    asset = AssetID(try reader.uint32())
    fee = Amount(try reader.uint64())
    newBalance = try reader.commitment()
    let claimCount = Int(try reader.uint16())
    guard claimCount <= Limits.claims else {
      throw reader.failure(.tooLong(WireField.claimCount))
    }
    let outputCount = Int(try reader.uint8())
    guard outputCount <= Limits.outputs else {
      throw reader.failure(.tooLong(WireField.outputCount))
    }
    guard try reader.uint8() == 0 else { throw reader.failure(.notCanonical(WireField.reserved)) }
    guard claimCount + outputCount > 0 else {
      throw reader.failure(.notCanonical(WireField.emptyTransition))
    }
    var claims: [OutputReference] = []
    claims.reserveCapacity(claimCount)
    for _ in 0..<claimCount {
      let claim = try OutputReference(from: &reader)
      if let last = claims.last, !(last < claim) {
        throw reader.failure(.notCanonical(WireField.claimOrder))
      }
      claims.append(claim)
    }
    self.claims = claims
    var outputs: [RecipientOutput] = []
    outputs.reserveCapacity(outputCount)
    for _ in 0..<outputCount { outputs.append(try RecipientOutput(from: &reader)) }
    self.outputs = outputs
    guard Int(try reader.uint16()) == OwnerMemo.sealedSize(outputs: outputCount) else {
      throw reader.failure(.tooLong(WireField.ownerMemoLength))
    }
    ownerMemo = try reader.array(OwnerMemo.sealedSize(outputs: outputCount))
  }

  public func encode(into writer: inout ByteWriter) {
    encodePrefix(into: &writer)
    writer.integer(UInt16(ownerMemo.count))
    writer.array(ownerMemo)
  }

  /// All that stands before the owner memo, and gives its key.
  func encodePrefix(into writer: inout ByteWriter) {
    writer.version()
    writer.integer(Suite.ed25519.rawValue)
    writer.integer(UInt8(0))
    writer.identifier(network)
    writer.identifier(sender)
    writer.integer(sequence.number)
    writer.identifier(previous)
    writer.integer(asset.number)
    writer.integer(fee.units)
    writer.bytes32(newBalance.bytes)
    writer.integer(UInt16(claims.count))
    writer.integer(UInt8(outputs.count))
    writer.integer(UInt8(0))
    for claim in claims { claim.encode(into: &writer) }
    for output in outputs { output.encode(into: &writer) }
  }
}
