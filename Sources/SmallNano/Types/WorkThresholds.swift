/// How much work a block must show: `value >= threshold`.
public struct WorkThresholds: Hashable, Sendable {
  /// For send and change blocks.
  public let send: UInt64
  /// For open and receive blocks.
  ///
  /// The lower one, so also what is asked before the kind is known.
  public let receive: UInt64

  /// Mean 2^21 hashes for send and change, 2^18 for open and receive.
  public static let full = WorkThresholds(
    send: 0xffff_f800_0000_0000,
    receive: 0xffff_c000_0000_0000
  )

  /// Mean 2^8 and 2^6 hashes.
  public static let dev = WorkThresholds(
    send: 0xff00_0000_0000_0000,
    receive: 0xfc00_0000_0000_0000
  )

  public init(send: UInt64, receive: UInt64) {
    self.send = send
    self.receive = receive
  }

  public func threshold(for kind: BlockKind) -> UInt64 {
    switch kind {
    case .send, .change: send
    case .open, .receive, .epoch: receive
    }
  }
}
