import CLinux
import Glibc
public import Kernel
import Synchronization

/// One thread that runs actors, tasks, timers and sockets, one thing at a time.
///
/// An actor that names the loop as its executor (`unownedExecutor`) and tasks that prefer it
/// (`Task(executorPreference:)`) run on this thread without a hop between them. Timers and
/// descriptors call plain closures on it; one formed inside such an actor may touch its state.
///
/// A turn is: jobs → due timers → flushes → wait for descriptors → their handlers.
///
/// To a task without that preference every `await` inside such an actor is a pass through the inbox,
/// the one into `withCheckedContinuation` too: other jobs and handlers run between what stands before
/// it and its closure. What decides whether to wait is therefore looked at in the closure itself.
///
/// `@unchecked Sendable`: `inbox` is locked, the descriptors are constant, and all other state is
/// touched only by the thread that `isCurrent` tells, which every method that needs it checks.
public final class EventLoop: SerialExecutor, TaskExecutor, @unchecked Sendable {
  public let name: String

  private let epoll: Int32
  private let waker: Int32
  /// The thread that is the loop now, 0 for none.
  ///
  /// A thread compares it with its own number only, which no other thread writes; hence the relaxed
  /// order.
  private let currentThread = Atomic<UInt>(0)
  private let inbox = Mutex(Inbox())

  // Of the loop's thread.
  private var spareBatch: [Work] = []
  private var timers = TimerHeap()
  private var timerSequence: UInt64 = 0
  private var watches: [Watch?] = []
  private var watchGeneration: UInt32 = 0
  private var flushes: [() -> Void] = []
  private var sleepers: [ObjectIdentifier: Sleeper] = [:]
  private var isStopped = false
  /// Space for whoever reads a socket, so that an idle connection holds no buffer.
  ///
  /// Its content means nothing after the reader returns to the loop.
  package let scratch: UnsafeMutableRawBufferPointer

  /// Bytes read from a socket at a time.
  private static let scratchSize = 64 * 1024
  /// Rounds of jobs before descriptors get their turn: enough for a request to pass through a few
  /// actors and leave in the same turn, few enough that tasks in a cycle starve nobody.
  private static let roundsMax = 8
  /// Jobs for which room is kept between turns; a burst gives its memory back.
  private static let keptCapacityMax = 1024
  private static let eventsMax = 128
  private static let wakeToken = UInt64.max

  private enum Work {
    case job(UnownedJob)
    case call(@Sendable () -> Void)
  }

  private enum Phase {
    case running
    case stopping
    /// The thread has ended; a job that comes late gets one of its own for as long as there are any.
    case stopped(isServingLate: Bool)
  }

  private struct Inbox {
    var work: [Work] = []
    var phase = Phase.running
    /// The loop waits or is about to, and nobody has woken it since.
    var needsWake = false
    var awaitingStop: [CheckedContinuation<Void, Never>] = []
    var thread: pthread_t?
  }

  /// Starts a loop on a thread of its own.
  ///
  /// - Parameters:
  ///   - name: what `top -H` shows, at most 15 characters.
  ///   - stackSize: bytes; only touched pages cost memory.
  /// - Throws: `SystemFailure` if no descriptor or thread can be had.
  public init(name: String = "loop", stackSize: Int = 512 * 1024) throws(SystemFailure) {
    self.name = name
    epoll = try checked(clinux_epoll_create(), "create an epoll set")
    waker = clinux_waker_create(epoll, Self.wakeToken)
    scratch = .allocate(byteCount: Self.scratchSize, alignment: 16)
    // From here on `deinit` cleans up.
    try checked(waker, "create an eventfd")
    let thread = try startThread(name: name, stackSize: stackSize) { self.run() }
    inbox.withLock { $0.thread = thread }
  }

  deinit {
    scratch.deallocate()
    if waker >= 0 { close(waker) }
    close(epoll)
  }

  /// Whether the caller runs on this loop.
  public var isCurrent: Bool { currentThread.load(ordering: .relaxed) == UInt(pthread_self()) }

  public var now: Instant { SystemClock.now }

  /// Does something on the loop soon, after what was asked before it.
  ///
  /// From any thread.
  public func execute(_ body: @escaping @Sendable () -> Void) {
    accept(.call(body))
  }

  /// Does something on the loop and returns its result.
  ///
  /// From any thread or task.
  public func run<Result: Sendable, Failure: Error>(
    _ body: @escaping @Sendable () throws(Failure) -> Result
  ) async throws(Failure) -> Result {
    let result: Swift.Result<Result, Failure> = await withCheckedContinuation { continuation in
      execute { continuation.resume(returning: Swift.Result(catching: body)) }
    }
    return try result.get()
  }

