import Kernel
import Service
import Testing
import TinyChain
import TinyChainPeers

@testable import TinyChainNode

@Suite("What a node still knows after a restart", .timeLimit(.minutes(5)))
struct RestartTests {
  private func payment(_ nonce: UInt64, on chain: Chain) -> SignedTransaction {
    let request = Request(.transfer, to: NetworkParameters.faucet, value: 1, gasLimit: 10_000)
    return SignedTransaction(
      request.transaction(on: chain.id, nonce: nonce, maxPrice: 10),
      by: NetworkParameters.faucetKey
    )
  }

  @Test("Transactions that wait are stored as they came, and forgotten when told so")
  func pool() throws {
    let place = try Place()
    defer { place.remove() }
    let path = place.file("dev.sqlite")
    let payments = (0..<4 as Range<UInt64>).map { payment($0, on: Chain(.minedDev)) }
    do {
      let store = try ChainStore(path: path, .minedDev)
      try store.pool(Array(payments[..<3].reversed()))
      try store.unpool([payments[1].id, .zero])
      try store.pool([payments[3], payments[2]])
    }
    let stored = try ChainStore(path: path, .minedDev).pooled()
    #expect(stored == [payments[0].bytes, payments[3].bytes, payments[2].bytes])
  }

  @Test("Bans are stored with their ends; those that are over leave with the next")
  func bans() throws {
    let place = try Place()
    defer { place.remove() }
    let path = place.file("dev.sqlite")
    let now = Instant(milliseconds: 5_000_000)
    let network = try #require(IPAddress("2001:db8:1:2::"))
    let bans = [
      Ban(Ban.Subject(IPAddress(v4: 0x0808_0808)), until: now + .seconds(10)),
      Ban(Ban.Subject(.loopbackV4, node: 0x0102_0304_0506_0708), until: now + .seconds(20)),
      Ban(Ban.Subject(network), until: now + .seconds(30)),
    ]
    do {
      let store = try ChainStore(path: path, .minedDev)
      for ban in bans + [bans[0]] { try store.ban(ban, now: now) }
      #expect(try store.bans() == bans)
    }
    let store = try ChainStore(path: path, .minedDev)
    #expect(try store.bans() == bans)
    let last = Ban(bans[1].subject, until: now + .seconds(40))
    try store.ban(last, now: now + .seconds(10))
    #expect(try store.bans() == [bans[2], last])
  }

  @Test("A transaction that waits and a ban are there again")
  func node() async throws {
    let place = try Place()
    defer { place.remove() }
    try await submitAndBan(in: place)
    try await confirm(in: place)
    let last = try await TestNode(in: place)
    #expect(await last.node.driver.inspect { $0.pool.count } == 0)
    await last.node.stop()
  }

  /// A node that is given three transactions, and bans who is called 77.
  private func submitAndBan(in place: Place) async throws {
    let node = try await TestNode(in: place)
    let chain = await node.node.driver.inspect { $0.chain }
    for nonce in 0..<3 as Range<UInt64> {
      _ = try await node.node.driver.submit(.submit(payment(nonce, on: chain)))
    }
    let stranger = try Stranger(77, to: node.node)
    #expect(try await stranger.hello().status == 200)
    _ = try await stranger.send("headers", [1])
    await node.wait { $0.tableSizes.contains { $0.name == "bans" && $0.count == 1 } }
    await stranger.close()
    await node.node.stop()
  }

  /// The same node knows both; the transactions find their block, and wait no more.
  private func confirm(in place: Place) async throws {
    let node = try await TestNode(in: place)
    #expect(await node.node.driver.inspect { $0.pool.count } == 3)
    let stranger = try Stranger(77, to: node.node)
    let refusal = try await stranger.hello()
    #expect(refusal.status == 403)
    #expect(String(decoding: refusal.body, as: UTF8.self) == "banned for what it sent\n")
    await stranger.close()
    let other = try Stranger(78, to: node.node)
    #expect(try await other.hello().status == 200)
    await other.close()
    let block = try await node.block()
    #expect(block.transactions.count == 3)
    #expect(try await node.give(block) == nil)
    await node.wait { $0.pool.count == 0 }
    await node.node.stop()
  }
}
