public import Kernel

/// What a Byzantine node does to the messages of the honest machine it runs.
///
/// Replacing, suppressing and repeating messages for each destination separately, and sending
/// whatever it can make, is all that others can see of a faulty node. To let it act on its own,
/// call `Cluster.inject` from a script.
public struct Byzantine<M: Machine> {
  /// What is sent instead of a message to a node: nothing, the message itself, others.
  public let outgoing: (_ message: M.Message, _ to: Int, _ random: inout SplitMix64) -> [M.Message]
  /// What the node sends to whom because of a message it received, besides what its machine does.
  public let incoming:
    (_ message: M.Message, _ from: Int, _ random: inout SplitMix64) -> [(to: Int, M.Message)]

  public init(
    outgoing:
      @escaping (_ message: M.Message, _ to: Int, _ random: inout SplitMix64) -> [M.Message] =
      { message, _, _ in [message] },
    incoming:
      @escaping (
        _ message: M.Message, _ from: Int, _ random: inout SplitMix64
      ) -> [(to: Int, M.Message)] = { _, _, _ in [] }
  ) {
    self.outgoing = outgoing
    self.incoming = incoming
  }

  /// Receives, and never says anything.
  public static var silent: Self { Byzantine(outgoing: { _, _, _ in [] }) }
}

extension Cluster {
  /// Makes a node Byzantine, or honest again with nil.
  public func setByzantine(_ node: Int, _ byzantine: Byzantine<M>?) {
    nodes[node].byzantine = byzantine
    nodes[node].byzantineRandom = SplitMix64(seed: random.next())
  }

  public func isByzantine(_ node: Int) -> Bool { nodes[node].byzantine != nil }

  /// Sends a message over the present connection of two nodes, as a Byzantine one would.
  ///
  /// It is past the sender's `outgoing` hook. Returns false if they are not connected.
  @discardableResult
  public func inject(_ message: M.Message, from: Int, to: Int) -> Bool {
    guard from != to, let peer = peer(of: from, to: to) else { return false }
    transmit(message, Int(peer.number), isHonest: false)
    return true
  }
}
