import EdDSA
import Kernel
import Simulation
import SmallNano

/// The owners of accounts: honest ones who pay each other and receive what they are paid, and some
/// who sign two blocks for one height.
///
/// An owner keeps its own chain, as a wallet does, and offers what is not confirmed again and again,
/// to this node or that.
final class Owners {
  private let cast: Cast
  private let checker: Checker
  private var random: SplitMix64
  private var wallets: [Wallet]
  private var isPaying = true

  private struct Wallet {
    let key: SecretKey
    let account: Account
    let forks: Bool
    var head: BlockHash
    var height: Height
    var balance: Amount
    var representative: Account
    /// Made and not seen confirmed.
    var pending: [Block] = []
    /// The other branch of a fork, offered elsewhere: blocks from one height up.
    var rivals: [Block] = []
    var received: Set<BlockHash> = []
  }

  init(_ cast: Cast, _ checker: Checker, seed: UInt64) {
    self.cast = cast
    self.checker = checker
    random = SplitMix64(seed: seed)
    wallets = cast.owners.enumerated().map { index, key in
      let account = Account(key.publicKey)
      guard let state = cast.firstLedger.account(account) else {
        preconditionFailure("owners are open in the first ledger")
      }
      return Wallet(
        key: key,
        account: account,
        forks: index < cast.forkers,
        head: state.head,
        height: state.height,
        balance: state.balance,
        representative: state.representative
      )
    }
  }

  func act(in cluster: SmallNanoCluster) {
    // Each vote goes over every link: many nodes get fewer payments, for runs of like length.
    let pace = Int64(max(1, cast.nodes * cast.nodes / 40))
    cluster.after(.milliseconds(pace * Int64(50 + random.below(400)))) { [self] cluster in
      step(in: cluster)
      act(in: cluster)
    }
  }

  func stopPaying() {
    isPaying = false
  }

  private func step(in cluster: SmallNanoCluster) {
    let index = Int(random.below(UInt64(wallets.count)))
    settle(index)
    receive(index, in: cluster)
    if isPaying, wallets[index].rivals.isEmpty, wallets[index].pending.count < 8 {
      if wallets[index].forks, random.below(cast.forkInterval) == 0 {
        fork(index)
      } else {
        pay(index)
      }
    }
    for each in wallets.indices { offer(each, in: cluster) }
  }

  /// Learns from the network which of its blocks are confirmed, and follows the winner of a fork.
  private func settle(_ index: Int) {
    if let rival = wallets[index].rivals.first {
      if checker.isConfirmedAnywhere(rival) {
        wallets[index].pending = wallets[index].rivals
        adopt(wallets[index].rivals[wallets[index].rivals.count - 1], by: index)
        wallets[index].rivals = []
      } else if let first = wallets[index].pending.first(where: { $0.slot == rival.slot }),
        checker.isConfirmedAnywhere(first)
      {
        wallets[index].rivals = []
      }
    }
    wallets[index].pending.removeAll { checker.isConfirmedAnywhere($0) }
  }

  private func adopt(_ block: Block, by index: Int) {
    wallets[index].head = block.hash
    wallets[index].height = block.height
    wallets[index].balance = block.balance
    wallets[index].representative = block.representative
  }

  private func pay(_ index: Int) {
    let amount = Amount(raw: UInt128(10 + random.below(1000)))
    guard let rest = wallets[index].balance.subtracting(amount),
      rest >= cast.parameters.minimumBalance
    else { return }
    let payee = wallets[Int(random.below(UInt64(wallets.count)))].account
    let block = make(index, balance: rest, link: payee.bytes)
    wallets[index].pending.append(block)
    adopt(block, by: index)
  }

  /// Two sends on one head, each with some more on top.
  private func fork(_ index: Int) {
    guard wallets[index].balance > Amount(raw: 2000) else { return }
    let before = wallets[index]
    let rivals = branch(index, firstAmount: 200)
    wallets[index] = before
    wallets[index].pending += branch(index, firstAmount: 100)
    wallets[index].rivals = rivals
  }

  private func branch(_ index: Int, firstAmount: UInt128) -> [Block] {
    var blocks: [Block] = []
    for step in 0..<(1 + random.below(3)) {
      let amount = Amount(raw: step == 0 ? firstAmount : 50)
      let payee = wallets[Int(random.below(UInt64(wallets.count)))].account
      let block = make(index, balance: wallets[index].balance - amount, link: payee.bytes)
      adopt(block, by: index)
      blocks.append(block)
    }
    return blocks
  }

  /// Receives a confirmed send that waits for this owner.
  private func receive(_ index: Int, in cluster: SmallNanoCluster) {
    guard wallets[index].rivals.isEmpty else { return }
    let node = Int(random.below(UInt64(cluster.nodeCount)))
    guard cast.isHonest(node) else { return }
    let disk = cluster.durable(node)
    let account = wallets[index].account
    let start = ReceivableKey(destination: account, hash: .zero)
    for receivable in disk.receivables(from: start, limit: 4)
    where receivable.key.destination == account && receivable.receivedAt == nil {
      let hash = receivable.key.hash
      guard let send = disk.block(hash)?.block, checker.isConfirmedAnywhere(send),
        wallets[index].received.insert(hash).inserted
      else { continue }
      let block = make(
        index,
        balance: wallets[index].balance + receivable.amount,
        link: hash.bytes
      )
      wallets[index].pending.append(block)
      adopt(block, by: index)
      return
    }
  }

  private func offer(_ index: Int, in cluster: SmallNanoCluster) {
    for block in wallets[index].pending {
      submit(block, in: cluster)
    }
    for block in wallets[index].rivals {
      submit(block, in: cluster)
    }
  }

  private func submit(_ block: Block, in cluster: SmallNanoCluster) {
    let node = Int(random.below(UInt64(cluster.nodeCount)))
    guard cast.isHonest(node) else { return }
    cluster.submit(.process(Verified(checked: block)), to: node)
  }

  private func make(_ index: Int, balance: Amount, link: Bytes32) -> Block {
    let wallet = wallets[index]
    let block = Block(
      account: wallet.account,
      previous: wallet.head,
      representative: wallet.representative,
      balance: balance,
      link: link,
      height: wallet.height.next,
      on: cast.parameters.chainID
    ).signed(by: wallet.key)
    checker.register(block)
    return block
  }

  /// An honest owner's block that an honest node has not confirmed.
  func unsettled(in cluster: SmallNanoCluster) -> String? {
    for wallet in wallets where !wallet.forks {
      for node in 0..<cluster.nodeCount where cast.isHonest(node) {
        guard let machine = cluster.machine(node) else { return "node \(node) is down" }
        if machine.confirmedHeight(of: wallet.account) < wallet.height {
          return "the payment at \(short(wallet.account.bytes)) \(wallet.height) is not confirmed"
            + " at node \(node)"
        }
      }
    }
    return nil
  }
}
