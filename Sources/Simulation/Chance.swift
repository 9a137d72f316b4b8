public import Kernel

/// How likely something is, in parts per million: whole numbers, so that every platform agrees.
public struct Chance: Hashable, Sendable {
  public let perMillion: UInt32

  public static let never = Chance(perMillion: 0)
  public static let always = Chance(perMillion: 1_000_000)

  public init(perMillion: UInt32) {
    precondition(perMillion <= 1_000_000)
    self.perMillion = perMillion
  }

  public static func percent(_ percent: UInt32) -> Self {
    precondition(percent <= 100)
    return Chance(perMillion: percent * 10_000)
  }

  /// Draws only if the outcome is open.
  public func occurs(using random: inout SplitMix64) -> Bool {
    switch perMillion {
    case 0: false
    case 1_000_000: true
    default: random.below(1_000_000) < UInt64(perMillion)
    }
  }
}

/// How long something takes: a uniform draw of whole microseconds between two bounds.
public struct Delay: Hashable, Sendable {
  public let microseconds: ClosedRange<UInt64>

  public static let none = Delay(microseconds: 0...0)

  public init(microseconds: ClosedRange<UInt64>) {
    precondition(microseconds.upperBound <= Delay.microsecondsMax)
    self.microseconds = microseconds
  }

  public static func microseconds(_ range: ClosedRange<UInt64>) -> Self {
    Delay(microseconds: range)
  }

  public static func milliseconds(_ range: ClosedRange<UInt64>) -> Self {
    precondition(range.upperBound <= microsecondsMax / 1000)
    return Delay(microseconds: range.lowerBound * 1000...range.upperBound * 1000)
  }

  public var isNone: Bool { microseconds == 0...0 }

  /// A year: far beyond any run, far below where sums of times overflow.
  private static let microsecondsMax: UInt64 = 365 * 86_400 * 1_000_000

  /// Nanoseconds.
  ///
  /// Draws only if the bounds differ.
  func draw(using random: inout SplitMix64) -> UInt64 {
    let width = microseconds.upperBound - microseconds.lowerBound
    let extra = width == 0 ? 0 : random.below(width + 1)
    return (microseconds.lowerBound + extra) * 1000
  }
}

extension SplitMix64 {
  /// Less than `bound`, by the high half of a product: the same on every toolchain.
  ///
  /// The bias is below `bound / 2^64`, which no simulation notices.
  mutating func below(_ bound: UInt64) -> UInt64 {
    precondition(bound > 0)
    return next().multipliedFullWidth(by: bound).high
  }

  mutating func below(_ bound: Int) -> Int {
    precondition(bound > 0)
    return Int(below(UInt64(bound)))
  }
}
