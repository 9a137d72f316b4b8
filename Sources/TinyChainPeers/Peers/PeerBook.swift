import Kernel

/// The addresses a node knows, how each fared, and whom to call next.
struct PeerBook: Sendable {
  /// Addresses in all: 1,000 of 64 bytes.
  static let addressesMax = 1_000
  /// Addresses from one host's answers that were never reached: a liar fills a tenth.
  static let perSourceMax = 100
  /// How long an address is left alone that failed once; the time doubles with each failure.
  static let backOffMin = Duration.seconds(2)
  static let backOffMax = Duration.seconds(1_800)
  /// The longest time for addresses that the operator named.
  static let backOffMaxKept = Duration.seconds(60)

  private struct Entry {
    var isKept: Bool
    var source: IPAddress?
    var wasReached = false
    var failures = 0
    var notBefore = Instant(nanoseconds: 0)
  }

  private var entries: [SocketAddress: Entry] = [:]
  /// In order, so that choices do not depend on a dictionary's.
  private var order: [SocketAddress] = []
  /// This node's own, once called by mistake.
  private var own: [SocketAddress] = []

  var count: Int { order.count }

  /// Those that were reached.
  var reached: [SocketAddress] { order.filter { entries[$0]?.wasReached == true } }

  /// Takes an address in, which this host has named; nil is the operator, or the disk.
  mutating func learn(_ address: SocketAddress, from source: IPAddress?, isKept: Bool = false) {
    guard address.port != 0, !address.ip.isUnspecified, !address.ip.isMulticast,
      !own.contains(address)
    else { return }
    if entries[address] != nil {
      if isKept { entries[address]?.isKept = true }
      return
    }
    if let source {
      // Nobody outside knows what is behind a private address here.
      guard !address.ip.isPrivate || source.isPrivate else { return }
      let count = entries.values.count { $0.source == source && !$0.wasReached }
      guard count < Self.perSourceMax else { return }
    }
    guard count < Self.addressesMax || forgetWorst() else { return }
    entries[address] = Entry(isKept: isKept, source: source)
    order.append(address)
  }

  /// The address that failed most, of those that are expendable.
  private mutating func forgetWorst() -> Bool {
    var worst: (index: Int, failures: Int)?
    for (index, address) in order.enumerated() {
      guard let entry = entries[address], !entry.isKept, entry.failures > 0 else { continue }
      if entry.failures > worst?.failures ?? 0 { worst = (index, entry.failures) }
    }
    guard let worst else { return false }
    entries[order.remove(at: worst.index)] = nil
    return true
  }

  mutating func isOwn(_ address: SocketAddress) {
    forget(address)
    if own.count < 8 { own.append(address) }  // as many as a host has ways to itself
  }

  mutating func forget(_ address: SocketAddress) {
    guard entries[address]?.isKept == false else { return }
    entries[address] = nil
    order.removeAll { $0 == address }
  }

  mutating func succeeded(_ address: SocketAddress) {
    entries[address]?.wasReached = true
    entries[address]?.failures = 0
  }

  /// A call failed, or a connection ended before it had been of use.
  mutating func failed(_ address: SocketAddress, now: Instant) {
    guard var entry = entries[address] else { return }
    entry.failures = min(entry.failures + 1, 20)
    let longest = entry.isKept ? Self.backOffMaxKept : Self.backOffMax
    entry.notBefore = now + min(Self.backOffMin * (1 << (entry.failures - 1)), longest)
    entries[address] = entry
  }

  /// Whom to call: one that the operator named, else any.
  mutating func next(
    except connected: Set<SocketAddress>,
    now: Instant,
    using random: inout SplitMix64
  ) -> SocketAddress? {
    let due = order.filter { address in
      guard let entry = entries[address] else { return false }
      return entry.notBefore <= now && !connected.contains(address)
    }
    let kept = due.filter { entries[$0]?.isKept == true }
    return (kept.isEmpty ? due : kept).randomElement(using: &random)
  }

  /// Some addresses for another node.
  func sample(_ countMax: Int, using random: inout SplitMix64) -> [SocketAddress] {
    Array(order.filter { entries[$0]?.failures == 0 }.shuffled(using: &random).prefix(countMax))
  }
}
