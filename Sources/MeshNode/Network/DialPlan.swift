import Kernel

/// When to call a validator again: soon, then ever later, and no two callers at the same time.
struct DialPlan {
  /// Nothing before.
  private(set) var next: Instant
  private(set) var failures = 0

  /// After a first failure; a validator that is restarted is back in a second or two.
  static let first = Duration.milliseconds(250)
  /// At most so long: a payment waits for nobody who is back.
  static let longest = Duration.seconds(5)
  /// A connection that lasted so long was a good one.
  static let goodAfter = Duration.seconds(10)

  init(now: Instant) {
    next = now
  }

  /// It could not be reached, or the connection was lost.
  ///
  /// - Parameters:
  ///   - lasted: how long it was up; nil if it never was.
  ///   - now: when that was seen.
  ///   - random: so that not all callers come back together.
  mutating func failed(
    after lasted: Duration?,
    now: Instant,
    using random: inout some RandomNumberGenerator
  ) {
    if let lasted, lasted >= Self.goodAfter { failures = 0 }
    let delay = min(Self.longest, Self.first * (1 << min(failures, 5)))
    failures += 1
    // Half to all of it: those that lost the same validator do not come back together.
    let part = UInt64.random(in: 500...1000, using: &random)
    next = now + .nanoseconds(Int64(clamping: delay.wholeNanoseconds) / 1000 * Int64(part))
  }
}
