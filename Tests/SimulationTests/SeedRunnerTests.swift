import Kernel
import Simulation
import Testing

@Suite("Many seeds")
struct SeedRunnerTests {
  @Test("A correct machine passes a swarm of faults", arguments: [World.Delivery.reliable, .lossy])
  func passes(delivery: World.Delivery) {
    var runner = SeedRunner(first: 1000, count: 60)
    runner.comparisonInterval = 20
    var seeds: [UInt64] = []
    let summary = runner.run { seed, trace throws(Violation) in
      try stormyRun(seed: seed, trace: trace, delivery: delivery)
    } progress: {
      seeds.append($0.seed)
    }
    #expect(summary.failures.map(\.description) == [])
    #expect(summary.runs == 60)
    #expect(seeds == Array(1000..<1060))
    #expect(summary.counts.crashes > 300)
    #expect(summary.counts.partitions > 60)
    #expect(summary.counts.cuts > 60)
    #expect(summary.counts.lost > 300)
    #expect(summary.counts.retransmitted + summary.counts.duplicated > 60)
    #expect(summary.elapsed == .seconds(60 * 23))
  }

  @Test(
    "A planted bug is found, named, and shown with what led to it",
    arguments: [
      (ToyMachine.Bug.sendsBeforePersist, "one pledge a slot"),
      (.keepsPledgesInMemory, "one pledge a slot"),
      (.repliesBeforePersist, "counts stay"),
    ]
  )
  func canaries(bug: ToyMachine.Bug, check: String) throws {
    let violation = SeedRunner(first: 0, count: 30)
      .firstViolation { seed, trace throws(Violation) in
        try stormyRun(bug, seed: seed, trace: trace)
      }
    let found = try #require(violation)
    #expect(found.check == check)
    #expect(!found.tail.isEmpty)
    #expect(found.description.hasSuffix(": \(check): \(found.text)"))
    #expect(found.description.contains("seed \(found.seed), step \(found.step), "))
  }

  @Test("Order taken from a Set is found by comparing runs of one seed")
  func nondeterminism() throws {
    var runner = SeedRunner(first: 0, count: 20)
    runner.comparisonInterval = 1
    let violation = runner.firstViolation { seed, trace throws(Violation) in
      try stormyRun(.iteratesSet, seed: seed, trace: trace)
    }
    #expect(try #require(violation).check == "determinism")
  }

  @Test("Failures are collected if asked for, or end the series")
  func collecting() {
    func fails(_ seed: UInt64) throws(Violation) -> Report {
      let cluster = ToyCluster(seed: seed, nodes: 1, blueprint: .toy())
      cluster.finalCheck("odd") { $0.seed % 3 == 1 ? "one too many" : nil }
      return try cluster.finish()
    }
    var runner = SeedRunner(first: 0, count: 10)
    let first = runner.run { seed, _ throws(Violation) in try fails(seed) }
    #expect(first.failures.map(\.seed) == [1])
    #expect(first.runs == 2)
    runner.stopsAtFailure = false
    let all = runner.run { seed, _ throws(Violation) in try fails(seed) }
    #expect(all.failures.map(\.seed) == [1, 4, 7])
    #expect(all.runs == 10)
  }

  @Test("A run that goes in circles ends at its bound of steps")
  func bound() {
    var world = World()
    world.stepsMax = 1000
    let cluster = ToyCluster(seed: 0, nodes: 1, blueprint: .toy(), world: world)
    func again(_ cluster: ToyCluster) { cluster.after(.zero, again) }
    again(cluster)
    #expect(throws: Violation.self) { try cluster.run(for: .seconds(1)) }
    #expect(cluster.steps == 1001)
    #expect(cluster.elapsed == .zero)
  }

  @Test("A run can end as soon as what it waits for has come")
  func until() throws {
    let cluster = ToyCluster(seed: 0, nodes: 2, blueprint: .toy())
    #expect(try cluster.run(for: .seconds(10), until: { $0.peer(of: 0, to: 1) != nil }))
    #expect(cluster.elapsed < .seconds(1))
    #expect(try !cluster.run(for: .seconds(10), until: { $0.counts.crashes > 0 }))
  }

  @Test("A client can go on when it is answered")
  func reactiveClient() throws {
    let cluster = ToyCluster(seed: 0, nodes: 1, blueprint: .toy())
    cluster.onReply = { cluster, _, count in
      if count < 10 { cluster.submit(.add, to: 0) }
    }
    cluster.submit(.add, to: 0)
    try cluster.run(for: .seconds(1))
    #expect(cluster.durable(0).count == 10)
  }
}
