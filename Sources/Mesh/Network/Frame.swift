public import Kernel

/// What opens a stream of its own.
///
/// Indirect, as `Response` is: a message passes through half a dozen queues, and is half a kilobyte.
public indirect enum Request: Hashable, Sendable {
  case vote(VoteRequest)
  case settle(SettlementCertificate)
  case equivocation(EquivocationProof)
  case ballot(BallotRequest)
  case validatorEquivocation(ValidatorEquivocationProof)
  case account(AccountQuery)
  case certificate(CertificateQuery)
  case outputs(OutputsQuery)
  case network
  case subscribe(Subscription)
  case sync(SyncRequest)
  case gap(GapRequest)
  case log(LogRequest)
  case digest

  public var type: MessageType {
    switch self {
    case .vote: .voteRequest
    case .settle: .settlementCertificate
    case .equivocation: .equivocationNotice
    case .ballot: .ballotRequest
    case .validatorEquivocation: .validatorEquivocation
    case .account: .queryAccount
    case .certificate: .queryCertificate
    case .outputs: .queryOutputs
    case .network: .queryNetwork
    case .subscribe: .subscribe
    case .sync: .syncRequest
    case .gap: .gapRequest
    case .log: .logRequest
    case .digest: .digestRequest
    }
  }
}

/// What comes back on it.
public indirect enum Response: Hashable, Sendable {
  case error(Farewell)
  case vote(ValidatorVote)
  case reject(VoteReject)
  case settled(CertificateAck)
  case ballot(BallotAck)
  case account(AccountInfo)
  case certificate(SettlementCertificate)
  case outputs(OutputsPage)
  case network(NetworkInfo)
  case event(AccountEvent)
  case notFound
  case sync(SyncResponse)
  case log(LogHashes)
  case digest(StateDigest)

  public var type: MessageType {
    switch self {
    case .error: .error
    case .vote: .voteResponse
    case .reject: .voteReject
    case .settled: .certificateAck
    case .ballot: .ballotAck
    case .account: .accountInfo
    case .certificate: .certificate
    case .outputs: .outputs
    case .network: .networkInfo
    case .event: .event
    case .notFound: .notFound
    case .sync: .syncResponse
    case .log: .logHashes
    case .digest: .digest
    }
  }
}

/// What is said on the control stream.
public enum ControlMessage: Hashable, Sendable {
  case handshake(Handshake)
  case ping(Ping)
  case pong(Pong)
  case goAway(Farewell)

  public var type: MessageType {
    switch self {
    case .handshake: .handshake
    case .ping: .ping
    case .pong: .pong
    case .goAway: .goAway
    }
  }
}

/// A message as it stands on a stream: decoded, of one canonical encoding, and not believed yet.
///
///     length u32 = 1 + payload ‖ type u8 ‖ payload;  1 ≤ length ≤ 2^20
///
/// Signatures are unchecked; `StatelessChecker` looks at them.
public enum Frame: Hashable, Sendable {
  case control(ControlMessage)
  case request(Request)
  case response(Response)

  public var type: MessageType {
    switch self {
    case .control(let message): message.type
    case .request(let message): message.type
    case .response(let message): message.type
    }
  }

  /// Length and type, which come before everything else.
  public static let headerSize = 5

  /// Reads length and type.
  ///
  /// - Parameter bytes: 5 of them.
  /// - Returns: how many bytes of payload follow, and the type byte.
  /// - Throws: the code to close the connection with.
  public static func header(
    _ bytes: [UInt8]
  ) throws(FrameFailure) -> (payload: Int, type: UInt8) {
    precondition(bytes.count == headerSize)
    let length = bytes[..<4].reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length >= 1 else { throw .empty }
    guard length <= Limits.frameBytes else { throw .tooLarge(length) }
    return (length - 1, bytes[4])
  }

  /// Decodes a payload.
  ///
  /// - Parameters:
  ///   - type: the header's.
  ///   - payload: all of it.
  /// - Throws: `unknownType`, or `malformed` unless the payload is exactly what `encoded` writes.
  public init(type: UInt8, payload: [UInt8]) throws(FrameFailure) {
    guard let known = MessageType(rawValue: type) else { throw .unknownType(type) }
    do throws(DecodingFailure) {
      var reader = ByteReader(payload)
      self = try Self.read(known, from: &reader)
      try reader.finish()
    } catch {
      throw .malformed(known, error)
    }
  }

