import Glibc
import Kernel

/// Times of one operation, in nanoseconds.
struct Figure {
  private let operations: Int
  private var times: [Double] = []

  /// - Parameter operations: in one measured run; the figure is for one of them.
  init(per operations: Int) {
    self.operations = operations
  }

  mutating func measure<Failure: Error>(_ work: () throws(Failure) -> Void) throws(Failure) {
    let clock = ContinuousClock()
    let start = clock.now
    try work()
    append(clock.now - start)
  }

  /// The same by this thread's processor time, which does not count what the machine did meanwhile
  /// for others: for work that waits for nothing.
  mutating func measureThread<Failure: Error>(
    _ work: () throws(Failure) -> Void
  ) throws(Failure) {
    let start = threadTime()
    try work()
    append(threadTime() - start)
  }

  mutating func append(_ time: Duration) {
    times.append(Double(time.wholeNanoseconds) / Double(operations))
  }

  var median: Double { quantile(0.5) }

  func quantile(_ share: Double) -> Double { times.quantile(share) }
}

extension [Double] {
  /// The smallest that this share of them does not exceed; there is at least one.
  func quantile(_ share: Double) -> Double {
    let sorted = self.sorted()
    return sorted[Swift.max(0, Int((Double(count) * share).rounded(.up)) - 1)]
  }
}

/// Processor time of this thread.
func threadTime() -> Duration {
  var time = timespec()
  let status = clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  precondition(status == 0)  // Linux has this clock
  return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}

/// Two decimals.
func decimal(_ value: Double) -> String {
  let hundredths = Int(value * 100 + 0.5)
  let fraction = hundredths % 100
  return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
}
