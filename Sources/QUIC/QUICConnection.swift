public import EventLoop
public import Kernel
import Transport

/// Whom a QUIC connection tells what happens; all calls come on its loop.
public protocol QUICConnectionHandler: AnyObject {
  /// Keys are agreed upon.
  ///
  /// The other end is anybody: prove identities over `exportKey`. For a connection that came in,
  /// this was before `start`, and is not called.
  func established()
  /// The other end has opened a stream.
  ///
  /// `start` it here; a stream that is not started is aborted.
  func opened(_ stream: QUICStream)
  /// The other end permits more streams, after `openStream` has answered nil.
  func mayOpenStreams()
  /// The last call.
  ///
  /// The connection lets go of its handler; its streams were closed before.
  func closed(_ reason: QUICCloseReason)
}

/// A QUIC connection: many streams in both directions between two endpoints.
///
/// Belongs to its loop's thread. The endpoint keeps it until it has ended.
public final class QUICConnection {
  public let loop: EventLoop
  /// Whether the other end called.
  public let isIncoming: Bool
  public private(set) var isOpen = true
  /// Whether keys are agreed upon.
  public private(set) var isEstablished = false
  /// Where the other end is; it may move.
  public private(set) var remote: SocketAddress

  let limits: QUICLimits
  /// What counts towards `connectionsPerHostMax`: the host it was begun from.
  let host: IPAddress
  private(set) var names: Set<ConnectionID> = []
  /// By which the other end would reset it.
  private(set) var resetTokens: Set<ResetToken> = []
  /// In the endpoint's list of those with work.
  var isDirty = false
  private let engine: Engine
  private let endpoint: QUICEndpoint
  private var handler: (any QUICConnectionHandler)?
  private var streams: [Int64: QUICStream] = [:]
  /// Streams that were aborted here, as the engine may send their bytes until it has closed them.
  private var fading: [Int64: QUICStream] = [:]
  /// Streams with something to send, the oldest first: a message that is sent whole can be dealt
  /// with, two halves cannot.
  private var sending: [QUICStream] = []
  /// Streams that flow control holds back, until the other end permits more.
  private var blocked: [QUICStream] = []
  private var delivering: [QUICStream] = []
  private var waitingRequests: [() -> Void] = []
  private var lacksStreams = false
  private var timer: Timer?

  init(_ engine: Engine, remote: SocketAddress, isIncoming: Bool, of endpoint: QUICEndpoint) {
    self.engine = engine
    self.remote = remote
    self.isIncoming = isIncoming
    self.endpoint = endpoint
    host = remote.ip.host
    loop = endpoint.loop
    limits = endpoint.configuration.limits
  }

  /// Begins to report.
  ///
  /// Called once, within `onAccept` for a connection that came in.
  public func start(_ handler: any QUICConnectionHandler) {
    precondition(self.handler == nil)
    if isOpen { self.handler = handler }
  }

  var hasHandler: Bool { handler != nil }

  /// Opens a stream; nil before the handshake, after the end, and as long as the other end permits
  /// no more.
  public func openStream() -> QUICStream? {
    guard isOpen, isEstablished else { return nil }
    guard let id = engine.openStream() else {
      lacksStreams = true
      return nil
    }
    let stream = QUICStream(id: id, isOwn: true, of: self)
    streams[id] = stream
    return stream
  }

  /// Streams that are open, of both ends.
  public var streamCount: Int { streams.count }

  /// Keying material that only the two ends have (RFC 8446 §7.5), with empty context.
  ///
  /// Nil before the handshake is complete, and after the end.
  public func exportKey(label: String, count: Int) -> [UInt8]? {
    guard isOpen, isEstablished else { return nil }
    return engine.export(label: label, count: count)
  }

  /// The round trip as measured, smoothed.
  public var roundTrip: Duration { engine.roundTrip }

  /// Ends the connection at once, telling the other end why.
  ///
  /// What is queued is dropped. `closed` is called before this returns.
  ///
  /// - Parameters:
  ///   - code: of the protocol on top.
  ///   - reason: for the other end's log, at most 128 bytes.
  public func close(code: UInt64, _ reason: String) {
    guard isOpen else { return }
    end(.local(code: code, reason), Engine.ClosingError(kind: .application(code), reason: reason))
  }

  // MARK: From the endpoint

  /// The endpoint has taken it up: its names are known before its first packet comes.
  func adopted() {
    handleEvents()
  }

