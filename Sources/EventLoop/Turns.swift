/// Queues of calls, one for each key: the next begins when the one before has ended.
///
/// Part of an actor's state. An actor alone lets calls interleave wherever they await; what is
/// decided between awaits, the block that follows an account's head for example, needs a turn:
///
///     guard await withCheckedContinuation({ turns.take(key, $0) }) else { throw Failure.busy }
///     defer { turns.end(key) }
public struct Turns<Key: Hashable> {
  private let waitingMax: Int
  private var queues: [Key: [CheckedContinuation<Bool, Never>]] = [:]

  /// - Parameter waitingMax: calls that may wait for one key.
  public init(waitingMax: Int) {
    self.waitingMax = waitingMax
  }

  /// Resumes with true as soon as the turn is the caller's; with false, at once, if too many wait.
  ///
  /// Asking and queueing are one step, since an `await` between them would let the turn pass by.
  public mutating func take(_ key: Key, _ continuation: CheckedContinuation<Bool, Never>) {
    guard let queue = queues[key] else {
      queues[key] = []
      return continuation.resume(returning: true)
    }
    guard queue.count < waitingMax else { return continuation.resume(returning: false) }
    queues[key]?.append(continuation)
  }

  /// Passes the turn to the next, or frees it.
  public mutating func end(_ key: Key) {
    guard var queue = queues[key] else { return }
    if queue.isEmpty {
      queues[key] = nil
    } else {
      let next = queue.removeFirst()
      queues[key] = queue
      next.resume(returning: true)
    }
  }
}
