public import Kernel

extension PeerBook {
  /// What is kept of an address across restarts.
  public struct Row: Hashable, Sendable {
    public let address: SocketAddress
    /// The last completed handshake, or end of a good connection; nil if never.
    public let lastSuccess: Instant?
    /// Failures in a row.
    public let failures: Int

    public init(address: SocketAddress, lastSuccess: Instant?, failures: Int) {
      self.address = address
      self.lastSuccess = lastSuccess
      self.failures = failures
    }
  }

  /// Every address, in order; the configuration's are in the configuration too.
  public var rows: [Row] {
    entries.map { entry in
      Row(address: entry.address, lastSuccess: entry.lastSuccess, failures: entry.failures)
    }
  }

  /// A book as it was; each address may be dialled at once.
  ///
  /// Rows that the policy does not accept, or beyond the limit, are left out: the file is no more
  /// trusted than a stranger.
  public init(policy: PeerPolicy, rows: [Row]) {
    self.init(policy: policy)
    for row in rows where policy.accepts(row.address) && count < Self.addressesMax {
      restore(
        Entry(
          address: row.address,
          lastSuccess: row.lastSuccess,
          failures: min(max(row.failures, 0), Self.failuresToForget)
        )
      )
    }
  }
}
