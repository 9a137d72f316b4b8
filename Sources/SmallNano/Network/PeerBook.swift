public import Kernel

/// The addresses this node knows, how each fared, and whom to dial next.
///
/// Pure: connections, clocks and the disk are the shell's. It tells the book what happened
/// (`learn`, `succeeded`, `failed`, `closed`) and asks it once a second whom to dial.
public struct PeerBook: Sendable {
  /// Addresses in all.
  ///
  /// 1,000 × 96 bytes = 96 KB; a node talks to 50 of them.
  public static let addressesMax = 1000

  /// Addresses of one subnet, so that an owner of many addresses in few networks stays a small
  /// part of the book.
  public static let perSubnetMax = 16

  /// Addresses never reached that came from one subnet's gossip: a liar fills at most this much.
  public static let perSourceMax = 64

  /// The node's own addresses, once dialled by mistake.
  public static let ownAddressesMax = 8

  /// How long a peer that failed once is left alone; the time doubles with each failure.
  public static let backOffMin = Duration.seconds(1)

  /// The longest time it grows to.
  public static let backOffMax = Duration.seconds(900)

  /// The longest time for addresses from the configuration: the operator wants them.
  public static let backOffMaxConfigured = Duration.seconds(60)

  /// A connection that lived this long clears its peer's failures.
  ///
  /// One that ends sooner counts as a failure, or a peer that greets and hangs up would be dialled
  /// without end.
  public static let goodAfter = Duration.seconds(30)

  /// Failures after which an address that was good once may give way to a new one.
  static let failuresToForget = 20

  struct Entry: Hashable, Sendable {
    let address: SocketAddress
    var isConfigured = false
    /// The subnet of whoever named it; nil for the configuration and the disk.
    var source: IPAddress?
    var lastSuccess: Instant?
    var failures = 0
    var notBefore = Instant(nanoseconds: 0)
  }

  public let policy: PeerPolicy
  /// In address order.
  private(set) var entries: [Entry] = []
  private var own: [SocketAddress] = []

  public init(policy: PeerPolicy) {
    self.policy = policy
  }

  public var count: Int { entries.count }

  public func contains(_ address: SocketAddress) -> Bool { index(of: address) != nil }

  // MARK: Learning

  /// Adds an address from the configuration: kept, and dialled first, whatever happens.
  public mutating func configure(_ address: SocketAddress) {
    if let index = index(of: address) {
      entries[index].isConfigured = true
    } else {
      insert(Entry(address: address, isConfigured: true))
    }
  }

  /// Takes what a peer's keepalive names; `peer` is the address it is seen from.
  ///
  /// - Returns: where that peer itself listens, if it says so.
  @discardableResult
  public mutating func learn(_ keepalive: Keepalive, from peer: IPAddress) -> SocketAddress? {
    var listening: SocketAddress?
    for named in keepalive.addresses {
      let isSelf = named.ip == .anyV6
      let address = isSelf ? SocketAddress(peer, port: named.port) : named
      guard policy.accepts(address) else { continue }
      if isSelf { listening = address }
      learn(address, from: peer)
    }
    return listening
  }

  private mutating func learn(_ address: SocketAddress, from peer: IPAddress) {
    guard !contains(address), !own.contains(address) else { return }
    if !(policy.isLocal && address.ip.isLoopback) {
      let subnet = address.ip.subnet
      guard entries.count(where: { $0.address.ip.subnet == subnet }) < Self.perSubnetMax else {
        return
      }
    }
    let source = peer.subnet
    let sameSource = entries.count { $0.source == source && $0.lastSuccess == nil }
    guard sameSource < Self.perSourceMax else { return }
    guard entries.count < Self.addressesMax || forgetWorst() else { return }
    insert(Entry(address: address, source: source))
  }

  /// Removes the address that failed most, if one is expendable: never reached, or good once but
  /// dead for long.
  private mutating func forgetWorst() -> Bool {
    let expendable = entries.indices.filter { index in
      let entry = entries[index]
      let enough = entry.lastSuccess == nil ? 1 : Self.failuresToForget
      return !entry.isConfigured && entry.failures >= enough
    }
    guard let worst = expendable.max(by: { entries[$0].failures < entries[$1].failures }) else {
      return false
    }
    entries.remove(at: worst)
    return true
  }

  /// The address is this node's own, as a handshake found: it is never dialled again.
  public mutating func isOwn(_ address: SocketAddress) {
    if let index = index(of: address) { entries.remove(at: index) }
    guard !own.contains(address), own.count < Self.ownAddressesMax else { return }
    own.append(address)
  }

  // MARK: Outcomes

  /// A handshake was completed.
  public mutating func succeeded(_ address: SocketAddress, now: Instant) {
    guard let index = index(of: address) else { return }
    entries[index].lastSuccess = now
  }

  /// A dial or a handshake failed.
  public mutating func failed(
    _ address: SocketAddress,
    now: Instant,
    using generator: inout some RandomNumberGenerator
  ) {
    guard let index = index(of: address) else { return }
    entries[index].failures += 1
    entries[index].notBefore = now + backOff(of: entries[index], using: &generator)
  }

