public import Kernel

/// The world as a driver needs it: the disk below the machine, the peers around it, and observers.
///
/// All calls come on the driver's loop, in the order in which the machine asked for them. None may
/// wait, but for `commit`, which the driver waits for by design.
public protocol DriverHost<M>: Sendable {
  associatedtype M: Machine

  /// Whether what the machine read is to be believed.
  ///
  /// Called after each decision, before anything of it leaves. Throws if the store has failed.
  func check() throws
  /// Makes the changes durable that the machine has decided since the last commit, in order.
  ///
  /// A machine that applied them to its store already needs no more than the disk's sync. Throws if
  /// that cannot be: then nothing that stood behind the changes leaves, ever.
  func commit(_ changes: [M.Change]) throws
  /// Sends to a peer; one that is gone misses it.
  func send(_ message: M.Message, to peer: PeerID)
  func broadcast(_ message: M.Message, to peers: [PeerID])
  /// Closes a connection; `Driver.disconnected` follows, once.
  func disconnect(_ peer: PeerID, _ reason: DisconnectReason)
  func report(_ event: M.Event)
  /// A peer whose message was refused may deliver again.
  func hasRoom(for peer: PeerID)
  /// The driver has stopped because of this, and does nothing more.
  func failed(_ failure: any Error)
}

/// What a driver holds and does at a time.
public struct DriverLimits: Sendable {
  /// Peers that can have messages waiting.
  public var peersMax = 128
  /// Messages of one peer that wait.
  ///
  /// Enough to bridge a sync of a slow disk, 20 ms, at 10,000 a second.
  public var messagesPerPeer = 256
  /// The sum of their costs, in bytes on the wire: two of the largest frames.
  public var costPerPeer = 131_072
  /// Served of one peer before the next: a dozen of the smallest frames.
  public var quantum = 4096
  /// Inputs whose changes share a commit.
  public var groupMax = 256
  /// How long inputs gather for a commit while more of them wait.
  public var groupTime = Duration.milliseconds(5)

  public init() {}
}

/// What became of a message given to a driver.
public enum DriverDelivery: Hashable, Sendable {
  case taken
  /// Refused; try again after `DriverHost.hasRoom(for:)`.
  case full
  /// The peer is not connected, or the driver has stopped.
  case gone
}

/// Why a command has no reply.
public enum DriverFailure: Error, Hashable, CustomStringConvertible {
  case stopped
  /// Whether the command took effect is known after a restart only.
  case failed(String)

  public var description: String {
    switch self {
    case .stopped: "the node is stopping"
    case .failed(let problem): "the node has failed: \(problem)"
    }
  }
}

/// Counts since the start.
public struct DriverStatistics: Hashable, Sendable {
  public internal(set) var inputs: UInt64 = 0
  public internal(set) var commits: UInt64 = 0
  /// Changes made durable; divided by `commits`, what a group held.
  public internal(set) var changes: UInt64 = 0
  /// Time spent in commits.
  public internal(set) var commitTime = Duration.zero
  /// The longest of them.
  public internal(set) var commitTimeMax = Duration.zero
}
