import Kernel
import TinyChain

/// All that the machine keeps of one connection; every table has a bound.
struct Peer: Sendable {
  /// What was asked and is not answered yet.
  struct Question: Sendable {
    let request: PeerRequest
    /// When the answer no longer counts.
    let deadline: Instant
  }

  /// Questions to one peer at once: one of each kind, and some pushes.
  static let questionsMax = 16
  /// Transactions remembered as known to a peer: 4,096 × ~100 bytes; what is forgotten is offered
  /// again, which costs 32 bytes.
  static let knownMax = 4_096
  /// Bodies that a peer said it has not.
  static let lacksMax = 1_024
  /// Requests that may stay unanswered one after another before the peer loses its place.
  static let stallsMax = 3
  /// A unit is some 50 µs of work, as for a signature: a burst of a fifth of a second, then one part
  /// in a hundred of a core.
  static let unitsMax: UInt64 = 4_000
  static let unitsPerSecond: UInt64 = 200

  let id: PeerID
  let link: PeerLink
  /// Nil until it has said hello.
  var hello: Hello?
  /// The most that it claims or has shown.
  var work = UInt256.zero
  /// That, when it was last asked for headers: so much its answers have to show.
  var claim = UInt256.zero
  var questions: [UInt64: Question] = [:]
  var score = 0
  var stalls = 0
  var units: TokenBucket
  /// Transactions that it has, blocks that it knows of.
  var known = RecentSet(Peer.knownMax)
  var blocks = RecentSet(64)
  var lacks = RecentSet(Peer.lacksMax)
  /// Transactions to be offered to it.
  var offers: [Bytes32] = []
  var sync: HeaderSync?
  /// Not asked before, as it was busy.
  var busyUntil = Instant(nanoseconds: 0)
  var nextPoll: Instant

  init(_ id: PeerID, _ link: PeerLink, now: Instant) {
    (self.id, self.link, nextPoll) = (id, link, now)
    units = TokenBucket(capacity: Self.unitsMax, perSecond: Self.unitsPerSecond, now: now)
  }

  mutating func shows(_ work: UInt256) { self.work = max(self.work, work) }

  func isAsked(_ isMeant: (PeerRequest) -> Bool) -> Bool {
    questions.values.contains { isMeant($0.request) }
  }
}

/// A branch of which a peer shows header after header, and which has not yet more work than the chain.
///
/// Its work is counted first and nothing of it kept but the last id of each message. As an id commits
/// to all before it, that is enough to know the headers again when, with enough work shown, they are
/// asked for a second time and stored. So work that was not done costs no disk and no memory.
struct HeaderSync: Sendable {
  /// Messages of 2,000 headers: eight million, four years at 15 s, in 128 KB.
  static let messagesMax = 4_096

  /// Where the branch leaves what is known.
  let fork: Bytes32
  /// Of the branch as far as it was shown.
  var work: UInt256
  var height: UInt32
  /// The last id of each message.
  var ends: [Bytes32] = []
  /// Of the second time: messages taken in.
  var taken: Int?

  /// What the next headers have to follow.
  var last: Bytes32 {
    guard let taken else { return ends.last ?? fork }
    return taken == 0 ? fork : ends[taken - 1]
  }
}
