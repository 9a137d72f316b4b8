/// A bound on something that outsiders can make grow, with what it costs at worst and why it is so.
public struct Limit: Hashable, Sendable {
  public let name: String
  public let value: Int
  /// Memory for each, at worst; 0 where another line counts it.
  public let bytesEach: Int
  public let reason: String

  public init(_ name: String, _ value: Int, bytesEach: Int, _ reason: String) {
    self.name = name
    self.value = value
    self.bytesEach = bytesEach
    self.reason = reason
  }

  public var bytes: Int { value * bytesEach }
}

/// All of a node's bounds in one table, whose sum is its RAM budget.
public enum Limits {
  // Connections.
  public static let peers = Limit(
    "peers",
    50,
    bytesEach: FrameHeader.frameMax + 16_384,
    "the default of max_peers; a frame being read and a chunk behind it, for each"
  )
  public static let outboundQueueBytes = Limit(
    "outbound_queue_bytes",
    50 * 262_144,
    bytesEach: 1,
    "256 KiB a peer: four of the largest frames; a peer that reads slower is dropped"
  )
  public static let inboundQueueBytes = Limit(
    "inbound_queue_bytes",
    50 * 131_072,
    bytesEach: 1,
    "128 KiB a peer wait for their checks: two of the largest frames; then its socket is not read"
  )
  public static let duplicateFilter = Limit(
    "duplicate_filter_slots",
    DuplicateFilter.defaultSlots,
    bytesEach: 8,
    "lasts 6 s at 10,000 messages a second, and a flood is over sooner"
  )
  public static let peerAddresses = Limit(
    "peer_addresses",
    PeerBook.addressesMax,
    bytesEach: 96,
    "a node talks to 50 of them"
  )

  /// Every line; the sum of `bytes` is what the tables can take together.
  public static let all = [
    peers, outboundQueueBytes, inboundQueueBytes, duplicateFilter, peerAddresses,
  ]

  /// What the node may use at its peak.
  ///
  /// The tables must leave most of it to code, the store's page cache and the allocator.
  public static let peakBytes = 256 << 20

  public static var tableBytes: Int { all.reduce(0) { $0 + $1.bytes } }
}
