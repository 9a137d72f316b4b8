public import Kernel

/// Remembers what came in lately, so that a flooded message is checked and relayed once.
///
/// A table of fixed size; an entry gives way to the next that falls on its place. The place and the
/// tag come from a hash keyed with a secret of this node, so nobody can make a message that
/// collides with another's. A wrong "seen", one in 2^47, costs little: whoever misses a message asks
/// for it again, and entries expire.
///
/// They expire soon because a repetition may be wanted: a vote is worth nothing before its block is
/// there, and is sent again on request in the very same bytes.
public struct DuplicateFilter: Sendable {
  /// Entries, a power of two.
  ///
  /// 65,536 × 8 bytes = 512 KiB; at 10,000 messages a second an entry lasts about 6 seconds.
  public static let defaultSlots = 65_536

  /// A flood has passed the whole network in this time.
  public static let defaultLifetime = Duration.seconds(10)

  private let hash: SipHash
  private let lifetimeSeconds: UInt64
  /// Tag 48 ‖ second 16; 0 is empty.
  private var slots: [UInt64]

  /// Starts empty.
  ///
  /// - Parameters:
  ///   - key: 128 secret random bits.
  ///   - slots: a power of two, at most 2^16.
  ///   - lifetime: whole seconds, less than 2^15.
  public init(
    key: (UInt64, UInt64),
    slots: Int = defaultSlots,
    lifetime: Duration = defaultLifetime
  ) {
    precondition(slots > 0 && slots <= 1 << 16 && slots & (slots - 1) == 0)
    let seconds = lifetime.wholeMilliseconds / 1000
    precondition((1..<1 << 15).contains(seconds))
    hash = SipHash(key: key)
    lifetimeSeconds = UInt64(seconds)
    self.slots = Array(repeating: 0, count: slots)
  }

  /// Notes a frame.
  ///
  /// - Returns: whether it is new; false means it was inserted within the lifetime and is to be
  ///   dropped.
  public mutating func insert(_ frame: [UInt8], now: Instant) -> Bool {
    let (place, tag) = place(of: frame)
    let second = Self.second(now)
    let entry = slots[place]
    if entry & Self.tagMask == tag, (second &- entry) & Self.secondMask < lifetimeSeconds {
      return false
    }
    slots[place] = tag | second
    return true
  }

  /// Forgets a frame that was dropped before it was looked at, or it could not come again.
  public mutating func remove(_ frame: [UInt8]) {
    let (place, tag) = place(of: frame)
    if slots[place] & Self.tagMask == tag { slots[place] = 0 }
  }

  private static let secondMask: UInt64 = 0xffff
  private static let tagMask: UInt64 = ~secondMask

  private static func second(_ now: Instant) -> UInt64 {
    now.nanoseconds / 1_000_000_000 & secondMask
  }

  private func place(of frame: [UInt8]) -> (place: Int, tag: UInt64) {
    let (low, high) = hash.hash(frame)
    // No tag is zero, so an empty slot matches nothing.
    return (Int(low & UInt64(slots.count - 1)), high & Self.tagMask | 1 << 63)
  }
}
