/// Runs one scenario under many seeds.
///
/// A run that fails is run again with a trace, to show what led there. That second run must fail
/// in the same place; if it does not, the failure reported is that the scenario is not
/// deterministic, which is worse. So the scenario must pass its seed and trace to the cluster and
/// take every other choice from them.
public struct SeedRunner {
  /// Builds a cluster from the seed and the trace, runs it, and returns its report.
  public typealias Scenario = (_ seed: UInt64, _ trace: Trace?) throws(Violation) -> Report

  /// One run has ended.
  public struct Progress {
    public let seed: UInt64
    public let done: Int
    public let total: Int
    public let result: Result<Report, Violation>
  }

  public struct Summary: Sendable {
    public var runs = 0
    public var steps = 0
    public var elapsed = Duration.zero
    /// Of the runs that passed.
    public var counts = Counts()
    public var failures: [Violation] = []

    public var isPassed: Bool { failures.isEmpty }
  }

  public var first: UInt64
  public var count: Int
  /// Stop at the first failure; otherwise collect them all.
  public var stopsAtFailure = true
  /// Compares every so many runs that pass with two more of the same seed; 0 for never.
  ///
  /// They are compared by their traces, contents of messages included: what depends on the order
  /// of a `Set` shows itself.
  public var comparisonInterval = 0
  /// Trace lines shown with a violation.
  public var tailMax = 60

  public init(first: UInt64, count: Int) {
    precondition(count > 0)
    self.first = first
    self.count = count
  }

  public func run(
    _ scenario: Scenario,
    progress: (Progress) -> Void = { _ in }
  ) -> Summary {
    var summary = Summary()
    for index in 0..<count {
      let seed = first &+ UInt64(index)
      let compares = comparisonInterval > 0 && index % comparisonInterval == 0
      let result = run(scenario, seed, compares: compares)
      summary.runs += 1
      switch result {
      case .success(let report):
        summary.steps += report.steps
        summary.elapsed += report.elapsed
        summary.counts += report.counts
      case .failure(let violation):
        summary.failures.append(violation)
      }
      progress(Progress(seed: seed, done: index + 1, total: count, result: result))
      if stopsAtFailure, !summary.isPassed { break }
    }
    return summary
  }

  /// For canaries: the first violation, or nil if a scenario with a planted bug passes every seed,
  /// which means that the checkers are blind.
  public func firstViolation(_ scenario: Scenario) -> Violation? {
    var runner = self
    runner.stopsAtFailure = true
    return runner.run(scenario).failures.first
  }

  private func run(
    _ scenario: Scenario,
    _ seed: UInt64,
    compares: Bool
  ) -> Result<Report, Violation> {
    let plain = attempt(scenario, seed, nil)
    switch plain {
    case .failure(let violation):
      return .failure(replayed(scenario, violation))
    case .success(let report):
      guard compares else { return plain }
      let traces = (Trace(tailMax: tailMax), Trace(tailMax: tailMax))
      let replays = (attempt(scenario, seed, traces.0), attempt(scenario, seed, traces.1))
      if replays.0 == plain, replays.1 == plain, traces.0.digest == traces.1.digest {
        return plain
      }
      return .failure(unequal(seed, report.steps, report.elapsed, "it passed", traces.1))
    }
  }

  private func attempt(
    _ scenario: Scenario,
    _ seed: UInt64,
    _ trace: Trace?
  ) -> Result<Report, Violation> {
    do throws(Violation) {
      return .success(try scenario(seed, trace))
    } catch {
      return .failure(error)
    }
  }

  private func replayed(_ scenario: Scenario, _ violation: Violation) -> Violation {
    let trace = Trace(tailMax: tailMax)
    let replay = attempt(scenario, violation.seed, trace)
    if case .failure(let again) = replay, again.step == violation.step,
      again.check == violation.check, again.text == violation.text
    {
      return again
    }
    let outcome = "\(violation.check): \(violation.text)"
    return unequal(violation.seed, violation.step, violation.elapsed, outcome, trace)
  }

  private func unequal(
    _ seed: UInt64,
    _ step: Int,
    _ elapsed: Duration,
    _ outcome: String,
    _ trace: Trace
  ) -> Violation {
    Violation(
      seed: seed,
      step: step,
      elapsed: elapsed,
      check: "determinism",
      text: "equal seeds gave unequal runs (once: \(outcome))",
      tail: trace.tail
    )
  }
}
