/// A quantity of an asset in its smallest unit.
public struct Amount: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  public let units: UInt64

  public static let zero = Amount(0)

  public init(_ units: UInt64) { self.units = units }

  public static func < (a: Self, b: Self) -> Bool { a.units < b.units }

  /// Nil if the sum does not fit 64 bits.
  public func adding(_ other: Self) -> Self? {
    let (sum, overflow) = units.addingReportingOverflow(other.units)
    return overflow ? nil : Amount(sum)
  }

  /// Nil if `other` is more.
  public func subtracting(_ other: Self) -> Self? {
    let (difference, overflow) = units.subtractingReportingOverflow(other.units)
    return overflow ? nil : Amount(difference)
  }

  public var description: String { units.description }
}

/// Which asset; the only one is 1.
public struct AssetID: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  public let number: UInt32

  public init(_ number: UInt32) { self.number = number }

  public static func < (a: Self, b: Self) -> Bool { a.number < b.number }

  public var description: String { number.description }
}

/// How an account or a validator signs.
public enum Suite: UInt8, Sendable, CaseIterable {
  case ed25519 = 0
  /// Ed25519 and ML-DSA-65: specified, and refused wherever something would have to be verified.
  case hybrid = 1
}