  // MARK: On the loop's thread

  /// Calls `action` once `now` has reached `deadline`; never on a loop that has stopped.
  @discardableResult
  public func schedule(at deadline: Instant, _ action: @escaping () -> Void) -> Timer {
    precondition(isCurrent)
    timerSequence += 1
    let timer = Timer(deadline: deadline, sequence: timerSequence, action: action)
    if !isStopped { timers.insert(timer) }
    return timer
  }

  @discardableResult
  public func schedule(after delay: Duration, _ action: @escaping () -> Void) -> Timer {
    schedule(at: now + delay, action)
  }

  /// Nothing happens if the timer has fired or been cancelled.
  public func cancel(_ timer: Timer) {
    precondition(isCurrent)
    _ = timers.remove(timer)
  }

  /// Watches a descriptor until the watch is cancelled.
  ///
  /// - Throws: `SystemFailure` if the kernel refuses, or the loop has stopped.
  public func watch(
    _ descriptor: Int32,
    for interest: Readiness,
    _ handler: @escaping (Readiness) -> Void
  ) throws(SystemFailure) -> Watch {
    precondition(isCurrent)
    guard !isStopped else { throw SystemFailure("watch a descriptor", code: ECANCELED) }
    let index = Int(descriptor)
    while watches.count <= index { watches.append(nil) }
    precondition(watches[index]?.handler == nil)  // one watch for a descriptor
    watchGeneration &+= 1
    // The generation of all ones is left out, so that no token equals the waker's.
    if watchGeneration == .max { watchGeneration = 0 }
    let watch = try Watch(
      descriptor: descriptor,
      generation: watchGeneration,
      epoll: epoll,
      interest: interest,
      handler: handler
    )
    watches[index] = watch
    return watch
  }

  /// Calls `action` once, before the loop waits next: what many jobs wrote leaves in one piece.
  public func beforeWaiting(_ action: @escaping () -> Void) {
    precondition(isCurrent)
    flushes.append(action)
  }

  var sleeperCount: Int { sleepers.count }

  func add(_ sleeper: Sleeper) -> Bool {
    precondition(isCurrent)
    if !isStopped { sleepers[ObjectIdentifier(sleeper)] = sleeper }
    return !isStopped
  }

  func remove(_ sleeper: Sleeper) {
    precondition(isCurrent)
    sleepers[ObjectIdentifier(sleeper)] = nil
  }

  // MARK: Executor

  public func enqueue(_ job: consuming ExecutorJob) {
    accept(.job(UnownedJob(job)))
  }

  /// Lets an actor of this loop be entered from a closure that the loop calls.
  public func isIsolatingCurrentContext() -> Bool? { isCurrent }

  public func checkIsolated() {
    precondition(isCurrent, "not on the loop")
  }

  private func accept(_ work: Work) {
    enum Next { case nothing, wake, serveLate }
    let next = inbox.withLock { inbox -> Next in
      inbox.work.append(work)
      if case .stopped(isServingLate: false) = inbox.phase {
        inbox.phase = .stopped(isServingLate: true)
        return .serveLate
      }
      defer { inbox.needsWake = false }
      return inbox.needsWake ? .wake : .nothing
    }
    switch next {
    case .nothing: break
    case .wake: clinux_wake(waker)
    case .serveLate: serveLate()
    }
  }

  // MARK: The turn

  private func run() {
    currentThread.store(UInt(pthread_self()), ordering: .relaxed)
    var events = [clinux_event](repeating: clinux_event(), count: Self.eventsMax)
    while true {
      var rounds = 0
      while rounds < Self.roundsMax, runBatch() { rounds += 1 }
      fireTimers()
      flush()
      guard let timeout = prepareToWait() else { break }
      let count = clinux_epoll_wait(epoll, &events, Int32(Self.eventsMax), timeout)
      precondition(count >= 0)  // fails only for a bad descriptor or pointer
      if timeout != 0 { inbox.withLock { $0.needsWake = false } }
      for event in events[..<Int(count)] { dispatch(event) }
    }
    stop()
  }

