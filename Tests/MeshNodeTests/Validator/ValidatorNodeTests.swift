import Glibc
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
}
