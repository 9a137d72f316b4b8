import Glibc
public import Kernel

/// The clock of every loop: it shows the time of day and never goes back.
///
/// It is the monotonic clock, set to the wall clock once, when first read. A later correction of
/// the wall clock does not move it, so that no timer fires early and no deadline passes twice.
public enum SystemClock {
  public static var now: Instant {
    Instant(nanoseconds: read(CLOCK_MONOTONIC) &+ offset)
  }

  private static let offset = read(CLOCK_REALTIME) &- read(CLOCK_MONOTONIC)

  private static func read(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
