public import EdDSA
public import Kernel

/// A validator's word that a transition may settle its slot: never given to two in one ballot.
///
///       0   2  version = 1        18  32  sender
///       2   1  suite              50   8  sequence
///       3   1  reserved = 0       58  32  transition hash
///       4   2  validator          90  64  signature
///       6   4  ballot
///      10   8  epoch
///
/// 154 bytes. Signed: T("sign/vote", suite ‖ network ‖ epoch ‖ ballot ‖ sender ‖ sequence ‖ hash).
public struct ValidatorVote: Hashable, Sendable {
  public let validator: ValidatorIndex
  public let ballot: Ballot
  public let epoch: Epoch
  public let slot: Slot
  public let transition: TransitionHash
  public let signature: Signature

  public static let size = 154

  public init(
    validator: ValidatorIndex,
    ballot: Ballot,
    epoch: Epoch,
    slot: Slot,
    transition: TransitionHash,
    signature: Signature
  ) {
    self.validator = validator
    self.ballot = ballot
    self.epoch = epoch
    self.slot = slot
    self.transition = transition
    self.signature = signature
  }

  /// What all voters of one ballot sign alike.
  public static func message(
    ballot: Ballot,
    epoch: Epoch,
    slot: Slot,
    transition: TransitionHash,
    on network: NetworkID
  ) -> [UInt8] {
    var writer = ByteWriter(capacity: 117)
    writer.integer(Suite.ed25519.rawValue)
    writer.identifier(network)
    writer.integer(epoch.number)
    writer.integer(ballot.number)
    writer.identifier(slot.account)
    writer.integer(slot.sequence.number)
    writer.identifier(transition)
    return Tag.signVote.message(writer.bytes)
  }

  public func message(on network: NetworkID) -> [UInt8] {
    Self.message(ballot: ballot, epoch: epoch, slot: slot, transition: transition, on: network)
  }

  /// For the validator that holds the key, and for simulated ones that lie.
  package static func signed(
    by key: SecretKey,
    as validator: ValidatorIndex,
    ballot: Ballot,
    epoch: Epoch,
    slot: Slot,
    transition: TransitionHash,
    on network: NetworkID
  ) -> ValidatorVote {
    let message = message(
      ballot: ballot,
      epoch: epoch,
      slot: slot,
      transition: transition,
      on: network
    )
    return ValidatorVote(
      validator: validator,
      ballot: ballot,
      epoch: epoch,
      slot: slot,
      transition: transition,
      signature: key.sign(message)
    )
  }
}

extension ValidatorVote: WireCodable {
  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    try reader.version()
    _ = try reader.enabledSuite()
    guard try reader.uint8() == 0 else { throw reader.failure(.notCanonical(WireField.reserved)) }
    validator = ValidatorIndex(try reader.uint16())
    ballot = Ballot(try reader.uint32())
    epoch = Epoch(try reader.uint64())
    let account = AccountID(try reader.bytes32())
    slot = Slot(account: account, sequence: try reader.sequenceNumber())
    transition = TransitionHash(try reader.bytes32())
    signature = try reader.signature()
  }

  public func encode(into writer: inout ByteWriter) {
    writer.version()
    writer.integer(Suite.ed25519.rawValue)
    writer.integer(UInt8(0))
    writer.integer(validator.number)
    writer.integer(ballot.number)
    writer.integer(epoch.number)
    writer.identifier(slot.account)
    writer.integer(slot.sequence.number)
    writer.identifier(transition)
    writer.bytes64(signature.bytes)
  }
}
