import EdDSA
import EventLoop
import Kernel
import SmallNano
import Transport

/// One connection to a peer: frames in and out, the handshake, and how fast it may talk.
///
/// Belongs to the network's loop and to `PeerNetwork`, which it tells what comes.
///
/// It reads only while the peer stays within its shares: bytes a second, time a second to check what
/// it says, and what may wait here for that. Beyond them the socket is left unread, and the peer's
/// own TCP holds it back.
final class PeerSession: ConnectionHandler {
  /// Why a session ends by this node's will.
  enum Ending: Error, CustomStringConvertible {
    /// The peer is no peer of ours, or broke the protocol: not to be dialled again soon.
    case refused(String, kind: StaticString)
    /// Nobody's fault.
    case ended(String)
    /// This node dialled itself.
    case ownAddress

    var description: String {
      switch self {
      case .refused(let reason, _), .ended(let reason): reason
      case .ownAddress: HandshakeFailure.connectedToSelf.description
      }
    }
  }

  /// What the owner is told.
  enum Happening {
    /// The handshake is completed.
    case greeted(PublicKey)
    case message(WireMessage, IncomingFrame)
    /// All that was sent has left.
    case drained
    case closed(CloseReason, Ending?)
  }

  /// What a frame was, as long as it is worked on.
  struct IncomingFrame: Sendable {
    let header: FrameHeader
    let body: [UInt8]

    var size: Int { FrameHeader.size + body.count }
    /// As the duplicate filter knows it.
    var key: [UInt8] { [header.type.rawValue] + body }
  }

  let id: PeerID
  let connection: Connection
  let role: Handshake.Role
  /// What was dialled, or where an inbound peer says it listens.
  var listening: SocketAddress?
  private(set) var node: PublicKey?
  private(set) var connectedAt: Instant
  /// Whether the machine knows of it.
  var isAnnounced = false
  var telemetry: Telemetry?
  var nextKeepalive: Instant
  var nextTelemetry: Instant
  /// Messages checked and refused by the full inbox behind; nothing more is read until they are in.
  var undelivered = RingBuffer<(message: PeerMessage, size: Int)>()
  /// Questions about the ledger, answered one at a time and not before the last answer has left.
  var questions = RingBuffer<(question: WireMessage, size: Int)>()
  var isAnswering = false
  /// Messages that wait for their checks.
  var unchecked = RingBuffer<(message: WireMessage, frame: IncomingFrame)>()

  private let settings: PeerNetwork.Settings
  private let metrics: NetworkMetrics
  private let tell: (PeerSession, Happening) -> Void
  private var handshake: Handshake
  private var reader: FrameReader<FrameHeader, FrameFailure>
  private var bytes: TokenBucket
  private var checks: TokenBucket
  private var owedBytes: UInt64 = 0
  private var owedChecks: UInt64 = 0
  private var pause: Timer?
  /// Bytes of messages taken off the wire and not done with.
  private var outstanding = 0
  private var isReading = false
  private var isPumping = false
  private var ending: Ending?

  /// Messages of one peer that wait here: two of the largest frames.
  static let outstandingMax = 131_072

  init(
    id: PeerID,
    connection: Connection,
    role: Handshake.Role,
    listening: SocketAddress?,
    settings: PeerNetwork.Settings,
    cookie: Bytes32,
    metrics: NetworkMetrics,
    tell: @escaping (PeerSession, Happening) -> Void
  ) {
    self.id = id
    self.connection = connection
    self.role = role
    self.listening = listening
    self.settings = settings
    self.metrics = metrics
    self.tell = tell
    let parameters = settings.parameters
    handshake = Handshake(
      role: role,
      chain: parameters.chainID,
      key: settings.key,
      cookie: cookie
    )
    reader = FrameReader(
      headerSize: FrameHeader.size,
      bodyMax: Int(UInt16.max),
      tooLong: { .wrongLength(.handshake, $0) },  // cannot be: the length has 16 bits
      parse: { bytes throws(FrameFailure) in
        let header = try FrameHeader(bytes, network: parameters.network)
        return (header, header.bodyLength)
      }
    )
    let now = connection.loop.now
    connectedAt = now
    nextKeepalive = now
    nextTelemetry = now
    bytes = TokenBucket(
      capacity: max(settings.bytesPerSecond, 131_072),
      perSecond: settings.bytesPerSecond,
      now: now
    )
    checks = TokenBucket(
      capacity: PeerNetwork.Settings.checkMicroseconds,
      perSecond: PeerNetwork.Settings.checkMicroseconds,
      now: now
    )
  }

  var isGreeted: Bool { node != nil }

  func start() {
    connection.start(self)
    connection.setDeadline(after: settings.handshakeTimeout, missing: "handshake")
    for message in handshake.opening { send(message) }
    readOn()
  }

