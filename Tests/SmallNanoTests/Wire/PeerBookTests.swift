import Kernel
import Testing

@testable import SmallNano

@Suite("The peer book")
struct PeerBookTests {
  private let start = Instant(milliseconds: 1_000_000)
  private let stranger = v4("9.9.9.9").ip

  private func book(peersMax: Int = 50, network: Network = .main) -> PeerBook {
    PeerBook(policy: PeerPolicy(peersMax: peersMax, network: network))
  }

  /// Addresses in as many subnets, told by as many peers.
  private func learned(_ numbers: ClosedRange<UInt32>, into book: inout PeerBook) {
    for number in numbers {
      let address = SocketAddress(IPAddress(v4: 0x5000_0001 + number << 8), port: 7176)
      book.learn(Keepalive([address]), from: IPAddress(v4: 0x0800_0001 + number << 8))
    }
  }

  @Test("A failing peer is dialled later and later, at most every 15 minutes, with jitter")
  func backOff() throws {
    var book = book()
    var random = SplitMix64(seed: 1)
    let address = v4("5.6.7.8")
    book.learn(Keepalive([address]), from: stranger)
    var now = start
    for failure in 1...14 {
      #expect(book.dials(connected: [], now: now, using: &random) == [address])
      book.failed(address, now: now, using: &random)
      let nominal = min(Duration.seconds(1 << (failure - 1)), PeerBook.backOffMax)
      let early = now + nominal / 2 + .nanoseconds(-1)
      #expect(book.dials(connected: [], now: early, using: &random).isEmpty)
      now = now + nominal * 3 / 2
    }
  }

  @Test("A configured peer is never left alone for longer than 90 seconds")
  func configuredBackOff() {
    var book = book()
    var random = SplitMix64(seed: 2)
    let address = v4("10.0.0.1")
    book.configure(address)
    for _ in 0..<30 { book.failed(address, now: start, using: &random) }
    let dials = book.dials(connected: [], now: start + .seconds(90), using: &random)
    #expect(dials == [address])
  }

  @Test("Nodes that lost each other at once do not all come back at once")
  func jitter() {
    let delays = (0..<32 as Range<UInt64>).map { seed in
      var random = SplitMix64(seed: seed)
      var book = book()
      let address = v4("5.6.7.8")
      book.learn(Keepalive([address]), from: stranger)
      for _ in 0..<5 { book.failed(address, now: start, using: &random) }
      return book.entries[0].notBefore
    }
    #expect(Set(delays).count == 32)
  }

  @Test("A connection that lived clears the failures; one that ends at once is a failure")
  func closed() {
    var book = book()
    var random = SplitMix64(seed: 3)
    let address = v4("5.6.7.8")
    book.learn(Keepalive([address]), from: stranger)
    for _ in 0..<8 { book.failed(address, now: start, using: &random) }
    book.succeeded(address, now: start)
    book.closed(address, opened: start, now: start + .seconds(1), using: &random)
    #expect(book.entries[0].failures == 9)
    book.closed(address, opened: start, now: start + .seconds(31), using: &random)
    #expect(book.entries[0].failures == 0)
    let soon = start + .milliseconds(32_500)
    #expect(book.dials(connected: [], now: soon, using: &random) == [address])
  }

  @Test("Inbound connections never take the places kept for dialled ones")
  func inboundShare() {
    let policy = PeerPolicy(peersMax: 50, network: .main)
    #expect(policy.inboundMax == 33)
    #expect(policy.outboundReserved == 17)
    var connected: [PeerConnection] = []
    var refused: PeerRefusal?
    for number in 0..<60 as Range<UInt32> {
      let ip = IPAddress(v4: 0x0101_0101 + number << 16)
      refused = policy.refusal(inboundFrom: ip, connected: connected)
      if refused == nil { connected.append(PeerConnection(remote: ip, role: .responder)) }
    }
    #expect(connected.count == 33)
    #expect(refused == .inboundFull)
    var book = PeerBook(policy: policy)
    learned(1...40, into: &book)
    var random = SplitMix64(seed: 4)
    let dials = book.dials(connected: connected, now: start, using: &random)
    #expect(dials.count == 17)
    connected += dials.map {
      PeerConnection(remote: $0.ip, role: .initiator, listening: $0)
    }
    let newcomer = IPAddress(v4: 0x0202_0202)
    #expect(policy.refusal(inboundFrom: newcomer, connected: connected) == .tableFull)
    #expect(book.dials(connected: connected, now: start, using: &random).isEmpty)
  }

