public import EventLoop
import Glibc
public import Kernel

/// Why a connection was not made.
public struct ConnectFailure: Error, Hashable, CustomStringConvertible {
  public let address: SocketAddress
  public let problem: String

  public var description: String { "cannot connect to \(address): \(problem)" }
}

/// Makes one outgoing TCP connection.
///
/// Belongs to its loop's thread.
public final class Connector {
  private let address: SocketAddress
  private let loop: EventLoop
  private let outboundMax: Int
  private var socket: Socket?
  private var watch: Watch?
  private var timer: Timer?
  private var completion: ((Result<Connection, ConnectFailure>) -> Void)?

  /// Begins to connect.
  ///
  /// - Parameters:
  ///   - address: whom to call.
  ///   - loop: where the connection lives.
  ///   - timeout: after which the attempt is given up.
  ///   - outboundMax: bytes that the connection may queue.
  ///   - completion: called once, later, unless `cancel` comes first; owns the connection.
  public init(
    to address: SocketAddress,
    on loop: EventLoop,
    timeout: Duration,
    outboundMax: Int,
    completion: @escaping (Result<Connection, ConnectFailure>) -> Void
  ) {
    self.address = address
    self.loop = loop
    self.outboundMax = outboundMax
    self.completion = completion
    // The closures hold the connector until it is done.
    timer = loop.schedule(after: timeout) { self.fail("no answer within \(timeout)") }
    do throws(SystemFailure) {
      let socket = try Socket(for: address)
      self.socket = socket
      let code = socket.connect(to: address)
      guard code == 0 || code == EINPROGRESS else { throw SystemFailure("connect", code: code) }
      watch = try loop.watch(socket.descriptor, for: .writable) { _ in self.decide() }
    } catch {
      // Later, so that no caller is called back before it has the connector.
      let problem = error.problem
      loop.beforeWaiting { self.fail(problem) }
    }
  }

  /// Gives up; the completion is not called.
  public func cancel() {
    completion = nil
    end()
    socket?.close()
    socket = nil
  }

  private func decide() {
    guard let socket, let completion else { return }
    let code = socket.pendingError
    guard code == 0 else { return fail(SystemFailure("connect", code: code).problem) }
    // On one machine, a caller whose own port is chosen as the one it calls reaches itself.
    guard socket.localAddress != address else { return fail("Connection refused") }
    end()
    self.socket = nil
    self.completion = nil
    completion(.success(Connection(socket, remote: address, on: loop, outboundMax: outboundMax)))
  }

  private func fail(_ problem: String) {
    let completion = self.completion
    cancel()
    completion?(.failure(ConnectFailure(address: address, problem: problem)))
  }

  private func end() {
    watch?.cancel()
    watch = nil
    if let timer { loop.cancel(timer) }
    timer = nil
  }
}
