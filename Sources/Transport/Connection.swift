public import EventLoop
import Glibc
public import Kernel

/// Whom a connection tells what happens; all calls come on the connection's loop.
public protocol ConnectionHandler: AnyObject {
  /// The bytes asked for with `Connection.requestRead`. They are gone after the call.
  func received(_ bytes: RawSpan)
  /// The other end will send nothing more; what it still reads may be sent.
  func remoteFinished()
  /// All that was sent has been handed to the network.
  func drained()
  /// The last call. The connection lets go of its handler.
  func closed(_ reason: CloseReason)
}

/// A TCP connection: bytes in when asked for, bytes out within a limit.
///
/// Belongs to its loop's thread and is not `Sendable`: whoever owns it (an actor pinned to the
/// loop, or a session object such an actor holds) calls it directly, and is called directly.
///
/// *In*: one `requestRead` yields one call of `received`, with at most 64 KiB; without it nothing is
/// read, the kernel's buffer fills, and the other end must wait. *Out*: `send` queues at most
/// `outboundMax` bytes and refuses what would exceed it; the queue leaves once a turn of the loop.
///
/// Nothing here but the initialiser knows of TCP, so that a QUIC stream can offer the same face.
public final class Connection {
  public enum SendResult: Sendable {
    case accepted
    /// The queue is full: nothing was taken. The other end reads too slowly, or not at all.
    case overflow
    /// The connection has ended or this end has finished writing.
    case closed
  }

  private enum State {
    case open
    /// `finish` was called; the end of the stream follows the queue.
    case finishing
    case finished
    case closed
  }

  public let loop: EventLoop
  public let remote: SocketAddress
  /// Bytes that `send` may queue.
  public let outboundMax: Int
  public private(set) var bytesReceived: UInt64 = 0
  public private(set) var bytesSent: UInt64 = 0
  /// Bytes queued and not yet taken by the kernel.
  public var pendingBytes: Int { outbound.count }
  public var isOpen: Bool { state != .closed }
  /// Since when nothing has been read or written.
  public private(set) var lastActivity: Instant

  /// Closes the connection when nothing was read or written for so long; nil for never.
  public var idleTimeout: Duration? {
    didSet { armIdleTimer() }
  }

  private let socket: Socket
  private var watch: Watch?
  private var handler: (any ConnectionHandler)?
  private var state = State.open
  private var outbound = OutboundQueue()
  private var wantsRead = false
  /// Kept after `wantsRead` is met, until an event comes unasked: a consumer that asks again before
  /// the other end speaks costs no system call.
  private var watchesRead = false
  private var hasRemoteFinished = false
  private var isFlushScheduled = false
  private var isWriteBlocked = false
  private var hasToldDrained = true
  private var idleTimer: Timer?
  private var deadlineTimer: Timer?

  /// Takes over a connected, non-blocking socket.
  init(_ socket: Socket, remote: SocketAddress, on loop: EventLoop, outboundMax: Int) {
    self.socket = socket
    self.remote = remote
    self.loop = loop
    self.outboundMax = outboundMax
    lastActivity = loop.now
    // Messages are gathered here already; the kernel must not hold back the last of them.
    socket.set(TCP_NODELAY, of: Int32(IPPROTO_TCP), to: 1)
  }

  deinit {
    if state != .closed { socket.close() }
  }

  /// The address of this end.
  public var local: SocketAddress { socket.localAddress }

  /// Begins; before, nothing is read or reported.
  ///
  /// Called once.
  public func start(_ handler: any ConnectionHandler) {
    precondition(self.handler == nil)
    guard isOpen else { return }
    self.handler = handler
    do {
      watch = try loop.watch(socket.descriptor, for: wanted) { self.handle($0) }
    } catch {
      close(.failed(error.problem))
    }
  }

  /// Asks for one more call of `received` or `remoteFinished`.
  public func requestRead() {
    wantsRead = true
    watchesRead = !hasRemoteFinished
    updateInterest()
  }

  /// Queues bytes, all or none.
  public func send(_ bytes: [UInt8]) -> SendResult {
    guard state == .open else { return .closed }
    guard outbound.count + bytes.count <= outboundMax else { return .overflow }
    outbound.append(bytes)
    hasToldDrained = false
    scheduleFlush()
    return .accepted
  }

  /// Ends this direction once the queue has been sent; the other end may go on.
  public func finish() {
    guard state == .open else { return }
    state = .finishing
    scheduleFlush()
  }

