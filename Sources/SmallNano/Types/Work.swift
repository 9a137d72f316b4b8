public import Kernel

/// The toll on a block: a nonce whose hash with the block's root is high.
public enum Work {
  /// `UInt64(littleEndian: BLAKE2b-64(nonce 8 ‖ root 32))`.
  ///
  /// The work is valid if this is at least the threshold of the block's kind.
  public static func value(nonce: UInt64, root: Bytes32) -> UInt64 {
    var hash = BLAKE2b(capacity: 40)
    hash.update(integer: nonce)
    hash.update(root)
    var value: UInt64 = 0
    for byte in hash.finalize(size: 8).reversed() {
      value = value << 8 | UInt64(byte)
    }
    return value
  }
}

extension Block {
  /// What its nonce is worth, to be compared with a threshold.
  public var workValue: UInt64 { Work.value(nonce: work, root: root) }
}
