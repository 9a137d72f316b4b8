/// Queues of calls, one for each key: the next begins when the one before has ended.
///
/// Part of an actor's state. An actor alone lets calls interleave wherever they await; what is
/// decided between awaits, the block that follows an account's head for example, needs a turn.
struct Turns<Key: Hashable> {
  private var queues: [Key: [CheckedContinuation<Void, Never>]] = [:]

  /// Calls that may wait for one key: a thousand take a minute of work at least.
  static var waitingMax: Int { 1000 }

  /// Takes the turn if it is free.
  mutating func takeIfFree(_ key: Key) -> Bool {
    guard queues[key] == nil else { return false }
    queues[key] = []
    return true
  }

  func isFull(_ key: Key) -> Bool { (queues[key]?.count ?? 0) >= Self.waitingMax }

  /// To be resumed with the turn taken.
  mutating func wait(_ continuation: CheckedContinuation<Void, Never>, for key: Key) {
    queues[key]?.append(continuation)
  }

  /// Passes the turn to the next, or frees it.
  mutating func end(_ key: Key) {
    guard var queue = queues[key] else { return }
    if queue.isEmpty {
      queues[key] = nil
    } else {
      let next = queue.removeFirst()
      queues[key] = queue
      next.resume()
    }
  }
}