  @Test(
    "A host gets four connections and a subnet eight",
    arguments: [("1.2.3.", "1.2.4.9"), ("2001:db8:1:", "2001:db8:2::9")]
  )
  func crowding(prefix: String, elsewhere: String) throws {
    let policy = PeerPolicy(peersMax: 50, network: .main)
    let isV4 = prefix.hasSuffix(".")
    func ip(_ host: Int) throws -> IPAddress {
      try #require(IPAddress(isV4 ? "\(prefix)\(host)" : "\(prefix)\(host)::1"))
    }
    func connection(_ host: Int) throws -> PeerConnection {
      PeerConnection(remote: try ip(host), role: .responder)
    }
    let oneHost = try (0..<4).map { _ in try connection(1) }
    #expect(policy.refusal(inboundFrom: try ip(1), connected: oneHost) == .hostFull)
    #expect(policy.refusal(inboundFrom: try ip(2), connected: oneHost) == nil)
    let oneSubnet = try (1...8).map { try connection($0) }
    #expect(policy.refusal(inboundFrom: try ip(9), connected: oneSubnet) == .subnetFull)
    let other = try #require(IPAddress(elsewhere))
    #expect(policy.refusal(inboundFrom: other, connected: oneSubnet) == nil)
  }

  @Test("Loopback has no share per host on the dev network, and on no other")
  func loopback() {
    let connected = (0..<10).map { _ in
      PeerConnection(remote: .loopbackV4, role: .responder)
    }
    for (network, refusal) in [(Network.dev, nil), (.main, PeerRefusal.hostFull)] {
      let policy = PeerPolicy(peersMax: 50, network: network)
      #expect(policy.refusal(inboundFrom: .loopbackV4, connected: connected) == refusal)
    }
  }

  @Test("Addresses nobody can be reached at are not learned")
  func unusable() {
    let junk = ["0.0.0.0", "127.0.0.1", "10.1.2.3", "192.168.1.1", "224.0.0.1", "fe80::1", "::1"]
    var main = book()
    main.learn(Keepalive(junk.map { v4($0) } + [v4("5.5.5.5", 0)]), from: stranger)
    #expect(main.count == 0)
    var dev = book(network: .dev)
    dev.learn(Keepalive([v4("127.0.0.1")]), from: stranger)
    #expect(dev.contains(v4("127.0.0.1")))
  }

  @Test("A peer that says `::` is known by the address it is seen from")
  func selfAnnouncement() {
    var book = book()
    let listening = book.learn(
      Keepalive([SocketAddress(.anyV6, port: 7000), v4("5.5.5.5")]),
      from: stranger
    )
    #expect(listening == SocketAddress(stranger, port: 7000))
    #expect(book.contains(SocketAddress(stranger, port: 7000)))
    #expect(book.contains(v4("5.5.5.5")))
  }

  @Test("The node's own address is forgotten and not learned again")
  func own() {
    var book = book()
    book.learn(Keepalive([v4("5.5.5.5")]), from: stranger)
    book.isOwn(v4("5.5.5.5"))
    book.learn(Keepalive([v4("5.5.5.5")]), from: stranger)
    #expect(book.count == 0)
  }

