import Kernel
import Simulation
import Testing

@testable import Mesh
@testable import MeshSimulation

@Suite("MESH in the simulator")
struct ScenarioTests {
  private func report(_ seed: UInt64) -> Result<Report, Violation> {
    do throws(Violation) {
      return .success(try Scenario().run(seed: seed, trace: nil))
    } catch {
      return .failure(error)
    }
  }

  @Test("Promises hold, and equal seeds give equal runs", arguments: [3, 5])
  func promises(seed: UInt64) throws {
    let first = try report(seed).get()
    #expect(first.counts.replies > 0)
    #expect(report(seed) == .success(first))
  }

  /// A payment resumed after a crash, which was the wallet's last look for income; a certificate that
  /// was never sent again; a validator that shows what it hid; a claim that was taken, with others
  /// beside it; a ballot forgotten in a crash; income whose certificate was lost with the connection.
  @Test("Seeds that once found a fault", arguments: [1, 60, 145, 227, 285, 1107, 100_455])
  func regressions(seed: UInt64) throws {
    _ = try report(seed).get()
  }

  @Test(
    "Each canary is found by the checker that it is for",
    arguments: [
      (Canary.sendBeforePersist, "certificates", "before its lock is durable"),
      (.ignoreJustification, "certificates", "there are certificates for"),
      (.forgetPromise, "certificates", "before it is durable"),
      (.forgetClaims, "supply", "does not hold"),
      (.neverCatchUp, "agreement", ""),
    ]
  )
  func canaries(canary: Canary, check: String, text: String) throws {
    var scenario = Scenario()
    scenario.canary = canary
    let runner = SeedRunner(first: 1, count: 12)
    let violation = try #require(runner.firstViolation(scenario.run))
    #expect(violation.check == check)
    #expect(violation.text.contains(text))
  }
}
