import Glibc
import Kernel
import Testing

@testable import EventLoop

/// An actor on a loop, as every owner of connections is.
actor Pinned {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
  private(set) var count = 0

  init(_ loop: EventLoop) {
    self.loop = loop
  }

  func increment() -> Bool {
    count += 1
    return loop.isCurrent
  }

  func callbackEntersActor() async -> Int {
    await withCheckedContinuation { continuation in
      loop.schedule(after: .zero) {
        self.assumeIsolated { $0.count += 10 }
        continuation.resume(returning: self.count)
      }
    }
  }
}

@Suite("Event loop", .timeLimit(.minutes(1)))
struct EventLoopTests {
  @Test("Timers fire by deadline, then in the order in which they were made; cancelled ones never")
  func timers() async throws {
    let loop = try EventLoop()
    let (fired, continuation) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .unbounded)
    await loop.run {
      let now = loop.now
      loop.schedule(at: now + .milliseconds(3)) { continuation.yield(4) }
      loop.schedule(at: now + .milliseconds(1)) { continuation.yield(1) }
      let doomed = loop.schedule(at: now + .milliseconds(1)) { continuation.yield(99) }
      loop.schedule(at: now + .milliseconds(1)) { continuation.yield(2) }
      loop.schedule(at: now + .milliseconds(2)) {
        continuation.yield(3)
        loop.cancel(doomed)
      }
      loop.schedule(at: now + .milliseconds(4)) { continuation.finish() }
      #expect(doomed.isScheduled)
      loop.cancel(doomed)
      #expect(!doomed.isScheduled)
    }
    #expect(await fired.reduce(into: []) { $0.append($1) } == [1, 2, 3, 4])
    await loop.shutdown()
  }

  @Test("A timer is never early, and one that re-arms itself lets others run")
  func timerIsNotEarly() async throws {
    let loop = try EventLoop()
    let deadline = loop.now + .microseconds(1500)
    try await loop.sleep(until: deadline)
    #expect(loop.now >= deadline)
    // Re-armed for now for ever, it must not keep the next job out.
    await loop.run { rearm(loop) }
    #expect(await loop.run { loop.isCurrent })
    await loop.shutdown()
  }

  @Sendable private func rearm(_ loop: EventLoop) {
    loop.schedule(after: .zero) { rearm(loop) }
  }

  @Test("The heap gives timers in order whatever is inserted and removed")
  func heap() {
    var random = SplitMix64(seed: 1)
    var heap = TimerHeap()
    var model: [Timer] = []
    for sequence in 0..<5000 {
      if model.isEmpty || UInt8.random(in: 0..<3, using: &random) > 0 {
        let deadline = Instant(nanoseconds: .random(in: 0..<100, using: &random))
        let timer = Timer(deadline: deadline, sequence: UInt64(sequence)) {}
        heap.insert(timer)
        model.append(timer)
      } else {
        let index = Int.random(in: 0..<model.count, using: &random)
        #expect(heap.remove(model.remove(at: index)) != nil)
      }
      let first = model.min { ($0.deadline, $0.sequence) < ($1.deadline, $1.sequence) }
      #expect(heap.first === first)
      #expect(heap.count == model.count)
    }
    model.sort { ($0.deadline, $0.sequence) < ($1.deadline, $1.sequence) }
    for timer in model {
      #expect(heap.first === timer)
      _ = heap.remove(timer)
      #expect(heap.remove(timer) == nil)
    }
  }

  @Test("An actor on the loop runs there, and the loop's callbacks may enter it")
  func isolation() async throws {
    let loop = try EventLoop()
    let actor = Pinned(loop)
    #expect(!loop.isCurrent)
    #expect(await actor.increment())
    #expect(await actor.callbackEntersActor() == 11)
    await loop.shutdown()
  }

  @Test("Thousands of tasks on the loop lose no update and never leave it")
  func manyTasks() async throws {
    let loop = try EventLoop()
    let actor = Pinned(loop)
    let stayed = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<5000 {
        group.addTask(executorPreference: loop) {
          let before = loop.isCurrent
          await Task.yield()
          let inside = await actor.increment()
          return before && inside && loop.isCurrent
        }
      }
      return await group.reduce(true) { $0 && $1 }
    }
    #expect(stayed)
    #expect(await actor.count == 5000)
    await loop.shutdown()
  }

  @Test("What one thread asks for is done in that order")
  func order() async throws {
    let loop = try EventLoop()
    let (done, continuation) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .unbounded)
    for number in 0..<1000 { loop.execute { continuation.yield(number) } }
    loop.execute { continuation.finish() }
    #expect(await done.reduce(into: []) { $0.append($1) } == Array(0..<1000))
    await loop.shutdown()
  }

  @Test("A cancelled sleep ends at once, before or after it began")
  func cancelledSleep() async throws {
    let loop = try EventLoop()
    let sleeping = Task { try await loop.sleep(for: .seconds(3600)) }
    await loop.run {}
    sleeping.cancel()
    await #expect(throws: CancellationError.self) { try await sleeping.value }
    let early = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      try await loop.sleep(for: .seconds(3600))
    }
    await #expect(throws: CancellationError.self) { try await early.value }
    await loop.shutdown()
  }

  @Test("Shutdown cancels sleepers, joins the thread, and actors of the loop still answer")
  func shutdown() async throws {
    let loop = try EventLoop()
    let actor = Pinned(loop)
    let sleeping = Task { try await loop.sleep(for: .seconds(3600)) }
    while await loop.run({ loop.sleeperCount }) == 0 { await Task.yield() }
    await loop.shutdown()
    await #expect(throws: CancellationError.self) { try await sleeping.value }
    await #expect(throws: CancellationError.self) { try await loop.sleep(for: .seconds(3600)) }
    for _ in 0..<100 { #expect(await actor.increment()) }
    #expect(await actor.count == 100)
    #expect(!loop.isCurrent)
    await loop.shutdown()
  }

  @Test("A loop that nobody uses any more is freed after its shutdown")
  func freed() async throws {
    weak var weakLoop: EventLoop?
    do {
      let loop = try EventLoop()
      weakLoop = loop
      await loop.shutdown()
    }
    #expect(weakLoop == nil)
  }

  @Test("A task on the loop may shut it down")
  func shutdownFromInside() async throws {
    let loop = try EventLoop()
    await Task(executorPreference: loop) { await loop.shutdown() }.value
    await #expect(throws: CancellationError.self) { try await loop.sleep(for: .zero) }
  }

  @Test("The clock shows the time of day and never goes back")
  func clock() {
    var last = SystemClock.now
    for _ in 0..<10_000 {
      let now = SystemClock.now
      #expect(now >= last)
      last = now
    }
    // After 2020-01-01: seconds were not taken for milliseconds, nor uptime for the date.
    #expect(last.milliseconds > 1_577_836_800_000)
  }
}

