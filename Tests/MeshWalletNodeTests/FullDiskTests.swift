import Kernel
import Mesh
import MeshWalletNode
import Service
import TestSupport
import Testing

@Suite(
  "A wallet's full disk",
  .enabled(if: SmallDisk.isPossible, "no filesystem may be mounted here"),
  .timeLimit(.minutes(1))
)
struct FullDiskTests {
  @Test(
    "It signs nothing that it could not keep, says why, and goes on with space, with all it had"
  )
  func full() async throws {
    let network = try await TestNetwork()
    let (disk, bobsPlace) = (SmallDisk(bytes: 1 << 20), TemporaryDirectory())
    let keys = WalletKeys.spending(network.account(0))
    let file = try WalletFile(seed: network.seeds[0], password: .text("p"), cost: .least)
    try WalletDirectory.write(file, in: disk.path, isFresh: true)
    let bob = try await network.owner(1, in: bobsPlace)
    func start() async throws -> MeshWalletService {
      try await network.wallet(keys, at: disk.path)
    }
    var alice = try await start()
    _ = try await alice.pay(network.address(1), 500)

    disk.fill()
    let failed = await problem { try await alice.pay(network.address(1), 7) }
    #expect(failed?.code == .stateFailed)
    #expect(failed?.description.contains("the disk is full; free some space") == true)
    // Nothing left: Bob hears of one payment alone.
    #expect(try await bob.perform(.balance)["receivable"]?.string == "500")
    // The agent that goes on does not forget that its state failed.
    #expect(await problem { try await alice.pay(network.address(1), 7) }?.code == .stateFailed)
    await alice.stop()

    disk.free()
    alice = try await start()
    #expect(try await alice.perform(.balance)["balance"]?.string == "9497")
    let answer = try await alice.pay(network.address(1), 7)
    #expect(answer["sequence"]?.string == "1")
    #expect(answer["balance"]?.string == "9487")
    await alice.stop()
    await bob.stop()
    await network.stopAll()
  }
}
