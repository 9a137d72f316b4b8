/// Lets through a steady rate with bursts: bytes, messages, or microseconds of checking.
///
/// Pure: time is an argument. Tokens are counted in billionths, so that no rate is rounded.
public struct TokenBucket: Sendable {
  /// The largest burst; also where the bucket starts.
  public let capacity: UInt64
  /// Tokens that come in a second.
  public let perSecond: UInt64

  private var level: UInt64
  private var updated: Instant

  private static let unit: UInt64 = 1_000_000_000

  /// Starts full.
  ///
  /// - Parameters:
  ///   - capacity: 1 up to 10^10; nothing larger can ever be taken at once.
  ///   - perSecond: at least 1.
  ///   - now: when it starts.
  public init(capacity: UInt64, perSecond: UInt64, now: Instant) {
    precondition((1...10_000_000_000).contains(capacity))
    precondition(perSecond > 0)
    self.capacity = capacity
    self.perSecond = perSecond
    level = capacity * Self.unit
    updated = now
  }

  /// Takes `count` tokens if there are as many, else none.
  public mutating func take(_ count: UInt64, now: Instant) -> Bool {
    refill(now)
    guard count <= capacity, count * Self.unit <= level else { return false }
    level -= count * Self.unit
    return true
  }

  /// How long until `take(count)` can succeed: how long to leave a socket unread.
  ///
  /// Nil if it never can, as the bucket holds less.
  public func wait(for count: UInt64, now: Instant) -> Duration? {
    guard count <= capacity else { return nil }
    var refilled = self
    refilled.refill(now)
    let need = count * Self.unit
    guard need > refilled.level else { return .zero }
    let missing = need - refilled.level
    let nanoseconds = missing / perSecond + (missing % perSecond == 0 ? 0 : 1)
    return .nanoseconds(Int64(clamping: nanoseconds))
  }

  /// One token a second is one billionth of a token a nanosecond.
  private mutating func refill(_ now: Instant) {
    guard now > updated else { return }
    let (gain, overflow) = (now.nanoseconds - updated.nanoseconds)
      .multipliedReportingOverflow(by: perSecond)
    let room = capacity * Self.unit - level
    level += overflow ? room : min(gain, room)
    updated = now
  }
}
