public import Kernel
public import Mesh
public import Service

/// What a network hands on, and asks of the node behind it.
///
/// Called on the network's loop.
public struct MeshSink: Sendable {
  let connected: @Sendable (PeerID, MeshPeer) -> Void
  let disconnected: @Sendable (PeerID) -> Void
  let deliver: @Sendable (Verified<MeshMessage>, PeerID, _ cost: Int) -> DriverDelivery
  let logHead: @Sendable () -> UInt64

  /// Where everything goes.
  ///
  /// - Parameters:
  ///   - connected: the other end has shown who it is; its messages follow.
  ///   - disconnected: once for each that was connected.
  ///   - deliver: a message whose signatures hold, and its size.
  ///   - logHead: how far this node's log goes; 0 for a wallet.
  public init(
    connected: @escaping @Sendable (PeerID, MeshPeer) -> Void,
    disconnected: @escaping @Sendable (PeerID) -> Void,
    deliver: @escaping @Sendable (Verified<MeshMessage>, PeerID, _ cost: Int) -> DriverDelivery,
    logHead: @escaping @Sendable () -> UInt64 = { 0 }
  ) {
    self.connected = connected
    self.disconnected = disconnected
    self.deliver = deliver
    self.logHead = logHead
  }
}
