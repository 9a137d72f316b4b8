public import Kernel

/// A peer as observers are told of it.
public struct PeerSummary: Hashable, Sendable {
  public let address: SocketAddress
  public let isOutbound: Bool
  public let node: UInt64?
}
