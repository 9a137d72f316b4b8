public import Kernel

/// An Ed25519 public key as 32 encoded bytes; any 32 bytes may stand here until they are used.
public struct PublicKey: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  public let bytes: Bytes32

  public init(_ bytes: Bytes32) {
    self.bytes = bytes
  }

  public static func < (a: Self, b: Self) -> Bool { a.bytes < b.bytes }

  public var description: String { bytes.hex }
}

/// An Ed25519 signature, R ‖ s.
public struct Signature: Hashable, Sendable, BitwiseCopyable {
  public let bytes: Bytes64

  public static let zero = Signature(.zero)

  public init(_ bytes: Bytes64) {
    self.bytes = bytes
  }
}
