/// A quantity of money in raw: 1 smn = 10^24 raw, 1 msmn = 10^21 raw; the supply is 10^31 raw.
public struct Amount: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  public let raw: UInt128

  public static let zero = Amount(raw: 0)
  public static let rawPerSMN: UInt128 = 1_000_000_000_000_000_000_000_000

  public init(raw: UInt128) {
    self.raw = raw
  }

  /// Reads a decimal number of raw as JSON strings carry it.
  ///
  /// One text per amount: digits only, no sign, no leading zero. Nil for anything else, and above
  /// 2^128 - 1.
  public init?(rawText text: some StringProtocol) {
    let digits = text.utf8
    guard let first = digits.first, digits.count <= 39 else { return nil }
    guard first != UInt8(ascii: "0") || digits.count == 1 else { return nil }
    var value: UInt128 = 0
    for digit in digits {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, overflowed) = product.addingReportingOverflow(UInt128(digit - UInt8(ascii: "0")))
      guard !overflow, !overflowed else { return nil }
      value = sum
    }
    raw = value
  }

  /// Reads a decimal number of smn with at most 24 places, as people write it: `12.5`.
  public init?(smnText text: some StringProtocol) {
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = Amount(rawText: parts[0]) else { return nil }
    var places: Substring.UTF8View.SubSequence = Substring("").utf8[...]
    if parts.count == 2 {
      places = Substring(parts[1]).utf8[...]
      guard (1...24).contains(places.count) else { return nil }
    }
    var fraction: UInt128 = 0
    var unit = Self.rawPerSMN
    for digit in places {
      guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
      unit /= 10
      fraction += UInt128(digit - UInt8(ascii: "0")) * unit
    }
    let (scaled, overflow) = whole.raw.multipliedReportingOverflow(by: Self.rawPerSMN)
    let (sum, overflowed) = scaled.addingReportingOverflow(fraction)
    guard !overflow, !overflowed else { return nil }
    raw = sum
  }

  public static func < (a: Self, b: Self) -> Bool { a.raw < b.raw }

  /// Nil if the sum does not fit 128 bits.
  public func adding(_ other: Self) -> Self? {
    let (sum, overflow) = raw.addingReportingOverflow(other.raw)
    return overflow ? nil : Amount(raw: sum)
  }

  /// Nil if `other` is more.
  public func subtracting(_ other: Self) -> Self? {
    let (difference, overflow) = raw.subtractingReportingOverflow(other.raw)
    return overflow ? nil : Amount(raw: difference)
  }

  /// Traps on overflow: for sums that the supply bounds, never for a peer's numbers.
  public static func + (a: Self, b: Self) -> Self { Amount(raw: a.raw + b.raw) }

  /// Traps below zero: for sums that the supply bounds, never for a peer's numbers.
  public static func - (a: Self, b: Self) -> Self { Amount(raw: a.raw - b.raw) }

  public static func += (a: inout Self, b: Self) { a = a + b }

  public static func -= (a: inout Self, b: Self) { a = a - b }

  /// Decimal raw.
  public var description: String { raw.description }

  /// Decimal smn without trailing zeros: `12.5`.
  public var smn: String {
    let (whole, fraction) = raw.quotientAndRemainder(dividingBy: Self.rawPerSMN)
    guard fraction > 0 else { return whole.description }
    var places = fraction.description
    places = String(repeating: "0", count: 24 - places.utf8.count) + places
    while places.last == "0" { places.removeLast() }
    return "\(whole).\(places)"
  }
}
