import EventLoop
import Kernel
import Relay
import Testing
import Transport

@Suite("Relay", .timeLimit(.minutes(1)))
struct RelayTests {
  @Test("Equal seeds give equal fates, other seeds others")
  func determinism() {
    let conditions = LinkConditions(
      delay: .milliseconds(5),
      jitter: .milliseconds(2),
      lossPerMillion: 50_000
    )
    func fates(_ seed: UInt64) -> [Duration?] {
      var fates = LinkFates(conditions, seed: seed)
      return (0..<10_000).map { _ in fates.next() }
    }
    #expect(fates(1) == fates(1))
    #expect(fates(1) != fates(2))
    // 500 are expected; six standard deviations of a binomial are 131.
    let lost = fates(1).count { $0 == nil }
    #expect((369...631).contains(lost))
    let late = fates(1).compactMap(\.self)
    #expect(late.allSatisfy { (.milliseconds(5) ... .milliseconds(7)).contains($0) })
    // Both ends of the range are reached.
    #expect(late.contains { $0 < .microseconds(5100) })
    #expect(late.contains { $0 > .microseconds(6900) })
  }

  @Test("A stream loses nothing: a loss is lateness")
  func streamFates() {
    var fates = LinkFates(
      LinkConditions(delay: .milliseconds(5), lossPerMillion: 1_000_000),
      seed: 1
    )
    #expect(fates.next() == nil)
    #expect(fates.nextOfStream() == .milliseconds(215))
  }

  @Test("Datagrams go there and back, as many as are not lost, the same for the same seed")
  func datagrams() async throws {
    var answered: [[UInt8]] = []
    for seed: UInt64 in [7, 7, 8] {
      let loop = try EventLoop()
      let correspondent = DatagramCorrespondent(on: loop)
      // Without jitter: where answers overtake each other, their order is the machine's choice.
      let conditions = LinkConditions(delay: .milliseconds(1), lossPerMillion: 300_000)
      try await correspondent.correspond(200, conditions, seed: seed)
      answered.append(await correspondent.answered.sorted())
      await loop.shutdown()
    }
    #expect(answered[0] == answered[1])
    #expect(answered[0] != answered[2])
    // Each passes with 0.7 × 0.7: 98 of 200 are expected; six standard deviations are 43.
    #expect((55...141).contains(answered[0].count))
  }

  @Test("A TCP connection through it keeps its bytes and their order")
  func stream() async throws {
    let loop = try EventLoop()
    let conditions = LinkConditions(
      delay: .milliseconds(1),
      jitter: .milliseconds(3),
      lossPerMillion: 10_000
    )
    let correspondent = StreamCorrespondent(on: loop)
    let sent = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 * 7 >> 3) }
    #expect(try await correspondent.correspond(sent, conditions) == sent)
    await loop.shutdown()
  }
}

/// Sends numbered datagrams through a relay to a place that sends them back.
private actor DatagramCorrespondent {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
  private(set) var answered: [UInt8] = []
  private var place: DatagramSocket?
  private var caller: DatagramSocket?

  init(on loop: EventLoop) {
    self.loop = loop
  }

  func correspond(_ count: UInt8, _ conditions: LinkConditions, seed: UInt64) async throws {
    let free = SocketAddress(.loopbackV4, port: 0)
    place = try DatagramSocket(at: free, on: loop) { self.place?.send($0, to: $1) }
    caller = try DatagramSocket(at: free, on: loop) { bytes, _ in self.answered.append(bytes[0]) }
    guard let place, let caller else { return }
    let relay = try DatagramRelay(from: free, to: place.address, conditions, seed: seed, on: loop)
    for number in 0..<count {
      withUnsafeBytes(of: number) { _ = caller.send($0, to: relay.address) }
    }
    // Quiet for many times as long as anything takes: all is over.
    var quiet = 0
    var known = relay.statistics
    while quiet < 100 {
      try await loop.sleep(for: .milliseconds(1))
      quiet = relay.statistics == known ? quiet + 1 : 0
      known = relay.statistics
    }
    relay.close()
    place.close()
    caller.close()
  }
}

/// Sends bytes through a relay to a place that sends them back.
private actor StreamCorrespondent {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  init(on loop: EventLoop) {
    self.loop = loop
  }

  func correspond(_ bytes: [UInt8], _ conditions: LinkConditions) async throws -> [UInt8] {
    let free = SocketAddress(.loopbackV4, port: 0)
    var echoes: [Echo] = []
    let listener = try Listener(at: free, on: loop, outboundMax: 1 << 20) { connection in
      let echo = Echo(connection)
      echoes.append(echo)
      connection.start(echo)
      connection.requestRead()
    }
    let relay = try StreamRelay(from: free, to: listener.address, conditions, seed: 3, on: loop)
    let relayed = relay.address
    let collected = await withCheckedContinuation { continuation in
      var collector: Collector?
      let connector = Connector(
        to: relayed,
        on: loop,
        timeout: .seconds(10),
        outboundMax: 1 << 20
      ) { result in
        guard case .success(let connection) = result else {
          return continuation.resume(returning: [UInt8]())
        }
        collector = Collector(connection) { continuation.resume(returning: $0) }
        guard let collector else { return }
        connection.start(collector)
        connection.requestRead()
        _ = connection.send(bytes)
        connection.finish()
      }
      withExtendedLifetime(connector) {}
    }
    relay.close()
    listener.close()
    return collected
  }
}

private final class Echo: ConnectionHandler {
  private let connection: Connection

  init(_ connection: Connection) {
    self.connection = connection
  }

  func received(_ bytes: RawSpan) {
    _ = connection.send(bytes.withUnsafeBytes { [UInt8]($0) })
    connection.requestRead()
  }

  func remoteFinished() { connection.finish() }
  func drained() {}
  func closed(_ reason: CloseReason) {}
}

private final class Collector: ConnectionHandler {
  private let connection: Connection
  private var bytes: [UInt8] = []
  private var onEnd: (([UInt8]) -> Void)?

  init(_ connection: Connection, onEnd: @escaping ([UInt8]) -> Void) {
    self.connection = connection
    self.onEnd = onEnd
  }

  func received(_ bytes: RawSpan) {
    bytes.withUnsafeBytes { self.bytes.append(contentsOf: $0) }
    connection.requestRead()
  }

  func remoteFinished() { end() }
  func drained() {}
  func closed(_ reason: CloseReason) { end() }

  private func end() {
    onEnd?(bytes)
    onEnd = nil
  }
}