  func receive(_ datagram: UnsafeRawBufferPointer, from sender: SocketAddress) {
    guard isOpen else { return }
    act(on: engine.receive(datagram, from: sender, now: loop.now))
    guard isOpen else { return }
    if sender != remote, let moved = engine.remote { remote = moved }
    // Flow control of the whole connection has no news of its own: whatever came may be it.
    if !blocked.isEmpty {
      for stream in blocked { stream.isQueuedToSend = true }
      sending = blocked + sending
      blocked = []
    }
    endpoint.markDirty(self)
  }

  /// Tells the handlers what has happened, then sends what there is.
  func work() {
    handleEvents()
    deliver()
    guard isOpen else { return }
    write()
    guard isOpen else { return }
    armTimer()
    // Writing may have drained a stream.
    if !delivering.isEmpty { endpoint.markDirty(self) }
  }

  // MARK: Events

  private func handleEvents() {
    for event in engine.takeEvents() {
      guard isOpen else { return }
      handle(event)
    }
  }

  private func handle(_ event: Engine.Event) {
    switch event {
    case .named(let id):
      names.insert(id)
      endpoint.add(id, self)
    case .unnamed(let id):
      names.remove(id)
      endpoint.remove(id)
    case .resetToken(let token, isActive: true):
      resetTokens.insert(token)
      endpoint.add(token, self)
    case .resetToken(let token, isActive: false):
      resetTokens.remove(token)
      endpoint.remove(token)
    case .handshakeCompleted:
      isEstablished = true
      endpoint.established(self)
      guard isOpen else { return }
      if !isIncoming { handler?.established() }
      startWaitingRequests()
    case .streamOpened(let id):
      opened(id)
    case .received(let id, let bytes, let isLast):
      if let stream = streams[id] {
        stream.receive(bytes, isLast: isLast)
      } else {
        // Aborted here, and still coming.
        engine.permitOnStream(bytes.count, id)
        engine.permitOnConnection(bytes.count)
      }
    case .acknowledged(let id, let offset):
      streams[id]?.acknowledge(upTo: offset)
    case .streamAborted(let id, let code):
      guard let stream = streams[id] else { return }
      stream.close(.failed("stream aborted by the other end with code \(code)"), code: code)
    case .streamClosed(let id):
      closed(id)
    case .mayOpenStreams:
      startWaitingRequests()
      guard lacksStreams, isOpen else { return }
      lacksStreams = false
      handler?.mayOpenStreams()
    case .mayWrite(let id):
      guard let stream = streams[id] else { return }
      blocked.removeAll { $0 === stream }
      queueSending(stream)
    case .statelessReset:
      end(.reset, nil)
    }
  }

  private func opened(_ id: Int64) {
    let stream = QUICStream(id: id, isOwn: false, of: self)
    streams[id] = stream
    handler?.opened(stream)
    if !stream.hasHandler { stream.close(.local("not wanted")) }
  }

  /// The engine has forgotten a stream.
  private func closed(_ id: Int64) {
    fading[id] = nil
    if let stream = streams[id] {
      stream.complete()
    } else if id & 1 == (isIncoming ? 0 : 1) {
      // It was aborted here: dealt with, and now nothing of it can come any more.
      engine.permitStream()
    }
  }

  private func act(on verdict: Engine.Verdict) {
    switch verdict {
    case .alive: break
    case .idle: end(.idle, nil)
    case .handshakeTimedOut: end(.handshakeTimeout, nil)
    case .dropped: end(.transport(code: 0, "no handshake possible", isRemote: false), nil)
    case .drained:
      // What came before the end is still told; a stateless reset is among it.
      handleEvents()
      deliver()
      guard isOpen else { return }
      let (isApplication, code, reason) = engine.remoteClose
      end(
        isApplication
          ? .remote(code: code, reason) : .transport(code: code, reason, isRemote: true),
        nil
      )
    case .failed(let code):
      let (wireCode, problem) = engine.explain(code)
      end(
        .transport(code: wireCode, problem, isRemote: false),
        Engine.ClosingError(kind: .engine(code), reason: "")
      )
    }
  }

  private func end(_ reason: QUICCloseReason, _ error: Engine.ClosingError?) {
    guard isOpen else { return }
    isOpen = false
    if let timer { loop.cancel(timer) }
    timer = nil
    endpoint.ended(self, reason, lingering: engine.lingering) { buffer in
      guard let error else { return nil }
      return engine.writeClose(error, into: buffer, now: loop.now)
    }
    for stream in streams.values.sorted(by: { $0.id < $1.id }) {
      stream.end(.failed(reason.description))
    }
    sending = []
    blocked = []
    delivering = []
    // The engine sends nothing more.
    fading = [:]
    let waiting = waitingRequests
    waitingRequests = []
    for start in waiting { start() }
    let handler = self.handler
    self.handler = nil
    handler?.closed(reason)
  }

