import EventLoop
import Kernel
import QUIC
import Synchronization
import Testing
import Transport

/// Notes the steps of handshakes.
final class Steps: Sendable {
  private let steps = Mutex<[QUICHandshakeStep.Step]>([])

  var all: [QUICHandshakeStep.Step] { steps.withLock { $0 } }

  func count(_ step: QUICHandshakeStep.Step) -> Int { all.count { $0 == step } }

  func configuration(_ change: (inout QUICLimits) -> Void = { _ in }) -> QUICConfiguration {
    var configuration = QUICConfiguration(protocolName: Peer.protocolName) { step in
      self.steps.withLock { $0.append(step.step) }
    }
    change(&configuration.limits)
    return configuration
  }
}

@Suite("QUIC and strangers", .timeLimit(.minutes(1)))
struct HostilityTests {
  /// First packets of as many clients, sent to nobody.
  private func openings(_ count: Int, on loop: EventLoop) async throws -> [[UInt8]] {
    let tap = Tap(to: nil, on: loop)
    let nobody = try await tap.open()
    let client = Peer(on: loop)
    var configuration = QUICConfiguration(protocolName: Peer.protocolName)
    // Nothing is sent again while the openings are collected.
    configuration.limits.initialRoundTrip = .seconds(10)
    try await client.open(configuration, accepts: false)
    for _ in 0..<count { _ = try await client.begin(nobody) }
    let heard = await tap.heard(count)
    await client.close()
    await tap.close()
    return Array(heard.prefix(count))
  }

  @Test("A call that nobody answers ends with the handshake's time")
  func noAnswer() async throws {
    try await withLoop { loop in
      let steps = Steps()
      let tap = Tap(to: nil, on: loop)
      let nobody = try await tap.open()
      let client = Peer(on: loop)
      try await client.open(
        steps.configuration { $0.handshakeTimeout = .milliseconds(100) },
        accepts: false
      )
      _ = try await client.call(nobody)
      #expect(await client.closed() == .handshakeTimeout)
      #expect(steps.all == [.calling, .failed])
      await client.close()
      await tap.close()
    }
  }

  @Test("A half-open peer is forgotten, and nobody was told of it")
  func halfOpen() async throws {
    try await withLoop { loop in
      let steps = Steps()
      let server = Peer(on: loop)
      let bound = try await server.open(
        steps.configuration { $0.handshakeTimeout = .milliseconds(100) }
      )
      let tap = Tap(to: bound, on: loop)
      _ = try await tap.open()
      for opening in try await openings(3, on: loop) { await tap.forge(opening) }
      while steps.count(.failed) < 3 { try await loop.sleep(for: .milliseconds(5)) }
      #expect(steps.count(.called) == 3)
      #expect(await server.connectionCount == 0)
      #expect(await server.endCount == 0)
      await server.close()
      await tap.close()
    }
  }

  @Test("An end does not send more than three times what an unproved address has sent")
  func amplification() async throws {
    try await withLoop { loop in
      let server = Peer(on: loop)
      let steps = Steps()
      let bound = try await server.open(
        steps.configuration { $0.handshakeTimeout = .milliseconds(1500) }
      )
      let tap = Tap(to: bound, on: loop)
      _ = try await tap.open()
      let opening = try await openings(1, on: loop)[0]
      await tap.forge(opening)
      // All its probes over the handshake's time.
      while steps.count(.failed) < 1 { try await loop.sleep(for: .milliseconds(5)) }
      let answered = await tap.fromCalled.reduce(0) { $0 + $1.count }
      #expect(answered > 0)
      #expect(answered <= 3 * opening.count)
      await server.close()
      await tap.close()
    }
  }

  @Test("A flood of first packets costs no more than the handshakes that it may begin")
  func flood() async throws {
    try await withLoop { loop in
      let steps = Steps()
      let server = Peer(on: loop)
      let bound = try await server.open(steps.configuration { $0.retryAbove = 8 })
      let tap = Tap(to: bound, on: loop)
      _ = try await tap.open()
      let openings = try await openings(200, on: loop)
      for opening in openings { await tap.forge(opening) }
      while await server.statistics.datagramsReceived < 200 {
        try await loop.sleep(for: .milliseconds(1))
      }
      #expect(await server.connectionCount == 8)
      #expect(await server.statistics.retriesSent == 192)
      #expect(steps.count(.called) == 8)
      // A client that is where it says it is comes through.
      let client = Peer(on: loop)
      try await client.open(accepts: false)
      _ = try await client.call(bound)
      #expect(await client.request([1]) == .success([2]))
      #expect(steps.count(.addressValidated) == 1)
      await client.close()
      await server.close()
      await tap.close()
    }
  }

  @Test("A client shows its address by a Retry; its token is of no use to another address")
  func retry() async throws {
    try await withLoop { loop in
      let steps = Steps()
      let server = Peer(on: loop)
      let bound = try await server.open(steps.configuration { $0.retryAbove = 0 })
      let tap = Tap(to: bound, on: loop)
      let tapped = try await tap.open()
      let client = Peer(on: loop)
      try await client.open(accepts: false)
      _ = try await client.call(tapped)
      #expect(await client.request([1]) == .success([2]))
      #expect(steps.all.prefix(4) == [.retryAsked, .addressValidated, .called, .established])
      // The second packet carries the token. Heard by another, after the connection has ended:
      let withToken = await tap.heard(2)[1]
      await client.close()
      _ = await server.closed()
      let thief = Tap(to: bound, on: loop)
      _ = try await thief.open()
      // Another name for this end, so that it is not taken for a late packet of the connection.
      var opening = withToken
      opening[6] ^= 1
      await thief.forge(opening)
      while steps.count(.tokenRefused) == 0 { try await loop.sleep(for: .milliseconds(1)) }
      #expect(steps.count(.called) == 1)
      #expect(await thief.answered(1)[0].count < opening.count)
      await server.close()
      await tap.close()
      await thief.close()
    }
  }

