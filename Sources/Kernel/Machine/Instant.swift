/// A point in time as machines see it: nanoseconds since 1970-01-01 UTC.
///
/// The driver derives it from the monotonic clock, anchored to the wall clock at start, so it
/// never goes back within a run; the simulator counts it up from its own epoch.
public struct Instant: Hashable, Comparable, Sendable {
  public let nanoseconds: UInt64

  public init(nanoseconds: UInt64) {
    self.nanoseconds = nanoseconds
  }

  public init(milliseconds: UInt64) {
    self.nanoseconds = milliseconds.multipliedReportingOverflow(by: 1_000_000).partialValue
  }

  /// Unix time in whole milliseconds, as timestamps on the wire carry it.
  public var milliseconds: UInt64 { nanoseconds / 1_000_000 }

  public static func < (a: Self, b: Self) -> Bool { a.nanoseconds < b.nanoseconds }

  /// Saturates at both ends of the range.
  public static func + (instant: Self, duration: Duration) -> Self {
    let shift = duration.wholeNanoseconds
    if shift >= 0 {
      let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(UInt64(shift))
      return Instant(nanoseconds: overflow ? .max : sum)
    }
    let (difference, overflow) = instant.nanoseconds.subtractingReportingOverflow(
      shift.magnitude
    )
    return Instant(nanoseconds: overflow ? 0 : difference)
  }

  /// The time from `b` to `a`; negative if `a` is earlier.
  public static func - (a: Self, b: Self) -> Duration {
    a >= b
      ? .nanoseconds(Int64(clamping: a.nanoseconds - b.nanoseconds))
      : .nanoseconds(-Int64(clamping: b.nanoseconds - a.nanoseconds))
  }
}

extension Duration {
  /// Whole nanoseconds, saturating at ± 292 years.
  public var wholeNanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    if overflow { return seconds < 0 ? .min : .max }
    let (sum, overflowed) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
    if overflowed { return seconds < 0 ? .min : .max }
    return sum
  }

  /// Whole milliseconds, rounded toward zero.
  public var wholeMilliseconds: Int64 { wholeNanoseconds / 1_000_000 }
}
