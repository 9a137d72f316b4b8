/// The honest owner's wallet, as far as it decides what is asked of validators (`MeshWallet`).
///
/// Values are those of its slot: 0 and 1. What it has once sent may arrive at any time from then on.
struct ModelWallet: Equatable {
  enum Phase: UInt32 {
    /// Nothing signed yet, or restored and not yet begun.
    case idle
    case collecting
    case recovering
    /// Two of its transitions have votes: nothing more can be proposed.
    case blocked
  }

  var phase = Phase.idle
  /// The transition it is at work on: durable before it is sent.
  var pending: Int?
  /// In which votes or acks are being collected.
  var ballot = 0
  /// The highest ballot in which it may propose; durable with what justifies it.
  var justified = 0
  /// Which certificate of the other account it claims from; nil before there was one.
  var source: Int?
  /// Bit by value: all it ever signed, what it has forgotten too.
  var signed: UInt32 = 0
  /// Bit 4·value + ballot.
  var voteRequests: UInt32 = 0
  /// Bit by ballot.
  var ballotRequests: UInt32 = 0
  var lossesLeft = 0
  var isRestored = false

  init(lossesLeft: Int) {
    precondition(lossesLeft < 4)
    self.lossesLeft = lossesLeft
  }

  init(_ packed: UInt32) {
    func field(_ start: UInt32, _ mask: UInt32) -> Int { Int(packed >> start & mask) }
    phase = Phase(rawValue: packed & 3) ?? .idle
    pending = field(2, 3) == 0 ? nil : field(2, 3) - 1
    ballot = field(4, 3)
    justified = field(6, 3)
    source = field(8, 3) == 0 ? nil : field(8, 3) - 1
    signed = packed >> 10 & 3
    voteRequests = packed >> 12 & 0xff
    ballotRequests = packed >> 20 & 0xf
    lossesLeft = field(24, 3)
    isRestored = field(26, 1) == 1
  }

  var packed: UInt32 {
    var bits = phase.rawValue
    bits |= UInt32((pending.map { $0 + 1 } ?? 0) << 2)
    bits |= UInt32(ballot << 4) | UInt32(justified << 6)
    bits |= UInt32((source.map { $0 + 1 } ?? 0) << 8)
    bits |= signed << 10 | voteRequests << 12 | ballotRequests << 20
    bits |= UInt32(lossesLeft << 24) | (isRestored ? 1 << 26 : 0)
    return bits
  }

  /// Makes a transition durable and asks for votes in a ballot it may propose in.
  mutating func propose(_ value: Int, in ballot: Int) {
    phase = .collecting
    pending = value
    self.ballot = ballot
    signed |= 1 << UInt32(value)
    voteRequests |= 1 << UInt32(4 * value + ballot)
  }

  mutating func recover(at ballot: Int) {
    phase = .recovering
    self.ballot = ballot
    ballotRequests |= 1 << UInt32(ballot)
  }

  /// What a quorum of acks with these reports leads to (`BallotJustification`).
  mutating func conclude(reported: Int) {
    switch reported {
    case 0:
      justified = ballot
      // A wallet that has forgotten makes another than the one it made before.
      propose(pending ?? (signed & 1 == 0 ? 0 : 1), in: ballot)
    case 1, 2:
      justified = ballot
      propose(reported - 1, in: ballot)
    default:
      phase = .blocked
    }
  }

  /// Starts from its words alone.
  mutating func loseDatabase() {
    phase = .idle
    pending = nil
    ballot = 0
    justified = 0
    lossesLeft -= 1
    isRestored = true
  }
}