  /// Drops what is queued and ends the connection.
  ///
  /// `closed` is called before this returns.
  public func close(_ reason: CloseReason) {
    guard state != .closed else { return }
    state = .closed
    watch?.cancel()
    watch = nil
    socket.close()
    outbound.removeAll()
    clearDeadline()
    if let idleTimer { loop.cancel(idleTimer) }
    idleTimer = nil
    let handler = self.handler
    self.handler = nil
    handler?.closed(reason)
  }

  /// Closes the connection unless `clearDeadline` or another deadline comes first.
  ///
  /// - Parameters:
  ///   - delay: from now.
  ///   - missing: what has not happened then, as "handshake".
  public func setDeadline(after delay: Duration, missing: String) {
    clearDeadline()
    guard isOpen else { return }
    deadlineTimer = loop.schedule(after: delay) { [weak self] in
      self?.close(.deadline(missing))
    }
  }

  public func clearDeadline() {
    if let deadlineTimer { loop.cancel(deadlineTimer) }
    deadlineTimer = nil
  }

  // MARK: Events

  private func handle(_ readiness: Readiness) {
    if readiness.contains(.error) {
      return close(CloseReason(code: socket.pendingError, during: "keep a connection"))
    }
    if readiness.contains(.writable) {
      isWriteBlocked = false
      write()
    }
    guard isOpen, !readiness.isDisjoint(with: [.readable, .hangup]) else { return updateInterest() }
    if wantsRead, !hasRemoteFinished {
      read()
    } else if readiness.contains(.readable) {
      watchesRead = false
    }
    if readiness.contains(.hangup), !watchesRead, isOpen {
      // Both ends have finished, or the other is gone, and nobody wants to know yet. If all was
      // read there is nothing left to happen; else the news waits for the next `requestRead`.
      if hasRemoteFinished { return close(.remote) }
      watch?.mute()
      return
    }
    updateInterest()
  }

  private func read() {
    let count = socket.read(into: loop.scratch)
    switch count {
    case 1...:
      wantsRead = false
      bytesReceived += UInt64(count)
      lastActivity = loop.now
      handler?.received(UnsafeRawBufferPointer(rebasing: loop.scratch[..<count]).bytes)
    case 0:
      wantsRead = false
      watchesRead = false
      hasRemoteFinished = true
      if state == .finished { return close(.remote) }
      handler?.remoteFinished()
    case -Int(EAGAIN), -Int(EINTR):
      break
    default:
      close(CloseReason(code: Int32(-count), during: "read"))
    }
  }

  private func write() {
    while !outbound.isEmpty {
      let taken = outbound.write { socket.write(&$0) }
      switch taken {
      case 0...:
        bytesSent += UInt64(taken)
        lastActivity = loop.now
      case -Int(EINTR):
        continue
      case -Int(EAGAIN):
        isWriteBlocked = true
        return
      default:
        return close(CloseReason(code: Int32(-taken), during: "write"))
      }
    }
    if state == .finishing {
      state = .finished
      socket.finishWriting()
      if hasRemoteFinished { return close(.remote) }
    }
    if !hasToldDrained {
      hasToldDrained = true
      handler?.drained()
    }
  }

  private func scheduleFlush() {
    guard !isFlushScheduled, !isWriteBlocked else { return }
    isFlushScheduled = true
    loop.beforeWaiting {
      self.isFlushScheduled = false
      guard self.isOpen, !self.isWriteBlocked else { return }
      self.write()
      self.updateInterest()
    }
  }

  private var wanted: Readiness {
    var wanted: Readiness = []
    if watchesRead { wanted.insert(.readable) }
    if isWriteBlocked { wanted.insert(.writable) }
    return wanted
  }

  private func updateInterest() {
    watch?.update(wanted)
  }

  /// One timer a connection: when it fires it looks how long the rest really lasts, so that
  /// activity costs no more than noting the time.
  private func armIdleTimer() {
    if let idleTimer { loop.cancel(idleTimer) }
    idleTimer = nil
    guard let idleTimeout, isOpen else { return }
    idleTimer = loop.schedule(at: lastActivity + idleTimeout) { [weak self] in
      guard let self else { return }
      if loop.now >= lastActivity + idleTimeout {
        close(.idle)
      } else {
        armIdleTimer()
      }
    }
  }
}
