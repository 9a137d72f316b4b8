import Kernel
import Testing

@Suite("Token bucket")
struct TokenBucketTests {
  private let start = Instant(milliseconds: 1000)

  private func take(_ count: UInt64, of bucket: inout TokenBucket, _ now: Instant) -> Bool {
    bucket.take(count, now: now)
  }

  @Test("A burst up to the capacity, then the rate")
  func burstThenRate() {
    var bucket = TokenBucket(capacity: 10, perSecond: 5, now: start)
    #expect(!take(11, of: &bucket, start))
    #expect(take(10, of: &bucket, start))
    #expect(!take(1, of: &bucket, start))
    #expect(!take(1, of: &bucket, start + .milliseconds(199)))
    #expect(take(1, of: &bucket, start + .milliseconds(200)))
    #expect(take(10, of: &bucket, start + .seconds(1000)))
    #expect(!take(1, of: &bucket, start + .seconds(1000)))
  }

  @Test("Refused tokens are not taken")
  func refusalTakesNothing() {
    var bucket = TokenBucket(capacity: 10, perSecond: 1, now: start)
    #expect(take(6, of: &bucket, start))
    #expect(!take(5, of: &bucket, start))
    #expect(take(4, of: &bucket, start))
  }

  @Test("The wait is exact: not a nanosecond earlier, at any rate")
  func wait() throws {
    for perSecond in [1, 3, 7, 1_000_003, 5_000_000_000] as [UInt64] {
      var bucket = TokenBucket(capacity: 100, perSecond: perSecond, now: start)
      #expect(take(100, of: &bucket, start))
      let wait = try #require(bucket.wait(for: 13, now: start))
      var early = bucket
      #expect(!take(13, of: &early, start + wait + .nanoseconds(-1)))
      #expect(take(13, of: &bucket, start + wait))
    }
    let bucket = TokenBucket(capacity: 100, perSecond: 1, now: start)
    #expect(bucket.wait(for: 101, now: start) == nil)
    #expect(bucket.wait(for: 100, now: start) == .zero)
  }

  @Test("Many small steps lose nothing against one large one, and time may stand still")
  func noRounding() {
    var bucket = TokenBucket(capacity: 1000, perSecond: 3, now: start)
    #expect(take(1000, of: &bucket, start))
    var now = start
    for _ in 0..<1000 {
      now = now + .nanoseconds(333_333)
      #expect(!take(2, of: &bucket, now))
    }
    #expect(!take(1, of: &bucket, now + .nanoseconds(333)))
    #expect(take(1, of: &bucket, now + .nanoseconds(334)))
  }

  @Test("The end of time fills the bucket and no more")
  func farFuture() {
    var bucket = TokenBucket(capacity: 10_000_000_000, perSecond: .max, now: start)
    let end = Instant(nanoseconds: .max)
    #expect(take(10_000_000_000, of: &bucket, end))
    #expect(!take(1, of: &bucket, end))
    #expect(!take(1, of: &bucket, start))
  }
}

@Suite("Ring buffer")
struct RingBufferTests {
  @Test("It is a queue: random operations against an array")
  func model() {
    var ring = RingBuffer<Int>()
    var model: [Int] = []
    var random = SplitMix64(seed: 1)
    for step in 0..<5000 {
      // Phases in which it mostly grows and mostly shrinks.
      let grows = Int.random(in: 0..<10, using: &random) < (step / 500 % 2 == 0 ? 7 : 3)
      if grows {
        ring.append(step)
        model.append(step)
      } else {
        let (popped, expected) = (ring.popFirst(), model.isEmpty ? nil : model.removeFirst())
        #expect(popped == expected)
      }
      #expect(ring.count == model.count)
      #expect(ring.first == model.first)
    }
  }
}

@Suite("Fair queue")
struct FairQueueTests {
  private func queue(
    sources: Int = 10,
    elements: Int = 1000,
    cost: Int = 1000,
    quantum: Int = 1
  ) -> FairQueue<Int, Int> {
    FairQueue(
      limits: .init(
        sources: sources,
        elementsPerSource: elements,
        costPerSource: cost,
        quantum: quantum
      )
    )
  }

  private func drain(_ queue: inout FairQueue<Int, Int>) -> [Int] {
    var sources: [Int] = []
    while let next = queue.pop() { sources.append(next.source) }
    return sources
  }

