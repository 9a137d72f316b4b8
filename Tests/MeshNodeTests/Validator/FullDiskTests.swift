import Kernel
import Mesh
import MeshNode
import Storage
import TestSupport
import Testing

@Suite(
  "A validator's full disk",
  .enabled(if: SmallDisk.isPossible, "no filesystem may be mounted here"),
  .timeLimit(.minutes(1))
)
struct FullDiskTests {
  @Test("It votes no more and says why; the others go on; with space again it catches up and votes")
  func full() async throws {
    let net = try TestNet()
    let disk = SmallDisk(bytes: 4 << 20)
    let validators = try await TestValidators(net, on: [3: disk])
    let addresses = await validators.addresses
    let alice = try await TestWallet(net.owners[0], of: net, calling: addresses)
    let payee = Payee(address: net.owners[1].address(on: net.genesis), amount: Amount(1))
    #expect(try await alice.pay(payee) != nil)
    #expect(try await validators.digests(after: 1).count == 1)

    disk.fill()
    let certificate = try #require(try await alice.pay(payee))
    #expect(!certificate.signerIndices.contains(ValidatorIndex(3)))
    // Its votes wait for the disk: the first that does not get there ends it, in words for people.
    let failure = await validators.nodes[3]?.untilAskedToStop()
    #expect(failure.map { "\($0)" }?.contains("the disk is full; free some space") == true)
    await validators.stop(3)
    // What it had before is whole.
    let audit = try LedgerAudit(
      of: ValidatorDirectory(validators.path(3)),
      genesis: net.genesis
    )
    #expect(audit.isSound)
    #expect(audit.totals.logCount == 1)
    #expect(try await alice.pay(payee) != nil)
    // Without space it does not start, and says so; what is there stays whole. (To end gave some back.)
    disk.fill()
    let refusal = await #expect(throws: (any Error).self) { try await validators.start(3) }
    #expect(refusal.map { "\($0)" }?.contains("space") == true)

    disk.free()
    try await validators.start(3)
    #expect(try await validators.digests(after: 3).count == 1)
    // Three more that need its vote.
    await validators.stop(0)
    for _ in 0..<3 {
      let certificate = try #require(try await alice.pay(payee))
      #expect(certificate.signerIndices.contains(ValidatorIndex(3)))
    }
    #expect(try await validators.digests(after: 6).count == 1)
    await alice.stop()
    await validators.stopAll()
  }
}
