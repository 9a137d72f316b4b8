public import EdDSA
public import Kernel

/// An owner signed two transitions for one slot.
///
///       0   2  version = 1         76  32  hash a      172  32  hash b > hash a
///       2   1  suite              108  64  signature a 204  64  signature b
///       3   1  reserved = 0
///       4  32  network
///      36  32  sender
///      68   8  sequence
///
/// 268 bytes. The signed message names the slot, so that no bodies are needed.
public struct EquivocationProof: Hashable, Sendable {
  public struct Side: Hashable, Sendable {
    public let hash: TransitionHash
    public let signature: Signature

    public init(hash: TransitionHash, signature: Signature) {
      self.hash = hash
      self.signature = signature
    }
  }

  public let network: NetworkID
  public let slot: Slot
  public let a: Side
  public let b: Side

  public static let size = 268

  /// Nil unless the two are different transitions of one slot and network.
  public init?(_ first: SignedBody, _ second: SignedBody) {
    guard first.slot == second.slot, first.body.network == second.body.network,
      first.hash != second.hash
    else { return nil }
    let (low, high) = first.hash < second.hash ? (first, second) : (second, first)
    network = low.body.network
    slot = low.slot
    a = Side(hash: low.hash, signature: low.signature)
    b = Side(hash: high.hash, signature: high.signature)
  }

  /// Names the evidence, whichever two of several transitions it shows.
  public var hash: Bytes32 { Tag.evidence.hash(encoded) }
}

extension EquivocationProof: WireCodable {
  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    try reader.version()
    _ = try reader.enabledSuite()
    guard try reader.uint8() == 0 else { throw reader.failure(.notCanonical(WireField.reserved)) }
    network = NetworkID(try reader.bytes32())
    let account = AccountID(try reader.bytes32())
    slot = Slot(account: account, sequence: try reader.sequenceNumber())
    a = Side(hash: TransitionHash(try reader.bytes32()), signature: try reader.signature())
    b = Side(hash: TransitionHash(try reader.bytes32()), signature: try reader.signature())
    guard a.hash < b.hash else { throw reader.failure(.notCanonical("order of hashes")) }
  }

  public func encode(into writer: inout ByteWriter) {
    writer.version()
    writer.integer(Suite.ed25519.rawValue)
    writer.integer(UInt8(0))
    writer.identifier(network)
    writer.identifier(slot.account)
    writer.integer(slot.sequence.number)
    for side in [a, b] {
      writer.identifier(side.hash)
      writer.bytes64(side.signature.bytes)
    }
  }
}

/// A validator voted for two transitions of one slot in one ballot: for operators to act on.
///
///     version u16 = 1 ‖ reserved u16 = 0 ‖ vote a ‖ vote b
public struct ValidatorEquivocationProof: Hashable, Sendable {
  public let a: ValidatorVote
  public let b: ValidatorVote

  public static let size = 4 + 2 * ValidatorVote.size

  /// Nil unless the votes contradict each other.
  public init?(_ first: ValidatorVote, _ second: ValidatorVote) {
    guard first.contradicts(second) else { return nil }
    (a, b) = first.transition < second.transition ? (first, second) : (second, first)
  }

  public var hash: Bytes32 { Tag.evidence.hash(encoded) }
}

extension ValidatorVote {
  /// Whether no honest validator casts both.
  public func contradicts(_ other: ValidatorVote) -> Bool {
    validator == other.validator && epoch == other.epoch && ballot == other.ballot
      && slot == other.slot && transition != other.transition
  }
}

extension ValidatorEquivocationProof: WireCodable {
  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    try reader.version()
    guard try reader.uint16() == 0 else { throw reader.failure(.notCanonical(WireField.reserved)) }
    a = try ValidatorVote(from: &reader)
    b = try ValidatorVote(from: &reader)
    guard a.contradicts(b), a.transition < b.transition else {
      throw reader.failure(.notCanonical("votes"))
    }
  }

  public func encode(into writer: inout ByteWriter) {
    writer.version()
    writer.integer(UInt16(0))
    a.encode(into: &writer)
    b.encode(into: &writer)
  }
}
