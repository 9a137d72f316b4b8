/// An IPv4 or IPv6 address as 128 bits; IPv4 stands as ::ffff:a.b.c.d.
///
/// One value for each host address, however it was spelled: `1.2.3.4` and `::ffff:1.2.3.4` are
/// equal, and both print as `1.2.3.4`. Zone identifiers (`fe80::1%eth0`) are refused.
public struct IPAddress: Hashable, Comparable, Sendable, BitwiseCopyable {
  /// Bytes 0..<8 and 8..<16 of the address, read as big-endian numbers.
  public let high: UInt64
  public let low: UInt64

  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  public init(v4 address: UInt32) {
    self.init(high: 0, low: Self.mappedPrefix << 32 | UInt64(address))
  }

  private static let mappedPrefix: UInt64 = 0xffff

  public static let loopbackV4 = IPAddress(v4: 0x7f00_0001)
  public static let loopbackV6 = IPAddress(high: 0, low: 1)
  public static let anyV4 = IPAddress(v4: 0)
  public static let anyV6 = IPAddress(high: 0, low: 0)

  /// The 32 bits of an IPv4 address, nil for IPv6.
  public var v4: UInt32? {
    high == 0 && low >> 32 == Self.mappedPrefix ? UInt32(truncatingIfNeeded: low) : nil
  }

  /// 0.0.0.0 or ::, which mean "every interface" to a listener and nothing to a caller.
  public var isUnspecified: Bool { self == .anyV4 || self == .anyV6 }

  /// 127.0.0.0/8 or ::1.
  public var isLoopback: Bool {
    if let v4 { return v4 >> 24 == 127 }
    return self == .loopbackV6
  }

  /// 224.0.0.0/4, the IPv4 broadcast address, or ff00::/8.
  public var isMulticast: Bool {
    if let v4 { return v4 >> 28 == 0xe || v4 == .max }
    return high >> 56 == 0xff
  }

  /// Reachable only inside a site: RFC 1918, 169.254/16, 100.64/10, fc00::/7, fe80::/10, loopback.
  public var isPrivate: Bool {
    guard let v4 else {
      return isLoopback || high >> 57 == 0xfc >> 1 || high >> 54 == 0xfe80 >> 6
    }
    return isLoopback || v4 >> 24 == 10 || v4 >> 20 == 0xac1 || v4 >> 16 == 0xc0a8
      || v4 >> 16 == 0xa9fe || v4 >> 22 == 0x6440_0000 >> 22
  }

  /// The first bits of the address, the rest zero: what addresses of one network share.
  ///
  /// - Parameters:
  ///   - bitsV4: bits kept of an IPv4 address, 0...32.
  ///   - bitsV6: bits kept of an IPv6 address, 0...128.
  /// - Returns: the first address of the network.
  public func prefix(v4 bitsV4: Int, v6 bitsV6: Int) -> IPAddress {
    if let v4 { return IPAddress(v4: v4 & ~(bitsV4 >= 32 ? 0 : UInt32.max >> UInt32(bitsV4))) }
    return IPAddress(
      high: high & ~(bitsV6 >= 64 ? 0 : UInt64.max >> UInt64(max(0, bitsV6))),
      low: low & ~(bitsV6 >= 128 ? 0 : UInt64.max >> UInt64(max(0, bitsV6 - 64)))
    )
  }

  /// What limits "per host" count by: an IPv4 address, or the /64 that one IPv6 host is given.
  public var host: IPAddress { prefix(v4: 32, v6: 64) }

  public static func < (a: Self, b: Self) -> Bool {
    a.high != b.high ? a.high < b.high : a.low < b.low
  }
}

/// An address and a port: where a socket listens, or whom it talks to.
public struct SocketAddress: Hashable, Comparable, Sendable, BitwiseCopyable {
  public let ip: IPAddress
  public let port: UInt16

  public init(_ ip: IPAddress, port: UInt16) {
    self.ip = ip
    self.port = port
  }

  public static func < (a: Self, b: Self) -> Bool {
    a.ip != b.ip ? a.ip < b.ip : a.port < b.port
  }
}

// Wire: address 16, most significant byte first as in every IPv6 header; port 2, little-endian.
extension SocketAddress {
  public static let wireSize = 18

  public init(from reader: inout ByteReader) throws(DecodingFailure) {
    let high = try reader.uint64().byteSwapped
    let low = try reader.uint64().byteSwapped
    self.init(IPAddress(high: high, low: low), port: try reader.uint16())
  }

  public func write(to writer: inout ByteWriter) {
    writer.integer(ip.high.byteSwapped)
    writer.integer(ip.low.byteSwapped)
    writer.integer(port)
  }
}

