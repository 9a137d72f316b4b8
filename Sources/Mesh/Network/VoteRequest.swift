public import Kernel

/// Asks a validator to vote.
///
///     ballot u32 ‖ u8 count × (u32 length ‖ BALLOT_ACK) ‖ u8 count × (u32 length ‖ certificate)
///     ‖ transition, to the end
public struct VoteRequest: Hashable, Sendable {
  /// The transition, or the code of the rule that its bytes break: a validator answers both.
  public enum Submission: Hashable, Sendable {
    case transition(Transition)
    case refused(TransitionRejection, bytes: [UInt8])

    var hash: TransitionHash {
      switch self {
      case .transition(let transition): transition.hash
      // Bytes that are no transition have no hash.
      case .refused(_, let bytes):
        (try? Transition.decode(bytes))?.hash ?? TransitionHash(.zero)
      }
    }
  }

  public let ballot: Ballot
  /// What justifies a ballot above 0.
  public let acks: [BallotAck]
  /// Sources of the claims, for validators that have not heard of them.
  public var dependencies: [SettlementCertificate]
  public let submission: Submission

  public init(
    ballot: Ballot = .zero,
    acks: [BallotAck] = [],
    dependencies: [SettlementCertificate] = [],
    submission: Submission
  ) {
    self.ballot = ballot
    self.acks = acks
    self.dependencies = dependencies
    self.submission = submission
  }
}

extension VoteRequest: WireCodable {
  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    ballot = Ballot(try reader.uint32())
    var acks: [BallotAck] = []
    let ackCount = Int(try reader.uint8())
    guard ackCount <= Limits.validators else { throw reader.failure(.tooLong("ballot acks")) }
    guard ackCount == 0 || ballot > .zero else { throw reader.failure(.notCanonical("ballot")) }
    for _ in 0..<ackCount {
      let bytes = try reader.lengthPrefixed(max: Limits.frameBytes, "ballot ack")
      acks.append(try BallotAck(encoded: bytes))
    }
    self.acks = acks
    var dependencies: [SettlementCertificate] = []
    let dependencyCount = Int(try reader.uint8())
    guard dependencyCount <= Limits.claims else { throw reader.failure(.tooLong("dependencies")) }
    for _ in 0..<dependencyCount {
      let bytes = try reader.lengthPrefixed(max: Limits.certificateBytes, "certificate")
      dependencies.append(try SettlementCertificate(encoded: bytes))
    }
    self.dependencies = dependencies
    let bytes = try reader.array(reader.remaining)
    do throws(TransitionRejection) {
      submission = .transition(try Transition.decode(bytes))
    } catch {
      submission = .refused(error, bytes: bytes)
    }
  }

  public func encode(into writer: inout ByteWriter) {
    writer.integer(ballot.number)
    writer.integer(UInt8(acks.count))
    for ack in acks { writer.lengthPrefixed(ack.encoded) }
    writer.integer(UInt8(dependencies.count))
    for certificate in dependencies { writer.lengthPrefixed(certificate.encoded) }
    switch submission {
    case .transition(let transition): transition.encode(into: &writer)
    case .refused(_, let bytes): writer.array(bytes)
    }
  }
}

/// A validator's no, with what lets the wallet go on.
///
///     transition hash 32 (zero for bytes that are none) ‖ code u16 ‖ next sequence u64
///     ‖ u8 count × (kind u8 ‖ u32 length ‖ bytes)
public struct VoteReject: Hashable, Sendable {
  public enum Attachment: Hashable, Sendable {
    case equivocation(EquivocationProof)
    case certificate(SettlementCertificate)
    /// What the validator voted for in the slot.
    case pending(Transition)
    /// u16 count × output reference: those that the validator does not know.
    case outputs([OutputReference])
  }

  public let transition: TransitionHash
  public let code: TransitionRejection
  public let nextSequence: SequenceNumber
  public let attachments: [Attachment]

  public init(
    transition: TransitionHash,
    code: TransitionRejection,
    nextSequence: SequenceNumber,
    attachments: [Attachment] = []
  ) {
    self.transition = transition
    self.code = code
    self.nextSequence = nextSequence
    self.attachments = attachments
  }
}

extension VoteReject: WireCodable {
  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    transition = TransitionHash(try reader.bytes32())
    guard let code = TransitionRejection(rawValue: try reader.uint16()) else {
      throw reader.failure(.unknown("rejection code"))
    }
    self.code = code
    nextSequence = try reader.sequenceNumber()
    let count = Int(try reader.uint8())
    guard count <= Limits.attachments else { throw reader.failure(.tooLong("attachments")) }
    var attachments: [Attachment] = []
    for _ in 0..<count { attachments.append(try Attachment(from: &reader)) }
    self.attachments = attachments
  }

  public func encode(into writer: inout ByteWriter) {
    writer.identifier(transition)
    writer.integer(code.rawValue)
    writer.integer(nextSequence.number)
    writer.integer(UInt8(attachments.count))
    for attachment in attachments { attachment.encode(into: &writer) }
  }
}

extension VoteReject.Attachment: WireCodable {
  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    let kind = try reader.uint8()
    let bytes = try reader.lengthPrefixed(max: Limits.certificateBytes, "attachment")
    switch kind {
    case 1: self = .equivocation(try EquivocationProof(encoded: bytes))
    case 2: self = .certificate(try SettlementCertificate(encoded: bytes))
    case 3: self = .pending(try Transition(encoded: bytes))
    case 4:
      var list = ByteReader(bytes)
      let count = Int(try list.uint16())
      guard count <= Limits.claims else { throw reader.failure(.tooLong("outputs")) }
      var outputs: [OutputReference] = []
      for _ in 0..<count { outputs.append(try OutputReference(from: &list)) }
      try list.finish()
      self = .outputs(outputs)
    default: throw reader.failure(.unknown("attachment"))
    }
  }

  public func encode(into writer: inout ByteWriter) {
    switch self {
    case .equivocation(let proof):
      writer.integer(UInt8(1))
      writer.lengthPrefixed(proof.encoded)
    case .certificate(let certificate):
      writer.integer(UInt8(2))
      writer.lengthPrefixed(certificate.encoded)
    case .pending(let transition):
      writer.integer(UInt8(3))
      writer.lengthPrefixed(transition.encoded)
    case .outputs(let outputs):
      var list = ByteWriter(capacity: 2 + OutputReference.size * outputs.count)
      list.integer(UInt16(outputs.count))
      for output in outputs { output.encode(into: &list) }
      writer.integer(UInt8(4))
      writer.lengthPrefixed(list.bytes)
    }
  }
}

/// What a validator did with a certificate.
///
///     transition hash 32 ‖ status u8 ‖ log index u64
public struct CertificateAck: Hashable, Sendable, WireCodable {
  public enum Status: UInt8, Sendable {
    case applied = 0
    case already = 1
    /// It waits for its predecessor, or for what it claims.
    case buffered = 2
  }

  public let transition: TransitionHash
  public let status: Status
  /// Its place in the validator's log; 0 while buffered.
  public let logIndex: UInt64

  public init(transition: TransitionHash, status: Status, logIndex: UInt64) {
    self.transition = transition
    self.status = status
    self.logIndex = logIndex
  }

  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    transition = TransitionHash(try reader.bytes32())
    guard let status = Status(rawValue: try reader.uint8()) else {
      throw reader.failure(.unknown("status"))
    }
    self.status = status
    logIndex = try reader.uint64()
  }

  public func encode(into writer: inout ByteWriter) {
    writer.identifier(transition)
    writer.integer(status.rawValue)
    writer.integer(logIndex)
  }
}
