import EventLoop
import Kernel
import Service
import Synchronization

/// A machine that counts: small enough to see through, with every kind of effect.
struct CountingMachine: Machine {
  typealias Identity = String
  typealias Message = Int
  typealias Reply = Int
  typealias Timer = String
  typealias Change = Int
  typealias Event = String

  enum Command: Sendable {
    /// Reply with the sum, without a change.
    case read
    /// Persist, then send to the peer and reply.
    case add(Int, tell: PeerID)
    /// Persist and reply.
    case put(Int)
    case square(Int)
    case arm(String, Duration)
    case disarm(String)
    case disconnect(PeerID)
  }

  struct Job: Computation {
    let value: Int

    func run() -> Int { value * value }
  }

  /// Messages from here on are persisted and sent back.
  static let kept = 100

  var sum = 0
  /// What was handled, in order.
  var history: [String] = []

  mutating func handle(_ input: Input<Self>, now: Instant) -> [Effect<Self>] {
    switch input {
    case .connected(let peer, let name):
      history.append("connected \(peer.number) \(name)")
      return [.report("connected")]
    case .disconnected(let peer):
      history.append("disconnected \(peer.number)")
      return []
    case .received(let message, let peer):
      history.append("received \(message) from \(peer.number)")
      guard message >= Self.kept else { return [] }
      return [.persist(message), .send(message, to: peer)]
    case .fired(let timer):
      history.append("fired \(timer)")
      return [.report("fired \(timer)")]
    case .finished(let value, let id):
      history.append("finished \(value)")
      return [.reply(value, RequestID(id.number))]
    case .submitted(let command, let request):
      return submit(command, request)
    }
  }

  private mutating func submit(_ command: Command, _ request: RequestID) -> [Effect<Self>] {
    switch command {
    case .read:
      return [.reply(sum, request)]
    case .add(let value, let peer):
      sum += value
      return [.persist(value), .send(sum, to: peer), .reply(sum, request)]
    case .put(let value):
      sum += value
      return [.persist(value), .reply(sum, request)]
    case .square(let value):
      return [.start(Job(value: value), JobID(request.number))]
    case .arm(let timer, let delay):
      return [.setTimer(timer, after: delay), .reply(sum, request)]
    case .disarm(let timer):
      return [.cancelTimer(timer), .reply(sum, request)]
    case .disconnect(let peer):
      return [.disconnect(peer, DisconnectReason("asked")), .reply(sum, request)]
    }
  }
}

/// A world that notes what a driver does to it, in order.
final class RecordingHost: DriverHost {
  typealias M = CountingMachine

  struct DiskFailure: Error, CustomStringConvertible {
    var description: String { "the disk is full" }
  }

  struct State: Sendable {
    var calls: [String] = []
    var commitFails = false
    var checkFails = false
    var waiting: [(call: String, continuation: CheckedContinuation<Void, Never>)] = []
  }

  let state = Mutex(State())

  var calls: [String] { state.withLock { $0.calls } }

  /// Waits until a call was made.
  func saw(_ call: String) async {
    await withCheckedContinuation { continuation in
      let isThere = state.withLock { state in
        if state.calls.contains(call) { return true }
        state.waiting.append((call, continuation))
        return false
      }
      if isThere { continuation.resume() }
    }
  }

  private func note(_ call: String) {
    let woken = state.withLock { state in
      state.calls.append(call)
      let woken = state.waiting.filter { $0.call == call }
      state.waiting.removeAll { $0.call == call }
      return woken
    }
    for entry in woken { entry.continuation.resume() }
  }

  func check() throws {
    if state.withLock({ $0.checkFails }) { throw DiskFailure() }
  }

  func commit(_ changes: [Int]) throws {
    if state.withLock({ $0.commitFails }) { throw DiskFailure() }
    note("commit \(changes)")
  }

  func send(_ message: Int, to peer: PeerID) { note("send \(message) to \(peer.number)") }

  func broadcast(_ message: Int, to peers: [PeerID]) {
    note("broadcast \(message) to \(peers.map(\.number))")
  }

  func disconnect(_ peer: PeerID, _ reason: DisconnectReason) {
    note("disconnect \(peer.number): \(reason)")
  }

  func report(_ event: String) { note("report \(event)") }
  func hasRoom(for peer: PeerID) { note("room for \(peer.number)") }
  func failed(_ failure: any Error) { note("failed: \(failure)") }
}

/// A driver over a recording host, on threads of its own.
struct DriverFixture: Sendable {
  let host = RecordingHost()
  let loop: EventLoop
  let workers: Workers
  let driver: Driver<CountingMachine>

  init(_ limits: DriverLimits = DriverLimits()) throws {
    var limits = limits
    limits.groupTime = .seconds(60)  // On a busy machine too a group is what the test says.
    loop = try EventLoop(name: "driver")
    workers = try Workers(count: 1, queueMax: 1)
    driver = Driver<CountingMachine>(
      CountingMachine(),
      host: host,
      on: loop,
      workers: workers,
      limits: limits
    )
  }

  func end() async {
    await driver.stop()
    await workers.shutdown()
    await loop.shutdown()
  }

  /// Keeps the driver's loop busy while `body` fills its inbox, so that one turn takes it all.
  func whileBusy(_ body: @Sendable () -> Void) async {
    await driver.perform { body() }
  }

  var history: [String] {
    get async { await driver.inspect { $0.history } }
  }
}
