import Kernel
import Mesh
import Simulation

/// The owners of honest wallets: they pay each other, claim what they are paid, and now and then lose
/// everything but their words.
final class Owners {
  private let cast: Cast
  private let checker: Checker
  private var random: SplitMix64
  private var owners: [Owner]
  private var isClosing = false
  /// Databases still to be lost, most of them while a payment is under way.
  private var lossesLeft: Int

  private struct Owner {
    let node: Int
    /// Payments still to be made before healing: each costs a proof.
    var paymentsLeft: Int
    var waiting: RequestID?
    /// Whom it is to pay.
    var payees: [AccountID] = []
    /// The first slot in which the wallet may lose its database: once in a slot, as a second loss in
    /// the same one may block it (docs/protocols/mesh.md).
    var nextLoss = SequenceNumber.first
    /// After healing one more payment went through.
    var isClosed = false
  }

  init(_ cast: Cast, _ checker: Checker, seed: UInt64) {
    self.cast = cast
    self.checker = checker
    var random = SplitMix64(seed: seed)
    lossesLeft = [0, 1, 2, 4].drawn(using: &random)
    owners = cast.honestWalletNodes.map {
      Owner(node: $0, paymentsLeft: 1 + random.below(3))
    }
    self.random = random
  }

  func watch(_ cluster: MeshCluster) {
    cluster.onReply = { [self] cluster, request, reply in
      guard case .wallet(let reply) = reply else { return }
      guard let index = owners.firstIndex(where: { $0.waiting == request }) else { return }
      owners[index].waiting = nil
      note(reply, of: index, in: cluster)
    }
  }

  func act(in cluster: MeshCluster) {
    let wait = isClosing ? 1000 : 100 + random.below(900)
    cluster.after(.milliseconds(Int64(wait))) { [self] cluster in
      if isClosing {
        for index in owners.indices { close(index, in: cluster) }
      } else {
        step(random.below(owners.count), in: cluster)
      }
      act(in: cluster)
    }
  }

  /// From now on everyone makes one last payment.
  func close() { isClosing = true }

  // MARK: What they do

  private func step(_ index: Int, in cluster: MeshCluster) {
    guard isAtRest(index, in: cluster) else { return }
    if lossesLeft > 0, random.below(3) == 0 {
      lossesLeft -= 1
      cluster.after(.milliseconds(Int64(random.below(400)))) { [self] cluster in
        loseDatabase(index, in: cluster)
      }
    }
    if random.below(3) == 0, !claimable(index, in: cluster).isEmpty {
      submit(.receive, index, in: cluster)
    } else if owners[index].paymentsLeft > 0 {
      owners[index].paymentsLeft -= 1
      let payees = (0..<[1, 1, 2][random.below(3)]).map { _ in
        payee(UInt64(1 + random.below(400)))
      }
      submit(.send(payees), index, in: cluster)
    }
  }

  private func close(_ index: Int, in cluster: MeshCluster) {
    guard !owners[index].isClosed, isAtRest(index, in: cluster) else { return }
    submit(.send([payee(1)]), index, in: cluster)
  }

  private func note(_ reply: MeshWallet.Reply, of index: Int, in cluster: MeshCluster) {
    let node = owners[index].node
    switch reply {
    case .certified(let certificate):
      guard certificate.signed.body.outputs.map(\.recipient) == owners[index].payees else {
        return cluster.fail(
          "honest payment",
          "wallet \(node) is told of another payment than its own"
        )
      }
      if isClosing { owners[index].isClosed = true }
    case .failed(.plan(.insufficientFunds)):
      // What it was paid may do, or it owns nothing.
      guard isClosing else { return }
      if claimable(index, in: cluster).isEmpty {
        owners[index].isClosed = true
      } else {
        submit(.receive, index, in: cluster)
      }
    case .failed(.busy), .synced, .status: return
    case .failed(.refused(.alreadyClaimed)) where checker.restored.contains(node),
      .failed(.overtaken) where checker.restored.contains(node):
      return
    case .failed(let failure): cluster.fail("honest payment", "wallet \(node): \(failure)")
    }
  }

  // MARK: Loss

  /// Crashes a wallet, which then starts from its words.
  private func loseDatabase(_ index: Int, in cluster: MeshCluster) {
    let node = owners[index].node
    guard let wallet = cluster.durable(node).wallet, wallet.nextSequence >= owners[index].nextLoss
    else { return }
    owners[index].nextLoss = wallet.nextSequence.next
    owners[index].waiting = nil
    cluster.crash(node, restartAfter: .milliseconds(Int64(10 + random.below(3000))))
    var disk = MeshDisk(of: node)
    disk.wallet = cast.emptyWallet(node, remembersAll: false)
    cluster.replaceDurable(of: node, by: disk)
    checker.noteRestored(node)
  }

  // MARK: How they stand

  /// An owner whose payments do not go through.
  func unsettled(in cluster: MeshCluster) -> String? {
    for index in owners.indices {
      guard isAtRest(index, in: cluster) else {
        return "wallet \(owners[index].node) is not at rest"
      }
      guard owners[index].isClosed else { return "wallet \(owners[index].node) cannot pay" }
    }
    return nil
  }

  private func isAtRest(_ index: Int, in cluster: MeshCluster) -> Bool {
    cluster.machine(owners[index].node)?.wallet?.isAtRest ?? false
  }

  private func claimable(_ index: Int, in cluster: MeshCluster) -> [WalletState.Incoming] {
    cluster.durable(owners[index].node).wallet?.claimable ?? []
  }

  private func submit(_ command: MeshWallet.Command, _ index: Int, in cluster: MeshCluster) {
    owners[index].payees = []
    if case .send(let payees) = command { owners[index].payees = payees.map(\.address.account) }
    owners[index].waiting = cluster.submit(.wallet(command), to: owners[index].node)
  }

  /// An honest wallet, so that money comes to be claimed.
  private func payee(_ units: UInt64) -> Payee {
    let node = cast.honestWalletNodes.drawn(using: &random)
    return Payee(address: cast.address(ofWallet: node), amount: Amount(units))
  }
}
