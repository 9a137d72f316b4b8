/// How a message came to be.
struct Sending: Hashable, Sendable {
  enum Author: Sendable {
    /// Somebody outside, or a contract that writes what bytes it likes.
    case anyone
    /// A Lisp machine, which encodes the facets that it has and no other.
    case lisp
    /// A Lisp machine, through a facet that names the message.
    case facet
  }

  var author = Author.anyone
  /// The contract called, and those it calls, change nothing.
  var isView = false
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
