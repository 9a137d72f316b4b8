public import Kernel

/// A message as it stands in a frame: decoded, of one canonical encoding, and not believed yet.
///
/// Signatures and work are unchecked; `StatelessChecker` turns it into a `PeerMessage`.
public enum WireMessage: Hashable, Sendable {
  case handshake(HandshakeHello)
  case handshakeAck(HandshakeAck)
  case keepalive(Keepalive)
  case publish(Block)
  case vote(Vote)
  case pullRequest(PullRequest)
  case pullResponse(UncheckedPullResponse)
  case telemetryRequest
  case telemetry(Telemetry)
  case frontierRequest(FrontierRequest)
  case frontierResponse([Frontier])
  case confirmRequest([ConfirmTarget])
  case blockRequest([BlockHash])
  case representativeHello(RepresentativeHello)
  case receivablesRequest(ReceivablesRequest)
  case receivablesResponse([ReceivableEntry])

  public var type: MessageType {
    switch self {
    case .handshake: .handshake
    case .handshakeAck: .handshakeAck
    case .keepalive: .keepalive
    case .publish: .publish
    case .vote: .vote
    case .pullRequest: .pullRequest
    case .pullResponse: .pullResponse
    case .telemetryRequest, .telemetry: .telemetry
    case .frontierRequest: .frontierRequest
    case .frontierResponse: .frontierResponse
    case .confirmRequest: .confirmRequest
    case .blockRequest: .blockRequest
    case .representativeHello: .representativeHello
    case .receivablesRequest: .receivablesRequest
    case .receivablesResponse: .receivablesResponse
    }
  }
}

extension WireMessage {
  /// Decodes a body whose header has been read.
  ///
  /// - Parameters:
  ///   - header: tells the type.
  ///   - body: `header.bodyLength` bytes.
  ///   - chain: goes into the hashes of blocks.
  /// - Throws: `DecodingFailure` unless the body is exactly what `frame(on:)` writes.
  public init(
    _ header: FrameHeader,
    body: [UInt8],
    on chain: ChainID
  ) throws(DecodingFailure) {
    var reader = ByteReader(body)
    switch header.type {
    case .handshake: self = .handshake(try HandshakeHello(from: &reader))
    case .handshakeAck: self = .handshakeAck(try HandshakeAck(from: &reader))
    case .keepalive: self = .keepalive(try Keepalive(from: &reader))
    case .publish: self = .publish(try Block(from: &reader, on: chain))
    case .vote: self = .vote(try Vote(from: &reader))
    case .pullRequest: self = .pullRequest(try PullRequest(from: &reader))
    case .pullResponse:
      self = .pullResponse(try UncheckedPullResponse(from: &reader, on: chain))
    case .telemetry:
      self =
        header.flags == .request ? .telemetryRequest : .telemetry(try Telemetry(from: &reader))
    case .frontierRequest: self = .frontierRequest(try FrontierRequest(from: &reader))
    case .frontierResponse: self = .frontierResponse(try Frontier.list(from: &reader))
    case .confirmRequest: self = .confirmRequest(try ConfirmTarget.list(from: &reader))
    case .blockRequest: self = .blockRequest(try BlockRequest.hashes(from: &reader))
    case .representativeHello:
      self = .representativeHello(try RepresentativeHello(from: &reader))
    case .receivablesRequest: self = .receivablesRequest(try ReceivablesRequest(from: &reader))
    case .receivablesResponse: self = .receivablesResponse(try ReceivableEntry.list(from: &reader))
    }
    try reader.finish()
  }

  /// The whole frame, header and body.
  ///
  /// Counts over their limits are the caller's mistake and trap.
  public func frame(on network: Network) -> [UInt8] {
    var body = ByteWriter(capacity: 256)
    encodeBody(into: &body)
    let header = FrameHeader(type: type, flags: flags, bodyLength: body.bytes.count)
    var frame = ByteWriter(capacity: FrameHeader.size + body.bytes.count)
    header.encode(into: &frame, network: network)
    frame.array(body.bytes)
    return frame.bytes
  }

  private var flags: FrameFlags { self == .telemetryRequest ? .request : .none }

  private func encodeBody(into writer: inout ByteWriter) {
    switch self {
    case .handshake(let hello): hello.encode(into: &writer)
    case .handshakeAck(let ack): ack.encode(into: &writer)
    case .keepalive(let keepalive): keepalive.encode(into: &writer)
    case .publish(let block): block.encode(into: &writer)
    case .vote(let vote): vote.encode(into: &writer)
    case .pullRequest(let request): request.encode(into: &writer)
    case .pullResponse(let response): response.encode(into: &writer)
    case .telemetryRequest: break
    case .telemetry(let telemetry): telemetry.encode(into: &writer)
    case .frontierRequest(let request): request.encode(into: &writer)
    case .frontierResponse(let frontiers): Frontier.encode(frontiers, into: &writer)
    case .confirmRequest(let targets): ConfirmTarget.encode(targets, into: &writer)
    case .blockRequest(let hashes): BlockRequest.encode(hashes, into: &writer)
    case .representativeHello(let hello): hello.encode(into: &writer)
    case .receivablesRequest(let request): request.encode(into: &writer)
    case .receivablesResponse(let entries): ReceivableEntry.encode(entries, into: &writer)
    }
  }
}

extension WireMessage {
  /// What the machine says, for the wire.
  public init(_ message: PeerMessage) {
    switch message {
    case .publish(let block): self = .publish(block.value)
    case .vote(let vote): self = .vote(vote.value)
    case .confirmRequest(let targets): self = .confirmRequest(targets)
    case .blockRequest(let hashes): self = .blockRequest(hashes)
    case .hello(let hello): self = .representativeHello(hello.value)
    case .pullRequest(let request): self = .pullRequest(request)
    case .pullResponse(let response):
      self = .pullResponse(
        UncheckedPullResponse(
          account: response.account,
          firstHeld: response.firstHeld,
          head: response.head,
          blocks: response.blocks.map(\.value)
        )
      )
    case .frontierRequest(let request): self = .frontierRequest(request)
    case .frontierResponse(let frontiers): self = .frontierResponse(frontiers)
    case .receivablesRequest(let request): self = .receivablesRequest(request)
    case .receivablesResponse(let entries): self = .receivablesResponse(entries)
    }
  }
}

extension PeerMessage {
  /// The whole frame; encode once, then send the same bytes to every peer.
  public func frame(on network: Network) -> [UInt8] { WireMessage(self).frame(on: network) }
}
