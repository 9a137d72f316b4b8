import Kernel
import Simulation
import Testing

@Suite("The simulated network")
struct NetworkTests {
  private func cluster(
    nodes: Int = 3,
    delivery: World.Delivery = .reliable,
    link: LinkConditions = LinkConditions(delay: .milliseconds(1...100))
  ) throws -> (ToyCluster, Reports) {
    var world = World()
    world.delivery = delivery
    world.link = link
    let cluster = ToyCluster(seed: 5, nodes: nodes, blueprint: .toy(), world: world)
    let reports = Reports(of: cluster)
    try cluster.run(for: .seconds(1))
    return (cluster, reports)
  }

  @Test("Every pair is connected, and each end hears who the other is")
  func connects() throws {
    let (cluster, reports) = try cluster()
    for a in 0..<3 {
      for b in 0..<3 where a != b {
        let peer = try #require(cluster.peer(of: a, to: b))
        #expect(reports.events(of: a).contains(.connected(peer, node: b)))
        #expect(cluster.remote(of: peer) == b)
      }
    }
  }

  @Test("Only the pairs asked for are connected")
  func topology() throws {
    let cluster = ToyCluster(
      seed: 5,
      nodes: 3,
      blueprint: .toy(),
      links: [(0, 1), (2, 1)]
    )
    try cluster.run(for: .seconds(1))
    #expect(cluster.peer(of: 0, to: 1) != nil)
    #expect(cluster.peer(of: 1, to: 2) != nil)
    #expect(cluster.peer(of: 0, to: 2) == nil)
    cluster.setLinked(0, 2, true)
    cluster.setLinked(0, 1, false)
    try cluster.run(for: .seconds(1))
    #expect(cluster.peer(of: 0, to: 2) != nil)
    #expect(cluster.peer(of: 0, to: 1) == nil)
  }

  @Test("A reliable connection keeps order and loses nothing, also when packets are lost")
  func reliable() throws {
    let rough = LinkConditions(delay: .milliseconds(1...100), loss: .percent(30))
    let (cluster, reports) = try cluster(link: rough)
    for index in 0..<50 {
      cluster.submit(.stream(index * 4..<index * 4 + 4), to: 0, after: .milliseconds(index))
    }
    try cluster.run(for: .seconds(30))
    #expect(reports.numbers(at: 1) == Array(0..<200))
    #expect(reports.numbers(at: 2) == Array(0..<200))
    #expect(cluster.counts.retransmitted > 0)
    #expect(cluster.counts.lost == 0)
  }

  @Test("A lossy connection loses, repeats and reorders")
  func lossy() throws {
    let rough = LinkConditions(
      delay: .milliseconds(1...100),
      loss: .percent(20),
      duplication: .percent(20)
    )
    let (cluster, reports) = try cluster(nodes: 2, delivery: .lossy, link: rough)
    cluster.submit(.stream(0..<500), to: 0)
    try cluster.run(for: .seconds(1))
    let numbers = reports.numbers(at: 1)
    #expect((350..<450).contains(Set(numbers).count))
    #expect(numbers.count > Set(numbers).count)
    #expect(numbers != numbers.sorted())
    #expect(cluster.counts.lost + cluster.counts.delivered == 500 + cluster.counts.duplicated)
  }

  @Test("A perfect lossy connection still reorders, and only that")
  func reorders() throws {
    let (cluster, reports) = try cluster(nodes: 2, delivery: .lossy)
    cluster.submit(.stream(0..<100), to: 0)
    try cluster.run(for: .seconds(1))
    #expect(reports.numbers(at: 1) != Array(0..<100))
    #expect(reports.numbers(at: 1).sorted() == Array(0..<100))
  }

  @Test("A severing partition ends connections across it, and healing makes new ones")
  func severing() throws {
    let (cluster, reports) = try cluster()
    let before = try #require(cluster.peer(of: 0, to: 2))
    cluster.submit(.stream(0..<10), to: 0)
    try cluster.run(for: .microseconds(500))
    cluster.partition([[2]])
    cluster.submit(.stream(10..<20), to: 0, after: .seconds(2))
    try cluster.run(for: .seconds(5))
    #expect(reports.numbers(at: 1) == Array(0..<20))
    #expect(reports.numbers(at: 2).isEmpty)
    #expect(reports.events(of: 0).contains(.disconnected(before)))
    #expect(cluster.peer(of: 0, to: 2) == nil)

    cluster.heal()
    cluster.submit(.stream(20..<30), to: 0, after: .seconds(2))
    try cluster.run(for: .seconds(5))
    #expect(reports.numbers(at: 2) == Array(20..<30))
    let after = try #require(cluster.peer(of: 0, to: 2))
    #expect(after > before)
  }

