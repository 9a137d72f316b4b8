public import EventLoop
public import Kernel
import Synchronization

/// Runs a machine: real time, a real disk, real peers. The simulator is the other interpreter.
///
/// A turn takes inputs one after the other, up to `DriverLimits.groupMax` or `groupTime`, lets the
/// machine decide each without a pause, then makes all their changes durable at once, and only then
/// carries out what stands behind the first change. What was decided before any change leaves at
/// once. So no vote is ever seen whose record a crash could lose, and one sync serves many votes.
///
/// If the disk fails the driver stops for good: nothing that waited for it leaves, and whoever
/// waits for a reply is told.
public actor Driver<M: Machine> {
  public nonisolated let loop: EventLoop
  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private var machine: M
  private let host: any DriverHost<M>
  private let workers: Workers
  private let limits: DriverLimits
  private var timers: [M.Timer: (generation: UInt64, timer: Timer)] = [:]
  private var timerGeneration: UInt64 = 0
  public private(set) var statistics = DriverStatistics()

  /// What other threads reach: held for a few instructions at a time.
  private let entry: Mutex<Entry>

  private struct Entry: Sendable {
    var inbox: DriverInbox<M>
    var waiting: [RequestID: CheckedContinuation<M.Reply, any Error>] = [:]
    var lastRequest: UInt64 = 0
    /// A turn is under way or asked for.
    var isTurning = false
    /// Set once, at the end.
    var failure: DriverFailure?
  }

  /// A driver at rest; it does nothing until it is given something.
  ///
  /// - Parameters:
  ///   - machine: as restored from the disk.
  ///   - host: the disk and the peers.
  ///   - loop: its own: a commit holds it up.
  ///   - workers: for the machine's jobs.
  ///   - limits: what waits at most.
  public init(
    _ machine: M,
    host: any DriverHost<M>,
    on loop: EventLoop,
    workers: Workers,
    limits: DriverLimits = DriverLimits()
  ) {
    self.machine = machine
    self.host = host
    self.loop = loop
    self.workers = workers
    self.limits = limits
    entry = Mutex(Entry(inbox: DriverInbox(limits: limits)))
  }

  // MARK: From any thread

  /// A peer is there; its messages may follow.
  public nonisolated func connected(_ peer: PeerID, _ identity: M.Identity) {
    give { $0.inbox.connect(peer, identity) }
  }

  /// A peer is gone; what it said and was not handled is forgotten.
  ///
  /// Only the first call for a peer counts.
  public nonisolated func disconnected(_ peer: PeerID) {
    give { _ = $0.inbox.disconnect(peer) }
  }

  /// What a peer said, checked as far as that goes without the machine.
  ///
  /// - Parameters:
  ///   - message: for the machine.
  ///   - peer: connected.
  ///   - cost: what the peer's share of the machine's time is measured in: bytes.
  /// - Returns: whether it was taken.
  public nonisolated func deliver(
    _ message: M.Message,
    from peer: PeerID,
    cost: Int
  ) -> DriverDelivery {
    give { $0.inbox.push(message, from: peer, cost: cost) } ?? .gone
  }

  /// Asks something of the machine; its reply comes once all it decided before is durable.
  ///
  /// - Throws: `DriverFailure`.
  public nonisolated func submit(_ command: M.Command) async throws -> M.Reply {
    try await withCheckedThrowingContinuation { continuation in
      let isTaken: Void? = give { entry in
        entry.lastRequest += 1
        let request = RequestID(entry.lastRequest)
        entry.waiting[request] = continuation
        entry.inbox.push(.input(.submitted(command, request)))
      }
      guard isTaken == nil else { return }
      let failure = entry.withLock { $0.failure }
      continuation.resume(throwing: failure ?? .stopped)
    }
  }

  /// Puts something into the inbox and sees that a turn takes it; nil if the driver has stopped.
  private nonisolated func give<Result: Sendable>(
    _ put: (inout sending Entry) -> sending Result
  ) -> Result? {
    let (result, startsTurn) = entry.withLock { entry -> (Result?, Bool) in
      guard entry.failure == nil else { return (nil, false) }
      let result = put(&entry)
      guard !entry.isTurning, !entry.inbox.isEmpty else { return (result, false) }
      entry.isTurning = true
      return (result, true)
    }
    if startsTurn { askForTurn() }
    return result
  }

  private nonisolated func askForTurn() {
    loop.execute { self.assumeIsolated { $0.turn() } }
  }

  // MARK: Beside the machine

  /// Looks at the machine between two turns: for metrics and tests.
  public func inspect<Result: Sendable>(_ body: @Sendable (M) -> Result) -> Result {
    body(machine)
  }

  /// Does something with what the machine's host owns, between two turns.
  ///
  /// What it throws stops the driver, as a failed commit does.
  public func perform(_ body: @Sendable () throws -> Void) {
    guard entry.withLock({ $0.failure }) == nil else { return }
    do { try body() } catch { stop(because: error) }
  }

  /// Stops for good.
  ///
  /// What waits in the inbox is not handled any more; who waits for a reply gets
  /// `DriverFailure.stopped`. All that was replied is durable.
  public func stop() {
    close(.stopped)
  }

  // MARK: The turn

  private func turn() {
    var changes: [M.Change] = []
    var held: [Effect<M>] = []
    var handled = 0
    let end = SystemClock.now + limits.groupTime
    while handled < limits.groupMax, let input = next() {
      handled += 1
      let now = SystemClock.now
      let effects = machine.handle(input, now: now)
      do { try host.check() } catch { return stop(because: error) }
      for effect in effects {
        if case .persist(let change) = effect {
          changes.append(change)
        } else if changes.isEmpty {
          carryOut(effect)
        } else {
          held.append(effect)
        }
      }
      if now >= end { break }
    }
    statistics.inputs += UInt64(handled)
    if !changes.isEmpty {
      do { try commit(changes) } catch { return stop(because: error) }
      for effect in held { carryOut(effect) }
    }
    let goesOn = entry.withLock { entry in
      entry.isTurning = !entry.inbox.isEmpty
      return entry.isTurning
    }
    // Through the loop, so that its timers and other jobs come in between.
    if goesOn { askForTurn() }
  }

  private func commit(_ changes: [M.Change]) throws {
    let start = SystemClock.now
    try host.commit(changes)
    let time = SystemClock.now - start
    statistics.commits += 1
    statistics.changes += UInt64(changes.count)
    statistics.commitTime += time
    statistics.commitTimeMax = max(statistics.commitTimeMax, time)
  }

  /// The next input that still counts.
  private func next() -> Input<M>? {
    while let (item, hasRoom) = entry.withLock({ $0.inbox.pop() }) {
      if let hasRoom { host.hasRoom(for: hasRoom) }
      switch item {
      case .input(let input):
        return input
      case .fired(let timer, let generation):
        // Replaced or cancelled since it fired?
        guard timers[timer]?.generation == generation else { continue }
        timers[timer] = nil
        return .fired(timer)
      }
    }
    return nil
  }

  private func carryOut(_ effect: Effect<M>) {
    switch effect {
    case .persist: preconditionFailure("a change is committed, not carried out")
    case .send(let message, let peer): host.send(message, to: peer)
    case .broadcast(let message, let peers): host.broadcast(message, to: peers)
    case .disconnect(let peer, let reason): host.disconnect(peer, reason)
    case .setTimer(let timer, let delay): set(timer, after: delay)
    case .cancelTimer(let timer): cancel(timer)
    case .start(let job, let id): start(job, id)
    case .reply(let reply, let request):
      entry.withLock { $0.waiting.removeValue(forKey: request) }?.resume(returning: reply)
    case .report(let event): host.report(event)
    }
  }

  // MARK: Timers and jobs

  private func set(_ timer: M.Timer, after delay: Duration) {
    cancel(timer)
    timerGeneration += 1
    let generation = timerGeneration
    let scheduled = loop.schedule(after: delay) {
      _ = self.give { $0.inbox.push(.fired(timer, generation: generation)) }
    }
    timers[timer] = (generation, scheduled)
  }

  private func cancel(_ timer: M.Timer) {
    guard let (_, scheduled) = timers.removeValue(forKey: timer) else { return }
    loop.cancel(scheduled)
  }

  /// Never drops the job: while the workers have no room it waits and asks again.
  private func start(_ job: M.Job, _ id: JobID) {
    Task(executorPreference: loop) { [workers, loop] in
      while true {
        do {
          let output = try await workers.run { _ in job.run() }
          _ = self.give { $0.inbox.push(.input(.finished(output, id))) }
          return
        } catch Workers.Failure.queueFull {
          do { try await loop.sleep(for: Self.jobRetryDelay) } catch { return }
        } catch {
          return  // The workers have stopped: so does the node.
        }
      }
    }
  }

  private static var jobRetryDelay: Duration { .milliseconds(10) }

  // MARK: The end

  private func stop(because error: any Error) {
    guard close(.failed("\(error)")) else { return }
    host.failed(error)
  }

  @discardableResult
  private func close(_ failure: DriverFailure) -> Bool {
    let waiting: [RequestID: CheckedContinuation<M.Reply, any Error>]? = entry.withLock { entry in
      guard entry.failure == nil else { return nil }
      entry.failure = failure
      entry.inbox.close()
      defer { entry.waiting = [:] }
      return entry.waiting
    }
    guard let waiting else { return false }
    for (_, scheduled) in timers.values { loop.cancel(scheduled) }
    timers = [:]
    for continuation in waiting.values { continuation.resume(throwing: failure) }
    return true
  }
}
