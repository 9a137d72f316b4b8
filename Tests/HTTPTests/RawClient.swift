import EventLoop
import Kernel
import TestSupport
import Transport

/// A client that says exactly what a test tells it to, and keeps what comes back.
actor RawClient: ConnectionHandler {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private var connection: Connection?
  private var text = ""
  private var hasEnded = false
  private let waiting = Waiting()

  init(to address: SocketAddress, on loop: EventLoop) async throws {
    self.loop = loop
    try await connect(to: address)
  }

  private func connect(to address: SocketAddress) async throws {
    let failure: ConnectFailure? = await withCheckedContinuation { continuation in
      _ = Connector(to: address, on: loop, timeout: .seconds(20), outboundMax: 1 << 20) {
        switch $0 {
        case .success(let connection):
          self.connection = connection
          connection.start(self)
          connection.requestRead()
          continuation.resume(returning: nil)
        case .failure(let failure):
          continuation.resume(returning: failure)
        }
      }
    }
    if let failure { throw failure }
  }

  func send(_ text: String) {
    _ = connection?.send(Array(text.utf8))
  }

  /// All that has come, once it contains `part`, or the server has closed.
  func receive(until part: String) async -> String {
    await waiting.until { self.hasEnded || self.text.contains(part) }
    return text
  }

  /// All that has come, once the server has closed the connection.
  func receiveToEnd() async -> String {
    await waiting.until { self.hasEnded }
    return text
  }

  var isOpen: Bool { !hasEnded }

  func close() {
    connection?.close(.local("test"))
  }

  nonisolated func received(_ bytes: RawSpan) {
    let piece = bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    assumeIsolated {
      $0.text += piece
      $0.connection?.requestRead()
      $0.waiting.changed()
    }
  }

  nonisolated func remoteFinished() {
    assumeIsolated { $0.connection?.close(.remote) }
  }

  nonisolated func drained() {}

  nonisolated func closed(_ reason: CloseReason) {
    assumeIsolated {
      $0.hasEnded = true
      $0.waiting.changed()
    }
  }
}
