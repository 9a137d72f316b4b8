public import Kernel

/// Whom a node hears no more, until when.
public struct Ban: Hashable, Sendable {
  /// Who is meant.
  public struct Subject: Hashable, Sendable {
    /// As `IPAddress.host` has it.
    public let host: IPAddress
    /// One node of a host; nil for the whole host.
    ///
    /// On loopback one node's guilt is not another's. The number is that of its hello, so there a ban
    /// ends with the process.
    public let node: UInt64?

    public init(_ host: IPAddress, node: UInt64? = nil) {
      (self.host, self.node) = (host, node)
    }
  }

  public let subject: Subject
  public let until: Instant

  public init(_ subject: Subject, until: Instant) {
    (self.subject, self.until) = (subject, until)
  }
}

/// The bans of a node.
struct BanList: Sendable {
  private var ends: [Ban.Subject: Instant] = [:]
  private let countMax: Int

  init(_ bans: [Ban], countMax: Int) {
    self.countMax = countMax
    for ban in bans.prefix(countMax) { ends[ban.subject] = ban.until }
  }

  var count: Int { ends.count }

  func contains(_ subject: Ban.Subject, now: Instant) -> Bool {
    ends[subject].map { $0 > now } == true
  }

  /// Forgets bans that are over; false if there are too many all the same.
  mutating func insert(_ ban: Ban, now: Instant) -> Bool {
    ends = ends.filter { $0.value > now }
    guard count < countMax || ends[ban.subject] != nil else { return false }
    ends[ban.subject] = ban.until
    return true
  }
}