  @Test("One liar, one subnet or a flood of addresses stay within their shares")
  func floods() {
    var one = book()
    for number in 0..<500 as Range<UInt32> {
      let far = SocketAddress(IPAddress(v4: 0x5000_0001 + number << 12), port: 7176)
      one.learn(Keepalive([far]), from: stranger)
    }
    #expect(one.count == PeerBook.perSourceMax)

    var subnet = book()
    for number in 1...200 as ClosedRange<UInt32> {
      let near = SocketAddress(IPAddress(v4: 0x5000_0000 + number), port: 7176)
      subnet.learn(Keepalive([near]), from: IPAddress(v4: 0x0800_0001 + number << 8))
    }
    #expect(subnet.count == PeerBook.perSubnetMax)

    var flooded = book()
    var random = SplitMix64(seed: 5)
    flooded.configure(v4("6.6.6.6"))
    learned(1...2000, into: &flooded)
    #expect(flooded.count == PeerBook.addressesMax)
    // A new address takes the place of one that failed, never of the configured one.
    let failed = flooded.entries[0].address
    flooded.failed(v4("6.6.6.6"), now: start, using: &random)
    flooded.failed(v4("6.6.6.6"), now: start, using: &random)
    let victim = flooded.entries.first { $0.address != v4("6.6.6.6") }?.address ?? failed
    flooded.failed(victim, now: start, using: &random)
    flooded.learn(Keepalive([v4("7.7.7.7")]), from: stranger)
    #expect(flooded.contains(v4("7.7.7.7")))
    #expect(flooded.contains(v4("6.6.6.6")))
    #expect(!flooded.contains(victim))
    flooded.learn(Keepalive([v4("7.7.8.7")]), from: stranger)
    #expect(!flooded.contains(v4("7.7.8.7")))
  }

  @Test("Configured peers go first, connected ones are left out, and some untried ones are tried")
  func order() {
    var book = book(peersMax: 30)
    var random = SplitMix64(seed: 6)
    book.configure(v4("6.6.6.6"))
    learned(1...30, into: &book)
    for entry in book.entries.prefix(15) { book.succeeded(entry.address, now: start) }
    let good = Set(book.entries.filter { $0.lastSuccess != nil }.map(\.address))
    let connected = [
      PeerConnection(
        remote: book.entries[1].address.ip,
        role: .responder,
        listening: book.entries[1].address
      )
    ]
    let dials = book.dials(connected: connected, now: start, using: &random)
    #expect(dials.count == 10)
    #expect(dials.first == v4("6.6.6.6"))
    #expect(!dials.contains(book.entries[1].address))
    #expect(dials.count { good.contains($0) } == 6 || dials.count { good.contains($0) } == 7)
    #expect(Set(dials).count == dials.count)
  }

  @Test("Gossip tells this node's port and at most eight addresses that work")
  func gossip() {
    var book = book()
    var random = SplitMix64(seed: 7)
    learned(1...30, into: &book)
    #expect(book.keepalive(listening: 7176, using: &random).addresses == [v4("::", 7176)])
    #expect(book.keepalive(listening: nil, using: &random).addresses.isEmpty)
    for entry in book.entries.prefix(20) { book.succeeded(entry.address, now: start) }
    let dead = book.entries[0].address
    book.failed(dead, now: start, using: &random)
    var seen: Set<SocketAddress> = []
    for _ in 0..<50 {
      let addresses = book.keepalive(listening: 7176, using: &random).addresses
      #expect(addresses.count == 8)
      seen.formUnion(addresses)
    }
    #expect(seen.count == 20)
    #expect(!seen.contains(dead))
    let external = book.keepalive(listening: 7176, external: v4("3.3.3.3"), using: &random)
    #expect(external.addresses.first == v4("3.3.3.3"))
  }

  @Test("A book comes back from its rows; what its policy refuses does not")
  func persistence() {
    var before = book()
    var random = SplitMix64(seed: 8)
    learned(1...5, into: &before)
    before.succeeded(before.entries[0].address, now: start)
    before.failed(before.entries[1].address, now: start, using: &random)
    let rows = before.rows
    #expect(rows.map(\.lastSuccess) == [start, nil, nil, nil, nil])
    #expect(rows.map(\.failures) == [0, 1, 0, 0, 0])
    let junk = PeerBook.Row(address: v4("127.0.0.1"), lastSuccess: start, failures: -1)
    let after = PeerBook(policy: before.policy, rows: rows + [junk] + rows)
    #expect(after.rows == rows)
    let dials = after.dials(connected: [], now: start, using: &random)
    #expect(dials.sorted() == rows.map(\.address))
  }

  @Test("Equal seeds choose equal peers")
  func deterministic() {
    func choices() -> [[SocketAddress]] {
      var book = book()
      var random = SplitMix64(seed: 9)
      learned(1...50, into: &book)
      for entry in book.entries where entry.address.ip.low & 0x100 == 0 {
        book.succeeded(entry.address, now: start)
      }
      return [
        book.dials(connected: [], now: start, using: &random),
        book.keepalive(listening: 1, using: &random).addresses,
      ]
    }
    #expect(choices() == choices())
  }
}
