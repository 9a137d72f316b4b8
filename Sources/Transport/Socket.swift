import CLinux
import EventLoop
import Glibc
import Kernel

/// A non-blocking socket and the calls on it; closed by its owner, exactly once.
struct Socket {
  let descriptor: Int32

  init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  /// A new socket of the address's family, close-on-exec.
  init(
    for address: SocketAddress,
    kind: __socket_type = SOCK_STREAM
  ) throws(SystemFailure) {
    let type =
      Int32(kind.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    descriptor = socket(address.ip.v4 == nil ? AF_INET6 : AF_INET, type, 0)
    if descriptor < 0 { throw SystemFailure("open a socket", code: errno) }
  }

  func close() {
    Glibc.close(descriptor)
  }

  /// Sets an option; those used here cannot fail on a socket of the right kind.
  func set(_ option: Int32, of level: Int32, to value: Int32) {
    var value = value
    setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
  }

  /// What went wrong with the connection, 0 for nothing.
  ///
  /// Reading it clears it.
  var pendingError: Int32 {
    var code: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
    return code
  }

  func bind(to address: SocketAddress) -> Int32 {
    address.withSockaddr { Glibc.bind(descriptor, $0, $1) } < 0 ? errno : 0
  }

  func connect(to address: SocketAddress) -> Int32 {
    address.withSockaddr { Glibc.connect(descriptor, $0, $1) } < 0 ? errno : 0
  }

  /// The address this end is bound to.
  var localAddress: SocketAddress {
    var storage = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        _ = getsockname(descriptor, address, &size)
      }
      return SocketAddress(UnsafePointer(pointer))
    }
  }

  /// The next waiting connection, or a negated error number.
  func accept() -> (descriptor: Int32, remote: SocketAddress) {
    var ip: (UInt64, UInt64) = (0, 0)
    var port: UInt16 = 0
    let descriptor = withUnsafeMutableBytes(of: &ip) { bytes in
      clinux_accept(self.descriptor, bytes.bindMemory(to: UInt8.self).baseAddress, &port)
    }
    return (
      descriptor, SocketAddress(IPAddress(high: ip.0.bigEndian, low: ip.1.bigEndian), port: port)
    )
  }

  /// Bytes read, 0 at the end of the stream, or a negated error number.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
    return count < 0 ? -Int(errno) : count
  }

  /// Bytes taken by the kernel, or a negated error number.
  ///
  /// Never raises SIGPIPE.
  func write(_ pieces: inout [iovec]) -> Int {
    let count = pieces.withUnsafeMutableBufferPointer { pieces in
      var message = msghdr()
      message.msg_iov = pieces.baseAddress
      message.msg_iovlen = pieces.count
      return sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL))
    }
    return count < 0 ? -Int(errno) : count
  }

  /// Says that nothing more will be written.
  func finishWriting() {
    shutdown(descriptor, Int32(SHUT_WR))
  }
}