/// Both ends of a pipe, closed with the value.
private final class Pipe: Sendable {
  let input: Int32
  let output: Int32

  init() {
    var ends: [Int32] = [0, 0]
    precondition(pipe(&ends) == 0)
    (output, input) = (ends[0], ends[1])
  }

  func write() {
    precondition(Glibc.write(input, [1], 1) == 1)
  }

  deinit {
    close(input)
    close(output)
  }
}

@Suite("Watched descriptors", .timeLimit(.minutes(1)))
struct WatchTests {
  @Test("A level-triggered event comes until it is dealt with, and not while it is not asked for")
  func levelTriggered() async throws {
    let loop = try EventLoop()
    let pipe = Pipe()
    let (events, continuation) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .unbounded)
    try await loop.run { () throws(SystemFailure) in
      var seen = 0
      var watch: Watch?
      watch = try loop.watch(pipe.output, for: .readable) { readiness in
        seen += 1
        #expect(readiness == .readable)
        continuation.yield(seen)
        guard seen == 3 else { return }
        watch?.update([])
        // Several turns without the event, then it comes again.
        loop.schedule(after: .milliseconds(1)) {
          #expect(seen == 3)
          watch?.mute()
          watch?.update(.readable)
        }
        if seen == 3 { continuation.yield(-1) }
      }
      loop.schedule(after: .milliseconds(20)) {
        watch?.cancel()
        watch = nil
        continuation.finish()
      }
      pipe.write()
    }
    let seen = await events.reduce(into: []) { $0.append($1) }
    #expect(seen.prefix(4) == [1, 2, 3, -1])
    #expect(seen.count > 4)
    withExtendedLifetime(pipe) {}
    await loop.shutdown()
  }

  @Test("A watch cancelled by another's handler gets no event that was already collected")
  func cancelledInBatch() async throws {
    let loop = try EventLoop()
    let pipes = [Pipe(), Pipe()]
    let calls = await withCheckedContinuation { continuation in
      loop.execute {
        var calls = 0
        var watches: [Watch] = []
        for pipe in pipes {
          pipe.write()
          let watch = try? loop.watch(pipe.output, for: .readable) { _ in
            calls += 1
            for watch in watches { watch.cancel() }
          }
          if let watch { watches.append(watch) }
        }
        loop.schedule(after: .milliseconds(5)) { continuation.resume(returning: calls) }
      }
    }
    #expect(calls == 1)
    withExtendedLifetime(pipes) {}
    await loop.shutdown()
  }

  @Test("Signals are read as they come, and the stream ends with the loop")
  func signals() async throws {
    let loop = try EventLoop()
    let signals = try await Signal.stream(of: [.hangup, .terminate], on: loop)
    // To the process, as an operator sends them: whichever thread gets them.
    kill(getpid(), SIGTERM)
    kill(getpid(), SIGHUP)
    var seen: Set<Signal> = []
    for await signal in signals {
      seen.insert(signal)
      if seen.count == 2 { break }
    }
    #expect(seen == [.hangup, .terminate])
    let rest = try await Signal.stream(of: [.interrupt], on: loop)
    await loop.shutdown()
    #expect(await rest.reduce(into: 0) { count, _ in count += 1 } == 0)
  }
}