  @Test("Sources take turns, however many elements one has")
  func turns() throws {
    var queue = queue()
    for element in 0..<6 { try queue.push(element, from: 1, cost: 1) }
    for element in 0..<2 { try queue.push(element, from: 2, cost: 1) }
    try queue.push(0, from: 3, cost: 1)
    #expect(drain(&queue) == [1, 2, 3, 1, 2, 1, 1, 1, 1])
    #expect(queue.isEmpty)
  }

  @Test("Shares are by cost: ten small elements weigh as much as a large one")
  func cost() throws {
    var queue = queue(quantum: 10)
    for element in 0..<5 { try queue.push(element, from: 1, cost: 10) }
    for element in 0..<50 { try queue.push(element, from: 2, cost: 1) }
    let order = drain(&queue)
    #expect(order == (0..<5).flatMap { _ in [1] + Array(repeating: 2, count: 10) })
  }

  @Test("An element dearer than the quantum waits for its credit and comes")
  func dearElement() throws {
    var queue = queue(quantum: 10)
    try queue.push(0, from: 1, cost: 35)
    for element in 0..<60 { try queue.push(element, from: 2, cost: 1) }
    let place = drain(&queue).firstIndex(of: 1)
    #expect(place == 30)
  }

  @Test("A source keeps the order of its elements")
  func order() throws {
    var queue = queue()
    var random = SplitMix64(seed: 1)
    for element in 0..<300 {
      try queue.push(element, from: Int.random(in: 0..<5, using: &random), cost: 1)
    }
    var last: [Int: Int] = [:]
    while let (source, element) = queue.pop() {
      #expect(last[source, default: -1] < element)
      last[source] = element
    }
  }

  @Test("Each limit refuses by name and changes nothing")
  func limits() throws {
    var queue = queue(sources: 2, elements: 3, cost: 10)
    for element in 0..<3 { try queue.push(element, from: 1, cost: 1) }
    #expect(throws: FairQueue<Int, Int>.Refusal.tooManyElements) {
      try queue.push(3, from: 1, cost: 1)
    }
    try queue.push(0, from: 2, cost: 6)
    #expect(queue.hasRoom(for: 2, cost: 4))
    #expect(!queue.hasRoom(for: 2, cost: 5))
    #expect(throws: FairQueue<Int, Int>.Refusal.tooMuchCost) { try queue.push(1, from: 2, cost: 5) }
    #expect(throws: FairQueue<Int, Int>.Refusal.tooManySources) {
      try queue.push(0, from: 3, cost: 1)
    }
    #expect(queue.count == 4)
    #expect(queue.count(of: 1) == 3)
    #expect(queue.count(of: 3) == 0)
    queue.remove(2)
    try queue.push(0, from: 3, cost: 1)
    #expect(drain(&queue) == [1, 3, 1, 1])
  }

  @Test("A source that is gone leaves nothing behind")
  func removal() throws {
    var queue = queue()
    for source in 1...3 {
      for element in 0..<3 { try queue.push(element, from: source, cost: 1) }
    }
    let first = queue.pop()
    #expect(first?.source == 1)
    queue.remove(2)
    queue.remove(7)
    #expect(queue.count == 5)
    #expect(drain(&queue) == [3, 1, 3, 1, 3])
  }

  @Test("Idle time saves no credit")
  func noSavedCredit() throws {
    var queue = queue(quantum: 10)
    for _ in 0..<5 {
      try queue.push(0, from: 1, cost: 1)
      _ = queue.pop()
    }
    for element in 0..<30 { try queue.push(element, from: 1, cost: 1) }
    try queue.push(0, from: 2, cost: 1)
    #expect(drain(&queue).firstIndex(of: 2) == 10)
  }
}

@Suite("SipHash")
struct SipHashTests {
  @Test("The reference's first vectors for 128 bits")
  func vectors() {
    // vectors_sip128 of the reference implementation: key 00 01 … 0f, inputs "" and 00.
    let hash = SipHash(key: (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908))
    func hex(_ input: [UInt8]) -> String {
      let (low, high) = hash.hash(input)
      var writer = ByteWriter()
      writer.integer(low)
      writer.integer(high)
      return writer.bytes.hex
    }
    #expect(hex([]) == "a3817f04ba25a8e66df67214c7550293")
    #expect(hex([0]) == "da87c1d86b99af44347659119b22fc45")
  }
}
