public import EventLoop
import Glibc
import Kernel

/// Accepts connections of this machine's processes at a path (AF_UNIX), of one user only.
///
/// The file is the owner's alone (0600), and who calls is asked for the user it runs as. Belongs to
/// its loop's thread.
public final class LocalListener {
  public let path: String
  private let loop: EventLoop
  private let socket: Socket
  private let outboundMax: Int
  private let onAccept: (Connection) -> Void
  private var watch: Watch?
  private var isClosed = false

  /// Connections that may wait to be accepted.
  private static let backlog: Int32 = 64
  private static let acceptsPerTurn = 16
  private static let exhaustedPause = Duration.milliseconds(100)

  /// Listens from now on.
  ///
  /// A file that a process left behind when it was killed is replaced: the caller sees to it that
  /// no other process listens there.
  ///
  /// - Parameters:
  ///   - path: of the socket, at most 107 bytes.
  ///   - loop: where the listener and its connections live.
  ///   - outboundMax: bytes that each connection may queue.
  ///   - onAccept: owns the connection; it closes if nobody keeps it.
  /// - Throws: `SystemFailure`.
  public init(
    at path: String,
    on loop: EventLoop,
    outboundMax: Int,
    onAccept: @escaping (Connection) -> Void
  ) throws(SystemFailure) {
    self.path = path
    self.loop = loop
    self.outboundMax = outboundMax
    self.onAccept = onAccept
    socket = try LocalAddress.socket()
    do throws(SystemFailure) {
      unlink(path)  // If it fails, so does the bind.
      // Nobody may connect between `bind` and `chmod`: a socket without `listen` refuses.
      try LocalAddress.apply(path, "listen at \(path)") { Glibc.bind(socket.descriptor, $0, $1) }
      guard chmod(path, 0o600) == 0, listen(socket.descriptor, Self.backlog) == 0 else {
        throw SystemFailure("listen at \(path)", code: errno)
      }
      watch = try loop.watch(socket.descriptor, for: .readable) { [unowned self] _ in accept() }
    } catch {
      isClosed = true
      socket.close()
      throw error
    }
  }

  deinit {
    close()
  }

  /// Stops listening and removes the file; accepted connections stay.
  public func close() {
    guard !isClosed else { return }
    isClosed = true
    watch?.cancel()
    unlink(path)
    socket.close()
  }

  private func accept() {
    for _ in 0..<Self.acceptsPerTurn {
      guard !isClosed else { return }
      let (descriptor, _) = socket.accept()
      switch descriptor {
      case 0...:
        let accepted = Socket(descriptor: descriptor)
        guard LocalAddress.user(of: accepted) == getuid() else {
          accepted.close()
          continue
        }
        onAccept(
          Connection(accepted, remote: LocalAddress.anonymous, on: loop, outboundMax: outboundMax)
        )
      case -EAGAIN: return
      case -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM:
        watch?.update([])
        loop.schedule(after: Self.exhaustedPause) { [weak self] in self?.watch?.update(.readable) }
        return
      default: continue  // It died before it was taken.
      }
    }
  }
}

/// Calls a process of this machine at a path.
public enum LocalConnector {
  /// Connects at once, or not at all.
  ///
  /// - Parameters:
  ///   - path: where a `LocalListener` may be.
  ///   - loop: the current one.
  ///   - outboundMax: bytes that the connection may queue.
  /// - Returns: the connection, to be started; nil if nobody listens there.
  /// - Throws: `SystemFailure` for anything else.
  public static func connect(
    to path: String,
    on loop: EventLoop,
    outboundMax: Int
  ) throws(SystemFailure) -> Connection? {
    let socket = try LocalAddress.socket()
    do throws(SystemFailure) {
      try LocalAddress.apply(path, "connect to \(path)") {
        Glibc.connect(socket.descriptor, $0, $1)
      }
    } catch {
      socket.close()
      if error.code == ENOENT || error.code == ECONNREFUSED { return nil }
      throw error
    }
    return Connection(socket, remote: LocalAddress.anonymous, on: loop, outboundMax: outboundMax)
  }
}

private enum LocalAddress {
  /// What a connection shows as its other end.
  static let anonymous = SocketAddress(.loopbackV4, port: 0)

  static func socket() throws(SystemFailure) -> Socket {
    let type =
      Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let descriptor = Glibc.socket(AF_UNIX, type, 0)
    guard descriptor >= 0 else { throw SystemFailure("open a socket", code: errno) }
    return Socket(descriptor: descriptor)
  }

  static func apply(
    _ path: String,
    _ operation: String,
    _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) throws(SystemFailure) {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
      throw SystemFailure(operation, code: ENAMETOOLONG)
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let status = withUnsafePointer(to: &address) { address in
      address.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, size) }
    }
    guard status == 0 else { throw SystemFailure(operation, code: errno) }
  }

  /// The user that the other end ran as when it connected; nil if the kernel does not say.
  static func user(of socket: Socket) -> uid_t? {
    // struct ucred, which Glibc shows to GNU sources only: process, user and group.
    var credentials: (pid_t, uid_t, gid_t) = (0, 0, 0)
    var size = socklen_t(MemoryLayout.size(ofValue: credentials))
    let status = getsockopt(socket.descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size)
    return status == 0 ? credentials.1 : nil
  }
}
