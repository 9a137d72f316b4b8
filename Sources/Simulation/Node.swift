import Kernel

/// A node: the machine while it runs, and what outlives it.
final class Node<M: Machine, Durable> {
  let number: Int
  let clock: NodeClock
  var durable: Durable

  /// Nil while the node is down.
  var machine: M?
  /// Counts crashes.
  ///
  /// What was under way in an earlier incarnation finds another number here.
  var incarnation = 0

  // Lost in a crash.
  var effects = EffectQueue<M>()
  var isSyncing = false
  /// The live timers; a firing counts only with the generation that stands here.
  var timers: [M.Timer: UInt64] = [:]

  /// Effects carried out since the start of the run: the crash points this node has passed.
  var actions = 0
  /// The node crashes instead of carrying out the action of this number.
  var crashPoint: Int?
  /// How long the node stays down after that crash; nil for ever.
  var downTime: UInt64?
  var byzantine: Byzantine<M>?
  /// A generator of its own, so that a hook may call the cluster, which draws from another.
  var byzantineRandom = SplitMix64(seed: 0)

  init(number: Int, clock: NodeClock, durable: Durable) {
    self.number = number
    self.clock = clock
    self.durable = durable
  }
}

/// A node's own clock: off by a constant, and running at its own constant speed.
///
/// It is a growing function of the true time, so it never goes back, restarts included.
struct NodeClock {
  /// The clock's reading at the true time 0.
  let start: Instant
  /// Parts per million; above -1,000,000.
  let drift: Int64

  init(start: Instant, drift: Int64) {
    precondition(drift > -1_000_000)
    self.start = start
    self.drift = drift
  }

  private var speed: UInt128 { UInt128(1_000_000 + drift) }

  func reading(at elapsed: UInt64) -> Instant {
    let passed = drift == 0 ? elapsed : UInt64(UInt128(elapsed) * speed / 1_000_000)
    return Instant(nanoseconds: start.nanoseconds + passed)
  }

  /// The true time that passes while this clock advances by `duration`, rounded up so that a
  /// timer never fires early by the node's own clock.
  func trueNanoseconds(_ duration: Duration) -> UInt64 {
    let local = UInt64(max(duration.wholeNanoseconds, 0))
    return drift == 0 ? local : UInt64((UInt128(local) * 1_000_000 + speed - 1) / speed)
  }
}

extension NodeClock {
  init(world: World, using random: inout SplitMix64) {
    let skewMax = UInt64(max(world.clockSkewMax.wholeNanoseconds, 0))
    precondition(skewMax <= world.epoch.nanoseconds)
    let skew = skewMax == 0 ? 0 : random.below(2 * skewMax + 1)
    let driftMax = UInt64(world.clockDriftMax)
    let drift = driftMax == 0 ? 0 : random.below(2 * driftMax + 1)
    self.init(
      start: Instant(nanoseconds: world.epoch.nanoseconds - skewMax + skew),
      drift: Int64(drift) - Int64(driftMax)
    )
  }
}

/// The effects a node has decided and not yet carried out, in order.
struct EffectQueue<M: Machine> {
  private var items: [Effect<M>] = []
  private var head = 0
  /// The position of `items[0]` in the order of all effects of this incarnation.
  private var base = 0
  /// Writes before this position are durable.
  private(set) var durableEnd = 0

  var isEmpty: Bool { head == items.count }
  var first: Effect<M>? { head < items.count ? items[head] : nil }
  /// Whether the first effect is a write that is already durable, as one of a group.
  var isFirstDurable: Bool { base + head < durableEnd }

  mutating func append(_ effects: [Effect<M>]) {
    items.append(contentsOf: effects)
  }

  mutating func removeFirst() {
    head += 1
    if head == items.count {
      base += head
      head = 0
      items.removeAll(keepingCapacity: true)
    } else if head >= 256, head * 2 >= items.count {
      items.removeFirst(head)
      base += head
      head = 0
    }
  }

  /// The first `countMax` waiting writes and the position behind the last of them.
  func waitingWrites(countMax: Int) -> (changes: [M.Change], end: Int) {
    var changes: [M.Change] = []
    var end = base + head
    for index in head..<items.count {
      if changes.count == countMax { break }
      if case .persist(let change) = items[index], base + index >= durableEnd {
        changes.append(change)
        end = base + index + 1
      }
    }
    return (changes, end)
  }

  mutating func markDurable(before end: Int) {
    precondition(end >= durableEnd)
    durableEnd = end
  }
}
