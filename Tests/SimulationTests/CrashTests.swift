import Kernel
import Simulation
import Testing

@Suite("Disks and crashes")
struct CrashTests {
  /// Node 1 crashes at one chosen effect, and is asked again for another value afterwards.
  private func run(_ bug: ToyMachine.Bug, crashAt point: Int?) throws(Violation) -> ToyCluster {
    let cluster = ToyCluster(seed: 3, nodes: 3, blueprint: .toy(bug))
    cluster.forbidDoublePledges()
    cluster.forbidForgottenCounts()
    if let point { cluster.crash(1, atAction: point, restartAfter: .milliseconds(300)) }
    for slot in 0..<3 {
      cluster.submit(.propose(slot: slot, value: 10 + slot), to: 0, after: .seconds(1 + slot))
      cluster.submit(.add, to: 1, after: .seconds(1 + slot))
      cluster.submit(.propose(slot: slot, value: 20 + slot), to: 2, after: .seconds(10 + slot))
    }
    try cluster.run(for: .seconds(20))
    return cluster
  }

  @Test("A machine that persists first keeps its word at every crash point")
  func everyCrashPoint() throws {
    let points = try run(.none, crashAt: nil).actions(of: 1)
    #expect(points > 20)
    for point in 1...points {
      #expect(try run(.none, crashAt: point).counts.crashes == 1)
    }
  }

  @Test(
    "A machine that speaks first is caught at some crash point",
    arguments: [ToyMachine.Bug.sendsBeforePersist, .keepsPledgesInMemory]
  )
  func canaryAtSomeCrashPoint(bug: ToyMachine.Bug) throws {
    let points = try run(bug, crashAt: nil).actions(of: 1)
    let caught = (1...points).filter { point in
      do throws(Violation) {
        _ = try run(bug, crashAt: point)
        return false
      } catch {
        return error.check == "one pledge a slot"
      }
    }
    #expect(!caught.isEmpty)
    #expect(caught.count < points)
  }

  @Test("What stands behind a write waits for it; what comes before does not")
  func effectsWait() throws {
    var world = World()
    world.disk = DiskConditions(sync: .milliseconds(100...100))
    let cluster = ToyCluster(seed: 1, nodes: 1, blueprint: .toy(), world: world)
    let reports = Reports(of: cluster)
    let add = cluster.submit(.add, to: 0, after: .milliseconds(1000))
    cluster.submit(.square(3), to: 0, after: .milliseconds(900))
    cluster.submit(.square(4), to: 0, after: .milliseconds(1010))
    try cluster.run(for: .milliseconds(1099))
    #expect(cluster.machine(0)?.store.count == 1)
    #expect(cluster.durable(0).count == 0)
    #expect(cluster.requests[Int(add.number)].reply == nil)
    #expect(reports.events(of: 0) == [.squared(9)])
    try cluster.run(for: .milliseconds(1))
    #expect(cluster.durable(0).count == 1)
    #expect(cluster.requests[Int(add.number)].reply == 1)
    try cluster.run(for: .seconds(1))
    #expect(reports.events(of: 0) == [.squared(9), .squared(16)])
  }

  @Test("Writes that wait together share syncs")
  func groupCommit() throws {
    var world = World()
    world.disk = DiskConditions(sync: .milliseconds(10...10), groupMax: 64)
    let cluster = ToyCluster(seed: 1, nodes: 1, blueprint: .toy(), world: world)
    for index in 0..<500 { cluster.submit(.add, to: 0, after: .microseconds(index)) }
    try cluster.run(for: .seconds(10))
    #expect(cluster.counts.writes == 500)
    #expect(cluster.counts.syncs < 100)
    #expect(cluster.requests.compactMap(\.reply) == Array(1...500))
  }

  @Test("A crash loses what is not durable, and the waiting requests with it")
  func lostWrite() throws {
    var world = World()
    world.disk = DiskConditions(sync: .milliseconds(100...100))
    let cluster = ToyCluster(seed: 1, nodes: 1, blueprint: .toy(), world: world)
    cluster.submit(.add, to: 0, after: .seconds(1))
    cluster.submit(.add, to: 0, after: .seconds(2))
    cluster.at(.milliseconds(2050)) { $0.crash(0, restartAfter: .seconds(1)) }
    cluster.submit(.add, to: 0, after: .milliseconds(2500))
    try cluster.run(for: .seconds(3))
    #expect(!cluster.isUp(0))
    cluster.submit(.add, to: 0, after: .seconds(1))
    try cluster.run(for: .seconds(2))
    #expect(cluster.isUp(0))
    #expect(cluster.requests.map(\.reply) == [1, nil, nil, 2])
    let isLost = if case .lost = cluster.requests[1].outcome { true } else { false }
    let isRefused = if case .refused = cluster.requests[2].outcome { true } else { false }
    #expect(isLost)
    #expect(isRefused)
  }

  @Test("A broadcast can be cut short by a crash")
  func halfBroadcast() throws {
    let cluster = ToyCluster(seed: 1, nodes: 5, blueprint: .toy())
    let reports = Reports(of: cluster)
    try cluster.run(for: .seconds(1))
    cluster.crash(0, atAction: cluster.actions(of: 0) + 3, restartAfter: nil)
    cluster.submit(.stream(1..<2), to: 0)
    try cluster.run(for: .seconds(1))
    #expect(cluster.counts.sent == 2)
    #expect(!cluster.isUp(0))
    #expect((1..<5).flatMap { reports.numbers(at: $0) }.count <= 2)
    cluster.restart(0)
    try cluster.run(for: .seconds(1))
    #expect(cluster.isUp(0))
    #expect(cluster.peer(of: 3, to: 0) != nil)
  }

  @Test("Peers hear that a node crashed; the node itself starts with new connections")
  func peersHear() throws {
    let cluster = ToyCluster(seed: 1, nodes: 2, blueprint: .toy())
    let reports = Reports(of: cluster)
    try cluster.run(for: .seconds(1))
    let ends = try [(0, 1), (1, 0)].map { try #require(cluster.peer(of: $0, to: $1)) }
    cluster.crash(0, restartAfter: .milliseconds(1))
    try cluster.run(for: .seconds(1))
    #expect(reports.events(of: 1).contains(.disconnected(ends[1])))
    #expect(!reports.events(of: 0).contains(.disconnected(ends[0])))
    #expect(cluster.machine(0)?.peers.count == 1)
    #expect(try #require(cluster.peer(of: 0, to: 1)) > ends[0])
  }

  @Test("A job's result comes after its time, unless the node crashed")
  func jobs() throws {
    var world = World()
    world.jobs = .milliseconds(100...100)
    let cluster = ToyCluster(seed: 1, nodes: 1, blueprint: .toy(), world: world)
    let reports = Reports(of: cluster)
    cluster.submit(.square(3), to: 0, after: .seconds(1))
    cluster.submit(.square(4), to: 0, after: .seconds(2))
    cluster.at(.milliseconds(2099)) { $0.crash(0, restartAfter: .zero) }
    try cluster.run(for: .seconds(3))
    #expect(reports.all.map(\.event) == [.squared(9)])
    #expect(reports.all.map(\.elapsed) == [.milliseconds(1100)])
  }
}
