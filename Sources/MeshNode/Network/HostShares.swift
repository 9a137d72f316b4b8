import Kernel

/// How many costly requests each host may make: what one of them takes, the others lack.
///
/// A host is an IPv4 address or a /64, so that new connections bring no new share.
struct HostShares {
  enum Charge {
    case vote
    case certificate
  }

  private struct Share {
    var votes: TokenBucket
    var certificates: TokenBucket
  }

  private let perSecond: UInt64
  private var shares: [IPAddress: Share] = [:]

  /// Hosts that are remembered: 8,192 × ~150 bytes.
  ///
  /// Beyond, all are forgiven: a share is back after two seconds anyway.
  static let hostsMax = 8192

  init(perSecond: UInt64) {
    self.perSecond = perSecond
  }

  /// Whether the host may make one more such request now.
  mutating func take(_ charge: Charge, from address: IPAddress, now: Instant) -> Bool {
    let host = address.host
    if shares[host] == nil, shares.count >= Self.hostsMax { shares = [:] }
    let bucket = TokenBucket(capacity: 2 * perSecond, perSecond: perSecond, now: now)
    switch charge {
    case .vote:
      return shares[host, default: Share(votes: bucket, certificates: bucket)].votes.take(
        1,
        now: now
      )
    case .certificate:
      return shares[host, default: Share(votes: bucket, certificates: bucket)].certificates
        .take(1, now: now)
    }
  }
}
