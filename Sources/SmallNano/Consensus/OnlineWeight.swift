import Kernel

/// How much weight is online, now and in the long run: the base of the quorum.
///
/// quorum weight: `weight * 100 >= 67 * D`, D = max(online, trended, floor). Online is the weight of
/// representatives whose hello or vote carries a time within five minutes of now; trended is the
/// median of samples of two weeks, so that a partition does not shrink the quorum of its halves.
struct OnlineWeight: Sendable {
  static let window = Duration.seconds(300)
  static let sampleInterval = Duration.seconds(300)
  /// Two weeks of samples: 4,032 × 24 bytes.
  static let samplesMax = 4032
  static let samplesKept = Duration.seconds(14 * 24 * 3600)
  /// A ten-thousandth of the supply is the least that is watched, so no more can be online.
  static let representativesMax = 10_000
  static let quorumPercent: UInt128 = 67

  private let floor: Amount
  /// Latest time heard, by representative.
  private var heard: [Account: Instant] = [:]
  private var samples: [OnlineSample]
  private var trended: Amount

  init(floor: Amount, samples: [OnlineSample]) {
    self.floor = floor
    self.samples = samples
    trended = Self.median(samples)
  }

  /// True if it was not online before.
  mutating func hear(_ representative: Account, timestamp: UInt64, now: Instant) -> Bool {
    let time = Instant(milliseconds: timestamp)
    let age = now >= time ? now - time : time - now
    guard age <= Self.window else { return false }
    let before = heard[representative]
    guard before != nil || heard.count < Self.representativesMax else { return false }
    // A clock ahead of ours counts from now: its time must not outlast the window.
    let seen = min(time, now)
    heard[representative] = max(before ?? seen, seen)
    return before == nil
  }

  /// Forgets those not heard for the window.
  mutating func expire(now: Instant) {
    heard = heard.filter { now - $0.value <= Self.window }
  }

  /// In order of account.
  func online(now: Instant) -> [Account] {
    heard.filter { now - $0.value <= Self.window }.keys.sorted()
  }

  func onlineWeight(now: Instant, by weight: (Account) -> Amount) -> Amount {
    heard.reduce(.zero) { now - $1.value <= Self.window ? $0 + weight($1.key) : $0 }
  }

  /// D, what two thirds are taken of.
  func base(now: Instant, by weight: (Account) -> Amount) -> Amount {
    max(onlineWeight(now: now, by: weight), trended, floor, Amount(raw: 1))
  }

  var trend: Amount { trended }

  mutating func add(_ sample: OnlineSample) {
    samples.append(sample)
    if samples.count > Self.samplesMax { samples.removeFirst(samples.count - Self.samplesMax) }
    trended = Self.median(samples)
  }

  /// The least weight with `weight * 100 >= 67 * base`.
  static func quorum(of base: Amount) -> Amount {
    // Exact without a product that could overflow: base = 100 a + b.
    let (a, b) = base.raw.quotientAndRemainder(dividingBy: 100)
    return Amount(raw: a * quorumPercent + (b * quorumPercent + 99) / 100)
  }

  private static func median(_ samples: [OnlineSample]) -> Amount {
    guard !samples.isEmpty else { return .zero }
    return samples.map(\.weight).sorted()[samples.count / 2]
  }
}
