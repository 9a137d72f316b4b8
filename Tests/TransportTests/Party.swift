import EventLoop
import Kernel
import TestSupport
import Transport

/// One end of connections in the tests: an actor that owns them and notes what happens.
actor Party {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  /// What an end does by itself.
  struct Behaviour: Sendable {
    var reads = true
    var echoes = false
    var idleTimeout: Duration?
    var outboundMax = 1 << 20
    var finishesWhenRemoteDoes = false
  }

  private let behaviour: Behaviour
  private var listener: Listener?
  private var connector: Connector?
  private(set) var ends: [End] = []
  private let waiting = Waiting()

  init(on loop: EventLoop, _ behaviour: Behaviour = Behaviour()) {
    self.loop = loop
    self.behaviour = behaviour
  }

  func listen(at address: SocketAddress) throws(ListenFailure) -> SocketAddress {
    let listener = try Listener(at: address, on: loop, outboundMax: behaviour.outboundMax) {
      self.add($0)
    }
    self.listener = listener
    return listener.address
  }

  func stopListening() {
    listener?.close()
  }

  func connect(
    to address: SocketAddress,
    timeout: Duration = .seconds(20)
  ) async throws(ConnectFailure) {
    let failure: ConnectFailure? = await withCheckedContinuation { continuation in
      connector = Connector(
        to: address,
        on: loop,
        timeout: timeout,
        outboundMax: behaviour.outboundMax
      ) {
        switch $0 {
        case .success(let connection):
          self.add(connection)
          continuation.resume(returning: nil)
        case .failure(let failure):
          continuation.resume(returning: failure)
        }
      }
    }
    if let failure { throw failure }
  }

  /// Calls `body` with the first connection, once there is one.
  func withEnd<Result: Sendable>(_ body: @Sendable (End) throws -> Result) async rethrows -> Result
  {
    await waiting.until { !self.ends.isEmpty }
    return try body(ends[0])
  }

  /// Suspends until the condition holds for the first connection.
  func waitForEnd(_ condition: @escaping @Sendable (End) -> Bool) async {
    await waiting.until { self.ends.first.map(condition) ?? false }
  }

  private func add(_ connection: Connection) {
    let end = End(connection, behaviour) { self.waiting.changed() }
    ends.append(end)
    connection.idleTimeout = behaviour.idleTimeout
    connection.start(end)
    if behaviour.reads { connection.requestRead() }
    waiting.changed()
  }
}

/// One connection of a party.
final class End: ConnectionHandler {
  let connection: Connection
  private let behaviour: Party.Behaviour
  private let onChange: () -> Void
  private(set) var received: [UInt8] = []
  private(set) var chunks = 0
  private(set) var hasRemoteFinished = false
  private(set) var timesDrained = 0
  private(set) var closeReason: CloseReason?
  /// How long nothing had happened when the connection closed.
  private(set) var quietBeforeClose: Duration?

  init(_ connection: Connection, _ behaviour: Party.Behaviour, onChange: @escaping () -> Void) {
    self.connection = connection
    self.behaviour = behaviour
    self.onChange = onChange
  }

  func received(_ bytes: RawSpan) {
    chunks += 1
    let bytes = bytes.withUnsafeBytes { [UInt8]($0) }
    received += bytes
    if behaviour.echoes { _ = connection.send(bytes) }
    if behaviour.reads { connection.requestRead() }
    onChange()
  }

  func remoteFinished() {
    hasRemoteFinished = true
    if behaviour.finishesWhenRemoteDoes { connection.finish() }
    onChange()
  }

  func drained() {
    timesDrained += 1
    onChange()
  }

  func closed(_ reason: CloseReason) {
    closeReason = reason
    quietBeforeClose = connection.loop.now - connection.lastActivity
    onChange()
  }
}
