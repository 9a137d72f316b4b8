public import Kernel

/// Something to be done on a loop at a time; made by `EventLoop.schedule`.
///
/// Belongs to the loop's thread, like everything that is not `Sendable`.
public final class Timer {
  public let deadline: Instant
  /// Timers of one deadline fire in the order in which they were made.
  let sequence: UInt64
  fileprivate(set) var action: (() -> Void)?
  /// The place in the heap, nil when fired or cancelled.
  fileprivate var index: Int?

  init(deadline: Instant, sequence: UInt64, action: @escaping () -> Void) {
    self.deadline = deadline
    self.sequence = sequence
    self.action = action
  }

  public var isScheduled: Bool { index != nil }

  fileprivate func precedes(_ other: Timer) -> Bool {
    deadline != other.deadline ? deadline < other.deadline : sequence < other.sequence
  }
}

/// A binary heap of timers in which each knows its place, so that any is cancelled in O(log n).
struct TimerHeap {
  private var timers: [Timer] = []

  var first: Timer? { timers.first }
  var count: Int { timers.count }

  mutating func insert(_ timer: Timer) {
    timer.index = timers.count
    timers.append(timer)
    siftUp(timers.count - 1)
  }

  /// Returns the action, nil if the timer was not scheduled: dropped in here, its captures could
  /// come back to the heap while it is being changed.
  mutating func remove(_ timer: Timer) -> (() -> Void)? {
    guard let index = timer.index else { return nil }
    timer.index = nil
    let action = timer.action
    timer.action = nil
    let last = timers.removeLast()
    if index < timers.count {
      place(last, at: index)
      siftUp(index)
      siftDown(last.index ?? index)
    }
    return action
  }

  /// Takes the first timer if its deadline has come; its action is the caller's to run.
  mutating func popDue(at now: Instant) -> (() -> Void)? {
    guard let first, first.deadline <= now else { return nil }
    return remove(first)
  }

  private mutating func place(_ timer: Timer, at index: Int) {
    timers[index] = timer
    timer.index = index
  }

  private mutating func siftUp(_ start: Int) {
    let timer = timers[start]
    var index = start
    while index > 0 {
      let parent = (index - 1) / 2
      guard timer.precedes(timers[parent]) else { break }
      place(timers[parent], at: index)
      index = parent
    }
    place(timer, at: index)
  }

  private mutating func siftDown(_ start: Int) {
    let timer = timers[start]
    var index = start
    while true {
      var child = 2 * index + 1
      guard child < timers.count else { break }
      if child + 1 < timers.count, timers[child + 1].precedes(timers[child]) { child += 1 }
      guard timers[child].precedes(timer) else { break }
      place(timers[child], at: index)
      index = child
    }
    place(timer, at: index)
  }
}
