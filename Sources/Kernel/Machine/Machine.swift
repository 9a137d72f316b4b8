/// A protocol core: a deterministic state machine without I/O, clock or randomness of its own.
///
/// The driver (real sockets and disk) and the simulator interpret the same machine. Everything
/// that happens arrives as an `Input`, everything it wants done leaves as an `Effect`; two runs
/// over equal inputs give equal effects in equal order.
public protocol Machine: Sendable {
  /// What authentication established about a peer, for example its node key.
  associatedtype Identity: Sendable
  /// What peers say, decoded and authenticated.
  associatedtype Message: Sendable
  /// What operator, wallet and RPC ask.
  associatedtype Command: Sendable
  associatedtype Reply: Sendable
  associatedtype Timer: Hashable & Sendable
  /// One atomic, durable write.
  associatedtype Change: Sendable
  /// Slow and pure work: proof of work, proof checks, contract runs.
  associatedtype Job: Computation
  /// What observers are told: metrics, logs, wallets waiting for a confirmation.
  associatedtype Event: Sendable

  /// Decides. Called by one owner, never concurrently; `now` never goes back.
  mutating func handle(_ input: Input<Self>, now: Instant) -> [Effect<Self>]
}

/// One connection to a peer, numbered by the interpreter and never reused within a run.
public struct PeerID: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let number: UInt64

  public init(_ number: UInt64) {
    self.number = number
  }

  public static func < (a: Self, b: Self) -> Bool { a.number < b.number }

  public var description: String { "peer \(number)" }
}

/// Ties a reply to the command that asked for it.
public struct RequestID: Hashable, Comparable, Sendable {
  public let number: UInt64

  public init(_ number: UInt64) {
    self.number = number
  }

  public static func < (a: Self, b: Self) -> Bool { a.number < b.number }
}

/// Ties a finished job to the effect that started it.
///
/// The machine numbers its jobs.
public struct JobID: Hashable, Comparable, Sendable {
  public let number: UInt64

  public init(_ number: UInt64) {
    self.number = number
  }

  public static func < (a: Self, b: Self) -> Bool { a.number < b.number }
}

public enum Input<M: Machine>: Sendable {
  case connected(PeerID, M.Identity)
  case disconnected(PeerID)
  case received(M.Message, from: PeerID)
  case submitted(M.Command, RequestID)
  case fired(M.Timer)
  case finished(M.Job.Output, JobID)
}

/// What a machine wants done, in order.
///
/// `persist` is durable before any effect after it starts: that is what makes a vote safe. The
/// machine itself sees its change at once (it applied the change to its store when it decided);
/// a crash loses every change whose `persist` had not been carried out, and then nothing that
/// stood behind it has been seen by anyone.
public enum Effect<M: Machine>: Sendable {
  case persist(M.Change)
  case send(M.Message, to: PeerID)
  /// The same message to several peers, encoded once. The machine chose them, in this order.
  case broadcast(M.Message, to: [PeerID])
  case disconnect(PeerID, DisconnectReason)
  /// Replaces a timer that is equal.
  case setTimer(M.Timer, after: Duration)
  case cancelTimer(M.Timer)
  case start(M.Job, JobID)
  case reply(M.Reply, RequestID)
  case report(M.Event)
}

/// Slow and pure work, run outside the machine's loop.
public protocol Computation: Sendable {
  associatedtype Output: Sendable

  func run() -> Output
}

/// The job of a machine that has none.
public enum NoJob: Computation {
  public func run() -> Never {
    switch self {}
  }
}

/// Why a machine closes a connection: one log line for the operator.
public struct DisconnectReason: Hashable, Sendable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) {
    self.description = description
  }
}
