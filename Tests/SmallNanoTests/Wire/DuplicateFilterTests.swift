import Kernel
import Testing

@testable import SmallNano

@Suite("The duplicate filter")
struct DuplicateFilterTests {
  private let start = Instant(milliseconds: 5_000_000)

  private func isNew(_ frame: [UInt8], to filter: inout DuplicateFilter, _ now: Instant) -> Bool {
    filter.insert(frame, now: now)
  }

  @Test("A frame is new once, until it expires or is forgotten")
  func once() {
    var filter = DuplicateFilter(key: (1, 2))
    #expect(isNew([1, 2, 3], to: &filter, start))
    #expect(!isNew([1, 2, 3], to: &filter, start))
    #expect(isNew([1, 2, 4], to: &filter, start))
    #expect(!isNew([1, 2, 3], to: &filter, start + .seconds(9)))
    #expect(isNew([1, 2, 3], to: &filter, start + .seconds(10)))
    filter.remove([1, 2, 3])
    #expect(isNew([1, 2, 3], to: &filter, start + .seconds(10)))
    filter.remove([9])
    #expect(!isNew([1, 2, 3], to: &filter, start + .seconds(10)))
  }

  @Test("A frame that falls on another's place takes it, and neither is mistaken for the other")
  func collision() {
    var filter = DuplicateFilter(key: (1, 2), slots: 1)
    #expect(isNew([1], to: &filter, start))
    #expect(isNew([2], to: &filter, start))
    #expect(isNew([1], to: &filter, start))
    filter.remove([2])
    #expect(!isNew([1], to: &filter, start))
  }

  @Test("Places depend on the key, so collisions cannot be prepared")
  func keyed() {
    // Two frames that share a place under one key, found by trying.
    func collides(_ a: [UInt8], _ b: [UInt8], key: UInt64) -> Bool {
      var filter = DuplicateFilter(key: (key, key), slots: 256)
      _ = filter.insert(a, now: start)
      _ = filter.insert(b, now: start)
      return filter.insert(a, now: start)
    }
    let partner = (1...UInt8.max).first { collides([0], [$0], key: 1) }
    let others = (2...40 as ClosedRange<UInt64>).filter { collides([0], [partner ?? 0], key: $0) }
    #expect(partner != nil)
    #expect(others.count < 5)
  }

  @Test("Nothing is mistaken in a full table")
  func noFalseDuplicates() {
    var filter = DuplicateFilter(key: (3, 4))
    var random = SplitMix64(seed: 1)
    let wrong = (0..<200_000).count { _ in
      var frame = ByteWriter()
      frame.integer(random.next())
      frame.integer(random.next())
      return !filter.insert(frame.bytes, now: start)
    }
    #expect(wrong == 0)
  }
}

@Suite("Limits")
struct LimitsTests {
  @Test("Every limit has a name of its own and a reason, and all fit half the RAM budget")
  func table() {
    #expect(Set(Limits.all.map(\.name)).count == Limits.all.count)
    #expect(Limits.all.allSatisfy { $0.value > 0 && !$0.reason.isEmpty })
    #expect(Limits.tableBytes <= Limits.peakBytes / 2)
  }
}
