import EdDSA
import EventLoop
import Kernel
import SmallNano
import Transport

/// The other end of a connection, which says what a test tells it to.
actor RawPeer {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private var connector: Connector?
  private var connection: Connection?
  private let end = End()

  init(on loop: EventLoop) {
    self.loop = loop
  }

  /// What comes in: frames of the dev network, and the end.
  private final class End: ConnectionHandler {
    var connection: Connection?
    var bytes: [UInt8] = []
    var isClosed = false
    var waiting: [(isMet: () -> Bool, continuation: CheckedContinuation<Void, Never>)] = []

    func received(_ span: RawSpan) {
      span.withUnsafeBytes { bytes.append(contentsOf: $0) }
      connection?.requestRead()
      wake()
    }

    func remoteFinished() {
      connection?.close(.remote)
    }

    func drained() {}

    func closed(_ reason: CloseReason) {
      isClosed = true
      wake()
    }

    func wake() {
      let met = waiting.filter { $0.isMet() }
      waiting.removeAll { $0.isMet() }
      for entry in met { entry.continuation.resume() }
    }
  }

  func connect(to address: SocketAddress) async throws {
    let result: Result<Void, ConnectFailure> = await withCheckedContinuation { continuation in
      connector = Connector(
        to: address,
        on: loop,
        timeout: .seconds(20),
        outboundMax: 1 << 20
      ) { result in
        continuation.resume(returning: result.map { self.adopt($0) })
      }
    }
    try result.get()
  }

  private func adopt(_ connection: Connection) {
    self.connection = connection
    end.connection = connection
    connection.start(end)
    connection.requestRead()
  }

  func send(_ bytes: [UInt8]) {
    _ = connection?.send(bytes)
  }

  func send(_ message: WireMessage) {
    send(message.frame(on: .dev))
  }

  func close() {
    connection?.close(.local("test"))
  }

  /// Waits for the node to end the connection.
  func closed() async {
    await wait { [end] in end.isClosed }
  }

  var isClosed: Bool { end.isClosed }

  /// The next message of the node; nil once it has ended the connection.
  func next() async -> WireMessage? {
    await wait { [end] in end.isClosed || Self.frame(in: end.bytes) != nil }
    guard let (message, size) = Self.frame(in: end.bytes) else { return nil }
    end.bytes.removeFirst(size)
    return message
  }

  /// Greets as the initiator; returns the ack it sent.
  @discardableResult
  func greet(
    as key: SecretKey,
    cookie: Bytes32 = Bytes32(words: (9, 8, 7, 6)),
    chain: ChainID = NetworkParameters.dev.chainID
  ) async throws -> WireMessage? {
    var handshake = Handshake(role: .initiator, chain: chain, key: key, cookie: cookie)
    for message in handshake.opening { send(message) }
    while !handshake.isCompleted, let message = await next() {
      let step = try handshake.receive(message)
      for reply in step.replies { send(reply) }
      if step.peer != nil { return step.replies.last }
    }
    return nil
  }

  private static func frame(in bytes: [UInt8]) -> (message: WireMessage, size: Int)? {
    guard bytes.count >= FrameHeader.size, let header = try? FrameHeader(bytes, network: .dev),
      bytes.count >= FrameHeader.size + header.bodyLength
    else { return nil }
    let size = FrameHeader.size + header.bodyLength
    let body = Array(bytes[FrameHeader.size..<size])
    return (try? WireMessage(header, body: body, on: NetworkParameters.dev.chainID))
      .map { ($0, size) }
  }

  private func wait(for isMet: @escaping () -> Bool) async {
    await withCheckedContinuation { continuation in
      guard !isMet() else { return continuation.resume() }
      end.waiting.append((isMet, continuation))
    }
  }
}