  /// A connection ended whose handshake had been completed at `opened`.
  public mutating func closed(
    _ address: SocketAddress,
    opened: Instant,
    now: Instant,
    using generator: inout some RandomNumberGenerator
  ) {
    guard let index = index(of: address) else { return }
    guard now - opened >= Self.goodAfter else {
      return failed(address, now: now, using: &generator)
    }
    entries[index].lastSuccess = now
    entries[index].failures = 0
    entries[index].notBefore = now + backOff(of: entries[index], using: &generator)
  }

  /// A peer broke the protocol: it waits as long as one that failed for hours.
  public mutating func misbehaved(
    _ address: SocketAddress,
    now: Instant,
    using generator: inout some RandomNumberGenerator
  ) {
    guard let index = index(of: address) else { return }
    entries[index].failures = max(entries[index].failures, Self.failuresToForget - 1)
    failed(address, now: now, using: &generator)
  }

  /// `min · 2^(failures - 1)` up to the maximum, then between half and one and a half of it: nodes
  /// that lost each other at one time do not all come back at one time.
  private func backOff(
    of entry: Entry,
    using generator: inout some RandomNumberGenerator
  ) -> Duration {
    let longest = (entry.isConfigured ? Self.backOffMaxConfigured : Self.backOffMax)
      .wholeNanoseconds
    let doublings = min(max(entry.failures - 1, 0), 20)
    let delay = min(Self.backOffMin.wholeNanoseconds << Int64(doublings), longest)
    return .nanoseconds(Int64.random(in: delay / 2...delay / 2 * 3, using: &generator))
  }

  // MARK: Dialling

  /// Whom to dial now.
  ///
  /// Configured addresses first, as long as the table has room; then others while fewer than
  /// `policy.outboundReserved` connections are outbound, two that were good once for one never
  /// tried, so that the book keeps learning. Neither a host nor a subnet gets more than its share.
  ///
  /// - Parameters:
  ///   - connected: every connection, those being dialled or greeted included.
  ///   - now: addresses are left alone until their back-off is over.
  ///   - generator: chooses among equals.
  /// - Returns: addresses in the order in which to dial them.
  public func dials(
    connected: [PeerConnection],
    now: Instant,
    using generator: inout some RandomNumberGenerator
  ) -> [SocketAddress] {
    var table = connected
    var chosen: [SocketAddress] = []
    for entry in candidates(connected: connected, now: now, using: &generator) {
      guard table.count < policy.peersMax else { break }
      let outbound = table.count { $0.role == .initiator }
      guard entry.isConfigured || outbound < policy.outboundReserved else { break }
      let ip = entry.address.ip
      guard entry.isConfigured || policy.crowding(ip, connected: table) == nil else { continue }
      table.append(PeerConnection(remote: ip, role: .initiator, listening: entry.address))
      chosen.append(entry.address)
    }
    return chosen
  }

  private func candidates(
    connected: [PeerConnection],
    now: Instant,
    using generator: inout some RandomNumberGenerator
  ) -> [Entry] {
    let busy = Set(connected.compactMap(\.listening))
    let free = entries.filter { $0.notBefore <= now && !busy.contains($0.address) }
    let configured = free.filter(\.isConfigured).shuffled(using: &generator)
    let others = free.filter { !$0.isConfigured }
    var good = others.filter { $0.lastSuccess != nil }.shuffled(using: &generator)
    var untried = others.filter { $0.lastSuccess == nil }.shuffled(using: &generator)
    var mixed: [Entry] = []
    while !good.isEmpty || !untried.isEmpty {
      let takesUntried = good.isEmpty || (mixed.count % 3 == 2 && !untried.isEmpty)
      mixed.append(takesUntried ? untried.removeLast() : good.removeLast())
    }
    return configured + mixed
  }

  // MARK: Gossip

  /// What to tell a peer: where this node listens, then random good addresses.
  ///
  /// `port` is nil if it does not accept connections; `external` is its address from the
  /// configuration, if that says so.
  public func keepalive(
    listening port: UInt16?,
    external: SocketAddress? = nil,
    using generator: inout some RandomNumberGenerator
  ) -> Keepalive {
    var addresses: [SocketAddress] = []
    if let external {
      addresses.append(external)
    } else if let port {
      addresses.append(SocketAddress(.anyV6, port: port))
    }
    let good = entries.filter { $0.lastSuccess != nil && $0.failures == 0 }
    for entry in good.shuffled(using: &generator) where !addresses.contains(entry.address) {
      guard addresses.count < Keepalive.addressesMax else { break }
      addresses.append(entry.address)
    }
    return Keepalive(addresses)
  }

  // MARK: Order

  private func index(of address: SocketAddress) -> Int? {
    let place = place(of: address)
    return place < entries.count && entries[place].address == address ? place : nil
  }

  /// The first entry not below the address.
  private func place(of address: SocketAddress) -> Int {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if entries[middle].address < address { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Adds a row of the disk, unless its address is known.
  mutating func restore(_ entry: Entry) {
    if !contains(entry.address) { insert(entry) }
  }

  private mutating func insert(_ entry: Entry) {
    entries.insert(entry, at: place(of: entry.address))
  }
}
