import Kernel
import Service
import Simulation

/// What a batch of seeds came to, for people and for machines.
struct SimulationOutput {
  private let summary: SeedRunner.Summary
  private let system: String
  private let first: UInt64
  private let canary: String?

  init(_ summary: SeedRunner.Summary, system: String, first: UInt64, canary: String?) {
    self.summary = summary
    self.system = system
    self.first = first
    self.canary = canary
  }

  /// Nil if the runs ended as they should: without a violation, or with one if a fault was planted.
  var failure: CommandFailure? {
    switch (canary, summary.failures.first) {
    case (nil, nil), (_?, _?): nil
    case (nil, let violation?):
      CommandFailure("a promise is broken; see it again with --seed \(violation.seed) --trace")
    case (let canary?, nil):
      CommandFailure("\(summary.runs) seeds did not find the planted fault \(canary)")
    }
  }

  var text: String {
    if let canary, let violation = summary.failures.first {
      return "\(canary): found by seed \(violation.seed) after \(summary.runs) seeds, "
        + "\(violation.check): \(violation.text)\n"
    }
    var text = ""
    for violation in summary.failures { text += "\(violation)\n" }
    let counts = summary.counts
    text += "\(summary.runs) seeds from \(first), \(summary.failures.count) failed: "
    text += "\(summary.steps) steps in \(summary.elapsed.components.seconds) s of virtual time, "
    text += "\(counts.delivered) messages delivered, \(counts.lost) lost, "
    text += "\(counts.duplicated) duplicated, \(counts.syncs) syncs, \(counts.crashes) crashes, "
    text += "\(counts.partitions) partitions\n"
    return text
  }

  var json: JSON {
    let counts = summary.counts
    return [
      "system": .string(system),
      "first_seed": .decimal(first),
      "canary": canary.map { .string($0) } ?? .null,
      "runs": JSON(summary.runs),
      "steps": JSON(summary.steps),
      "virtual_seconds": JSON(summary.elapsed.components.seconds),
      "delivered": JSON(counts.delivered),
      "lost": JSON(counts.lost),
      "duplicated": JSON(counts.duplicated),
      "syncs": JSON(counts.syncs),
      "crashes": JSON(counts.crashes),
      "partitions": JSON(counts.partitions),
      "failures": .array(summary.failures.map(Self.json)),
    ]
  }

  private static func json(_ violation: Violation) -> JSON {
    [
      "seed": .decimal(violation.seed),
      "step": JSON(violation.step),
      "check": .string(violation.check),
      "text": .string(violation.text),
      "trace": .array(violation.tail.map { .string($0) }),
    ]
  }
}
