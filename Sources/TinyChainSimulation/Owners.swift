import Kernel
import Secp256k1
import Simulation
import TinyChain
import TinyChainPeers

/// The owners of coins: they pay each other, and offer again what is in no block.
final class Owners {
  private let cast: Cast
  private var random: SplitMix64
  /// Of each, in order of nonce; some may be in blocks.
  private(set) var payments: [[SignedTransaction]]
  private var isPaying = true
  /// At most so many of one owner in a run.
  private let paymentsMax = 12

  init(_ cast: Cast, seed: UInt64) {
    self.cast = cast
    random = SplitMix64(seed: seed)
    payments = cast.owners.map { _ in [] }
  }

  func act(in cluster: TinyChainCluster) {
    cluster.after(.milliseconds(Int64(2_000 + random.below(6_000 as UInt64)))) { [self] cluster in
      step(cluster)
      act(in: cluster)
    }
  }

  func stopPaying() { isPaying = false }

  private func step(_ cluster: TinyChainCluster) {
    let owner = random.below(cast.owners.count)
    let node = random.below(cast.nodes)
    guard let machine = cluster.machine(node), cast.isHonest(node) else { return }
    if isPaying, payments[owner].count < paymentsMax, random.below(3) > 0 { pay(owner) }
    let account = machine.chain.state.account(Address(cast.owners[owner].publicKey))
    for payment in payments[owner].dropFirst(Int(account.nonce)).prefix(4) {
      cluster.submit(.submit(payment), to: node)
    }
  }

  private func pay(_ owner: Int) {
    let payee = Address(cast.owners[random.below(cast.owners.count)].publicKey)
    var payment = Transaction(.transfer, to: payee, value: 1 + random.below(1_000 as UInt64))
    payment.chainID = cast.chain.id
    payment.nonce = UInt64(payments[owner].count)
    payment.gasLimit = 30_000
    payment.maxPrice = 1_000 + random.below(1_000 as UInt64)
    payment.tip = 1 + random.below(100 as UInt64)
    payments[owner].append(SignedTransaction(payment, by: cast.owners[owner]))
  }

  /// A payment that is in no block of some honest node's chain.
  func unsettled(in cluster: TinyChainCluster) -> String? {
    for node in 0..<cast.nodes where cast.isHonest(node) {
      guard let state = cluster.machine(node)?.chain.state else { return "node \(node) is down" }
      for (owner, key) in cast.owners.enumerated() {
        let nonce = state.account(Address(key.publicKey)).nonce
        if Int(nonce) < payments[owner].count {
          return "payment \(nonce) of owner \(owner) is in no block at node \(node)"
        }
      }
    }
    return nil
  }
}
