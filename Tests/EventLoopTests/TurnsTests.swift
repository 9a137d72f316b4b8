import EventLoop
import Testing

/// Calls that take turns, on a loop; its tasks have no preference for it, as those of a test.
private actor Desk {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private var turns: Turns<Int>
  private var underWay: Set<Int> = []
  private(set) var served = 0
  private(set) var overlaps = 0

  init(on loop: EventLoop, waitingMax: Int) {
    self.loop = loop
    turns = Turns(waitingMax: waitingMax)
  }

  /// False if the call was turned away.
  func serve(_ key: Int, _ body: @Sendable () async -> Void) async -> Bool {
    guard await withCheckedContinuation({ turns.take(key, $0) }) else { return false }
    defer { turns.end(key) }
    if !underWay.insert(key).inserted { overlaps += 1 }
    await body()
    underWay.remove(key)
    served += 1
    return true
  }
}

@Suite("Turns", .timeLimit(.minutes(1)))
struct TurnsTests {
  @Test("Calls of one key never overlap, and each gets its turn")
  func serial() async throws {
    let loop = try EventLoop()
    let desk = Desk(on: loop, waitingMax: 1000)
    await withTaskGroup { group in
      for number in 0..<900 {
        group.addTask {
          let isServed = await desk.serve(number % 3) {
            for _ in 0..<3 { await loop.run {} }
          }
          #expect(isServed)
        }
      }
    }
    #expect(await desk.served == 900)
    #expect(await desk.overlaps == 0)
    await loop.shutdown()
  }

  @Test("Who finds the queue full is told so at once, and another key is free")
  func full() async throws {
    let loop = try EventLoop()
    let desk = Desk(on: loop, waitingMax: 0)
    let isServed = await desk.serve(1) {
      #expect(await !desk.serve(1) {})
      #expect(await desk.serve(2) {})
    }
    #expect(isServed)
    #expect(await desk.serve(1) {})
    await loop.shutdown()
  }
}