  // MARK: Out

  func send(_ message: WireMessage) {
    send(frame: message.frame(on: settings.parameters.network))
  }

  func send(frame: [UInt8]) {
    switch connection.send(frame) {
    case .accepted: metrics.countSent(frame: frame)
    case .overflow: close(.ended("it reads too slowly"))
    case .closed: break
    }
  }

  func close(_ ending: Ending) {
    guard connection.isOpen else { return }
    self.ending = ending
    connection.close(.local(ending.description))
  }

  // MARK: In

  func received(_ bytes: RawSpan) {
    isReading = false
    owedBytes += UInt64(bytes.byteCount)
    metrics.bytesIn.add(UInt64(bytes.byteCount))
    reader.append(bytes)
    pump()
  }

  func remoteFinished() {
    connection.close(.remote)
  }

  func drained() {
    tell(self, .drained)
  }

  func closed(_ reason: CloseReason) {
    if let pause { connection.loop.cancel(pause) }
    pause = nil
    tell(self, .closed(reason, ending))
  }

  /// A message is done with: there may be room for another.
  func finished(size: Int) {
    outstanding -= size
    pump()
  }

  /// Takes frames as long as there is room, then reads on.
  ///
  /// Not from within itself: many messages are done with as soon as they are taken.
  private func pump() {
    guard !isPumping else { return }
    isPumping = true
    defer { isPumping = false }
    do throws(FrameFailure) {
      while connection.isOpen, outstanding < Self.outstandingMax, let frame = try reader.next() {
        try take(IncomingFrame(header: frame.header, body: frame.body))
      }
    } catch {
      return close(.refused(error.description, kind: error.kind))
    }
    if outstanding < Self.outstandingMax { readOn() }
  }

  private func take(_ frame: IncomingFrame) throws(FrameFailure) {
    let message: WireMessage
    do {
      message = try WireMessage(
        frame.header,
        body: frame.body,
        on: settings.parameters.chainID
      )
    } catch {
      return close(
        .refused("a \(frame.header.type) message is malformed: \(error)", kind: "malformed")
      )
    }
    guard isGreeted else { return greet(message) }
    outstanding += frame.size
    owedChecks += message.checkMicroseconds
    tell(self, .message(message, frame))
  }

  private func greet(_ message: WireMessage) {
    do {
      let step = try handshake.receive(message)
      for reply in step.replies { send(reply) }
      guard let node = step.peer, connection.isOpen else { return }
      self.node = node
      connectedAt = connection.loop.now
      connection.clearDeadline()
      connection.idleTimeout = settings.idleTimeout
      tell(self, .greeted(node))
    } catch {
      close(
        error == .connectedToSelf
          ? .ownAddress : .refused(error.description, kind: "handshake")
      )
    }
  }

  /// Reads on as soon as the peer's shares allow it.
  private func readOn() {
    guard connection.isOpen, !isReading, pause == nil else { return }
    let now = connection.loop.now
    let owed = (min(owedBytes, bytes.capacity), min(owedChecks, checks.capacity))
    let wait = max(
      bytes.wait(for: owed.0, now: now) ?? .zero,
      checks.wait(for: owed.1, now: now) ?? .zero
    )
    if wait > .zero {
      pause = connection.loop.schedule(after: wait) { [weak self] in
        self?.pause = nil
        self?.readOn()
      }
      return
    }
    _ = bytes.take(owed.0, now: now)
    _ = checks.take(owed.1, now: now)
    owedBytes = 0
    owedChecks = 0
    isReading = true
    connection.requestRead()
  }
}

extension WireMessage {
  /// About what it costs to check it, or to answer: from `trellis bench`, rounded up.
  fileprivate var checkMicroseconds: UInt64 {
    switch self {
    case .publish, .vote, .representativeHello: 40
    case .pullResponse(let response): 10 + 30 * UInt64(response.blocks.count)
    case .confirmRequest(let targets): 20 * UInt64(targets.count)
    case .blockRequest(let hashes): 20 * UInt64(hashes.count)
    case .pullRequest, .frontierRequest, .receivablesRequest: 1000
    case .handshake, .handshakeAck, .keepalive, .telemetryRequest, .telemetry, .frontierResponse,
      .receivablesResponse:
      10
    }
  }
}

extension FrameFailure {
  /// For metrics.
  fileprivate var kind: StaticString {
    switch self {
    case .truncated: "truncated"
    case .wrongMagic: "magic"
    case .wrongNetwork: "network"
    case .wrongVersion: "version"
    case .unknownType: "type"
    case .unknownFlags: "flags"
    case .wrongLength: "length"
    }
  }
}
