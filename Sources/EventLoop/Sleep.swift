public import Kernel

extension EventLoop {
  /// Suspends the task until `now` has reached `deadline`.
  ///
  /// - Throws: `CancellationError` if the task is cancelled or the loop stops before.
  public func sleep(until deadline: Instant) async throws(CancellationError) {
    let sleeper = Sleeper(loop: self)
    let isCancelled = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        execute { sleeper.start(until: deadline, continuation) }
      }
    } onCancel: {
      execute { sleeper.wake(isCancelled: true) }
    }
    if isCancelled { throw CancellationError() }
  }

  public func sleep(for duration: Duration) async throws(CancellationError) {
    try await sleep(until: now + duration)
  }
}

/// One task's sleep.
///
/// `@unchecked Sendable`: touched on the loop's thread only; other threads merely carry it there.
final class Sleeper: @unchecked Sendable {
  private let loop: EventLoop
  private var timer: Timer?
  private var continuation: CheckedContinuation<Bool, Never>?
  private var isCancelled = false

  init(loop: EventLoop) {
    self.loop = loop
  }

  func start(until deadline: Instant, _ continuation: CheckedContinuation<Bool, Never>) {
    guard !isCancelled, loop.add(self) else { return continuation.resume(returning: true) }
    self.continuation = continuation
    timer = loop.schedule(at: deadline) { self.wake(isCancelled: false) }
  }

  func wake(isCancelled: Bool) {
    // A cancellation may come before the start, and after the end.
    self.isCancelled = isCancelled
    loop.remove(self)
    if let timer { loop.cancel(timer) }
    timer = nil
    continuation?.resume(returning: isCancelled)
    continuation = nil
  }
}
