public import EventLoop
public import Kernel
import Transport

/// Why a call got no response.
public enum HTTPClientFailure: Error, Hashable, Sendable, CustomStringConvertible {
  case notConnected(String)
  /// The connection ended before the response did.
  case disconnected(String)
  case timeout
  case malformedResponse(HTTPParseFailure)
  case cancelled

  public var description: String {
    switch self {
    case .notConnected(let problem): problem
    case .disconnected(let problem): "the connection ended without a response: \(problem)"
    case .timeout: "no response in time"
    case .malformedResponse(let failure): "the response cannot be read: \(failure)"
    case .cancelled: "the call was cancelled"
    }
  }
}

/// Calls one server at a literal address, over connections that it keeps.
///
/// Each call has a connection of its own while it lasts; afterwards a few are kept for the next.
public actor HTTPClient {
  public nonisolated let loop: EventLoop
  public nonisolated let address: SocketAddress
  public nonisolated var unownedExecutor: UnownedSerialExecutor {
    loop.asUnownedSerialExecutor()
  }

  private let limits: HTTPMessageLimits
  private var idle: [HTTPClientConnection] = []
  private var active: [UInt64: HTTPClientConnection] = [:]
  private var connectionsMade: UInt64 = 0
  private var isClosed = false

  /// Connections kept for later calls.
  private static let idleMax = 8

  /// Makes a client, which connects when it is first used.
  ///
  /// - Parameters:
  ///   - address: the server.
  ///   - loop: where the connections live.
  ///   - limits: sizes of a response.
  public init(
    to address: SocketAddress,
    on loop: EventLoop,
    limits: HTTPMessageLimits = HTTPMessageLimits(bodyMax: 16 * 1024 * 1024)
  ) {
    self.address = address
    self.loop = loop
    self.limits = limits
  }

  /// Sends a request and returns the response, whatever its status.
  ///
  /// A kept connection may have been closed by the server at the same moment; then a GET or HEAD is
  /// tried once more on a new one, and a POST fails, for it may have been carried out.
  ///
  /// - Parameters:
  ///   - method: what to do.
  ///   - target: path and query, beginning with `/`.
  ///   - fields: beside host and content-length, which are set here.
  ///   - body: sent with a POST.
  ///   - timeout: for all of it, connecting included.
  /// - Returns: the response.
  /// - Throws: `HTTPClientFailure` if there was none.
  public func send(
    _ method: HTTPMethod,
    _ target: String,
    fields: HTTPFields = [:],
    body: [UInt8] = [],
    timeout: Duration = .seconds(30)
  ) async throws(HTTPClientFailure) -> HTTPResponse {
    let deadline = loop.now + timeout
    let request = encode(method, target, fields, body)
    if let connection = idle.popLast() {
      do throws(HTTPClientFailure) {
        return try await exchange(request, method, on: connection, until: deadline)
      } catch {
        guard case .disconnected = error, method != .post, !connection.hasResponseBegun else {
          throw error
        }
      }
    }
    let connection = try await connect(until: deadline)
    return try await exchange(request, method, on: connection, until: deadline)
  }

  /// Ends all connections; calls under way fail, and so do later ones.
  public func close() {
    isClosed = true
    for connection in idle + active.values { connection.close(.cancelled) }
  }

  private func encode(
    _ method: HTTPMethod,
    _ target: String,
    _ fields: HTTPFields,
    _ body: [UInt8]
  ) -> [UInt8] {
    precondition(target.utf8.allSatisfy { (0x21..<0x7f).contains($0) } && target.hasPrefix("/"))
    var bytes = Array("\(method.rawValue) \(target) HTTP/1.1\r\nhost: \(address)\r\n".utf8)
    fields.write(to: &bytes)
    if method == .post { bytes += "content-length: \(body.count)\r\n".utf8 }
    bytes += "\r\n".utf8
    if method == .post { bytes += body }
    return bytes
  }

  private func connect(until deadline: Instant) async throws(HTTPClientFailure)
    -> HTTPClientConnection
  {
    guard !isClosed else { throw .cancelled }
    connectionsMade += 1
    let id = connectionsMade
    let limits = self.limits
    let failure: ConnectFailure? = await withCheckedContinuation { continuation in
      _ = Connector(to: address, on: loop, timeout: deadline - loop.now, outboundMax: .max) {
        switch $0 {
        case .success(let connection):
          // Handed over in the actor's own state: a connection never leaves it.
          self.active[id] = HTTPClientConnection(id: id, connection, limits) { self.remove($0) }
          continuation.resume(returning: nil)
        case .failure(let failure):
          continuation.resume(returning: failure)
        }
      }
    }
    if let failure { throw .notConnected("\(failure)") }
    guard let connection = active[id] else { throw .cancelled }
    // `close` may have come before there was anything to close.
    if isClosed { connection.close(.cancelled) }
    return connection
  }

  private func exchange(
    _ request: [UInt8],
    _ method: HTTPMethod,
    on connection: HTTPClientConnection,
    until deadline: Instant
  ) async throws(HTTPClientFailure) -> HTTPResponse {
    let id = connection.id
    active[id] = connection
    let timer = loop.schedule(at: deadline) { connection.close(.timeout) }
    // A method of the actor, for `self` must stand in the closure: one that does not capture it is
    // not isolated to it and leaves the loop.
    let result = await withTaskCancellationHandler {
      await self.response(to: request, method, on: connection)
    } onCancel: {
      loop.execute { self.assumeIsolated { $0.active[id]?.close(.cancelled) } }
    }
    loop.cancel(timer)
    active[id] = nil
    if connection.isReusable, !isClosed, idle.count < Self.idleMax {
      idle.append(connection)
    } else {
      connection.close(.cancelled)
    }
    return try result.get()
  }

  private func response(
    to request: [UInt8],
    _ method: HTTPMethod,
    on connection: HTTPClientConnection
  ) async -> Result<HTTPResponse, HTTPClientFailure> {
    await withCheckedContinuation { continuation in
      connection.exchange(request, method) { continuation.resume(returning: $0) }
    }
  }

  private func remove(_ connection: HTTPClientConnection) {
    idle.removeAll { $0 === connection }
  }
}
