import EventLoop
import Kernel
import Mesh
import Service
import Testing

@testable import MeshNode

@Suite("The network of MESH", .timeLimit(.minutes(1)))
struct NetworkTests {
  private static let loopback = SocketAddress(.loopbackV4, port: 0)

  private static func index(_ number: Int) -> ValidatorIndex { ValidatorIndex(UInt16(number)) }

  private static func validator(
    _ index: Int,
    of net: TestNet,
    calling others: [ValidatorIndex: SocketAddress] = [:]
  ) -> MeshNetwork.Settings {
    MeshNetwork.Settings(
      genesis: net.genesis,
      identity: .validator(net.validators[index], Self.index(index)),
      validators: others.mapValues { HostPort(host: "127.0.0.1", port: $0.port) },
      listen: loopback,
      agent: "validator \(index)"
    )
  }

  private static func wallet(
    of net: TestNet,
    calling others: [ValidatorIndex: SocketAddress]
  ) -> MeshNetwork.Settings {
    MeshNetwork.Settings(
      genesis: net.genesis,
      identity: .wallet,
      validators: others.mapValues { HostPort(host: "127.0.0.1", port: $0.port) },
      agent: "wallet"
    )
  }

  @Test("A wallet shakes hands with a validator and asks what network it is in")
  func queryNetwork() async throws {
    try await withLoop { loop in
      let net = try TestNet()
      let info = NetworkInfo(epoch: .zero, logHead: 7, genesis: net.genesis.encoded)
      let validator = try NetworkEnd(Self.validator(0, of: net), on: loop) { request in
        request == .network ? [.network(info)] : []
      }
      let address = try #require(try await validator.start())
      let wallet = try NetworkEnd(Self.wallet(of: net, calling: [Self.index(0): address]), on: loop)
      try await wallet.start()
      let peer = await wallet.peer(.validator(Self.index(0)))
      let exchange = await wallet.ask(.network, of: peer)
      #expect(await wallet.responses(to: exchange) == [.network(info)])
      #expect(Array(await validator.peers.values) == [.wallet])
      await wallet.send(.ping(Ping(nonce: 1, sentMs: 2)), to: peer)
      await wallet.waitFor { $0.pongs == [Pong(ping: Ping(nonce: 1, sentMs: 2), logHead: 7)] }
      await wallet.stop()
      await validator.waitFor { $0.peers.isEmpty }
      await validator.stop()
    }
  }

  @Test("Of two validators the lower index calls, and both may ask")
  func validators() async throws {
    try await withLoop { loop in
      let net = try TestNet()
      let digest = StateDigest(logCount: 1, accounts: 2, digest: .zero)
      let higher = try NetworkEnd(Self.validator(2, of: net), on: loop) { _ in [.digest(digest)] }
      let address = try #require(try await higher.start())
      let lower = try NetworkEnd(
        Self.validator(1, of: net, calling: [Self.index(2): address]),
        on: loop
      ) {
        _ in [.digest(digest)]
      }
      try await lower.start()
      let there = await lower.peer(.validator(Self.index(2)))
      let back = await higher.peer(.validator(Self.index(1)))
      let asked = await lower.ask(.digest, of: there)
      let askedBack = await higher.ask(.digest, of: back)
      #expect(await lower.responses(to: asked) == [.digest(digest)])
      #expect(await higher.responses(to: askedBack) == [.digest(digest)])
      await lower.stop()
      await higher.stop()
    }
  }

  @Test("Another validator where one was called is refused, and a network of another genesis too")
  func wrongValidator() async throws {
    try await withLoop { loop in
      let net = try TestNet()
      let metrics = Metrics()
      let validator = try NetworkEnd(Self.validator(1, of: net), on: loop)
      let address = try #require(try await validator.start())
      let wallet = try NetworkEnd(
        Self.wallet(of: net, calling: [Self.index(0): address]),
        on: loop,
        metrics: metrics
      )
      try await wallet.start()
      let other = try NetworkEnd(
        Self.wallet(of: try TestNet(name: "another"), calling: [Self.index(1): address]),
        on: loop,
        metrics: metrics
      )
      try await other.start()
      while Self.failedHandshakes(metrics) < 2 { try await loop.sleep(for: .milliseconds(2)) }
      #expect(await wallet.connectedCount == 0)
      #expect(await other.connectedCount == 0)
      await wallet.stop()
      await other.stop()
      await validator.stop()
    }
  }

  private static func failedHandshakes(_ metrics: Metrics) -> Int {
    let text = String(decoding: metrics.render(), as: UTF8.self)
    let line = text.split(separator: "\n").first { $0.hasPrefix("mesh_handshakes_failed_total ") }
    return line.flatMap { Int($0.drop { $0 != " " }.dropFirst()) } ?? 0
  }

  @Test("Who was lost is called again, and found when it is back")
  func reconnects() async throws {
    try await withLoop { loop in
      let net = try TestNet()
      let first = try NetworkEnd(Self.validator(0, of: net), on: loop)
      let address = try #require(try await first.start())
      let wallet = try NetworkEnd(
        Self.wallet(of: net, calling: [Self.index(0): address]),
        on: loop
      )
      try await wallet.start()
      _ = await wallet.peer(.validator(Self.index(0)))
      await first.stop()
      await wallet.waitFor { $0.peers.isEmpty }
      var settings = Self.validator(0, of: net)
      settings.listen = address
      let second = try NetworkEnd(settings, on: loop)
      try await second.start()
      await wallet.waitFor { $0.connectedCount == 2 }
      await wallet.stop()
      await second.stop()
    }
  }

  @Test("A request that nobody answers, or answers with something else, has its end at the asker")
  func everyRequestEnds() async throws {
    try await withLoop { loop in
      let net = try TestNet()
      let digest = StateDigest(logCount: 1, accounts: 2, digest: .zero)
      let validator = try NetworkEnd(Self.validator(0, of: net), on: loop) { request in
        request == .network ? [.digest(digest)] : []
      }
      let address = try #require(try await validator.start())
      var settings = Self.wallet(of: net, calling: [Self.index(0): address])
      settings.answerTimeout = .milliseconds(50)
      let wallet = try NetworkEnd(settings, on: loop)
      try await wallet.start()
      let peer = await wallet.peer(.validator(Self.index(0)))
      let unanswered = await wallet.ask(.digest, of: peer)
      guard case .error(let farewell)? = await wallet.responses(to: unanswered).first else {
        Issue.record("no error")
        return
      }
      #expect(farewell.code == .timeout)
      // A digest is no answer to what network it is: the connection ends, and is made again.
      _ = await wallet.ask(.network, of: peer)
      await wallet.waitFor { $0.connectedCount == 2 }
      await wallet.stop()
      await validator.stop()
    }
  }

  @Test("Calls become rarer up to five seconds, never at one time, and soon again after a good one")
  func dialPlan() {
    var random = SplitMix64(seed: 1)
    var now = Instant(milliseconds: 1000)
    var plan = DialPlan(now: now)
    #expect(plan.next == now)
    for expected in [250, 500, 1000, 2000, 4000, 5000, 5000, 5000] as [Int64] {
      plan.failed(after: nil, now: now, using: &random)
      let delay = (plan.next - now).wholeMilliseconds
      #expect((expected / 2...expected).contains(delay))
      now = plan.next
    }
    plan.failed(after: .seconds(60), now: now, using: &random)
    #expect(plan.next - now <= .milliseconds(250))
    plan.failed(after: .milliseconds(5), now: now, using: &random)
    #expect(plan.next - now > .milliseconds(250))
  }
}
