/// What one endpoint grants its peers, and what it bears.
///
/// Memory at worst: `connectionsMax` × (about 75 KB + what of `connectionWindow` is received and not
/// read + `outboundMax` of each stream that its owner fills).
public struct QUICLimits: Sendable {
  /// Bytes received on a connection and not read yet.
  public var connectionWindow = 4 << 20
  /// Bytes received on a stream and not read yet.
  public var streamWindow = 1 << 20
  /// Streams of the other end at a time.
  public var streamsMax = 256
  /// Bytes queued on a stream, and those sent whose arrival is not known.
  public var outboundMax = 2 << 20
  /// Requests that wait for a stream when the other end permits no more; above, they fail.
  public var waitingRequestsMax = 1024

  /// Nothing was heard for so long: the connection is over.
  public var idleTimeout = Duration.seconds(30)
  /// From the first packet to the end of the handshake.
  public var handshakeTimeout = Duration.seconds(5)
  /// The round trip that is assumed before it is measured.
  ///
  /// The default of RFC 9002, 333 ms, makes the first loss cost a
  /// second; validators are near each other.
  public var initialRoundTrip = Duration.milliseconds(50)
  /// How long an acknowledgement may wait for company.
  ///
  /// The other end adds it to its timers.
  public var acknowledgementDelay = Duration.milliseconds(2)

  /// Connections of one endpoint.
  public var connectionsMax = 4096
  /// Connections from one IPv4 address or one IPv6 /64: what one host may take of them.
  public var connectionsPerHostMax = 128
  /// Incoming handshakes under way from which on a client is asked for a Retry.
  ///
  /// It shows by it that it is where it says it is. 0 to ask every client.
  public var retryAbove = 32
  /// Incoming handshakes under way; above, a first packet is not answered.
  public var handshakesMax = 512
  /// How long the token of a Retry is good.
  public var retryTokenLifetime = Duration.seconds(10)

  public init() {}

  /// Connections that have ended and whose late packets are still answered, at most; beyond, they
  /// get a stateless reset.
  static let lingeringMax = 1024
  /// Bytes of a reason, given or told.
  static let closeReasonMax = 128
  /// Answers a second to packets of no connection, as each costs a hash and helps nobody who floods.
  static let resetsPerSecond: UInt64 = 200
  /// Retries a second.
  ///
  /// One costs about as much as ten hashes, and is shorter than its cause.
  static let retriesPerSecond: UInt64 = 20_000
}