  /// Runs what was in the inbox; false if it was empty.
  private func runBatch() -> Bool {
    var batch = spareBatch
    spareBatch = []
    inbox.withLock { swap(&$0.work, &batch) }
    let isEmpty = batch.isEmpty
    for work in batch {
      switch work {
      case .call(let body):
        body()
      case .job(let job):
        job.runSynchronously(
          isolatedTo: asUnownedSerialExecutor(),
          taskExecutor: asUnownedTaskExecutor()
        )
      }
    }
    batch.removeAll(keepingCapacity: batch.count <= Self.keptCapacityMax)
    spareBatch = batch
    return !isEmpty
  }

  /// Fires what is due, but nothing twice: a timer that re-arms itself for now waits a turn.
  private func fireTimers() {
    var remaining = timers.count
    guard remaining > 0 else { return }
    let now = self.now
    while remaining > 0, let action = timers.popDue(at: now) {
      action()
      remaining -= 1
    }
  }

  private func flush() {
    guard !flushes.isEmpty else { return }
    let actions = flushes
    flushes = []
    for action in actions { action() }
  }

  /// Nanoseconds to wait, negative for ever; nil to stop.
  private func prepareToWait() -> Int64? {
    var timeout: Int64 = -1
    if !flushes.isEmpty {
      timeout = 0
    } else if let first = timers.first {
      timeout = max(0, (first.deadline - now).wholeNanoseconds)
    }
    return inbox.withLock { inbox in
      guard case .running = inbox.phase else { return nil }
      guard inbox.work.isEmpty else { return 0 }
      inbox.needsWake = timeout != 0
      return timeout
    }
  }

  private func dispatch(_ event: clinux_event) {
    guard event.token != Self.wakeToken else { return }
    let index = Int(UInt32(truncatingIfNeeded: event.token))
    guard let watch = watches[index], watch.token == event.token else { return }
    watch.handler?(Readiness(rawValue: event.readiness))
  }

  // MARK: The end

  /// Ends the thread after the jobs at hand, and returns once it has ended.
  ///
  /// Sleeping tasks are cancelled; timers and descriptors fall silent (their owners should have
  /// closed them). Jobs of actors and tasks that come later still run, one at a time, but nothing
  /// can be scheduled or watched any more. Calling it again only waits.
  public func shutdown() async {
    await withCheckedContinuation { continuation in
      enum Next { case nothing, wake, resume }
      let next = inbox.withLock { inbox -> Next in
        if case .stopped = inbox.phase { return .resume }
        inbox.phase = .stopping
        inbox.awaitingStop.append(continuation)
        defer { inbox.needsWake = false }
        return inbox.needsWake ? .wake : .nothing
      }
      switch next {
      case .nothing: break
      case .wake: clinux_wake(waker)
      case .resume: continuation.resume()
      }
    }
    // The thread has nothing left to do but return; a job of it cannot be here.
    let thread = inbox.withLock { inbox in
      defer { inbox.thread = nil }
      return inbox.thread
    }
    if let thread { pthread_join(thread, nil) }
  }

  /// The loop thread's last act.
  private func stop() {
    isStopped = true
    // In the order in which they lay down, which the identifiers do not tell; nobody may count on it.
    for sleeper in sleepers.values { sleeper.wake(isCancelled: true) }
    sleepers = [:]
    // Handlers and actions are dropped outside the collections: dropping may run a deinit that
    // comes back here.
    let dropped = (watches, flushes)
    for watch in watches { watch?.cancel() }
    while let timer = timers.first { _ = timers.remove(timer) }
    watches = []
    flushes = []
    withExtendedLifetime(dropped) {}
    currentThread.store(0, ordering: .relaxed)
    let (waiting, isLate) = inbox.withLock { inbox in
      defer { inbox.awaitingStop = [] }
      inbox.phase = .stopped(isServingLate: !inbox.work.isEmpty)
      return (inbox.awaitingStop, !inbox.work.isEmpty)
    }
    if isLate { serveLate() }
    for continuation in waiting { continuation.resume() }
  }

  private func serveLate() {
    let body = {
      self.currentThread.store(UInt(pthread_self()), ordering: .relaxed)
      var hasMore = true
      while hasMore {
        while self.runBatch() {}
        self.flush()
        // Given up inside the lock: the next late thread starts after it.
        hasMore = self.inbox.withLock { inbox in
          if !inbox.work.isEmpty { return true }
          self.currentThread.store(0, ordering: .relaxed)
          inbox.phase = .stopped(isServingLate: false)
          return false
        }
      }
    }
    do {
      pthread_detach(try startThread(name: name, stackSize: 512 * 1024, body))
    } catch {
      // No memory for a thread, and jobs that must run: nothing better is left than this thread.
      body()
    }
  }
}