  @Test("More connections than there may be are refused, in all and of one host")
  func full() async throws {
    try await withLoop { loop in
      for isPerHost in [false, true] {
        let steps = Steps()
        let server = Peer(on: loop)
        let bound = try await server.open(
          steps.configuration {
            if isPerHost { $0.connectionsPerHostMax = 1 } else { $0.connectionsMax = 1 }
          }
        )
        let client = Peer(on: loop)
        try await client.open(accepts: false)
        _ = try await client.call(bound)
        let second = try await client.call(bound)
        guard case .transport(2, _, isRemote: true) = await client.closed(second) else {
          Issue.record("not refused")
          continue
        }
        #expect(steps.count(.refused) == 1)
        // The first is unharmed, and its end makes room.
        #expect(await client.request([1]) == .success([2]))
        await client.with { $0.connection?.close(code: 0, "room") }
        _ = await server.closed()
        let third = try await client.call(bound)
        #expect(await client.request([1], on: third) == .success([2]))
        await client.close()
        await server.close()
      }
    }
  }

  @Test("An end that speaks another protocol is refused in the handshake")
  func otherProtocol() async throws {
    try await withLoop { loop in
      let server = Peer(on: loop)
      let bound = try await server.open()
      let client = Peer(on: loop)
      try await client.open(QUICConfiguration(protocolName: "other/1"), accepts: false)
      _ = try await client.call(bound)
      // 0x100 + the alert no_application_protocol (120).
      guard case .transport(0x178, _, isRemote: true) = await client.closed() else {
        Issue.record("\(String(describing: await client.closed()))")
        return
      }
      #expect(await server.endCount == 0)
      await client.close()
      await server.close()
    }
  }

  @Test("Another version of QUIC is answered with ours, if it pays for the answer")
  func versionNegotiation() async throws {
    try await withLoop { loop in
      let steps = Steps()
      let server = Peer(on: loop)
      let bound = try await server.open(steps.configuration())
      let tap = Tap(to: bound, on: loop)
      _ = try await tap.open()
      var opening = try await openings(1, on: loop)[0]
      opening.replaceSubrange(1..<5, with: [0x1a, 0x2a, 0x3a, 0x4a])
      await tap.forge(Array(opening.prefix(1199)))
      await tap.forge(opening)
      let answer = await tap.answered(1)[0]
      #expect(answer[0] & 0x80 != 0)
      #expect(Array(answer[1..<5]) == [0, 0, 0, 0])
      #expect(Array(answer.suffix(4)) == [0, 0, 0, 1])
      #expect(steps.all == [.versionRefused])
      await server.close()
      await tap.close()
    }
  }

  @Test("A packet of no connection gets a reset that is shorter than itself, and few of them")
  func resets() async throws {
    try await withLoop { loop in
      let server = Peer(on: loop)
      let bound = try await server.open()
      let tap = Tap(to: bound, on: loop)
      _ = try await tap.open()
      for size in [22, 43, 1200] {
        await tap.forge([0x40] + [UInt8](repeating: UInt8(size & 0xff), count: size - 1))
      }
      let answers = await tap.answered(3)
      #expect(answers.map(\.count) == [21, 42, 42])
      // Too short to be answered with less.
      await tap.forge([0x40] + [UInt8](repeating: 1, count: 20))
      for number in 0..<1000 {
        await tap.forge([0x40] + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 60))
      }
      while await server.statistics.datagramsReceived < 1004 {
        try await loop.sleep(for: .milliseconds(1))
      }
      let sent = await server.statistics.resetsSent
      #expect(sent < 1004)
      await server.close()
      await tap.close()
    }
  }

  @Test("Mutated packets of a whole conversation do no harm", arguments: 1...3)
  func mutated(seed: UInt64) async throws {
    try await withLoop { loop in
      let server = Peer(on: loop)
      let bound = try await server.open()
      let tap = Tap(to: bound, on: loop)
      let tapped = try await tap.open()
      let client = Peer(on: loop)
      try await client.open(accepts: false)
      _ = try await client.call(tapped)
      #expect(await client.request([UInt8](repeating: 1, count: 5000)) != .failure(.timeout))
      let conversation = await tap.fromCaller + tap.fromCalled
      var random = SplitMix64(seed: seed)
      for _ in 0..<1000 {
        var packet = conversation[Int.random(in: 0..<conversation.count, using: &random)]
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          // Half of them in the header, where the parser is.
          let end = Bool.random(using: &random) ? min(48, packet.count) : packet.count
          packet[Int.random(in: 0..<end, using: &random)] = UInt8.random(
            in: 0...255,
            using: &random
          )
        }
        if UInt8.random(in: 0...3, using: &random) == 0 {
          packet.removeLast(Int.random(in: 0..<packet.count, using: &random))
        }
        await tap.forge(packet)
      }
      #expect(await client.request([3]) == .success([4]))
      await client.close()
      await server.close()
      await tap.close()
    }
  }
}
