public import Kernel

/// Who may connect: how the peer table is shared out.
public struct PeerPolicy: Hashable, Sendable {
  /// Connections in all, `max_peers`.
  public let peersMax: Int
  /// Whether loopback and private addresses are peers like others, without limits per host and
  /// subnet for loopback: on the dev network, where all nodes share one machine.
  public let isLocal: Bool

  /// Connections of one host (an IPv4 address or an IPv6 /64).
  ///
  /// Some households run two nodes behind one address; nobody needs more than four.
  public static let perHostMax = 4

  /// Connections of one subnet (an IPv4 /24, an IPv6 /48): what one operator rents cheaply.
  public static let perSubnetMax = 8

  public init(peersMax: Int, network: Network) {
    precondition(peersMax > 0)
    self.peersMax = peersMax
    isLocal = network == .dev
  }

  /// Connections kept for peers this node chose itself: a third of the table.
  ///
  /// Inbound connections never take them, so whoever dials us from many addresses cannot cut us
  /// off. Less than half, since each node's dialled connections are others' inbound ones, and new
  /// nodes must find room too.
  public var outboundReserved: Int { (peersMax + 2) / 3 }

  public var inboundMax: Int { peersMax - outboundReserved }

  /// Why an inbound connection is refused; nil if it is welcome.
  public func refusal(inboundFrom ip: IPAddress, connected: [PeerConnection]) -> PeerRefusal? {
    guard connected.count < peersMax else { return .tableFull }
    guard connected.count(where: { $0.role == .responder }) < inboundMax else {
      return .inboundFull
    }
    return crowding(ip, connected: connected)
  }

  /// Whether a host or a subnet has its share already.
  func crowding(_ ip: IPAddress, connected: [PeerConnection]) -> PeerRefusal? {
    guard !(isLocal && ip.isLoopback) else { return nil }
    guard connected.count(where: { $0.remote.host == ip.host }) < Self.perHostMax else {
      return .hostFull
    }
    guard connected.count(where: { $0.remote.subnet == ip.subnet }) < Self.perSubnetMax else {
      return .subnetFull
    }
    return nil
  }

  /// Whether an address that a stranger named may be dialled at all.
  public func accepts(_ address: SocketAddress) -> Bool {
    guard address.port != 0, !address.ip.isUnspecified, !address.ip.isMulticast else {
      return false
    }
    return isLocal || !address.ip.isPrivate
  }
}

extension IPAddress {
  /// What one operator rents cheaply: an IPv4 /24, an IPv6 /48.
  var subnet: IPAddress { prefix(v4: 24, v6: 48) }
}

/// A connection as the peer table sees it, from the first packet of its dial or accept on.
public struct PeerConnection: Hashable, Sendable {
  public let remote: IPAddress
  public let role: Handshake.Role
  /// Where the peer listens: what was dialled, or what an inbound peer's keepalive told.
  public var listening: SocketAddress?

  public init(remote: IPAddress, role: Handshake.Role, listening: SocketAddress? = nil) {
    self.remote = remote
    self.role = role
    self.listening = listening
  }
}

/// Why an inbound connection is closed at once.
public enum PeerRefusal: Hashable, Sendable, CustomStringConvertible {
  case tableFull
  /// The rest of the table is kept for peers this node dials.
  case inboundFull
  case hostFull
  case subnetFull

  public var description: String {
    switch self {
    case .tableFull: "the peer table is full"
    case .inboundFull: "the peer table's share for inbound connections is full"
    case .hostFull: "this host has \(PeerPolicy.perHostMax) connections already"
    case .subnetFull: "this subnet has \(PeerPolicy.perSubnetMax) connections already"
    }
  }
}
