import Simulation
import Testing
import TinyChainPeers
import TinyChainSimulation

@Suite("Simulated networks of miners")
struct TinyChainSimulationTests {
  @Test("What is promised holds, whatever fails")
  func seeds() {
    var runner = SeedRunner(first: 1, count: 20)
    runner.comparisonInterval = 10
    let summary = runner.run(Scenario().run)
    #expect(summary.failures.map(\.description) == [])
    #expect(summary.counts.crashes > 0)
    #expect(summary.counts.partitions > 0)
  }

  /// The first seeds from which they are found soon.
  @Test(
    "A planted fault is found",
    arguments: [
      (Canary.acceptUnexecutedTip, 20, ["supply", "state"]),
      (.forgetInvalid, 10, ["invalid"]),
      (.ignoreWork, 115, ["convergence", "work"]),
      (.dropUndoneTransactions, 1, ["returned"]),
      (.forgetSubmitted, 1, ["kept"]),
      (.mineBehind, 1, ["behind"]),
    ] as [(Canary, UInt64, [String])]
  )
  func canaries(_ canary: Canary, _ first: UInt64, _ checks: [String]) throws {
    var scenario = Scenario()
    scenario.canary = canary
    let violation = SeedRunner(first: first, count: 100).firstViolation(scenario.run)
    let check = try #require(violation?.check)
    #expect(checks.contains(check))
  }

  @Test("After a hundredfold jump of the hash rate blocks come as they should within 8 half-lives")
  func difficulty() {
    for seed in 1...20 as ClosedRange<UInt64> {
      #expect(DifficultyScenario().fault(seed: seed) == nil)
    }
  }

  @Test("Half a half-life after the jump they do not yet: the check can fail")
  func difficultyTooSoon() {
    var scenario = DifficultyScenario()
    (scenario.halfLives, scenario.intervals) = (0, 20)
    #expect((1...20).allSatisfy { scenario.fault(seed: $0) != nil })
  }
}
