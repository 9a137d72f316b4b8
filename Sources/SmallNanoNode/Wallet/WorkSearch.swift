public import EventLoop
public import Kernel
import SmallNano

/// Searches for work on the node's workers, chunk by chunk, so that other work gets its turn.
public struct WorkSearch: Sendable {
  private let workers: Workers
  private let threads: Int
  private let generator = WorkGenerator()

  /// Makes a search that keeps at most `threads` workers busy.
  public init(on workers: Workers, threads: Int = 1) {
    precondition(threads > 0)
    self.workers = workers
    self.threads = threads
  }

  /// A nonce whose value for `root` is at least the threshold.
  ///
  /// - Throws: `CancellationError` within a chunk (10 to 40 ms) of the task's cancellation,
  ///   `Workers.Failure` if the workers are stopped or take no more.
  public func nonce(for root: Bytes32, threshold: UInt64) async throws -> UInt64 {
    guard threads > 1 else { return try await lane(root, threshold) }
    return try await withThrowingTaskGroup(of: UInt64.self) { group in
      for _ in 0..<threads {
        group.addTask { try await lane(root, threshold) }
      }
      defer { group.cancelAll() }
      guard let nonce = try await group.next() else { throw CancellationError() }
      return nonce
    }
  }

  /// From a random start, so that lanes (and nodes) do not try the same nonces.
  private func lane(_ root: Bytes32, _ threshold: UInt64) async throws -> UInt64 {
    var start = UInt64.random(in: .min ... .max)
    while true {
      try Task.checkCancellation()
      let first = start
      let found = try await workers.run { [generator] _ in
        generator.search(root: root, threshold: threshold, from: first)
      }
      if let found { return found }
      start &+= WorkGenerator.chunk
    }
  }
}
