public import Kernel
public import TinyChain

/// One atomic, durable write of a node: its operations in their order.
public struct NodeChange: Sendable {
  public enum Operation: Sendable {
    /// New headers, each after its parent, to be kept as they are.
    case headers([HeaderEntry])
    /// The branch that ends here has most work: `HeaderSource.best(at:)` goes along it.
    case best(Bytes32)
    /// The transactions of a block whose header is kept; it may stay off the chain for ever.
    case body(Bytes32, [[UInt8]])
    /// The chain goes back over these blocks, newest first, and on with those, oldest first.
    ///
    /// What is undone is kept: the chain may turn to it again.
    case moved(undone: [Bytes32], applied: [ExecutedBlock])
    /// This block fails: neither it nor what comes after it is ever tried again.
    case invalid(Bytes32)
    /// Transactions that wait for a block, be it again.
    case pooled([SignedTransaction])
    /// They wait no more, or never were stored.
    case unpooled([Bytes32])
    /// A ban, perhaps in place of an older one; those that are over by `now` may be forgotten.
    case banned(Ban, now: Instant)
    /// Takes the place of the addresses that were kept.
    case addresses([SocketAddress])
  }

  public internal(set) var operations: [Operation]

  public init(_ operations: [Operation] = []) { self.operations = operations }

  public var isEmpty: Bool { operations.isEmpty }
}

/// What a node has stored, as `PeerMachine` reads it.
///
/// The store holds all changes of earlier inputs whenever the machine is given one; what changed in
/// the course of an input the machine remembers until it ends.
public protocol NodeStore: HeaderSource {
  /// Nil if the body is not there.
  func body(of id: Bytes32) -> [[UInt8]]?
  func hasBody(_ id: Bytes32) -> Bool
  /// What a block of the chain has changed; nil if it is not on the chain.
  func changes(of id: Bytes32) -> [StateChange]?
  /// The machine has decided on a change.
  ///
  /// For a store in memory, which takes it in at once; nothing for one that the driver writes.
  func note(_ change: NodeChange)
}

extension NodeStore {
  public func note(_ change: NodeChange) {}
}
