public import EventLoop
import Glibc
public import Kernel

/// Why an address cannot be listened at, and what the operator can do about it.
public struct ListenFailure: Error, Hashable, CustomStringConvertible {
  public let address: SocketAddress
  public let code: Int32

  public var description: String {
    let problem = SystemFailure("listen", code: code).problem
    let advice =
      switch code {
      case EADDRINUSE:
        "another process listens there. Stop it, or choose another port; "
          + "`ss -ltnp sport = :\(address.port)` shows which"
      case EACCES: "ports below 1024 need a privilege. Choose a higher port"
      case EADDRNOTAVAIL: "no interface of this machine has the address"
      case EAFNOSUPPORT: "this machine has no IPv6. Listen at 0.0.0.0:\(address.port)"
      case EMFILE, ENFILE: "too many files are open. Raise the limit (`ulimit -n`)"
      default: problem
      }
    return "cannot listen at \(address): \(advice)"
  }
}

/// Accepts TCP connections at one address.
///
/// `[::]` takes IPv4 connections too (IPV6_V6ONLY is off), `0.0.0.0` takes nothing else. A port
/// that another process listens at is refused, one whose old connections linger is not
/// (SO_REUSEADDR). Belongs to its loop's thread.
public final class Listener {
  /// Where it listens; has the port that was chosen if 0 was asked for.
  public let address: SocketAddress
  private let loop: EventLoop
  private let socket: Socket
  private let outboundMax: Int
  private let onAccept: (Connection) -> Void
  private var watch: Watch?
  private var isClosed = false

  /// Connections that may wait to be accepted; the kernel caps it at net.core.somaxconn.
  private static let backlog: Int32 = 1024
  /// Connections accepted in a turn, so that a flood of them starves nobody.
  private static let acceptsPerTurn = 64
  /// The pause when no descriptor is left: waiting connections would spin the loop otherwise.
  private static let exhaustedPause = Duration.milliseconds(100)

  /// Listens from now on.
  ///
  /// - Parameters:
  ///   - address: where to listen; port 0 for one that is free.
  ///   - loop: where the listener and its connections live.
  ///   - outboundMax: bytes that each connection may queue.
  ///   - onAccept: owns the connection; it closes if nobody keeps it.
  /// - Throws: `ListenFailure`, which says what the operator can do.
  public init(
    at address: SocketAddress,
    on loop: EventLoop,
    outboundMax: Int,
    onAccept: @escaping (Connection) -> Void
  ) throws(ListenFailure) {
    self.loop = loop
    self.outboundMax = outboundMax
    self.onAccept = onAccept
    let socket: Socket
    do {
      socket = try Socket(for: address)
    } catch {
      throw ListenFailure(address: address, code: error.code)
    }
    socket.set(SO_REUSEADDR, of: SOL_SOCKET, to: 1)
    if address.ip.v4 == nil {
      socket.set(IPV6_V6ONLY, of: Int32(IPPROTO_IPV6), to: address.ip == .anyV6 ? 0 : 1)
    }
    var code = socket.bind(to: address)
    if code == 0, listen(socket.descriptor, Self.backlog) < 0 { code = errno }
    self.socket = socket
    self.address = socket.localAddress
    guard code == 0 else {
      isClosed = true
      socket.close()
      throw ListenFailure(address: address, code: code)
    }
    do {
      watch = try loop.watch(socket.descriptor, for: .readable) { [unowned self] _ in accept() }
    } catch {
      close()
      throw ListenFailure(address: address, code: error.code)
    }
  }

  deinit {
    close()
  }

  /// Stops listening; accepted connections stay.
  public func close() {
    guard !isClosed else { return }
    isClosed = true
    watch?.cancel()
    socket.close()
  }

  private func accept() {
    for _ in 0..<Self.acceptsPerTurn {
      guard !isClosed else { return }
      let (descriptor, remote) = socket.accept()
      switch descriptor {
      case 0...:
        onAccept(
          Connection(
            Socket(descriptor: descriptor),
            remote: remote,
            on: loop,
            outboundMax: outboundMax
          )
        )
      case -EAGAIN:
        return
      case -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM:
        return pause()
      default:
        // The connection died before it was taken (ECONNABORTED and the like): go on with the next.
        continue
      }
    }
  }

  private func pause() {
    watch?.update([])
    loop.schedule(after: Self.exhaustedPause) { [weak self] in self?.watch?.update(.readable) }
  }
}
