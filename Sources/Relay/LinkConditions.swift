import Kernel

/// What a link does to what passes it, in one direction.
public struct LinkConditions: Hashable, Sendable {
  /// How long everything takes.
  public var delay: Duration
  /// What is added to it at most; each time another part of it, evenly spread.
  ///
  /// More than the gap between two datagrams lets the second overtake the first.
  public var jitter: Duration
  /// Of a million datagrams, those that are lost on the average.
  public var lossPerMillion: UInt32

  /// Nothing is lost and nothing takes longer, unless it is said.
  public init(delay: Duration = .zero, jitter: Duration = .zero, lossPerMillion: UInt32 = 0) {
    precondition(delay >= .zero)
    precondition(jitter >= .zero)
    precondition(lossPerMillion <= 1_000_000)
    self.delay = delay
    self.jitter = jitter
    self.lossPerMillion = lossPerMillion
  }
}

/// Draws what happens to each thing that passes in one direction.
///
/// Pure: equal seeds give equal fates in equal order.
public struct LinkFates: Sendable {
  private let conditions: LinkConditions
  private let jitterMax: UInt64
  private var random: SplitMix64

  public init(_ conditions: LinkConditions, seed: UInt64) {
    self.conditions = conditions
    jitterMax = UInt64(clamping: conditions.jitter.wholeNanoseconds)
    random = SplitMix64(seed: seed)
  }

  /// How long the next datagram takes; nil if it is lost.
  public mutating func next() -> Duration? {
    // Both are drawn for every datagram: whether one is lost does not shift the fates of the rest.
    let isLost = UInt32.random(in: 0..<1_000_000, using: &random) < conditions.lossPerMillion
    let jitter = UInt64.random(in: 0...jitterMax, using: &random)
    return isLost ? nil : conditions.delay + .nanoseconds(Int64(clamping: jitter))
  }

  /// How long the next piece of a stream takes, which is never lost.
  ///
  /// A loss shows as lateness: the sender learns of it and sends again, a round trip later and not
  /// before the 200 ms that Linux waits at least.
  public mutating func nextOfStream() -> Duration {
    next() ?? conditions.delay * 3 + .milliseconds(200)
  }
}

/// The links from many callers to one place: in both directions the same conditions, and for each
/// caller fates of his own.
struct LinkSeeds {
  private var random: SplitMix64

  init(_ seed: UInt64) {
    random = SplitMix64(seed: seed)
  }

  /// Of the next caller: towards the place, and back.
  mutating func next(_ conditions: LinkConditions) -> (there: LinkFates, back: LinkFates) {
    (
      LinkFates(conditions, seed: random.next()),
      LinkFates(conditions, seed: random.next())
    )
  }
}
