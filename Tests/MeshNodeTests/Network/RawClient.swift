import EventLoop
import Kernel
import Mesh
import QUIC
import TestSupport
import Transport

/// A QUIC client that says on its streams what it is told to, decent or not.
actor RawClient {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private let end = RawEnd()
  private var endpoint: QUICEndpoint?
  private var connection: QUICConnection?
  private var control: QUICStream?

  static let messages = QUICMessageLimits(bytesMax: 2 << 20, timeout: .seconds(20))

  init(on loop: EventLoop) {
    self.loop = loop
  }

  /// Connects, and opens the control stream.
  func connect(to address: SocketAddress, protocolName: String = "mesh/1") async throws {
    let endpoint = try QUICEndpoint(
      at: SocketAddress(.loopbackV4, port: 0),
      on: loop,
      QUICConfiguration(protocolName: protocolName)
    )
    self.endpoint = endpoint
    let connection = try endpoint.connect(to: address, end)
    self.connection = connection
    await end.wait { $0.isEstablished || $0.closeReason != nil }
    control = connection.openStream()
    end.stream = control
    control?.start(end)
    control?.requestRead()
  }

  var exporter: Bytes32? {
    connection?.exportKey(label: "EXPORTER-MESH-v1", count: 32).flatMap { Bytes32($0) }
  }

  func say(_ bytes: [UInt8]) {
    _ = control?.send(bytes)
  }

  func say(_ message: ControlMessage) {
    say(Frame.control(message).encoded)
  }

  func finishControl() {
    control?.finish()
  }

  func request(_ bytes: [UInt8]) async -> QUICMessage {
    await withCheckedContinuation { continuation in
      guard let connection else { preconditionFailure("not connected") }
      connection.request(bytes, Self.messages) { continuation.resume(returning: $0) }
    }
  }

  /// The answer to a request, decoded.
  func ask(_ request: Request) async -> Response? {
    guard case .success(let bytes) = await self.request(Frame.request(request).encoded),
      bytes.count >= Frame.headerSize
    else { return nil }
    let payload = Array(bytes[Frame.headerSize...])
    guard case .response(let response)? = try? Frame(type: bytes[4], payload: payload) else {
      return nil
    }
    return response
  }

  /// The code that the other end closes with; nil for an end of another kind.
  func closeCode() async -> UInt64? {
    await end.wait { $0.closeReason != nil }
    if case .remote(let code, _)? = end.closeReason { return code }
    return nil
  }

  /// Suspends until the condition holds for what came on the control stream.
  func waitToHear(_ condition: @escaping @Sendable ([UInt8]) -> Bool) async {
    await end.wait { condition($0.heard) }
  }

  var isOpen: Bool { connection?.isOpen ?? false }

  func close() {
    endpoint?.close(code: 0, "done")
    endpoint = nil
  }
}

private final class RawEnd: QUICConnectionHandler, ConnectionHandler {
  private(set) var isEstablished = false
  private(set) var closeReason: QUICCloseReason?
  private(set) var heard: [UInt8] = []
  /// The control stream.
  var stream: QUICStream?
  private let waiting = Waiting()

  func wait(
    isolation: isolated (any Actor)? = #isolation,
    _ condition: @escaping (RawEnd) -> Bool
  ) async {
    await waiting.until { condition(self) }
  }

  func established() {
    isEstablished = true
    waiting.changed()
  }

  func opened(_ stream: QUICStream) {}
  func mayOpenStreams() {}

  func closed(_ reason: QUICCloseReason) {
    stream = nil
    closeReason = reason
    waiting.changed()
  }

  // The control stream.

  func received(_ bytes: RawSpan) {
    bytes.withUnsafeBytes { heard += $0 }
    stream?.requestRead()
    waiting.changed()
  }

  func remoteFinished() {}
  func drained() {}
  func closed(_ reason: CloseReason) {}
}
