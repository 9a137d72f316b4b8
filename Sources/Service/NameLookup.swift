public import EventLoop
import Glibc
public import Kernel

extension HostPort {
  /// Addresses taken of one name: enough to find one that answers.
  private static let addressesMax = 16

  /// The address that is written out, if one is: nil for a name.
  public var literal: SocketAddress? {
    IPAddress(host).map { SocketAddress($0, port: port) }
  }

  /// The addresses of a host: the literal one as it is, a name's through the system.
  ///
  /// A look-up runs on the workers and may keep one busy for many seconds. Empty for a name that is
  /// not found.
  ///
  /// - Throws: what `Workers.run` throws if it does not take the work.
  public func addresses(by workers: Workers) async throws -> [SocketAddress] {
    if let literal { return [literal] }
    return try await workers.run { _ in lookUp() }
  }

  private func lookUp() -> [SocketAddress] {
    var hints = addrinfo()
    // Any: without it each address comes once for every kind of socket.
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
    defer { freeaddrinfo(list) }
    var found: [SocketAddress] = []
    var next = list
    while let entry = next?.pointee, found.count < Self.addressesMax {
      next = entry.ai_next
      var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      let status = getnameinfo(
        entry.ai_addr,
        entry.ai_addrlen,
        &text,
        socklen_t(text.count),
        nil,
        0,
        NI_NUMERICHOST
      )
      guard status == 0 else { continue }
      let end = text.firstIndex(of: 0) ?? text.endIndex
      let literal = String(decoding: text[..<end].map(UInt8.init(bitPattern:)), as: UTF8.self)
      if let ip = IPAddress(literal) { found.append(SocketAddress(ip, port: port)) }
    }
    return found
  }
}
