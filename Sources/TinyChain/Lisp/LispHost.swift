/// What Lisp contracts need of the chain beyond what all do.
public protocol LispHost: ContractHost {
  /// A state variable or an entry of a table, by its key of at most `LispGas.keyMax` bytes.
  func entry(_ key: [UInt8], of contract: Address) -> [UInt8]?
  /// Nil removes it.
  mutating func setEntry(_ key: [UInt8], of contract: Address, to value: [UInt8]?)
  /// Adds to a balance; false, with nothing done, unless `contract` is the genesis contract and the
  /// supply stays in range.
  mutating func mint(_ amount: UInt64, to account: Address, by contract: Address) -> Bool
  /// As `call`, saying who wrote the data; and whether a Lisp contract wrote the answer.
  mutating func call(_ call: Call, as sending: Sending) -> (outcome: Outcome, isLisp: Bool)
}

/// How a message came to be.
public struct Sending: Hashable, Sendable {
  public enum Author: Sendable {
    /// Somebody outside, or a contract that writes what bytes it likes.
    case anyone
    /// A Lisp machine, which encodes the facets that it has and no other.
    case lisp
    /// A Lisp machine, through a facet that names the message.
    case facet
  }

  public var author: Author
  /// The contract called, and those it calls, change nothing.
  public var isView: Bool

  public init(author: Author = .anyone, isView: Bool = false) {
    self.author = author
    self.isView = isView
  }
}

/// What steps cost beyond 1 each.
enum LispGas {
  static let allocation: Int64 = 3
  static let mutation: Int64 = 3
  static let entryLoad: Int64 = 20
  static let entryWrite: Int64 = 200
  static let entryFirstWrite: Int64 = 2_000
  /// An entry is paid by as much as a page of a tape holds.
  static let entryUnit = 256
  /// Bytes of a key.
  static let keyMax = 256

  /// For bytes that are looked at.
  static func touch(_ bytes: Int) -> Int64 { Int64((bytes + 31) / 32) }

  static func entryUnits(_ bytes: Int) -> Int64 {
    Int64(max(1, (bytes + entryUnit - 1) / entryUnit))
  }
}
