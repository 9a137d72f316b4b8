import Kernel
import Simulation
import Testing

@Suite("Clocks and timers")
struct ClockTests {
  @Test("Setting a timer again replaces it; cancelling ends it; others go on")
  func timers() throws {
    let cluster = ToyCluster(seed: 1, nodes: 1, blueprint: .toy())
    let reports = Reports(of: cluster)
    cluster.submit(.remind("moved", after: .seconds(5)), to: 0, after: .seconds(1))
    cluster.submit(.remind("moved", after: .seconds(1)), to: 0, after: .seconds(2))
    cluster.submit(.remind("ended", after: .seconds(2)), to: 0, after: .seconds(1))
    cluster.submit(.forget("ended"), to: 0, after: .seconds(2))
    cluster.submit(.remind("ended", after: .seconds(9)), to: 0, after: .milliseconds(2500))
    cluster.submit(.remind("kept", after: .seconds(4)), to: 0, after: .seconds(1))
    try cluster.run(for: .seconds(20))
    #expect(reports.reminders(at: 0) == ["moved", "kept", "ended"])
    #expect(
      reports.all.map(\.elapsed) == [.seconds(3), .seconds(5), .milliseconds(11_500)]
    )
  }

  @Test("A crash ends all timers")
  func crashEndsTimers() throws {
    let cluster = ToyCluster(seed: 1, nodes: 1, blueprint: .toy())
    let reports = Reports(of: cluster)
    cluster.submit(.remind("lost", after: .seconds(2)), to: 0, after: .seconds(1))
    cluster.at(.seconds(2)) { $0.crash(0, restartAfter: .zero) }
    cluster.submit(.remind("new", after: .seconds(3)), to: 0, after: .milliseconds(2500))
    try cluster.run(for: .seconds(20))
    #expect(reports.reminders(at: 0) == ["new"])
  }

  @Test("Clocks differ by skew and drift, and a timer is never early by its own clock")
  func skewAndDrift() throws {
    var world = World()
    world.clockSkewMax = .seconds(10)
    world.clockDriftMax = 100_000
    let cluster = ToyCluster(seed: 1, nodes: 8, blueprint: .toy(), world: world)
    let reports = Reports(of: cluster)
    for node in 0..<8 {
      cluster.submit(.remind("", after: .seconds(100)), to: node, after: .seconds(1))
    }
    try cluster.run(for: .seconds(1))
    let starts = (0..<8).map { cluster.clock(of: $0) }
    #expect(Set(starts).count == 8)
    #expect(starts.allSatisfy { abs(($0 - cluster.now).wholeMilliseconds) <= 10_100 })
    try cluster.run(for: .seconds(200))
    for node in 0..<8 {
      let fired = reports.events(of: node).compactMap { event -> Instant? in
        if case .reminded(_, let time) = event { time } else { nil }
      }
      let waited = try #require(fired.first) - starts[node]
      #expect(waited >= .seconds(100))
      #expect(waited < .seconds(100) + .microseconds(1))
    }
    let firings = Set(
      reports.all.filter { if case .reminded = $0.event { true } else { false } }.map(\.elapsed)
    )
    #expect(firings.count == 8)
  }

  @Test("A node's clock never goes back, restarts included")
  func monotonic() throws {
    var world = World()
    world.clockSkewMax = .seconds(10)
    world.clockDriftMax = 999_999
    let cluster = ToyCluster(seed: 2, nodes: 4, blueprint: .toy(), world: world)
    var last = (0..<4).map { cluster.clock(of: $0) }
    cluster.invariant("clocks") { cluster in
      defer { last = (0..<4).map { cluster.clock(of: $0) } }
      return (0..<4).contains { cluster.clock(of: $0) < last[$0] } ? "a clock went back" : nil
    }
    var faults = FaultProfile()
    faults.crashInterval = .milliseconds(100)
    faults.downTime = .microseconds(1...1000)
    cluster.startFaults(faults)
    try cluster.run(for: .seconds(20))
    #expect(cluster.counts.crashes > 20)
  }
}
