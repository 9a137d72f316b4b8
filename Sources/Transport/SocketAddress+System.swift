package import Glibc
package import Kernel

/// Addresses as system calls and C libraries take them.
extension SocketAddress {
  /// Lends the address as a `sockaddr`.
  ///
  /// `family` is that of the socket it is for: AF_INET6 maps IPv4 into ::ffff:0:0/96, as an IPv6
  /// socket wants it. Nil for the address's own.
  package func withSockaddr<Result>(
    family: Int32? = nil,
    _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    func rebound<Address>(_ address: Address) -> Result {
      withUnsafePointer(to: address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          body($0, socklen_t(MemoryLayout<Address>.size))
        }
      }
    }
    if let v4 = ip.v4, family != AF_INET6 {
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr.s_addr = v4.bigEndian
      return rebound(address)
    }
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_port = port.bigEndian
    withUnsafeMutableBytes(of: &address.sin6_addr) { bytes in
      bytes.storeBytes(of: ip.high.bigEndian, as: UInt64.self)
      bytes.storeBytes(of: ip.low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
    return rebound(address)
  }

  /// Reads what a system call stored.
  package init(_ storage: UnsafePointer<sockaddr_storage>) {
    let raw = UnsafeRawPointer(storage)
    if Int32(storage.pointee.ss_family) == AF_INET {
      let address = raw.load(as: sockaddr_in.self)
      self.init(
        IPAddress(v4: UInt32(bigEndian: address.sin_addr.s_addr)),
        port: UInt16(bigEndian: address.sin_port)
      )
    } else {
      let address = raw.load(as: sockaddr_in6.self)
      let (high, low) = withUnsafeBytes(of: address.sin6_addr) { bytes in
        (
          bytes.loadUnaligned(as: UInt64.self),
          bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        )
      }
      self.init(
        IPAddress(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low)),
        port: UInt16(bigEndian: address.sin6_port)
      )
    }
  }
}
