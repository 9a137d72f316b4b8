public import Kernel

/// What passes between two nodes.
///
/// The number ties an answer to its request. It is the asker's and not on the wire: a POST and its
/// response are tied anyway.
public enum PeerMessage: Sendable {
  case request(PeerRequest, number: UInt64)
  case answer(PeerAnswer, number: UInt64)
  /// No answer will come: the connection was refused or ended, the time is over, or the status was
  /// neither 200 nor 429.
  case unanswered(number: UInt64)
  /// What came cannot be read, or is too long.
  case unreadable(number: UInt64?)
}

/// The other end of a connection.
public struct PeerLink: Hashable, Sendable {
  /// Where the other can be called; its port is 0 if it cannot.
  public let address: SocketAddress
  /// Whether this node called; who calls says hello first.
  public let isOutbound: Bool

  public init(address: SocketAddress, isOutbound: Bool) {
    (self.address, self.isOutbound) = (address, isOutbound)
  }
}
