public import EventLoop
package import Glibc
public import Kernel

/// A UDP socket: datagrams in as they come, datagrams out or lost.
///
/// `[::]` takes IPv4 datagrams too, `0.0.0.0` nothing else, as with `Listener`. Nothing is queued
/// but by the kernel: whoever needs delivery brings his own acknowledgements. Belongs to its loop's
/// thread.
public final class DatagramSocket {
  /// Where it is bound; has the port that was chosen if 0 was asked for.
  public let address: SocketAddress
  /// AF_INET or AF_INET6, which every address given to the system must match.
  package let family: Int32
  private let loop: EventLoop
  private let socket: Socket
  private let onReceive: (UnsafeRawBufferPointer, SocketAddress) -> Void
  private var watch: Watch?
  private var isClosed = false

  /// Datagrams taken in a turn, so that a flood of them starves nobody.
  private static let receivesPerTurn = 128
  /// Bytes that the kernel may hold for each direction; it caps them at net.core.[rw]mem_max.
  private static let kernelBuffer: Int32 = 4 << 20

  /// Receives from now on.
  ///
  /// - Parameters:
  ///   - address: where to bind; port 0 for one that is free.
  ///   - loop: where the socket lives.
  ///   - mayFragment: false to have the kernel refuse what is longer than the path carries whole,
  ///     as a protocol that finds out the path's size needs it.
  ///   - onReceive: told each datagram and its sender; the bytes are gone after the call.
  /// - Throws: `ListenFailure`, which says what the operator can do.
  public init(
    at address: SocketAddress,
    on loop: EventLoop,
    mayFragment: Bool = true,
    onReceive: @escaping (UnsafeRawBufferPointer, SocketAddress) -> Void
  ) throws(ListenFailure) {
    self.loop = loop
    self.onReceive = onReceive
    family = address.ip.v4 == nil ? AF_INET6 : AF_INET
    let socket: Socket
    do {
      socket = try Socket(for: address, kind: SOCK_DGRAM)
    } catch {
      throw ListenFailure(address: address, code: error.code)
    }
    if family == AF_INET6 {
      socket.set(IPV6_V6ONLY, of: Int32(IPPROTO_IPV6), to: address.ip == .anyV6 ? 0 : 1)
    }
    if !mayFragment {
      socket.set(IP_MTU_DISCOVER, of: Int32(IPPROTO_IP), to: IP_PMTUDISC_DO)
      if family == AF_INET6 {
        socket.set(IPV6_MTU_DISCOVER, of: Int32(IPPROTO_IPV6), to: IPV6_PMTUDISC_DO)
      }
    }
    socket.set(SO_RCVBUF, of: SOL_SOCKET, to: Self.kernelBuffer)
    socket.set(SO_SNDBUF, of: SOL_SOCKET, to: Self.kernelBuffer)
    let code = socket.bind(to: address)
    self.socket = socket
    self.address = socket.localAddress
    guard code == 0 else {
      isClosed = true
      socket.close()
      throw ListenFailure(address: address, code: code)
    }
    do {
      watch = try loop.watch(socket.descriptor, for: .readable) { [unowned self] _ in receive() }
    } catch {
      close()
      throw ListenFailure(address: address, code: error.code)
    }
  }

  deinit {
    close()
  }

  /// Ends it; `onReceive` is not called again.
  public func close() {
    guard !isClosed else { return }
    isClosed = true
    watch?.cancel()
    socket.close()
  }

  /// Hands one datagram to the kernel.
  ///
  /// - Returns: false if the kernel did not take it: its buffer is full, the datagram is longer than
  ///   the path carries, there is no route. To the caller that is a lost datagram.
  @discardableResult
  public func send(_ bytes: UnsafeRawBufferPointer, to remote: SocketAddress) -> Bool {
    remote.withSockaddr(family: family) { send(bytes, to: $0, $1) }
  }

  package func send(
    _ bytes: UnsafeRawBufferPointer,
    to remote: UnsafePointer<sockaddr>,
    _ size: socklen_t
  ) -> Bool {
    guard !isClosed else { return false }
    return sendto(
      socket.descriptor,
      bytes.baseAddress,
      bytes.count,
      Int32(MSG_NOSIGNAL),
      remote,
      size
    ) == bytes.count
  }

  private func receive() {
    // The handler may let go of the last reference.
    withExtendedLifetime(self) {
      for _ in 0..<Self.receivesPerTurn {
        guard !isClosed else { return }
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let count = withUnsafeMutablePointer(to: &storage) { pointer in
          pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            recvfrom(socket.descriptor, loop.scratch.baseAddress, loop.scratch.count, 0, $0, &size)
          }
        }
        if count < 0 {
          // An error that the network reported for an earlier datagram comes here once; there may
          // be datagrams behind it.
          if errno == EAGAIN { return }
          continue
        }
        let remote = withUnsafePointer(to: storage) { SocketAddress($0) }
        onReceive(UnsafeRawBufferPointer(rebasing: loop.scratch[..<count]), remote)
      }
    }
  }
}
