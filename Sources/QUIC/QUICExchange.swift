import EventLoop
import Kernel
public import Transport

/// What a whole message on one stream may cost.
///
/// All messages of a connection that are not whole yet hold `QUICLimits.connectionWindow` bytes at
/// most: the other end waits, sends one after the other, or runs into the timeout.
public struct QUICMessageLimits: Sendable {
  /// Bytes, at most the connection's window; one more aborts the stream.
  public var bytesMax: Int
  /// From asking for it to its end.
  public var timeout: Duration
  /// Codes with which the stream is aborted, of the protocol on top.
  public var tooLongCode: UInt64
  public var timeoutCode: UInt64

  public init(
    bytesMax: Int,
    timeout: Duration,
    tooLongCode: UInt64 = 0,
    timeoutCode: UInt64 = 0
  ) {
    self.bytesMax = bytesMax
    self.timeout = timeout
    self.tooLongCode = tooLongCode
    self.timeoutCode = timeoutCode
  }
}

/// Why there is no whole message.
public enum QUICExchangeFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// The other end sends more than is accepted.
  case tooLong(Int)
  case timeout
  /// Too many requests wait for a stream already; nothing was sent.
  case overloaded
  /// The connection or the stream ended first; whether the request arrived is unknown.
  case closed(String)

  public var description: String {
    switch self {
    case .tooLong(let max): "a message of more than \(max) bytes"
    case .timeout: "no whole message in time"
    case .overloaded: "too many requests wait already"
    case .closed(let reason): reason
    }
  }
}

public typealias QUICMessage = Result<[UInt8], QUICExchangeFailure>

extension QUICConnection {
  /// Sends a request on a stream of its own and reads the answer to its end.
  ///
  /// Waits for a stream if the other end permits no more now, and for the handshake.
  ///
  /// - Parameters:
  ///   - request: at most `QUICLimits.outboundMax` bytes.
  ///   - limits: for the answer; the time begins now.
  ///   - completion: called once, later.
  public func request(
    _ request: [UInt8],
    _ limits: QUICMessageLimits,
    completion: @escaping (QUICMessage) -> Void
  ) {
    Exchange(limits, on: loop, completion).ask(request, self)
  }
}

extension QUICStream {
  /// Reads a stream that the other end has opened, to its end.
  ///
  /// Starts the stream. Answer afterwards with `respond`; a stream that is to have no answer must be
  /// closed.
  ///
  /// - Parameters:
  ///   - limits: for the message; the time begins now.
  ///   - completion: called once, later.
  public func readWhole(
    _ limits: QUICMessageLimits,
    completion: @escaping (QUICMessage) -> Void
  ) {
    Exchange(limits, on: loop, completion).read(self)
  }

  /// Sends a whole message and the stream's end.
  public func respond(_ bytes: [UInt8]) -> Connection.SendResult {
    let result = send(bytes)
    if result == .accepted { finish() }
    return result
  }
}

/// Collects one message from a stream.
///
/// Kept by the stream, its timer, or the connection's queue.
private final class Exchange: ConnectionHandler {
  private let limits: QUICMessageLimits
  private let loop: EventLoop
  private var completion: ((QUICMessage) -> Void)?
  private var stream: QUICStream?
  private var bytes: [UInt8] = []
  private var timer: Timer?

  init(
    _ limits: QUICMessageLimits,
    on loop: EventLoop,
    _ completion: @escaping (QUICMessage) -> Void
  ) {
    self.limits = limits
    self.loop = loop
    self.completion = completion
    timer = loop.schedule(after: limits.timeout) { self.abort(.timeout, limits.timeoutCode) }
  }

  func ask(_ request: [UInt8], _ connection: QUICConnection) {
    guard completion != nil else { return }
    guard connection.isOpen else {
      return finishLater(.failure(.closed("the connection has ended")))
    }
    guard let stream = connection.openStream() else {
      if connection.whenStreamAvailable({ self.ask(request, connection) }) { return }
      return finishLater(.failure(.overloaded))
    }
    read(stream)
    if stream.respond(request) != .accepted {
      abort(.tooLong(connection.limits.outboundMax), limits.tooLongCode)
    }
  }

  func read(_ stream: QUICStream) {
    // A message that can never be whole.
    precondition(limits.bytesMax <= stream.connectionWindow)
    self.stream = stream
    stream.keepsHolding = true
    stream.start(self)
    stream.requestRead()
  }

  func received(_ piece: RawSpan) {
    guard bytes.count + piece.byteCount <= limits.bytesMax else {
      return abort(.tooLong(limits.bytesMax), limits.tooLongCode)
    }
    piece.withUnsafeBytes { bytes.append(contentsOf: $0) }
    stream?.requestRead()
  }

  func remoteFinished() {
    finish(.success(bytes))
  }

  func drained() {}

  func closed(_ reason: CloseReason) {
    finish(.failure(.closed(reason.description)))
    stream = nil
  }

  private func abort(_ failure: QUICExchangeFailure, _ code: UInt64) {
    let stream = self.stream
    finish(.failure(failure))
    stream?.close(.local(failure.description), code: code)
  }

  /// So that no caller is called back before his call has returned.
  private func finishLater(_ message: QUICMessage) {
    loop.beforeWaiting { self.finish(message) }
  }

  private func finish(_ message: QUICMessage) {
    guard let completion else { return }
    self.completion = nil
    bytes = []
    if let timer { loop.cancel(timer) }
    timer = nil
    completion(message)
    stream?.releaseHeld()
  }
}
