public import Kernel

/// The world a cluster lives in before faults are added: network, disks, clocks and bounds.
public struct World: Sendable {
  /// What a connection promises.
  public enum Delivery: Sendable {
    /// As TCP: in order and complete, up to the moment the connection ends. A lost packet is sent
    /// again and arrives late, with all that stands behind it.
    case reliable
    /// As datagrams: each message may be lost, delivered twice, or overtake another.
    case lossy
  }

  public var delivery = Delivery.reliable
  /// All links, unless `Cluster.setLink` says otherwise.
  public var link = LinkConditions()
  /// From "both ends could be connected" to `.connected`, drawn for each end.
  public var connecting = Delay.milliseconds(1...50)
  /// From the end of a connection to the far end's `.disconnected`, drawn for each end.
  public var detection = Delay.milliseconds(0...200)
  public var disk = DiskConditions()
  /// How long a job takes.
  public var jobs = Delay.milliseconds(1...20)
  /// Each node's clock is off by a constant within ± this.
  public var clockSkewMax = Duration.zero
  /// Each node's clock runs faster or slower by a constant within ± this, in parts per million.
  public var clockDriftMax: UInt32 = 0
  /// Virtual time at the start: 2026-01-01.
  public var epoch = Instant(milliseconds: 1_767_225_600_000)
  /// Steps in one run; one more is a violation, for what takes that long has gone in circles.
  public var stepsMax = 2_000_000
  /// Keep every message of the run in `Cluster.sent`, not only those of the current step.
  public var keepsSentMessages = false

  public init() {}
}

/// One direction between two nodes.
public struct LinkConditions: Hashable, Sendable {
  public var delay = Delay.milliseconds(1...20)
  /// In reliable mode a loss costs `retransmission` instead of the message.
  public var loss = Chance.never
  /// In lossy mode only.
  public var duplication = Chance.never
  /// What a lost packet costs in reliable mode.
  public var retransmission = Delay.milliseconds(200...400)

  public init() {}

  public init(
    delay: Delay,
    loss: Chance = .never,
    duplication: Chance = .never,
    retransmission: Delay = .milliseconds(200...400)
  ) {
    self.delay = delay
    self.loss = loss
    self.duplication = duplication
    self.retransmission = retransmission
  }
}

/// What a durable write costs.
public struct DiskConditions: Hashable, Sendable {
  /// From the start of a write to its being durable.
  ///
  /// With `Delay.none` a `persist` is durable at once.
  public var sync = Delay.milliseconds(0...10)
  /// The writes waiting when the disk becomes free share one sync, atomically, up to this many;
  /// how many is drawn each time, so that a crash also falls between them.
  public var groupMax = 16

  public init() {}

  public init(sync: Delay, groupMax: Int = 16) {
    precondition(groupMax > 0)
    self.sync = sync
    self.groupMax = groupMax
  }
}
