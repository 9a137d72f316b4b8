import EventLoop
import Glibc
import HTTP
import Kernel
import Mesh
import MeshNode
import Service
import Testing

@Suite("Validators over real sockets", .timeLimit(.minutes(1)))
struct ValidatorNodeTests {
  @Test("Alice pays Bob, Bob receives, and all four come to the same state")
  func payment() async throws {
    let net = try TestNet()
    let validators = try await TestValidators(net)
    let addresses = await validators.addresses
    let alice = try await TestWallet(net.owners[0], of: net, calling: addresses)
    let bob = try await TestWallet(net.owners[1], of: net, calling: addresses)
    let payee = Payee(address: net.owners[1].address(on: net.genesis), amount: Amount(500))
    #expect(try await alice.pay(payee) != nil)
    try await bob.receive(500)
    #expect(alice.balance == 9497)
    #expect(bob.balance == 10_500)
    #expect(try await validators.digests(after: 2).count == 1)
    await alice.stop()
    await bob.stop()
    await validators.stopAll()
  }

  @Test("With one of four down a payment goes through, and the one catches up by itself")
  func catchUp() async throws {
    let net = try TestNet()
    let validators = try await TestValidators(net)
    let addresses = await validators.addresses
    await validators.stop(2)
    let alice = try await TestWallet(net.owners[0], of: net, calling: addresses)
    let payee = Payee(address: net.owners[1].address(on: net.genesis), amount: Amount(1))
    for _ in 0..<5 { #expect(try await alice.pay(payee) != nil) }
    await alice.stop()
    try await validators.start(2)
    #expect(try await validators.digests(after: 5).count == 1)
    await validators.stopAll()
  }

  @Test("A validator that lost its database refuses to vote; as a follower it catches up")
  func lostDatabase() async throws {
    let net = try TestNet()
    let validators = try await TestValidators(net)
    let addresses = await validators.addresses
    let alice = try await TestWallet(net.owners[0], of: net, calling: addresses)
    let payee = Payee(address: net.owners[1].address(on: net.genesis), amount: Amount(1))
    #expect(try await alice.pay(payee) != nil)
    await validators.stop(1)
    for suffix in ["", "-wal", "-shm"] {
      unlink(ValidatorDirectory(validators.path(1)).ledgerPath + suffix)
    }
    await #expect(throws: ValidatorFailure.self) { try await validators.start(1) }
    try await validators.start(1, follows: true)
    #expect(try await validators.digests(after: 1).count == 1)
    // Now also without being told: the file remembers.
    await validators.stop(1)
    try await validators.start(1)
    guard case .status(let status)? = try await validators.nodes[1]?.driver.submit(.status) else {
      Issue.record("no status")
      return
    }
    #expect(!status.isVoting)
    // Three of four still settle.
    #expect(try await alice.pay(payee) != nil)
    #expect(try await validators.digests(after: 2).count == 1)
    await alice.stop()
    await validators.stopAll()
  }

  @Test("/health, /status and /metrics tell how it is, and nothing else is there")
  func front() async throws {
    let validators = try await TestValidators(try TestNet(validators: 1))
    let node = try #require(await validators.nodes[0])
    let loop = try EventLoop(name: "client")
    let client = HTTPClient(to: node.httpAddress, on: loop)
    let health = try await client.send(.get, "/health")
    #expect(health.status == 200)
    let answer = try JSON(parsing: health.body)
    #expect(answer["state"]?.string == "voting")
    #expect(answer["quorum"]?.integer(Int.self) == 1)
    let metrics = String(decoding: try await client.send(.get, "/metrics").body, as: UTF8.self)
    #expect(metrics.contains("\nmesh_accounts 2\n"))
    #expect(try await client.send(.get, "/nothing").status == 404)
    #expect(try await client.send(.post, "/status").status == 405)
    await client.close()
    await loop.shutdown()
    await validators.stopAll()
  }

  @Test("After a safety fault a validator does not vote, restarted or not, and /health says so")
  func halted() async throws {
    let net = try TestNet(validators: 1)
    let validators = try await TestValidators(net)
    await validators.stop(0)
    let path = ValidatorDirectory(validators.path(0)).ledgerPath
    do {
      let store = try SQLiteMeshStore(path: path, genesis: net.genesis)
      var totals = store.totals
      totals.isHalted = true
      store.apply(LedgerChange([.putTotals(totals)]))
      try store.commit()
    }
    try await validators.start(0)
    let node = try #require(await validators.nodes[0])
    let loop = try EventLoop(name: "client")
    let client = HTTPClient(to: node.httpAddress, on: loop)
    #expect(try await client.send(.get, "/health").status == 503)
    guard case .status(let status) = try await node.driver.submit(.status) else {
      Issue.record("no status")
      return
    }
    #expect(!status.isVoting)
    await client.close()
    await loop.shutdown()
    await validators.stopAll()
    let audit = try LedgerAudit(of: ValidatorDirectory(validators.path(0)), genesis: net.genesis)
    #expect(audit.isSupplyIntact)
    #expect(!audit.isSound)
  }
}
