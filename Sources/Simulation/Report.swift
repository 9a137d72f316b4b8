public import Kernel

/// What a checker found, and where: the seed and the step lead back to it.
public struct Violation: Error, Hashable, Sendable, CustomStringConvertible {
  public let seed: UInt64
  public let step: Int
  public let elapsed: Duration
  /// The name of the check.
  public let check: String
  public let text: String
  /// The last lines of the trace, if there was one.
  public let tail: [String]

  public init(
    seed: UInt64,
    step: Int,
    elapsed: Duration,
    check: String,
    text: String,
    tail: [String] = []
  ) {
    self.seed = seed
    self.step = step
    self.elapsed = elapsed
    self.check = check
    self.text = text
    self.tail = tail
  }

  public var description: String {
    let place = "seed \(seed), step \(step), \(Trace.text(elapsed)) s"
    return (tail + ["\(place): \(check): \(text)"]).joined(separator: "\n")
  }
}

/// A run that came to its end, in figures.
public struct Report: Hashable, Sendable {
  public let seed: UInt64
  public let steps: Int
  /// Virtual time.
  public let elapsed: Duration
  public let counts: Counts
  public let fingerprint: UInt64
}

/// How often things happened: whether a run met the faults it was meant to.
public struct Counts: Hashable, Sendable {
  /// Decisions of machines.
  public internal(set) var inputs = 0
  public internal(set) var sent = 0
  public internal(set) var delivered = 0
  public internal(set) var lost = 0
  public internal(set) var duplicated = 0
  public internal(set) var retransmitted = 0
  public internal(set) var connections = 0
  public internal(set) var writes = 0
  public internal(set) var syncs = 0
  public internal(set) var timers = 0
  public internal(set) var jobs = 0
  public internal(set) var replies = 0
  public internal(set) var reports = 0
  public internal(set) var crashes = 0
  public internal(set) var partitions = 0
  public internal(set) var cuts = 0

  public init() {}

  public static func += (total: inout Self, other: Self) {
    let fields: [WritableKeyPath<Counts, Int>] = [
      \.inputs, \.sent, \.delivered, \.lost, \.duplicated, \.retransmitted, \.connections,
      \.writes, \.syncs, \.timers, \.jobs, \.replies, \.reports, \.crashes, \.partitions, \.cuts,
    ]
    for field in fields { total[keyPath: field] += other[keyPath: field] }
  }
}

/// A command and what became of it.
public struct ClientRequest<M: Machine>: Sendable {
  public enum Outcome: Sendable {
    /// Its time has not come.
    case planned
    case waiting
    /// The node was down.
    case refused
    /// The node crashed before it answered; the command may have had its effect all the same.
    case lost
    /// `after` counts from the start of the run.
    case replied(M.Reply, after: Duration)

    var isWaiting: Bool {
      if case .waiting = self { true } else { false }
    }
  }

  public let node: Int
  public internal(set) var outcome = Outcome.planned

  public var reply: M.Reply? {
    if case .replied(let reply, _) = outcome { reply } else { nil }
  }
}
