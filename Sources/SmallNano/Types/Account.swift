public import EdDSA
public import Kernel

/// An account: its Ed25519 public key.
///
/// Also how a representative is named.
public struct Account: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  public let key: PublicKey

  /// All zero.
  ///
  /// It can be sent to, never opened.
  public static let burn = Account(PublicKey(.zero))

  public init(_ key: PublicKey) {
    self.key = key
  }

  public init(_ bytes: Bytes32) {
    key = PublicKey(bytes)
  }

  public var bytes: Bytes32 { key.bytes }

  /// The next account in order, for scans in pages; nil after the last.
  public var successor: Account? {
    var bytes = self.bytes.bytes
    for index in bytes.indices.reversed() {
      bytes[index] &+= 1
      if bytes[index] != 0 { return Bytes32(bytes).map { Account($0) } }
    }
    return nil
  }

  public static func < (a: Self, b: Self) -> Bool { a.key < b.key }

  /// The address.
  public var description: String { address }
}
