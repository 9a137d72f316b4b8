import HTTP
import Kernel
import TinyChainPeers

/// A node that this one talks with; belongs to the network's actor.
final class PeerConnection {
  let id: PeerID
  /// Where it is called; port 0 if it cannot be.
  let address: SocketAddress
  let isOutbound: Bool
  let client: HTTPClient?
  /// Nil until it has answered.
  var node: PeerNetwork.Node?
  /// Calls of its own that wait for an answer.
  var calls: [UInt64: CheckedContinuation<HTTPResponse, Never>] = [:]
  /// Answers that wait until the machine has room.
  var waiting: [(message: PeerMessage, cost: Int)] = []
  var bucket: TokenBucket
  var failures = 0
  var lastHeard: Instant

  init(
    id: PeerID,
    address: SocketAddress,
    isOutbound: Bool,
    client: HTTPClient?,
    bucket: TokenBucket,
    now: Instant
  ) {
    (self.id, self.address, self.isOutbound, self.client) = (id, address, isOutbound, client)
    (self.bucket, lastHeard) = (bucket, now)
  }

  /// Only the first answer counts.
  func answer(_ number: UInt64, _ response: HTTPResponse) {
    calls.removeValue(forKey: number)?.resume(returning: response)
  }
}