// Text: RFC 4291 section 2.2 is read, RFC 5952 is written.
extension IPAddress: CustomStringConvertible, LosslessStringConvertible {
  /// Reads `a.b.c.d` (decimal, no leading zeros) or IPv6 text; nil for anything else.
  public init?(_ text: String) {
    let bytes = Array(text.utf8)
    // The longest spelling: 0000:0000:0000:0000:0000:ffff:255.255.255.255.
    guard bytes.count <= 45 else { return nil }
    if let v4 = Self.parseV4(bytes[...]) {
      self.init(v4: v4)
    } else if let groups = Self.parseV6(bytes) {
      func number(_ groups: ArraySlice<UInt16>) -> UInt64 {
        groups.reduce(0) { $0 << 16 | UInt64($1) }
      }
      self.init(high: number(groups[0..<4]), low: number(groups[4..<8]))
    } else {
      return nil
    }
  }

  public var description: String {
    if let v4 {
      return "\(v4 >> 24).\(v4 >> 16 & 255).\(v4 >> 8 & 255).\(v4 & 255)"
    }
    let groups = [high, low].flatMap { word in
      [48, 32, 16, 0].map { UInt16(truncatingIfNeeded: word >> UInt64($0)) }
    }
    let run = Self.longestZeroRun(groups)
    func text(_ groups: ArraySlice<UInt16>) -> String {
      groups.map { String($0, radix: 16) }.joined(separator: ":")
    }
    guard run.count >= 2 else { return text(groups[...]) }
    return text(groups[..<run.lowerBound]) + "::" + text(groups[run.upperBound...])
  }

  /// The first of the longest runs of zero groups, which RFC 5952 writes as `::`.
  private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int> {
    var longest = 0..<0
    var start = 0
    for (index, group) in groups.enumerated() {
      if group != 0 { start = index + 1 }
      if index + 1 - start > longest.count { longest = start..<index + 1 }
    }
    return longest
  }

  private static func parseV4(_ text: ArraySlice<UInt8>) -> UInt32? {
    let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var address: UInt32 = 0
    for part in parts {
      guard let number = UInt8(decimal: part) else { return nil }
      address = address << 8 | UInt32(number)
    }
    return address
  }

  private static func parseV6(_ text: [UInt8]) -> [UInt16]? {
    let colon = UInt8(ascii: ":")
    guard
      let gap = text.indices.dropLast().first(where: { text[$0...].starts(with: [colon, colon]) })
    else {
      let groups = parseGroups(text[...], mayEndInV4: true)
      return groups?.count == 8 ? groups : nil
    }
    guard let left = parseGroups(text[..<gap], mayEndInV4: false),
      let right = parseGroups(text[(gap + 2)...], mayEndInV4: true),
      left.count + right.count < 8
    else { return nil }
    return left + Array(repeating: 0, count: 8 - left.count - right.count) + right
  }

  /// Groups of one to four hexadecimal digits between single colons; none in empty text.
  private static func parseGroups(_ text: ArraySlice<UInt8>, mayEndInV4: Bool) -> [UInt16]? {
    if text.isEmpty { return [] }
    let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    var groups: [UInt16] = []
    for (index, part) in parts.enumerated() {
      if mayEndInV4, index == parts.count - 1, let v4 = parseV4(part) {
        groups += [UInt16(v4 >> 16), UInt16(truncatingIfNeeded: v4)]
      } else {
        guard let group = UInt16(hexadecimal: part) else { return nil }
        groups.append(group)
      }
    }
    return groups
  }
}

extension SocketAddress: CustomStringConvertible, LosslessStringConvertible {
  /// Reads `a.b.c.d:port` or `[v6]:port`; nil for anything else.
  ///
  /// An IPv6 address needs its brackets, an IPv4 address must have none, and the port is never
  /// left out.
  public init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"),
      let port = UInt16(decimal: Array(text[text.index(after: colon)...].utf8)[...])
    else { return nil }
    let host = text[..<colon]
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    let address = isBracketed ? String(host.dropFirst().dropLast()) : String(host)
    guard let ip = IPAddress(address), address.contains(":") == isBracketed else { return nil }
    self.init(ip, port: port)
  }

  public var description: String {
    ip.v4 == nil ? "[\(ip)]:\(port)" : "\(ip):\(port)"
  }
}

extension FixedWidthInteger where Self: UnsignedInteger {
  /// Decimal digits only: no sign, no leading zero, no overflow.
  fileprivate init?(decimal text: ArraySlice<UInt8>) {
    guard let first = text.first, first != UInt8(ascii: "0") || text.count == 1 else { return nil }
    var value: Self = 0
    for character in text {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(character) else { return nil }
      let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tens.addingReportingOverflow(Self(character - UInt8(ascii: "0")))
      guard !overflow, !carry else { return nil }
      value = sum
    }
    self = value
  }
}

extension UInt16 {
  /// One to four hexadecimal digits of either case.
  fileprivate init?(hexadecimal text: ArraySlice<UInt8>) {
    guard (1...4).contains(text.count) else { return nil }
    var value: UInt16 = 0
    for character in text {
      guard character < 128, let digit = Character(Unicode.Scalar(character)).hexDigitValue else {
        return nil
      }
      value = value << 4 | UInt16(digit)
    }
    self = value
  }
}
