import EventLoop
import Kernel
import QUIC
import Relay
import Testing
import Transport

/// A relay owned by an actor of the loop, so that tests may start and end it.
actor Link {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
  private var relay: DatagramRelay?

  init(on loop: EventLoop) {
    self.loop = loop
  }

  func open(
    to destination: SocketAddress,
    at address: SocketAddress = SocketAddress(.loopbackV4, port: 0),
    _ conditions: LinkConditions = LinkConditions(),
    seed: UInt64 = 1
  ) throws -> SocketAddress {
    let relay = try DatagramRelay(
      from: address,
      to: destination,
      conditions,
      seed: seed,
      on: loop
    )
    self.relay = relay
    return relay.address
  }

  var statistics: RelayStatistics { relay?.statistics ?? RelayStatistics() }

  func close() {
    relay?.close()
    relay = nil
  }
}

@Suite("QUIC over bad links", .timeLimit(.minutes(2)))
struct LossTests {
  @Test("With 5 % loss and reordering every request is answered rightly", arguments: 1...4)
  func loss(seed: UInt64) async throws {
    try await withLoop { loop in
      let server = Peer(on: loop)
      let client = Peer(on: loop)
      let bound = try await server.open()
      let link = Link(on: loop)
      let relayed = try await link.open(
        to: bound,
        LinkConditions(
          delay: .milliseconds(2),
          jitter: .milliseconds(4),
          lossPerMillion: 50_000
        ),
        seed: seed
      )
      try await client.open(accepts: false)
      _ = try await client.call(relayed)
      await withTaskGroup(of: Bool.self) { group in
        for number in 0..<100 {
          group.addTask {
            let request = (0..<(number * 97 % 9000 + 1)).map {
              UInt8(truncatingIfNeeded: $0 &* 31 &+ number)
            }
            return await client.request(request) == .success(request.map { $0 &+ 1 })
          }
        }
        for await isRight in group { #expect(isRight) }
      }
      #expect(await link.statistics.lost > 0)
      await client.close()
      await server.close()
      await link.close()
    }
  }

  @Test("A half-megabyte crosses a link that loses every fifth datagram")
  func heavyLoss() async throws {
    try await withLoop { loop in
      let server = Peer(on: loop)
      let client = Peer(on: loop)
      let bound = try await server.open()
      let link = Link(on: loop)
      let relayed = try await link.open(
        to: bound,
        LinkConditions(delay: .milliseconds(1), lossPerMillion: 200_000),
        seed: 5
      )
      var configuration = QUICConfiguration(protocolName: Peer.protocolName)
      configuration.limits.handshakeTimeout = .seconds(30)
      try await client.open(configuration, accepts: false)
      _ = try await client.call(relayed)
      let request = (0..<(100 << 10)).map { UInt8(truncatingIfNeeded: $0 >> 4) }
      #expect(await client.request(request) == .success(request.map { $0 &+ 1 }))
      await client.close()
      await server.close()
      await link.close()
    }
  }

  @Test("A restarted end resets the connections that it has forgotten, if it kept its secret")
  func restarted() async throws {
    try await withLoop { loop in
      var configuration = QUICConfiguration(protocolName: Peer.protocolName)
      configuration.resetSecret = SecretBytes(count: 32) { $0.copyBytes(from: 0..<32) }
      let first = Peer(on: loop)
      let client = Peer(on: loop)
      let bound = try await first.open(configuration)
      let link = Link(on: loop)
      let relayed = try await link.open(to: bound)
      try await client.open(accepts: false)
      _ = try await client.call(relayed)
      #expect(await client.request([1]) == .success([2]))
      // A crash: its farewell goes nowhere.
      await link.close()
      await first.close()
      let second = Peer(on: loop)
      try await second.open(at: bound, configuration)
      _ = try await link.open(to: bound, at: relayed)
      #expect(
        await client.request([1]) == .failure(.closed(QUICCloseReason.reset.description))
      )
      #expect(await client.closed() == .reset)
      // And is called again at once.
      let again = try await client.call(relayed)
      #expect(await client.request([1], on: again) == .success([2]))
      await client.close()
      await second.close()
      await link.close()
    }
  }

  @Test("An end that falls silent is given up after the idle timeout, on both sides")
  func silent() async throws {
    try await withLoop { loop in
      var configuration = QUICConfiguration(protocolName: Peer.protocolName)
      configuration.limits.idleTimeout = .seconds(1)
      let server = Peer(on: loop)
      let client = Peer(on: loop)
      let bound = try await server.open(configuration)
      let tap = Tap(to: bound, on: loop)
      let tapped = try await tap.open()
      try await client.open(configuration, accepts: false)
      _ = try await client.call(tapped)
      #expect(await client.request([1]) == .success([2]))
      await tap.cut()
      #expect(await client.closed() == .idle)
      #expect(await server.closed() == .idle)
      #expect(await client.connectionCount == 0)
      #expect(await server.connectionCount == 0)
      await client.close()
      await server.close()
      await tap.close()
    }
  }

  @Test("A farewell that was lost is said again to who still speaks")
  func lostFarewell() async throws {
    try await withLoop { loop in
      let server = Peer(on: loop)
      let client = Peer(on: loop)
      let bound = try await server.open()
      let tap = Tap(to: bound, on: loop)
      let tapped = try await tap.open()
      try await client.open(accepts: false)
      _ = try await client.call(tapped)
      #expect(await client.request([1]) == .success([2]))
      await tap.cut()
      let heard = await tap.fromCalled.count
      await server.with { $0.connection?.close(code: 8, "enough") }
      _ = await tap.answered(heard + 1)
      await tap.mend()
      _ = await client.request([1])
      #expect(await client.closed() == .remote(code: 8, "enough"))
      await client.close()
      await server.close()
      await tap.close()
    }
  }

  @Test("A caller whose address changes goes on")
  func moved() async throws {
    try await withLoop { loop in
      let server = Peer(on: loop)
      let client = Peer(on: loop)
      let bound = try await server.open()
      let tap = Tap(to: bound, on: loop)
      let tapped = try await tap.open()
      try await client.open(accepts: false)
      _ = try await client.call(tapped)
      #expect(await client.request([1]) == .success([2]))
      let before = await server.with { $0.connection?.remote }
      try await tap.move()
      #expect(await client.request([5]) == .success([6]))
      #expect(await client.request([7]) == .success([8]))
      let after = await server.with { $0.connection?.remote }
      #expect(before != after)
      await client.close()
      await server.close()
      await tap.close()
    }
  }
}
