import EventLoop
import Kernel
import QUIC
import TestSupport
import Transport

/// One end in the tests: an actor that owns an endpoint, answers requests and notes what happens.
actor Peer {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// What a called end does with a request.
  enum Answering: Sendable {
    /// Sends its bytes back, each turned by one.
    case turned
    /// Leaves the stream open.
    case never
    case bytes(Int)
    /// Aborts the stream.
    case aborts(UInt64)
  }

  static let protocolName = "test/1"
  static let messages = QUICMessageLimits(
    bytesMax: 1 << 20,
    timeout: .seconds(30),
    tooLongCode: 2,
    timeoutCode: 7
  )

  static let brief = QUICMessageLimits(bytesMax: 1000, timeout: .milliseconds(50))

  private let answering: Answering
  private let messageLimits: QUICMessageLimits
  private var endpoint: QUICEndpoint?
  private var ends: [PeerEnd] = []
  private let waiting = Waiting()

  init(
    on loop: EventLoop,
    answering: Answering = .turned,
    messages: QUICMessageLimits = Peer.messages
  ) {
    self.loop = loop
    self.answering = answering
    messageLimits = messages
  }

  /// Opens the socket; `accepts` false for an end that is never called.
  @discardableResult
  func open(
    at address: SocketAddress = SocketAddress(.loopbackV4, port: 0),
    _ configuration: QUICConfiguration = QUICConfiguration(protocolName: Peer.protocolName),
    accepts: Bool = true
  ) throws -> SocketAddress {
    let endpoint = try QUICEndpoint(
      at: address,
      on: loop,
      configuration,
      onAccept: accepts
        ? { connection in
          let end = self.add(connection)
          end.established()
          connection.start(end)
        } : nil
    )
    self.endpoint = endpoint
    return endpoint.address
  }

  /// Calls, and returns the index of the connection's end, established or closed.
  func call(_ address: SocketAddress) async throws -> Int {
    let index = try begin(address)
    let end = ends[index]
    await waiting.until { end.isEstablished || end.closeReason != nil }
    return index
  }

  func begin(_ address: SocketAddress) throws -> Int {
    guard let endpoint else { preconditionFailure("not open") }
    let end = PeerEnd(answering, messageLimits) { self.waiting.changed() }
    end.connection = try endpoint.connect(to: address, end)
    ends.append(end)
    return ends.count - 1
  }

  func request(
    _ bytes: [UInt8],
    on index: Int = 0,
    _ limits: QUICMessageLimits = Peer.messages
  ) async -> QUICMessage {
    let connection = ends[index].connection
    return await withCheckedContinuation { continuation in
      guard let connection else { preconditionFailure("no connection") }
      connection.request(bytes, limits) { continuation.resume(returning: $0) }
    }
  }

  func with<Result: Sendable>(
    _ index: Int = 0,
    _ body: @Sendable (PeerEnd) throws -> Result
  ) rethrows -> Result {
    try body(ends[index])
  }

  /// Suspends until the condition holds for an end.
  func waitFor(_ index: Int = 0, _ condition: @escaping @Sendable (PeerEnd) -> Bool) async {
    await waiting.until { self.ends.count > index && condition(self.ends[index]) }
  }

  func closed(_ index: Int = 0) async -> QUICCloseReason? {
    await waitFor(index) { $0.closeReason != nil }
    return ends[index].closeReason
  }

  /// Lets go of an end, and tells whether its connection is gone then.
  func forget(_ index: Int = 0) -> @Sendable () -> Bool {
    let box = WeakConnection(ends[index].connection)
    ends.remove(at: index)
    return { box.connection == nil }
  }

  var endCount: Int { ends.count }
  var statistics: QUICStatistics { endpoint?.statistics ?? QUICStatistics() }
  var connectionCount: Int { endpoint?.connectionCount ?? 0 }

  func close(code: UInt64 = 0x0a, _ reason: String = "done") {
    endpoint?.close(code: code, reason)
    endpoint = nil
  }

  private func add(_ connection: QUICConnection) -> PeerEnd {
    let end = PeerEnd(answering, messageLimits) { self.waiting.changed() }
    end.connection = connection
    ends.append(end)
    return end
  }
}

/// `@unchecked Sendable`: only asked whether there is something.
private final class WeakConnection: @unchecked Sendable {
  weak var connection: QUICConnection?

  init(_ connection: QUICConnection?) {
    self.connection = connection
  }
}

/// One connection of a peer.
final class PeerEnd: QUICConnectionHandler {
  fileprivate(set) var connection: QUICConnection?
  private let answering: Peer.Answering
  private let messageLimits: QUICMessageLimits
  private let onChange: () -> Void
  private(set) var isEstablished = false
  private(set) var requests = 0
  private(set) var failures: [QUICExchangeFailure] = []
  private(set) var closeReason: QUICCloseReason?

  init(
    _ answering: Peer.Answering,
    _ messageLimits: QUICMessageLimits,
    onChange: @escaping () -> Void
  ) {
    self.answering = answering
    self.messageLimits = messageLimits
    self.onChange = onChange
  }

  func established() {
    isEstablished = true
    onChange()
  }

  func opened(_ stream: QUICStream) {
    stream.readWhole(messageLimits) { message in
      switch message {
      case .success(let bytes):
        self.requests += 1
        self.answer(bytes, stream)
      case .failure(let failure):
        self.failures.append(failure)
      }
      self.onChange()
    }
  }

  private func answer(_ request: [UInt8], _ stream: QUICStream) {
    switch answering {
    case .turned: _ = stream.respond(request.map { $0 &+ 1 })
    case .bytes(let count): _ = stream.respond([UInt8](repeating: 1, count: count))
    case .aborts(let code): stream.close(.local("aborted"), code: code)
    case .never: break
    }
  }

  func mayOpenStreams() {}

  // MARK: Streams by hand

  private(set) var streams: [QUICStream] = []
  var sent: UInt64 { streams.reduce(0) { $0 + $1.bytesSent } }

  func openStream() -> QUICStream? {
    guard let stream = connection?.openStream() else { return nil }
    stream.start(Indifferent())
    streams.append(stream)
    return stream
  }

  func closed(_ reason: QUICCloseReason) {
    closeReason = reason
    onChange()
  }
}

extension QUICStream {
  func send(count: Int) {
    _ = send([UInt8](repeating: 7, count: count))
  }
}

/// Wants to know nothing.
private final class Indifferent: ConnectionHandler {
  func received(_ bytes: RawSpan) {}
  func remoteFinished() {}
  func drained() {}
  func closed(_ reason: CloseReason) {}
}

/// Runs a test on a loop that ends with it.
func withLoop(_ body: (EventLoop) async throws -> Void) async throws {
  let loop = try EventLoop()
  do {
    try await body(loop)
    await loop.shutdown()
  } catch {
    await loop.shutdown()
    throw error
  }
}
