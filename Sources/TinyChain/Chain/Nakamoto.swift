public import Kernel

/// A block as the tree of headers knows it.
public struct HeaderEntry: Hashable, Sendable {
  /// Invalid: it, or one before it, was executed and is not what its header says.
  public enum Status: UInt8, Sendable { case known, executed, invalid }

  public let header: Header
  public let id: Bytes32
  /// Of all blocks from the genesis block to this one.
  public let work: UInt256
  /// The time of block 1 of its branch, from which ASERT counts.
  public let anchorTime: UInt64
  public var status = Status.known

  public init(_ header: Header, id: Bytes32, work: UInt256, anchorTime: UInt64) {
    (self.header, self.id, self.work, self.anchorTime) = (header, id, work, anchorTime)
  }
}

/// What of the past the rules for the next block look at: a block, and the times of the last ones.
public struct Lineage: Sendable {
  /// Ten intervals; and of an odd number one is in the middle.
  static let count = 11

  public let tip: HeaderEntry
  /// Of the tip and up to ten before it, newest first.
  public let times: [UInt64]

  public var medianTime: UInt64 { times.sorted()[times.count / 2] }
}

/// Whoever finds a hash below the target makes the next block, and most work is the chain.
public struct NakamotoSequencer: Sequencer {
  /// Seconds that a block's time may be ahead of a node's clock.
  public static let aheadMax: UInt64 = 60

  public let rule: WorkRule

  public init(_ rule: WorkRule) { self.rule = rule }

  public func draft(after past: Lineage, at time: UInt64, for producer: Address) -> Header {
    let bits = rule.bits(after: past)
    return Header(time: max(time, past.medianTime + 1), producer: producer, bits: bits)
  }

  public func check(_ header: Header, after past: Lineage, at time: UInt64) throws(Rejection) {
    try check(header, id: header.id, after: past, at: time)
  }

  /// The time ahead comes last: so what may yet become right has cost its sender work.
  func check(_ header: Header, id: Bytes32, after past: Lineage, at time: UInt64) throws(Rejection)
  {
    guard header.version == Header.version else { throw .wrongVersion }
    guard header.parent == past.tip.id else { throw .wrongParent }
    guard header.height == past.tip.header.height + 1 else { throw .wrongHeight }
    guard header.time > past.medianTime else { throw .wrongTime }
    guard header.bits == rule.bits(after: past) else { throw .wrongBits }
    guard let target = UInt256(compact: header.bits), rule.digest(of: header, id: id) <= target
    else { throw .wrongWork }
    guard header.time <= time + Self.aheadMax else { throw .timeTooFar }
  }

  public func prefers(_ tip: Lineage, over ours: Lineage) -> Bool { tip.tip.work > ours.tip.work }
  /// More work may come at any height.
  public func finalHeight(below tip: Lineage) -> UInt32 { 0 }
}
