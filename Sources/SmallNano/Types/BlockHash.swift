public import Kernel

/// The hash of a block: BLAKE2b-256, personal `smn.block.v1`, over chain id ‖ bytes 0..<152.
public struct BlockHash: Hashable, Comparable, Sendable, BitwiseCopyable, CustomStringConvertible {
  public let bytes: Bytes32

  /// `previous` of an open block, `link` of a change block.
  public static let zero = BlockHash(.zero)

  public init(_ bytes: Bytes32) {
    self.bytes = bytes
  }

  public var isZero: Bool { bytes.isZero }

  public static func < (a: Self, b: Self) -> Bool { a.bytes < b.bytes }

  public var description: String { bytes.hex }
}

/// BLAKE2b-256 over the parameters of a network; it goes into every hash and signature, so nothing
/// replays across networks.
public struct ChainID: Hashable, Sendable, BitwiseCopyable, CustomStringConvertible {
  public let bytes: Bytes32

  public init(_ bytes: Bytes32) {
    self.bytes = bytes
  }

  public var description: String { bytes.hex }
}
