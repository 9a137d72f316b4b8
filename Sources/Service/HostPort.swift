import Glibc
import Kernel

/// A host and a port as people write them: `192.0.2.7:7176`, `[2001:db8::7]:7176`, `node.example:7176`.
public struct HostPort: Hashable, Sendable, CustomStringConvertible {
  /// A literal address without brackets, or a name.
  ///
  /// Whether a name resolves is another question.
  public let host: String
  public let port: UInt16

  public init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// Nil for anything but a host and, unless a default is given, a port.
  ///
  /// An IPv6 address stands in brackets if a port follows, else it may stand alone.
  public init?(_ text: String, defaultPort: UInt16? = nil) {
    if Self.isIPv6(text) {
      guard let defaultPort else { return nil }
      self.init(host: text, port: defaultPort)
      return
    }
    let host: Substring
    let rest: Substring
    if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]") else { return nil }
      host = text[text.index(after: text.startIndex)..<end]
      rest = text[text.index(after: end)...]
      guard Self.isIPv6(String(host)) else { return nil }
    } else {
      let end = text.firstIndex(of: ":") ?? text.endIndex
      host = text[..<end]
      rest = text[end...]
      guard Self.isIPv4(String(host)) || Self.isName(host) else { return nil }
    }
    if rest.isEmpty {
      guard let defaultPort else { return nil }
      self.init(host: String(host), port: defaultPort)
    } else {
      guard rest.hasPrefix(":"),
        let port = JSON.Number(String(rest.dropFirst()))?.integer(UInt16.self), port > 0
      else { return nil }
      self.init(host: String(host), port: port)
    }
  }

  public var description: String {
    Self.isIPv6(host) ? "[\(host)]:\(port)" : "\(host):\(port)"
  }

  static func isIPv4(_ text: String) -> Bool {
    var address = in_addr()
    return !text.utf8.contains(0) && inet_pton(AF_INET, text, &address) == 1
  }

  static func isIPv6(_ text: String) -> Bool {
    var address = in6_addr()
    return !text.utf8.contains(0) && inet_pton(AF_INET6, text, &address) == 1
  }

  /// Labels of letters, digits and hyphens (RFC 1123).
  ///
  /// The last label is not all digits, so that a mistyped IPv4 address is not taken for a name.
  private static func isName(_ text: Substring) -> Bool {
    guard (1...253).contains(text.utf8.count) else { return false }
    let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    for label in labels {
      guard (1...63).contains(label.count), label.first != UInt8(ascii: "-"),
        label.last != UInt8(ascii: "-"), label.allSatisfy(isNameByte)
      else { return false }
    }
    return labels.last?.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } == false
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
      true
    default: false
    }
  }
}

extension OptionType<HostPort> {
  /// `host:port`; with a default port, also a host alone.
  public static func hostPort(defaultPort: UInt16? = nil) -> OptionType {
    let expected =
      defaultPort == nil
      ? "host:port, for example 192.0.2.7:7176 or [2001:db8::7]:7176"
      : "host or host:port, for example 192.0.2.7, node.example:7176 or [2001:db8::7]:7176"
    return text(
      defaultPort == nil ? "HOST:PORT" : "HOST[:PORT]",
      parse: { text throws(ValueProblem) in
        guard let value = HostPort(text, defaultPort: defaultPort) else {
          throw ValueProblem(expected)
        }
        return value
      },
      text: \.description
    )
  }
}
