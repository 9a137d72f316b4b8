import Kernel

/// How far a node has come in catching up: before that a block of its own would be work for nothing.
struct CatchUp: Sendable {
  /// How long the chain may stand still before a node mines in spite of what others say they have.
  ///
  /// Who only claims, or keeps bodies back, stops nobody for longer. It is twice the time after which
  /// a branch without bodies makes way.
  static let patience = Duration.seconds(120)
  /// How long a node with nobody to talk to waits for those whom it knows of.
  static let lonePatience = Duration.seconds(10)
  /// So many blocks behind the headers a node catches up once more, be it later in its life.
  ///
  /// Not for less: else a header whose body is kept back would stop all miners but its own.
  static let behindMax: UInt32 = 6

  private var start: Instant?
  /// The chain's last step, or the start.
  private var lastStep = Instant(nanoseconds: 0)
  /// It has been at the end of all that its peers said they have, or has waited in vain.
  private(set) var isDone = false

  mutating func begin(_ now: Instant) {
    guard start == nil else { return }
    (start, lastStep) = (now, now)
  }

  mutating func step(_ now: Instant) { lastStep = now }

  mutating func finish() { isDone = true }

  func isPatient(_ now: Instant) -> Bool { now - lastStep < Self.patience }
  func isYoung(_ now: Instant) -> Bool { start.map { now - $0 < Self.lonePatience } == true }
}
