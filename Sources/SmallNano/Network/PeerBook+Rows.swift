public import Kernel

extension PeerBook {
  /// What is kept of an address across restarts.
  ///
  ///     0  18  address           26 8  last failure in ms (0 = never)
  ///     18 8   last success in ms (0 = never)
  ///     34 1   failures in a row, up to 255
  public struct Row: Hashable, Sendable {
    public let address: SocketAddress
    /// Unix time in milliseconds; 0 is never.
    public let lastSuccess: UInt64
    public let lastFailure: UInt64
    public let failures: UInt8

    public static let size = 35

    public init(address: SocketAddress, lastSuccess: UInt64, lastFailure: UInt64, failures: UInt8) {
      self.address = address
      self.lastSuccess = lastSuccess
      self.lastFailure = lastFailure
      self.failures = failures
    }

    public init(_ bytes: [UInt8]) throws(DecodingFailure) {
      var reader = ByteReader(bytes)
      address = try SocketAddress(from: &reader)
      lastSuccess = try reader.uint64()
      lastFailure = try reader.uint64()
      failures = try reader.uint8()
      try reader.finish()
    }

    public var bytes: [UInt8] {
      var writer = ByteWriter(capacity: Self.size)
      address.write(to: &writer)
      writer.integer(lastSuccess)
      writer.integer(lastFailure)
      writer.integer(failures)
      return writer.bytes
    }
  }

  /// Every address, in order; the configuration's are in the configuration too.
  public var rows: [Row] {
    entries.map { entry in
      Row(
        address: entry.address,
        lastSuccess: entry.lastSuccess?.milliseconds ?? 0,
        lastFailure: entry.lastFailure?.milliseconds ?? 0,
        failures: UInt8(clamping: entry.failures)
      )
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
          lastSuccess: row.lastSuccess == 0 ? nil : Instant(milliseconds: row.lastSuccess),
          lastFailure: row.lastFailure == 0 ? nil : Instant(milliseconds: row.lastFailure),
          failures: Int(row.failures)
        )
      )
    }
  }
}
