public import Kernel
import Poseidon2

/// How much work a block has to have, and by which hash it is shown.
public struct WorkRule: Sendable {
  public enum Hash: Sendable {
    case sha256d, poseidon2
    /// No work at all, but for a nonce of zero: for simulations, which draw the times of blocks.
    case simulated
  }

  public enum Retarget: Sendable {
    /// Each block: the target doubles for each half-life, in seconds, that blocks are late.
    case asert(halfLife: Int64)
    /// Every ten blocks, by the time that the last ten took; at most to a quarter or four times.
    case epoch
  }

  public var hash: Hash
  public var retarget: Retarget
  /// Seconds from block to block, as it should be.
  public var interval: Int64
  /// The highest target there can be.
  public var limit: UInt256
  /// The target of block 1, compact; the genesis block has it in its header.
  public var start: UInt32

  public init(_ hash: Hash, _ retarget: Retarget, interval: Int64, limit: UInt256) {
    (self.hash, self.retarget, self.interval, self.limit) = (hash, retarget, interval, limit)
    start = limit.compact
  }

  /// What is compared with the target; of a header whose id is known.
  public func digest(of header: Header, id: Bytes32) -> UInt256 {
    switch hash {
    case .sha256d: UInt256(bigEndian: id)
    case .poseidon2: UInt256(bigEndian: Poseidon2.hash(header.bytes))
    case .simulated: header.nonce == 0 ? .max : .zero
    }
  }

  /// The target of the block after these.
  func bits(after past: Lineage) -> UInt32 {
    let (parent, oldest) = (past.tip.header, past.times[past.times.count - 1])
    guard parent.height > 0, let target = UInt256(compact: parent.bits) else { return start }
    switch retarget {
    case .asert(let halfLife):
      guard let anchor = UInt256(compact: start) else { return start }
      let ideal = Int64(parent.height - 1) * interval
      let late = Int64(parent.time) - Int64(past.tip.anchorTime) - ideal
      return asert(anchor, late: late, halfLife: halfLife).compact
    case .epoch:
      guard parent.height % UInt32(Lineage.count - 1) == 0 else { return parent.bits }
      let ideal = UInt64(interval) * UInt64(Lineage.count - 1)
      let taken = min(max(parent.time, oldest + ideal / 4) - oldest, ideal * 4)
      return min(target.multiplied(by: taken, dividedBy: ideal), limit).compact
    }
  }

  /// The anchor's target times 2^(late / half-life), as aserti3 computes it in 16 bits of fraction.
  func asert(_ anchor: UInt256, late: Int64, halfLife: Int64) -> UInt256 {
    max(.one, min(anchor.scaled(byTwoToThe: late * 65_536 / halfLife), limit))
  }
}
