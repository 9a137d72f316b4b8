import EventLoop
import Glibc
import Kernel
import Service
import Synchronization
import TinyChain

/// Searches for the work of blocks, on threads that give way to all others.
///
/// All threads search for one block at a time, each a part of the nonces of its own. A new tip ends
/// the round at once; after `roundMax` a new one begins with the transactions that have come since.
actor Miner {
  /// Where blocks come from and go to.
  struct Chain: Sendable {
    /// A block to search for; nil while there is none, as before the first sync.
    let draft: @Sendable () async -> Block?
    let mined: @Sendable (Block) async -> Void
    /// The first nonce in the range with which these 180 bytes have the work that `bits` ask for.
    let search: @Sendable (_ header: [UInt8], _ bits: UInt32, Range<UInt64>) -> UInt64?
  }

  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private let chain: Chain
  private let threads: Int
  private let workers: Workers
  private let hashes: Counter
  private let found: Counter
  private var round: Round?
  private var task: Task<Void, Never>?
  private var pause: CheckedContinuation<Void, Never>?

  /// What a block is searched for with the same transactions and time.
  static let roundMax = Duration.seconds(2)
  /// After a round without a draft.
  private static let pauseMax = Duration.milliseconds(500)

  init(_ chain: Chain, threads: Int, on loop: EventLoop, metrics: Metrics) throws {
    (self.chain, self.threads, self.loop) = (chain, threads, loop)
    workers = try Workers(count: threads, queueMax: threads, name: "mine")
    hashes = metrics.counter("miner_hashes_total", "Headers tried")
    found = metrics.counter("miner_blocks_total", "Blocks whose work was found")
  }

  func start() {
    task = Task(executorPreference: loop) { await self.mine() }
  }

  /// The chain has another tip: what is being searched for is worth nothing any more.
  nonisolated func tipChanged() {
    loop.execute {
      self.assumeIsolated { miner in
        miner.round?.end()
        miner.pause?.resume()
        miner.pause = nil
      }
    }
  }

  func stop() async {
    task?.cancel()
    round?.end()
    pause?.resume()
    pause = nil
    await task?.value
    await workers.shutdown()
  }

  private func mine() async {
    while !Task.isCancelled {
      // From before the draft: a tip that changes while it is made ends the round too.
      let round = Round(until: loop.now + Self.roundMax)
      self.round = round
      guard var block = await chain.draft() else {
        await wait()
        continue
      }
      guard let nonce = await search(block.header, round), !Task.isCancelled else { continue }
      block.header.nonce = nonce
      found.add()
      await chain.mined(block)
    }
  }

  private func wait() async {
    let timer = loop.schedule(after: Self.pauseMax) {
      self.assumeIsolated { miner in
        miner.pause?.resume()
        miner.pause = nil
      }
    }
    await withCheckedContinuation { continuation in
      if Task.isCancelled { continuation.resume() } else { pause = continuation }
    }
    loop.cancel(timer)
  }

  private func search(_ header: Header, _ round: Round) async -> UInt64? {
    let (threads, workers, search, hashes) = (self.threads, self.workers, chain.search, self.hashes)
    let (bytes, bits) = (header.bytes, header.bits)
    await withTaskGroup { group in
      for thread in 0..<threads {
        group.addTask {
          // What ends it early, the stop of the workers, ends the miner too.
          try? await workers.run { _ in
            // Of this thread alone, as Linux counts.
            setpriority(Int32(PRIO_PROCESS.rawValue), 0, 19)
            let share = UInt64.max / UInt64(threads)
            round.run(from: UInt64(thread) * share, search: { search(bytes, bits, $0) }, hashes)
          }
        }
      }
    }
    return round.nonce
  }
}

/// One search, which several threads share.
final class Round: Sendable {
  private let deadline: Instant
  private let isOver = Atomic(false)
  private let result = Mutex<UInt64?>(nil)

  /// A look at the clock and the others is worth it as often.
  private static let lookInterval = Duration.milliseconds(4)
  private static let chunkMin: UInt64 = 64
  private static let chunkMax: UInt64 = 1 << 20

  init(until deadline: Instant) {
    self.deadline = deadline
  }

  var nonce: UInt64? { result.withLock { $0 } }

  func end() { isOver.store(true, ordering: .relaxed) }

  /// Searches from a nonce on, until somebody finds one or the round is over.
  func run(from first: UInt64, search: (Range<UInt64>) -> UInt64?, _ hashes: Counter) {
    var (next, chunk, now) = (first, Self.chunkMin, SystemClock.now)
    while !isOver.load(ordering: .relaxed), now < deadline {
      let (end, overflow) = next.addingReportingOverflow(chunk)
      guard !overflow else { return }
      if let nonce = search(next..<end) {
        hashes.add(nonce - next + 1)
        result.withLock { if $0 == nil { $0 = nonce } }
        return self.end()
      }
      hashes.add(chunk)
      next = end
      let before = now
      now = SystemClock.now
      if now - before < Self.lookInterval { chunk = min(chunk * 2, Self.chunkMax) }
      if now - before > Self.lookInterval * 2 { chunk = max(chunk / 2, Self.chunkMin) }
    }
  }
}
