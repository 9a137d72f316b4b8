import EventLoop
import Kernel
import Mesh
import MeshNode
import Service
import Synchronization

/// A wallet around its machine: state on disk, validators, and the service that observes.
///
/// `@unchecked Sendable`: `store` is touched by the driver's loop only, as every call here comes
/// from there; the rest is locked or itself safe.
final class WalletHost: DriverHost, @unchecked Sendable {
  typealias M = MeshWallet

  /// What the service hears of, on the driver's loop.
  enum Notice: Sendable {
    /// Made durable between two moments.
    case committed([WalletChange], since: Instant)
    case event(MeshWallet.Event)
    case failed(String)
  }

  private let store: WalletStore
  private let network: MeshNetwork
  private let observer = Mutex<Observer?>(nil)

  /// A function, as a field.
  ///
  /// By itself in a generic place it is wrapped anew at each access, and every call goes through all
  /// wrappers: after some hundred payments the stack ends.
  private struct Observer: Sendable {
    let tell: @Sendable (Notice) -> Void
  }

  init(store: WalletStore, network: MeshNetwork) {
    self.store = store
    self.network = network
  }

  func observe(_ observer: @escaping @Sendable (Notice) -> Void) {
    self.observer.withLock { $0 = Observer(tell: observer) }
  }

  private func tell(_ notice: Notice) {
    observer.withLock { $0 }?.tell(notice)
  }

  /// The store is written to and never read from by the machine.
  func check() {}

  func commit(_ changes: [WalletChange]) throws {
    let start = SystemClock.now
    try store.commit(changes)
    tell(.committed(changes, since: start))
  }

  func send(_ message: Verified<MeshMessage>, to peer: PeerID) {
    network.send(message, to: peer)
  }

  func broadcast(_ message: Verified<MeshMessage>, to peers: [PeerID]) {
    for peer in peers { network.send(message, to: peer) }
  }

  func disconnect(_ peer: PeerID, _ reason: DisconnectReason) {
    network.disconnect(peer, reason)
  }

  func hasRoom(for peer: PeerID) {
    network.hasRoom(for: peer)
  }

  func report(_ event: MeshWallet.Event) { tell(.event(event)) }

  func failed(_ failure: any Error) { tell(.failed("\(failure)")) }
}
