public import EdDSA
public import Kernel

/// A quorum's votes for one transition: final, since no other transition can get a quorum there.
///
///     version u16 = 1 ‖ vote suite u8 ‖ flags u8 (bit 0: pruned) ‖ epoch u64 ‖ ballot u32
///     ‖ signers u128 ‖ a signature for each signer, ascending ‖ payload
///
/// The payload is the transition, or, pruned, a receipt without its range proof.
public struct SettlementCertificate: Hashable, Sendable {
  public enum Payload: Hashable, Sendable {
    case full(Transition)
    case pruned(SignedBody)
  }

  public let epoch: Epoch
  public let ballot: Ballot
  /// Bit i: validator i.
  public let signers: UInt128
  /// Of the signers, in their order.
  public let signatures: [Signature]
  public let payload: Payload

  public init(
    epoch: Epoch,
    ballot: Ballot,
    signers: UInt128,
    signatures: [Signature],
    payload: Payload
  ) {
    precondition(signers.nonzeroBitCount == signatures.count)
    self.epoch = epoch
    self.ballot = ballot
    self.signers = signers
    self.signatures = signatures
    self.payload = payload
  }

  /// Assembles votes of different validators for the transition, all of one epoch and ballot.
  ///
  /// Nil if there are none, or if they do not belong together.
  public init?(_ votes: [ValidatorVote], for transition: Transition) {
    let ordered = votes.sorted { $0.validator < $1.validator }
    guard let first = ordered.first else { return nil }
    var signers: UInt128 = 0
    for vote in ordered {
      guard vote.epoch == first.epoch, vote.ballot == first.ballot,
        vote.transition == transition.hash, vote.slot == transition.slot,
        Int(vote.validator.number) < Limits.validators,
        signers >> UInt128(vote.validator.number) & 1 == 0
      else { return nil }
      signers |= 1 << UInt128(vote.validator.number)
    }
    self.init(
      epoch: first.epoch,
      ballot: first.ballot,
      signers: signers,
      signatures: ordered.map(\.signature),
      payload: .full(transition)
    )
  }

  public var signed: SignedBody {
    switch payload {
    case .full(let transition): transition.signed
    case .pruned(let signed): signed
    }
  }

  /// With its proof; nil if that was pruned.
  public var transition: Transition? {
    if case .full(let transition) = payload { transition } else { nil }
  }

  public var hash: TransitionHash { signed.hash }
  public var slot: Slot { signed.slot }

  public var signerIndices: [ValidatorIndex] {
    (0..<UInt16(Limits.validators)).filter { signers >> UInt128($0) & 1 == 1 }
      .map { ValidatorIndex($0) }
  }

  /// The same without its range proof.
  public var pruned: SettlementCertificate {
    SettlementCertificate(
      epoch: epoch,
      ballot: ballot,
      signers: signers,
      signatures: signatures,
      payload: .pruned(signed)
    )
  }

  /// What every signer signed.
  public var voteMessage: [UInt8] {
    ValidatorVote.message(
      ballot: ballot,
      epoch: epoch,
      slot: slot,
      transition: hash,
      on: signed.body.network
    )
  }
}

extension SettlementCertificate: WireCodable {
  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    try reader.version()
    _ = try reader.enabledSuite()
    let isPruned = try reader.flag("certificate flags")
    epoch = Epoch(try reader.uint64())
    ballot = Ballot(try reader.uint32())
    signers = try reader.uint128()
    guard signers != 0 else { throw reader.failure(.notCanonical("signers")) }
    var signatures: [Signature] = []
    for _ in 0..<signers.nonzeroBitCount { signatures.append(try reader.signature()) }
    self.signatures = signatures
    payload =
      isPruned
      ? .pruned(try SignedBody(from: &reader)) : .full(try Transition(from: &reader))
  }

  public func encode(into writer: inout ByteWriter) {
    writer.version()
    writer.integer(Suite.ed25519.rawValue)
    writer.flag(transition == nil)
    writer.integer(epoch.number)
    writer.integer(ballot.number)
    writer.integer(signers)
    for signature in signatures { writer.bytes64(signature.bytes) }
    switch payload {
    case .full(let transition): transition.encode(into: &writer)
    case .pruned(let signed): signed.encode(into: &writer)
    }
  }
}
