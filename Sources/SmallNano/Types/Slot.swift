/// The number of a block in its account's chain; the open block is 1.
public struct Height: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  public let number: UInt64

  public static let open = Height(1)

  public init(_ number: UInt64) {
    self.number = number
  }

  /// Saturates, so that a hostile 2^64 - 1 cannot trap; no chain gets there.
  public var next: Height { Height(number == .max ? .max : number + 1) }

  /// Nil for the open block (and for 0, which no block has).
  public var previous: Height? { number > 1 ? Height(number - 1) : nil }

  public static func < (a: Self, b: Self) -> Bool { a.number < b.number }

  public var description: String { number.description }
}

/// One place in one account's chain: what an election decides about.
public struct Slot: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  public let account: Account
  public let height: Height

  public init(account: Account, height: Height) {
    self.account = account
    self.height = height
  }

  public static func < (a: Self, b: Self) -> Bool {
    a.account != b.account ? a.account < b.account : a.height < b.height
  }

  public var description: String { "\(account) height \(height)" }
}