  private static func read(
    _ type: MessageType,
    from reader: inout ByteReader
  ) throws(DecodingFailure) -> Frame {
    switch type {
    case .handshake: .control(.handshake(try Handshake(from: &reader)))
    case .ping: .control(.ping(try Ping(from: &reader)))
    case .pong: .control(.pong(try Pong(from: &reader)))
    case .goAway: .control(.goAway(try Farewell(from: &reader)))
    case .error: .response(.error(try Farewell(from: &reader)))
    case .voteRequest: .request(.vote(try VoteRequest(from: &reader)))
    case .voteResponse: .response(.vote(try ValidatorVote(from: &reader)))
    case .voteReject: .response(.reject(try VoteReject(from: &reader)))
    case .settlementCertificate: .request(.settle(try SettlementCertificate(from: &reader)))
    case .certificateAck: .response(.settled(try CertificateAck(from: &reader)))
    case .equivocationNotice: .request(.equivocation(try EquivocationProof(from: &reader)))
    case .ballotRequest: .request(.ballot(try BallotRequest(from: &reader)))
    case .ballotAck: .response(.ballot(try BallotAck(from: &reader)))
    case .validatorEquivocation:
      .request(.validatorEquivocation(try ValidatorEquivocationProof(from: &reader)))
    case .queryAccount: .request(.account(try AccountQuery(from: &reader)))
    case .accountInfo: .response(.account(try AccountInfo(from: &reader)))
    case .queryCertificate: .request(.certificate(try CertificateQuery(from: &reader)))
    case .certificate: .response(.certificate(try SettlementCertificate(from: &reader)))
    case .queryOutputs: .request(.outputs(try OutputsQuery(from: &reader)))
    case .outputs: .response(.outputs(try OutputsPage(from: &reader)))
    case .queryNetwork: .request(.network)
    case .networkInfo: .response(.network(try NetworkInfo(from: &reader)))
    case .subscribe: .request(.subscribe(try Subscription(from: &reader)))
    case .event: .response(.event(try AccountEvent(from: &reader)))
    case .notFound: .response(.notFound)
    case .syncRequest: .request(.sync(try SyncRequest(from: &reader)))
    case .syncResponse: .response(.sync(try SyncResponse(from: &reader)))
    case .gapRequest: .request(.gap(try GapRequest(from: &reader)))
    case .logRequest: .request(.log(try LogRequest(from: &reader)))
    case .logHashes: .response(.log(try LogHashes(from: &reader)))
    case .digestRequest: .request(.digest)
    case .digest: .response(.digest(try StateDigest(from: &reader)))
    }
  }

  /// The whole frame, header and payload.
  public var encoded: [UInt8] {
    let payload = payload
    precondition(payload.count < Limits.frameBytes)
    var writer = ByteWriter(capacity: Self.headerSize + payload.count)
    writer.integer(UInt32(1 + payload.count))
    writer.integer(type.rawValue)
    writer.array(payload)
    return writer.bytes
  }

  private var payload: [UInt8] {
    switch self {
    case .control(.handshake(let message)): message.encoded
    case .control(.ping(let message)): message.encoded
    case .control(.pong(let message)): message.encoded
    case .control(.goAway(let message)): message.encoded
    case .request(.vote(let message)): message.encoded
    case .request(.settle(let message)): message.encoded
    case .request(.equivocation(let message)): message.encoded
    case .request(.ballot(let message)): message.encoded
    case .request(.validatorEquivocation(let message)): message.encoded
    case .request(.account(let message)): message.encoded
    case .request(.certificate(let message)): message.encoded
    case .request(.outputs(let message)): message.encoded
    case .request(.subscribe(let message)): message.encoded
    case .request(.sync(let message)): message.encoded
    case .request(.gap(let message)): message.encoded
    case .request(.log(let message)): message.encoded
    case .response(.error(let message)): message.encoded
    case .response(.vote(let message)): message.encoded
    case .response(.reject(let message)): message.encoded
    case .response(.settled(let message)): message.encoded
    case .response(.ballot(let message)): message.encoded
    case .response(.account(let message)): message.encoded
    case .response(.certificate(let message)): message.encoded
    case .response(.outputs(let message)): message.encoded
    case .response(.network(let message)): message.encoded
    case .response(.event(let message)): message.encoded
    case .response(.sync(let message)): message.encoded
    case .response(.log(let message)): message.encoded
    case .response(.digest(let message)): message.encoded
    case .request(.network), .request(.digest), .response(.notFound): []
    }
  }
}

/// Why a connection is closed over a frame.
public enum FrameFailure: Error, Hashable, Sendable, CustomStringConvertible {
  case empty
  case tooLarge(Int)
  case unknownType(UInt8)
  case malformed(MessageType, DecodingFailure)

  public var code: CloseCode {
    switch self {
    case .malformed(.handshake, let failure) where failure.problem == .unknown(WireField.version):
      .unsupportedVersion
    case .empty, .malformed: .protocolViolation
    case .tooLarge: .frameTooLarge
    case .unknownType: .unknownType
    }
  }

  public var description: String {
    switch self {
    case .empty: "a frame without a type"
    case .tooLarge(let length): "a frame of \(length) bytes"
    case .unknownType(let type): "a frame of the unknown type \(type)"
    case .malformed(let type, let failure): "a \(type) message \(failure)"
    }
  }
}
