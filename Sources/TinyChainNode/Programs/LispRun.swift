public import Kernel
public import TinyChain

/// A Lisp program run by itself: no chain, no account.
public struct LispRun: Sendable {
  /// What a run came to.
  public struct Report: Hashable, Sendable {
    /// The value of the last form, or why there is none.
    public let result: Result<Datum, LispFailure>
    public let gasUsed: UInt64
    public let steps: UInt64

    /// The name that reports use.
    public var ending: String {
      switch result {
      case .success: "finished"
      case .failure(let failure) where failure.problem == .outOfGas: "out_of_gas"
      case .failure: "failed"
      }
    }
  }

  private let program: LispProgram
  private let gas: UInt64

  /// - Throws: `LispFailure` with what was expected and where.
  public init(source: [UInt8], gas: UInt64) throws(LispFailure) {
    program = try LispProgram(source: source)
    self.gas = UInt64(Int64(clamping: gas))
  }

  public func run() -> Report { run(gas: gas) }

  private func run(gas: UInt64) -> Report {
    let (result, left, steps) = program.run(gas: gas)
    return Report(result: result, gasUsed: gas - left, steps: steps)
  }

  /// Where the program was when it had spent so much.
  ///
  /// A machine has no hooks to be watched by, and needs none: it is deterministic, so to see it after
  /// `n` gas is to run it with `n` gas and see where it stops.
  public func position(after gas: UInt64) -> TextPosition? {
    guard case .failure(let failure) = run(gas: gas).result, failure.problem == .outOfGas else {
      return nil
    }
    return failure.position
  }

  /// One place a run came to.
  public struct Mark: Hashable, Sendable {
    /// What had been spent.
    public let gas: UInt64
    public let position: TextPosition
  }

  /// The places a run comes to, from its first gas on.
  ///
  /// Runs of ever more gas take time that grows with the square of `gasMax`.
  public func trace(gasMax: UInt64) -> [Mark] {
    var marks: [Mark] = []
    for spent in 0..<min(run().gasUsed, gasMax) {
      guard let position = position(after: spent), position != marks.last?.position else {
        continue
      }
      marks.append(Mark(gas: spent, position: position))
    }
    return marks
  }

  /// Samples of where the gas goes, so many places evenly over the run; the most frequent first.
  public func profile(samples: UInt64) -> [(line: Int, count: Int)] {
    let used = run().gasUsed
    var counts: [Int: Int] = [:]
    for sample in 0..<min(samples, used) {
      guard let position = position(after: used / min(samples, used) * sample) else { continue }
      counts[position.line, default: 0] += 1
    }
    return counts.map { (line: $0.key, count: $0.value) }
      .sorted { ($1.count, $0.line) < ($0.count, $1.line) }
  }
}
