/// The number of a transition in its account's chain, from 0.
public struct SequenceNumber: Hashable, Comparable, Sendable, BitwiseCopyable,
  CustomStringConvertible
{
  public let number: UInt64

  /// Below 2^63: stores keep signed integers, and `next` cannot overflow.
  public static let end: UInt64 = 1 << 63

  public static let first = SequenceNumber(0)

  public init(_ number: UInt64) { self.number = number }

  public var next: Self { SequenceNumber(number + (number < .max ? 1 : 0)) }

  /// Nil for the first.
  public var previous: Self? { number > 0 ? SequenceNumber(number - 1) : nil }

  public static func < (a: Self, b: Self) -> Bool { a.number < b.number }

  public var description: String { number.description }
}

/// One place in one account's chain: what validators agree about.
public struct Slot: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  public let account: AccountID
  public let sequence: SequenceNumber

  public init(account: AccountID, sequence: SequenceNumber) {
    self.account = account
    self.sequence = sequence
  }

  public static func < (a: Self, b: Self) -> Bool {
    a.account != b.account ? a.account < b.account : a.sequence < b.sequence
  }

  public var description: String { "\(account) sequence \(sequence)" }
}

/// An attempt to settle a slot: 0, unless the owner had to recover it (SPEC-003, 3.8).
public struct Ballot: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  public let number: UInt32

  public static let zero = Ballot(0)

  public init(_ number: UInt32) { self.number = number }

  /// Saturates: who has used up four thousand million ballots has no further one.
  public var next: Self { Ballot(number == .max ? .max : number + 1) }

  /// Past ballots that somebody else chose, in few steps; saturates.
  var doubled: Self { Ballot(number > .max / 2 ? .max : max(2 * number, 1)) }

  public static func < (a: Self, b: Self) -> Bool { a.number < b.number }

  public var description: String { number.description }
}

/// The number of a validator set; 0 is that of the genesis.
public struct Epoch: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  public let number: UInt64

  public static let zero = Epoch(0)

  public init(_ number: UInt64) { self.number = number }

  public static func < (a: Self, b: Self) -> Bool { a.number < b.number }

  public var description: String { number.description }
}

/// A validator's place in its set.
public struct ValidatorIndex: Hashable, Comparable, Sendable, BitwiseCopyable,
  CustomStringConvertible
{
  public let number: UInt16

  public init(_ number: UInt16) { self.number = number }

  public static func < (a: Self, b: Self) -> Bool { a.number < b.number }

  public var description: String { number.description }
}
