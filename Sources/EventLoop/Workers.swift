import Glibc
import Synchronization

/// Threads for slow and pure work, so that no loop waits for it.
///
/// The queue is bounded: work beyond it is refused at once rather than piled up.
///
/// `@unchecked Sendable`: all mutable state stands behind `mutex`.
public final class Workers: @unchecked Sendable {
  public enum Failure: Error, Hashable, CustomStringConvertible {
    /// As much work waits as may; try again later, or shed it.
    case queueFull
    case stopped

    public var description: String {
      switch self {
      case .queueFull: "the work queue is full"
      case .stopped: "the workers have stopped"
      }
    }
  }

  /// Tells running work that nobody waits for it any more.
  public final class Cancellation: Sendable {
    private let flag = Atomic(false)

    public init() {}

    /// Asked by the work itself, now and then.
    public var isCancelled: Bool { flag.load(ordering: .relaxed) }

    public func cancel() {
      flag.store(true, ordering: .relaxed)
    }
  }

  private struct Job: Sendable {
    let cancellation: Cancellation
    /// Runs the work, or refuses it with an error; called exactly once.
    let finish: @Sendable ((any Error)?) -> Void
  }

  private let queueMax: Int
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let hasWork = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var queue: [Job] = []
  private var head = 0
  private var threads: [pthread_t] = []
  private var running = 0
  private var isStopped = false
  private var awaitingStop: [CheckedContinuation<Void, Never>] = []

  /// Starts the threads.
  ///
  /// - Parameters:
  ///   - count: threads, at least one.
  ///   - queueMax: how much work may wait, beside what runs.
  ///   - name: of the threads, with their number added.
  ///   - stackSize: bytes a thread; only touched pages cost memory.
  /// - Throws: `SystemFailure` if a thread cannot be started.
  public init(
    count: Int,
    queueMax: Int,
    name: String = "worker",
    stackSize: Int = 512 * 1024
  ) throws(SystemFailure) {
    precondition(count > 0)
    precondition(queueMax > 0)
    self.queueMax = queueMax
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(hasWork, nil)
    do {
      for number in 0..<count {
        let thread = try startThread(name: "\(name)-\(number)", stackSize: stackSize) {
          self.serve()
        }
        locked {
          threads.append(thread)
          running += 1
        }
      }
    } catch {
      // Those that have started end by themselves, and with the last one this object.
      locked { isStopped = true }
      pthread_cond_broadcast(hasWork)
      throw error
    }
  }

  deinit {
    pthread_cond_destroy(hasWork)
    pthread_mutex_destroy(mutex)
    hasWork.deallocate()
    mutex.deallocate()
  }

  /// How much work waits, beside what runs.
  public var queued: Int { locked { queue.count - head } }

  /// Runs `body` on a worker and returns to the caller's actor with its result.
  ///
  /// - Throws: `Failure` if the work was not accepted, `CancellationError` if the task was cancelled
  ///   before the work began, or what `body` throws. Work that has begun must look at its
  ///   `Cancellation` by itself.
  public func run<Result: Sendable>(
    _ body: @escaping @Sendable (Cancellation) throws -> Result
  ) async throws -> Result {
    let cancellation = Cancellation()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        submit(
          Job(cancellation: cancellation) { refusal in
            if let refusal {
              continuation.resume(throwing: refusal)
            } else {
              continuation.resume(with: Swift.Result { try body(cancellation) })
            }
          }
        )
      }
    } onCancel: {
      cancellation.cancel()
      removeCancelled(cancellation)
    }
  }

  /// Ends the threads after the work that runs, refuses the work that waits, and returns then.
  public func shutdown() async {
    let refused = locked {
      isStopped = true
      defer {
        queue = []
        head = 0
      }
      return Array(queue[head...])
    }
    pthread_cond_broadcast(hasWork)
    for job in refused { job.finish(Failure.stopped) }
    await withCheckedContinuation { continuation in
      let isDone = locked {
        if running > 0 { awaitingStop.append(continuation) }
        return running == 0
      }
      if isDone { continuation.resume() }
    }
    let ended = locked {
      defer { threads = [] }
      return threads
    }
    for thread in ended { pthread_join(thread, nil) }
  }

  private func submit(_ job: Job) {
    let refusal: Failure? = locked {
      if isStopped { return .stopped }
      if queue.count - head >= queueMax { return .queueFull }
      queue.append(job)
      return nil
    }
    if let refusal {
      job.finish(refusal)
    } else {
      pthread_cond_signal(hasWork)
    }
  }

  /// Takes cancelled work out of the queue, so that it does not hold a place.
  private func removeCancelled(_ cancellation: Cancellation) {
    let removed: Job? = locked {
      guard let index = queue[head...].firstIndex(where: { $0.cancellation === cancellation })
      else { return nil }
      return queue.remove(at: index)
    }
    removed?.finish(CancellationError())
  }

  private func serve() {
    while let job = next() {
      job.finish(job.cancellation.isCancelled ? CancellationError() : nil)
    }
    let waiting = locked {
      running -= 1
      defer { if running == 0 { awaitingStop = [] } }
      return running == 0 ? awaitingStop : []
    }
    for continuation in waiting { continuation.resume() }
  }

  /// The next work, waiting for it; nil to end.
  private func next() -> Job? {
    locked {
      while head == queue.count, !isStopped { pthread_cond_wait(hasWork, mutex) }
      guard head < queue.count else { return nil }
      let job = queue[head]
      head += 1
      // Taken places are dropped once they are half: O(1) a job.
      if head * 2 >= queue.count {
        queue.removeFirst(head)
        head = 0
      }
      return job
    }
  }

  private func locked<Result>(_ body: () -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body()
  }
}
