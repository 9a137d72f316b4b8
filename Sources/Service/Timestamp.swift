import Glibc
public import Kernel

extension Instant {
  /// The wall clock.
  ///
  /// For logs and start-up only: it may go back; the driver's clock does not.
  static func wallClock() -> Instant { read(CLOCK_REALTIME) }

  /// Time since the machine started: for deadlines only.
  static func monotonic() -> Instant { read(CLOCK_MONOTONIC) }

  private static func read(_ clock: clockid_t) -> Instant {
    var time = timespec()
    clock_gettime(clock, &time)
    return Instant(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
  }

  /// RFC 3339 in UTC to the millisecond: `2026-01-31T23:59:59.123Z`, always 24 characters.
  ///
  /// An instant reaches to the year 2554, so the year always has four digits.
  public var rfc3339: String {
    let seconds = nanoseconds / 1_000_000_000
    let (year, month, day) = Self.civil(daysSince1970: seconds / 86_400)
    let ofDay = seconds % 86_400
    var text: [UInt8] = []
    text.reserveCapacity(24)
    func append(_ value: UInt64, digits: Int) {
      var scale: UInt64 = 1
      for _ in 1..<digits { scale *= 10 }
      while scale > 0 {
        text.append(UInt8(ascii: "0") + UInt8(value / scale % 10))
        scale /= 10
      }
    }
    append(year, digits: 4)
    text.append(UInt8(ascii: "-"))
    append(month, digits: 2)
    text.append(UInt8(ascii: "-"))
    append(day, digits: 2)
    text.append(UInt8(ascii: "T"))
    append(ofDay / 3600, digits: 2)
    text.append(UInt8(ascii: ":"))
    append(ofDay / 60 % 60, digits: 2)
    text.append(UInt8(ascii: ":"))
    append(ofDay % 60, digits: 2)
    text.append(UInt8(ascii: "."))
    append(nanoseconds / 1_000_000 % 1000, digits: 3)
    text.append(UInt8(ascii: "Z"))
    return String(decoding: text, as: UTF8.self)
  }

  /// The Gregorian date, with years that start in March so that the leap day comes last.
  ///
  /// 153 days are five months from March: 31, 30, 31, 30, 31.
  private static func civil(
    daysSince1970 days: UInt64
  ) -> (year: UInt64, month: UInt64, day: UInt64) {
    let sinceMarch0 = days + 719_468  // days from 0000-03-01 to 1970-01-01
    let (era, ofEra) = sinceMarch0.quotientAndRemainder(dividingBy: 146_097)  // 400 years
    let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
    let dayOfYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
  }
}