  // MARK: Streams

  func queueSending(_ stream: QUICStream) {
    guard !stream.isQueuedToSend else { return }
    stream.isQueuedToSend = true
    sending.append(stream)
    endpoint.markDirty(self)
  }

  func queueDelivery(_ stream: QUICStream) {
    guard !stream.isQueuedToDeliver else { return }
    stream.isQueuedToDeliver = true
    delivering.append(stream)
    endpoint.markDirty(self)
  }

  /// Bytes have been read: as many more may come on the stream.
  func permit(_ count: Int, on stream: QUICStream) {
    if isOpen { engine.permitOnStream(count, stream.id) }
  }

  /// Bytes are held no more: as many more may come on the connection.
  func permit(_ count: Int) {
    guard isOpen, count > 0 else { return }
    engine.permitOnConnection(count)
    endpoint.markDirty(self)
  }

  func abort(_ stream: QUICStream, code: UInt64) {
    guard isOpen else { return }
    engine.abort(stream.id, code: code)
    endpoint.markDirty(self)
  }

  func forget(_ stream: QUICStream) {
    streams[stream.id] = nil
    if !stream.isComplete { fading[stream.id] = stream }
    guard isOpen else { return }
    blocked.removeAll { $0 === stream }
    if !stream.isOwn, stream.isComplete { engine.permitStream() }
    endpoint.markDirty(self)
  }

  /// Does something once a stream can be opened, or the connection has ended; false if too much
  /// waits already.
  func whenStreamAvailable(_ action: @escaping () -> Void) -> Bool {
    guard waitingRequests.count < limits.waitingRequestsMax else { return false }
    waitingRequests.append(action)
    return true
  }

  private func startWaitingRequests() {
    // Those that find no stream queue again.
    let waiting = waitingRequests
    waitingRequests = []
    for start in waiting { start() }
  }

  private func deliver() {
    let streams = delivering
    delivering = []
    for stream in streams {
      stream.isQueuedToDeliver = false
      while stream.deliver() {}
    }
  }

  // MARK: Sending

  private func write() {
    let now = loop.now
    var burst = max(engine.burstMax, endpoint.buffer.count)
    while burst > 0, let size = writeDatagram(now) {
      burst -= size
      engine.withDestination { endpoint.send(size, to: $0, $1) }
    }
    guard isOpen else { return }
    engine.burstEnded(now: now)
    // The burst was spent before the streams were: go on in the next turn.
    if burst <= 0 { endpoint.markDirty(self) }
  }

  /// Fills one datagram; nil if there is nothing to send, or it may not be sent now.
  private func writeDatagram(_ now: Instant) -> Int? {
    while true {
      let stream = nextToSend()
      let (piece, isLast) =
        stream?.nextPiece ?? (UnsafeRawBufferPointer(start: nil, count: 0), false)
      let (written, taken) = engine.write(
        stream?.id,
        piece,
        isLast: isLast,
        into: endpoint.buffer,
        now: now
      )
      if let stream, let taken { stream.sent(taken, ofPieceWith: piece.count, isLast: isLast) }
      switch written {
      case .more:
        break
      case .blocked:
        if let stream {
          stopSending(stream)
          blocked.append(stream)
        }
      case .gone:
        if let stream { stopSending(stream) }
      case .datagram(let size):
        return size
      case .nothing:
        return nil
      case .failed(let code):
        act(on: engine.verdict(on: code))
        return nil
      }
    }
  }

  private func nextToSend() -> QUICStream? {
    while let stream = sending.first {
      if stream.nextPiece != nil { return stream }
      stopSending(stream)
    }
    return nil
  }

  private func stopSending(_ stream: QUICStream) {
    precondition(sending[0] === stream)
    sending.removeFirst()
    stream.isQueuedToSend = false
  }

  // MARK: Time

  /// One timer, which looks when it fires whether its time has really come: most that come before
  /// it only put it off.
  private func armTimer() {
    guard let expiry = engine.expiry else { return }
    if let timer, timer.isScheduled {
      if timer.deadline <= expiry { return }
      loop.cancel(timer)
    }
    timer = loop.schedule(at: expiry) { [weak self] in self?.timerFired() }
  }

  private func timerFired() {
    guard isOpen else { return }
    let now = loop.now
    guard let expiry = engine.expiry, expiry <= now else { return armTimer() }
    act(on: engine.handleExpiry(now: now))
    guard isOpen else { return }
    endpoint.markDirty(self)
  }
}
