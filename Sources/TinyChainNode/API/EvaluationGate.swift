import EventLoop

/// Runs programs of callers beside the node's own work: two at once, and a few that wait.
final class EvaluationGate: Sendable {
  /// Gas of one call: a tenth of a second on a slow machine.
  static let gasMax: UInt64 = 10_000_000
  private static let atOnce = 2
  /// With the two that run, under a second for the last one.
  private static let waitingMax = 16

  private let workers: Workers

  init() throws(SystemFailure) {
    // 2 MiB: contracts call one another 64 deep, each call with frames of its own.
    workers = try Workers(
      count: Self.atOnce,
      queueMax: Self.waitingMax,
      name: "evaluate",
      stackSize: 2 << 20
    )
  }

  func run<Result: Sendable>(
    _ body: @escaping @Sendable () throws -> Result
  ) async throws -> Result {
    do {
      return try await workers.run { _ in try body() }
    } catch Workers.Failure.queueFull {
      throw APIFailure(status: 429, "busy", "too many programs run already; try again in a moment")
    }
  }

  func shutdown() async { await workers.shutdown() }
}
