public import EdDSA
public import Kernel

/// An owner who may have signed something it no longer knows asks for a new ballot (SPEC-003, 3.8).
///
///     suite u8 ‖ account 32 ‖ sequence u64 ‖ ballot u32 from 1 ‖ signature 64
///
/// Signed: T("sign/ballot", suite ‖ network ‖ account ‖ sequence ‖ ballot).
public struct BallotRequest: Hashable, Sendable {
  public let slot: Slot
  public let ballot: Ballot
  public let signature: Signature

  public init(slot: Slot, ballot: Ballot, signature: Signature) {
    self.slot = slot
    self.ballot = ballot
    self.signature = signature
  }

  public static func signed(
    slot: Slot,
    ballot: Ballot,
    by key: SecretKey,
    on network: NetworkID
  ) -> BallotRequest {
    let request = BallotRequest(slot: slot, ballot: ballot, signature: .zero)
    return BallotRequest(
      slot: slot,
      ballot: ballot,
      signature: key.sign(request.message(on: network))
    )
  }

  public func message(on network: NetworkID) -> [UInt8] {
    var writer = ByteWriter(capacity: 77)
    writer.integer(Suite.ed25519.rawValue)
    writer.identifier(network)
    writer.identifier(slot.account)
    writer.integer(slot.sequence.number)
    writer.integer(ballot.number)
    return Tag.signBallot.message(writer.bytes)
  }
}

extension BallotRequest: WireCodable {
  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    _ = try reader.enabledSuite()
    let account = AccountID(try reader.bytes32())
    slot = Slot(account: account, sequence: try reader.sequenceNumber())
    ballot = Ballot(try reader.uint32())
    guard ballot > .zero else { throw reader.failure(.notCanonical("ballot")) }
    signature = try reader.signature()
  }

  public func encode(into writer: inout ByteWriter) {
    writer.integer(Suite.ed25519.rawValue)
    writer.identifier(slot.account)
    writer.integer(slot.sequence.number)
    writer.integer(ballot.number)
    writer.bytes64(signature.bytes)
  }
}

/// A validator's promise to vote in no lower ballot of a slot, with every transition it voted for
/// there.
///
///     epoch u64 ‖ validator u16 ‖ account 32 ‖ sequence u64 ‖ ballot u32
///     ‖ u16 count × (u32 length ‖ transition), ascending by hash ‖ signature 64
///
/// Signed: T("sign/ballot-ack", suite ‖ network ‖ epoch ‖ account ‖ sequence ‖ ballot ‖ u16 count
/// ‖ hashes). The validator's number is not signed: its key says it.
public struct BallotAck: Hashable, Sendable {
  public let epoch: Epoch
  public let validator: ValidatorIndex
  public let slot: Slot
  public let ballot: Ballot
  public let transitions: [Transition]
  public let signature: Signature

  public init(
    epoch: Epoch,
    validator: ValidatorIndex,
    slot: Slot,
    ballot: Ballot,
    transitions: [Transition],
    signature: Signature
  ) {
    self.epoch = epoch
    self.validator = validator
    self.slot = slot
    self.ballot = ballot
    self.transitions = transitions
    self.signature = signature
  }

  /// For the validator that holds the key, and for simulated ones that lie.
  package static func signed(
    by key: SecretKey,
    as validator: ValidatorIndex,
    epoch: Epoch,
    slot: Slot,
    ballot: Ballot,
    transitions: [Transition],
    on network: NetworkID
  ) -> BallotAck {
    func ack(_ signature: Signature) -> BallotAck {
      BallotAck(
        epoch: epoch,
        validator: validator,
        slot: slot,
        ballot: ballot,
        transitions: transitions.sorted { $0.hash < $1.hash },
        signature: signature
      )
    }
    return ack(key.sign(ack(.zero).message(on: network)))
  }

  public func message(on network: NetworkID) -> [UInt8] {
    var writer = ByteWriter(capacity: 87 + 32 * transitions.count)
    writer.integer(Suite.ed25519.rawValue)
    writer.identifier(network)
    writer.integer(epoch.number)
    writer.identifier(slot.account)
    writer.integer(slot.sequence.number)
    writer.integer(ballot.number)
    writer.integer(UInt16(transitions.count))
    for transition in transitions { writer.identifier(transition.hash) }
    return Tag.signBallotAck.message(writer.bytes)
  }
}

extension BallotAck: WireCodable {
  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    epoch = Epoch(try reader.uint64())
    validator = ValidatorIndex(try reader.uint16())
    let account = AccountID(try reader.bytes32())
    slot = Slot(account: account, sequence: try reader.sequenceNumber())
    ballot = Ballot(try reader.uint32())
    guard ballot > .zero else { throw reader.failure(.notCanonical("ballot")) }
    let count = Int(try reader.uint16())
    guard count <= Limits.reports else { throw reader.failure(.tooLong("reported transitions")) }
    var transitions: [Transition] = []
    for _ in 0..<count {
      let bytes = try reader.lengthPrefixed(max: Limits.transitionBytes, WireField.transition)
      let transition = try Transition(encoded: bytes)
      // A validator reports what it voted for in this slot, each once.
      guard transition.slot == slot, transitions.last.map({ $0.hash < transition.hash }) ?? true
      else { throw reader.failure(.notCanonical("reported transitions")) }
      transitions.append(transition)
    }
    self.transitions = transitions
    signature = try reader.signature()
  }

  public func encode(into writer: inout ByteWriter) {
    writer.integer(epoch.number)
    writer.integer(validator.number)
    writer.identifier(slot.account)
    writer.integer(slot.sequence.number)
    writer.integer(ballot.number)
    writer.integer(UInt16(transitions.count))
    for transition in transitions { writer.lengthPrefixed(transition.encoded) }
    writer.bytes64(signature.bytes)
  }
}
