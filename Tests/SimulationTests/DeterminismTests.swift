import Kernel
import Simulation
import Testing

@Suite("A run is decided by its seed")
struct DeterminismTests {
  @Test(
    "Equal seeds give equal runs, traces included",
    arguments: [World.Delivery.reliable, .lossy]
  )
  func equalSeeds(delivery: World.Delivery) throws {
    let traces = [Trace(), Trace()]
    let reports = try traces.map { try stormyRun(seed: 11, trace: $0, delivery: delivery) }
    #expect(reports[0] == reports[1])
    #expect(traces[0].digest == traces[1].digest)
    #expect(traces[0].tail == traces[1].tail)
    #expect(traces[0].tail.count == traces[0].tailMax)
  }

  @Test("Other seeds give other runs")
  func otherSeeds() throws {
    let fingerprints = try (0..<20).map { try stormyRun(seed: $0).fingerprint }
    #expect(Set(fingerprints).count == 20)
  }

  @Test("A trace does not change the run")
  func traceIsPassive() throws {
    #expect(try stormyRun(seed: 3) == stormyRun(seed: 3, trace: Trace()))
  }

  @Test("A trace names node, input and effects, and hands out each line")
  func traceLines() throws {
    var lines: [String] = []
    let trace = Trace(tailMax: 2) { lines.append($0) }
    var world = World()
    world.disk.sync = .microseconds(50...50)
    let cluster = ToyCluster(seed: 1, nodes: 1, blueprint: .toy(), world: world, trace: trace)
    cluster.submit(.add, to: 0, after: .milliseconds(1500))
    try cluster.run(for: .seconds(2))
    #expect(
      lines == [
        "0.000000 n0 boot 0",
        "1.500000 n0 submitted add #0 => persist count(1); reply 1 #0",
        "1.500050 n0 synced count(1)",
      ]
    )
    #expect(trace.tail == Array(lines.suffix(2)))
  }
}
