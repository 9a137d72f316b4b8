import EventLoop
import Synchronization
import Testing

/// Lets a test hold work on a worker until it has looked around.
private final class Gate: Sendable {
  private let isOpen = Atomic(false)
  private let entered = Atomic(0)

  func open() { isOpen.store(true, ordering: .releasing) }

  /// For work on a worker's thread.
  func pass() {
    entered.add(1, ordering: .relaxed)
    while !isOpen.load(ordering: .acquiring) {}
  }

  func waitUntilEntered(by count: Int) async {
    while entered.load(ordering: .relaxed) < count { await Task.yield() }
  }
}

@Suite("Workers", .timeLimit(.minutes(1)))
struct WorkersTests {
  struct Failure: Error {}

  @Test("Work returns its result or its error to the caller")
  func results() async throws {
    let workers = try Workers(count: 2, queueMax: 200)
    let sum = try await withThrowingTaskGroup(of: Int.self) { group in
      for number in 1...100 { group.addTask { try await workers.run { _ in number } } }
      return try await group.reduce(0, +)
    }
    #expect(sum == 5050)
    await #expect(throws: Failure.self) {
      try await workers.run { _ in throw Failure() }
    }
    await workers.shutdown()
  }

  @Test("Work beyond the queue is refused at once")
  func full() async throws {
    let workers = try Workers(count: 1, queueMax: 1)
    let gate = Gate()
    async let running: Void = workers.run { _ in gate.pass() }
    await gate.waitUntilEntered(by: 1)
    async let waiting = workers.run { _ in 7 }
    while workers.queued == 0 { await Task.yield() }
    await #expect(throws: Workers.Failure.queueFull) { try await workers.run { _ in } }
    gate.open()
    try await running
    #expect(try await waiting == 7)
    await workers.shutdown()
  }

  @Test("Cancelled work leaves the queue, and running work is told")
  func cancellation() async throws {
    let workers = try Workers(count: 1, queueMax: 1)
    let gate = Gate()
    let running = Task {
      try await workers.run { cancellation in
        gate.pass()
        while !cancellation.isCancelled {}
        return 1
      }
    }
    await gate.waitUntilEntered(by: 1)
    let waiting = Task { try await workers.run { _ in Issue.record("cancelled work ran") } }
    while workers.queued == 0 { await Task.yield() }
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
    #expect(workers.queued == 0)
    gate.open()
    running.cancel()
    #expect(try await running.value == 1)
    await workers.shutdown()
  }

  @Test("Shutdown refuses what waits, ends what runs, and refuses what comes")
  func shutdown() async throws {
    let workers = try Workers(count: 1, queueMax: 8)
    let gate = Gate()
    async let running = workers.run { _ in
      gate.pass()
      return 1
    }
    await gate.waitUntilEntered(by: 1)
    let waiting = Task { try await workers.run { _ in 2 } }
    while workers.queued == 0 { await Task.yield() }
    async let stopped: Void = workers.shutdown()
    await #expect(throws: Workers.Failure.stopped) { try await waiting.value }
    gate.open()
    #expect(try await running == 1)
    await stopped
    await #expect(throws: Workers.Failure.stopped) { try await workers.run { _ in 3 } }
    await workers.shutdown()
  }
}
