import EventLoop
import Kernel
import Service
import Testing

@Suite("Driver: a machine in the real world", .timeLimit(.minutes(1)))
struct DriverTests {
  private let a = PeerID(1)
  private let b = PeerID(2)

  @Test("A message leaves after the commit of the change before it, and so does the reply")
  func persistBeforeSend() async throws {
    let fixture = try DriverFixture()
    #expect(try await fixture.driver.submit(.add(5, tell: a)) == 5)
    #expect(fixture.host.calls == ["commit [5]", "send 5 to 1"])
    await fixture.end()
  }

  @Test("Inputs that wait together share one commit, and their effects follow it in order")
  func groupCommit() async throws {
    let fixture = try DriverFixture()
    let driver = fixture.driver
    await fixture.whileBusy {
      driver.connected(PeerID(1), "a")
      for value in 100...102 { _ = driver.deliver(value, from: PeerID(1), cost: 1) }
    }
    await fixture.host.saw("send 102 to 1")
    #expect(
      fixture.host.calls == [
        "report connected", "commit [100, 101, 102]", "send 100 to 1", "send 101 to 1",
        "send 102 to 1",
      ]
    )
    await fixture.end()
  }

  @Test("A group ends at its limit")
  func groupLimit() async throws {
    var limits = DriverLimits()
    limits.groupMax = 2
    let fixture = try DriverFixture(limits)
    let driver = fixture.driver
    await fixture.whileBusy {
      driver.connected(PeerID(1), "a")
      for value in 100...102 { _ = driver.deliver(value, from: PeerID(1), cost: 1) }
    }
    await fixture.host.saw("send 102 to 1")
    let commits = fixture.host.calls.filter { $0.hasPrefix("commit") }
    #expect(commits == ["commit [100]", "commit [101, 102]"])
    await fixture.end()
  }

  @Test("What was decided before any change leaves without a commit")
  func noCommitWithoutChange() async throws {
    let fixture = try DriverFixture()
    #expect(try await fixture.driver.submit(.read) == 0)
    fixture.driver.connected(a, "a")
    await fixture.host.saw("report connected")
    #expect(await fixture.driver.statistics.commits == 0)
    await fixture.end()
  }

  @Test("A failed commit stops the driver before anything leaves, and tells who waits")
  func failedCommit() async throws {
    let fixture = try DriverFixture()
    fixture.host.state.withLock { $0.commitFails = true }
    await #expect(throws: DriverFailure.failed("the disk is full")) {
      try await fixture.driver.submit(.add(5, tell: PeerID(1)))
    }
    await fixture.host.saw("failed: the disk is full")
    #expect(fixture.host.calls == ["failed: the disk is full"])
    await #expect(throws: DriverFailure.failed("the disk is full")) {
      try await fixture.driver.submit(.read)
    }
    #expect(fixture.driver.deliver(1, from: a, cost: 1) == .gone)
    await fixture.end()
  }

  @Test("A store that failed while it was read lets nothing out either")
  func failedRead() async throws {
    let fixture = try DriverFixture()
    fixture.host.state.withLock { $0.checkFails = true }
    await #expect(throws: DriverFailure.failed("the disk is full")) {
      try await fixture.driver.submit(.read)
    }
    await fixture.end()
  }

  @Test("Peers are served in turn, however much one of them says")
  func fairness() async throws {
    var limits = DriverLimits()
    limits.quantum = 1
    let fixture = try DriverFixture(limits)
    let driver = fixture.driver
    await fixture.whileBusy {
      driver.connected(PeerID(1), "a")
      driver.connected(PeerID(2), "b")
      for value in 101...104 { _ = driver.deliver(value, from: PeerID(1), cost: 1) }
      _ = driver.deliver(109, from: PeerID(2), cost: 1)
    }
    await fixture.host.saw("send 104 to 1")
    #expect(
      await fixture.history == [
        "connected 1 a", "connected 2 b", "received 101 from 1", "received 109 from 2",
        "received 102 from 1", "received 103 from 1", "received 104 from 1",
      ]
    )
    await fixture.end()
  }

  @Test("A peer that is full is refused, and told when there is room")
  func backpressure() async throws {
    var limits = DriverLimits()
    limits.messagesPerPeer = 2
    let fixture = try DriverFixture(limits)
    let driver = fixture.driver
    await fixture.whileBusy {
      driver.connected(PeerID(1), "a")
      #expect(driver.deliver(1, from: PeerID(1), cost: 1) == .taken)
      #expect(driver.deliver(2, from: PeerID(1), cost: 1) == .taken)
      #expect(driver.deliver(3, from: PeerID(1), cost: 1) == .full)
    }
    await fixture.host.saw("room for 1")
    #expect(driver.deliver(3, from: a, cost: 1) == .taken)
    await fixture.end()
  }

  @Test("A peer disconnects once, and what it said before and was not handled is forgotten")
  func disconnectOnce() async throws {
    let fixture = try DriverFixture()
    let driver = fixture.driver
    await fixture.whileBusy {
      driver.connected(PeerID(1), "a")
      _ = driver.deliver(1, from: PeerID(1), cost: 1)
      driver.disconnected(PeerID(1))
      driver.disconnected(PeerID(1))
      driver.disconnected(PeerID(2))
      #expect(driver.deliver(2, from: PeerID(1), cost: 1) == .gone)
    }
    _ = try await driver.submit(.read)
    #expect(await fixture.history == ["connected 1 a", "disconnected 1"])
    await fixture.end()
  }

  @Test("A timer fires once; a cancelled or replaced one does not")
  func timers() async throws {
    let fixture = try DriverFixture()
    let driver = fixture.driver
    _ = try await driver.submit(.arm("cancelled", .zero))
    _ = try await driver.submit(.disarm("cancelled"))
    _ = try await driver.submit(.arm("replaced", .seconds(3600)))
    _ = try await driver.submit(.arm("replaced", .milliseconds(1)))
    await fixture.host.saw("report fired replaced")
    let fired = await fixture.history.filter { $0 == "fired replaced" }
    #expect(fired.count == 1)
    await fixture.end()
  }

  @Test("Jobs come back with their result, more of them than the workers have room for")
  func jobs() async throws {
    let fixture = try DriverFixture()
    let squares = try await withThrowingTaskGroup(of: Int.self) { group in
      for value in 1...8 { group.addTask { try await fixture.driver.submit(.square(value)) } }
      return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
    }
    #expect(squares == [1, 4, 9, 16, 25, 36, 49, 64])
    await fixture.end()
  }

  @Test("A stopped driver refuses commands at once")
  func stopped() async throws {
    let fixture = try DriverFixture()
    await fixture.driver.stop()
    await #expect(throws: DriverFailure.stopped) { try await fixture.driver.submit(.read) }
    await fixture.end()
  }

  @Test("The machine's word to disconnect reaches the host")
  func disconnects() async throws {
    let fixture = try DriverFixture()
    _ = try await fixture.driver.submit(.disconnect(b))
    #expect(fixture.host.calls == ["disconnect 2: asked"])
    await fixture.end()
  }
}
