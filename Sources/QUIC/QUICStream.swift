public import EventLoop
public import Kernel
public import Transport

/// One bidirectional stream of a QUIC connection, with the face of a TCP connection.
///
/// It shares `ConnectionHandler` and all of `Connection`'s rules: bytes in when asked for, bytes out
/// within a limit. What nobody reads stops the other end at `QUICLimits.streamWindow`. `close` ends
/// both directions at once; its owner should `finish`, read to the end, and be told `closed`.
///
/// Belongs to its loop's thread.
public final class QUICStream {
  private enum SendState {
    case open
    /// `finish` was called; the end of the stream follows the buffer.
    case finishing
    case finished
  }

  /// The number of the stream in its connection (RFC 9000 §2.1).
  public let id: Int64
  public private(set) var isOpen = true
  public private(set) var bytesReceived: UInt64 = 0
  public private(set) var bytesSent: UInt64 = 0

  /// Whether this end opened it.
  let isOwn: Bool
  /// Both directions are done and the engine has forgotten the stream.
  private(set) var isComplete = false
  private let connection: QUICConnection
  private var handler: (any ConnectionHandler)?
  private var sendState = SendState.open
  private var outbound = SendBuffer()
  private var inbound: [[UInt8]] = []
  /// The handler keeps what it reads: until `releaseHeld` it counts as not read, so that the
  /// connection's window bounds what all its streams hold.
  var keepsHolding = false
  private var held = 0
  private var hasReceivedEnd = false
  private var hasToldEnd = false
  private var hasToldDrained = true
  private var wantsRead = false
  /// In the connection's list of those with something to send.
  var isQueuedToSend = false
  /// In the connection's list of those with something to tell.
  var isQueuedToDeliver = false

  init(id: Int64, isOwn: Bool, of connection: QUICConnection) {
    self.id = id
    self.isOwn = isOwn
    self.connection = connection
  }

  public var loop: EventLoop { connection.loop }
  public var remote: SocketAddress { connection.remote }
  /// Bytes queued and not yet handed to the network.
  public var pendingBytes: Int { outbound.unsent }

  /// Begins; before, nothing is reported.
  ///
  /// Called once.
  public func start(_ handler: any ConnectionHandler) {
    precondition(self.handler == nil)
    guard isOpen else { return }
    self.handler = handler
  }

  var connectionWindow: Int { connection.limits.connectionWindow }
  var hasHandler: Bool { handler != nil }

  /// Asks for one more call of `received` or `remoteFinished`.
  public func requestRead() {
    guard isOpen else { return }
    wantsRead = true
    connection.queueDelivery(self)
  }

  /// Queues bytes, all or none.
  public func send(_ bytes: [UInt8]) -> Connection.SendResult {
    guard isOpen, sendState == .open else { return .closed }
    guard outbound.count + bytes.count <= connection.limits.outboundMax else { return .overflow }
    outbound.append(bytes)
    hasToldDrained = false
    connection.queueSending(self)
    return .accepted
  }

  /// Ends this direction once the queue has been sent; the other end may go on.
  public func finish() {
    guard isOpen, sendState == .open else { return }
    sendState = .finishing
    connection.queueSending(self)
  }

  /// Drops what is queued, and tells the other end to stop as well.
  ///
  /// `closed` is called before this returns.
  ///
  /// - Parameters:
  ///   - reason: for this end.
  ///   - code: for the other end, of the protocol on top.
  public func close(_ reason: CloseReason, code: UInt64 = 0) {
    guard isOpen else { return }
    if !isComplete { connection.abort(self, code: code) }
    end(reason)
  }

  /// What the handler has kept is gone.
  func releaseHeld() {
    connection.permit(held)
    held = 0
  }

  // MARK: From the connection

  func receive(_ bytes: [UInt8], isLast: Bool) {
    guard isOpen else { return connection.permit(bytes.count) }
    bytesReceived += UInt64(bytes.count)
    if !bytes.isEmpty { inbound.append(bytes) }
    if isLast { hasReceivedEnd = true }
    connection.queueDelivery(self)
  }

  func acknowledge(upTo offset: UInt64) {
    outbound.acknowledge(upTo: offset)
  }

  /// The engine has forgotten the stream: all was sent, acknowledged and received.
  func complete() {
    isComplete = true
    connection.queueDelivery(self)
  }

  /// Tells the handler one thing, if it has asked; true if there may be more to tell.
  func deliver() -> Bool {
    guard isOpen, let handler else { return false }
    if !hasToldDrained, outbound.unsent == 0 {
      hasToldDrained = true
      handler.drained()
      return true
    }
    if wantsRead, !inbound.isEmpty {
      wantsRead = false
      let bytes = takeInbound()
      connection.permit(bytes.count, on: self)
      if keepsHolding { held += bytes.count } else { connection.permit(bytes.count) }
      handler.received(bytes.span.bytes)
      return true
    }
    if wantsRead, hasReceivedEnd, !hasToldEnd {
      wantsRead = false
      hasToldEnd = true
      handler.remoteFinished()
      return true
    }
    if isComplete, inbound.isEmpty, hasToldEnd { end(.remote) }
    return false
  }

  /// The connection is over, or the other end has aborted the stream.
  func end(_ reason: CloseReason) {
    guard isOpen else { return }
    isOpen = false
    connection.permit(inbound.reduce(0) { $0 + $1.count })
    inbound = []
    releaseHeld()
    let handler = self.handler
    self.handler = nil
    connection.forget(self)
    handler?.closed(reason)
  }

  /// Up to `Connection`'s 64 KiB: small arrivals in one piece.
  private func takeInbound() -> [UInt8] {
    var bytes = inbound[0]
    var taken = 1
    while taken < inbound.count, bytes.count + inbound[taken].count <= 64 * 1024 {
      bytes += inbound[taken]
      taken += 1
    }
    inbound.removeFirst(taken)
    return bytes
  }

  // MARK: Sending

  /// What to send next; nil for nothing.
  var nextPiece: (bytes: UnsafeRawBufferPointer, isLast: Bool)? {
    guard isOpen, sendState != .finished else { return nil }
    let (bytes, isLast) = outbound.nextPiece
    guard !bytes.isEmpty || sendState == .finishing else { return nil }
    return (bytes, isLast && sendState == .finishing)
  }

  /// Bytes of `nextPiece` have been handed to the network.
  func sent(_ count: Int, ofPieceWith size: Int, isLast: Bool) {
    bytesSent += UInt64(count)
    outbound.advance(by: count)
    if isLast, count == size { sendState = .finished }
    if outbound.unsent == 0, !hasToldDrained { connection.queueDelivery(self) }
  }
}