  @Test("A stalling partition holds reliable messages back, in order, and keeps connections")
  func stalling() throws {
    let (cluster, reports) = try cluster()
    let before = cluster.peer(of: 0, to: 2)
    cluster.partition([[2]], .stalling)
    for index in 0..<10 {
      cluster.submit(.stream(index * 10..<index * 10 + 10), to: 0, after: .milliseconds(index * 30))
    }
    try cluster.run(for: .milliseconds(200))
    #expect(reports.numbers(at: 2).isEmpty)
    cluster.heal()
    try cluster.run(for: .seconds(5))
    #expect(reports.numbers(at: 2) == Array(0..<100))
    #expect(cluster.peer(of: 0, to: 2) == before)
    #expect(
      reports.events(of: 2).contains { if case .disconnected = $0 { true } else { false } } == false
    )
  }

  @Test("What arrives in the instant a stall ends does not overtake what waited")
  func releaseInOrder() throws {
    let fixed = LinkConditions(delay: .milliseconds(10...10))
    let (cluster, reports) = try cluster(nodes: 2, link: fixed)
    cluster.after(.milliseconds(15)) { $0.unstall(from: 0, to: 1) }
    cluster.stall(from: 0, to: 1)
    cluster.submit(.stream(0..<3), to: 0)
    cluster.submit(.stream(3..<6), to: 0, after: .milliseconds(5))
    try cluster.run(for: .seconds(1))
    #expect(reports.numbers(at: 1) == Array(0..<6))
  }

  @Test("A stalled direction loses lossy messages; the other direction passes")
  func stalledDirection() throws {
    let (cluster, reports) = try cluster(nodes: 2, delivery: .lossy)
    cluster.stall(from: 0, to: 1)
    cluster.submit(.stream(0..<10), to: 0)
    cluster.submit(.stream(0..<10), to: 1)
    try cluster.run(for: .seconds(1))
    cluster.unstall(from: 0, to: 1)
    try cluster.run(for: .seconds(1))
    #expect(reports.numbers(at: 1).isEmpty)
    #expect(reports.numbers(at: 0).count == 10)
  }

  @Test("Each connection ends once at each end, and what it carried is a prefix of what was sent")
  func cuts() throws {
    for round in 0..<40 {
      let (cluster, reports) = try cluster(nodes: 2)
      let before = try #require(cluster.peer(of: 1, to: 0))
      cluster.submit(.stream(0..<100), to: 0)
      cluster.after(.milliseconds(round * 4)) { $0.cut(0, 1) }
      try cluster.run(for: .seconds(3))
      let numbers = reports.numbers(at: 1)
      #expect(numbers == Array(0..<numbers.count))
      #expect(reports.events(of: 1).count { $0 == .disconnected(before) } == 1)
      #expect(cluster.peer(of: 1, to: 0) != nil)
    }
  }

  @Test("A machine that disconnects hears of it, as the far end does, and can be connected anew")
  func disconnects() throws {
    let (cluster, reports) = try cluster(nodes: 2)
    let peers = try [(0, 1), (1, 0)].map { try #require(cluster.peer(of: $0, to: $1)) }
    cluster.submit(.disconnectAll, to: 0)
    try cluster.run(for: .seconds(2))
    #expect(reports.events(of: 0).contains(.disconnected(peers[0])))
    #expect(reports.events(of: 1).contains(.disconnected(peers[1])))
    #expect(try #require(cluster.peer(of: 0, to: 1)) > peers[0])
  }

  @Test("A peer that a node was never told of is the machine's fault")
  func foreignPeer() {
    let violation = SeedRunner(first: 0, count: 1)
      .firstViolation { seed, trace throws(Violation) in
        try stormyRun(.namesForeignPeer, seed: seed, trace: trace)
      }
    #expect(violation?.check == "contract")
  }

  @Test("A Byzantine node says what it likes to each, and others see only that")
  func byzantine() throws {
    let (cluster, reports) = try cluster(nodes: 4)
    cluster.forbidDoublePledges()
    cluster.setByzantine(
      0,
      Byzantine(
        outgoing: { message, to, _ in
          switch to {
          case 1: []
          case 2: [message, message]
          default: [.number(99)]
          }
        },
        incoming: { message, from, _ in message == .number(7) ? [(from, .number(8))] : [] }
      )
    )
    cluster.submit(.stream(5..<6), to: 0)
    cluster.submit(.stream(7..<8), to: 3, after: .seconds(1))
    try cluster.run(for: .seconds(2))
    #expect(reports.numbers(at: 1) == [7])
    #expect(reports.numbers(at: 2) == [5, 5, 7])
    #expect(reports.numbers(at: 3) == [99, 8])
    #expect(cluster.isByzantine(0))

    #expect(cluster.inject(.number(1), from: 0, to: 1))
    cluster.setByzantine(0, .silent)
    cluster.submit(.stream(2..<3), to: 0)
    try cluster.run(for: .seconds(2))
    #expect(reports.numbers(at: 1) == [7, 1])
  }
}
