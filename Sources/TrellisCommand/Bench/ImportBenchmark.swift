import CSodium
import EdDSA
import Kernel
import Service
import SmallNano
import SmallNanoNode

/// Imports signed blocks into a fresh ledger on disk as bootstrap does, in one thread: work and
/// signatures checked in batches, rules, rows, confirmation, one commit for 4096 blocks.
///
/// Each round measures libsodium's single verification of some of the same signatures too, which is
/// what a node would need for them alone; the figures are medians over the rounds.
func benchmarkImport(blockCount: Int) throws {
  let rounds = 3
  let messagesInABatch = 64
  let blocksInACommit = 4096
  Terminal.standard.printError("signing \(blockCount) blocks ...\n")
  let blocks = SignedPayments(count: blockCount).blocks
  let parameters = NetworkParameters.dev
  let checker = StatelessChecker(parameters)
  var generator = SystemRandomNumberGenerator()
  precondition(sodium_init() >= 0)

  var checking = Figure(per: blockCount)
  var whole = Figure(per: blockCount)
  let singles = min(4096, blockCount)
  var libsodium = Figure(per: singles)
  for round in 1...rounds {
    Terminal.standard.printError("import \(round) of \(rounds) ...\n")
    libsodium.measure {
      for block in blocks[..<singles] {
        let status = crypto_sign_verify_detached(
          block.signature.bytes.bytes,
          block.hash.bytes.bytes,
          32,
          block.account.key.bytes.bytes
        )
        precondition(status == 0)
      }
    }
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let store = try SQLiteLedgerStore(path: directory.path + "/ledger.db", parameters: parameters)
    var ledger = Ledger(store: store, parameters: parameters)
    let clock = ContinuousClock()
    let start = clock.now
    var checked = Duration.zero
    for first in stride(from: 0, to: blockCount, by: blocksInACommit) {
      let group = blocks[first..<min(first + blocksInACommit, blockCount)]
      let checkStart = clock.now
      var verified: [Verified<Block>] = []
      for index in stride(from: group.startIndex, to: group.endIndex, by: messagesInABatch) {
        let messages = group[index..<min(index + messagesInABatch, group.endIndex)]
        for result in checker.check(messages.map { .publish($0) }, using: &generator) {
          guard case .publish(let block) = try result.get() else {
            preconditionFailure("only blocks were published")
          }
          verified.append(block)
        }
      }
      checked += clock.now - checkStart
      var change = LedgerChange()
      for block in verified { _ = try ledger.append(block, into: &change) }
      for block in group {
        let time = Instant(milliseconds: 1_700_000_000_000)
        _ = ledger.confirm(block.hash, at: time, limit: .max, into: &change)
      }
      try store.commit()
    }
    whole.append(clock.now - start)
    checking.append(checked)
    precondition(
      store.totals.blocks == UInt64(blockCount) + 1,
      "genesis and all that were imported"
    )
  }

  func rate(_ figure: Figure) -> String { "\(Int(1e9 / figure.median)) a second" }
  report("blocks imported and confirmed, one thread", rate(whole))
  report("  of it: work and signatures checked", rate(checking))
  report("libsodium, single verifications", rate(libsodium))
  report("import / libsodium", decimal(libsodium.median / whole.median))
}

/// Payments between accounts of the dev network, with real signatures and work: 20 blocks an
/// account, first the gifts of genesis, then each pays its neighbour.
private struct SignedPayments {
  private(set) var blocks: [Block] = []
  private var chains: [Chain] = []
  private let parameters = NetworkParameters.dev
  private let generator = WorkGenerator()

  private struct Chain {
    let key: SecretKey
    let representative: Account
    var head = BlockHash.zero
    var height = Height(0)
    var balance = Amount.zero
  }

  init(count: Int) {
    var seed = NetworkParameters.devGenesisSeed.bytes
    guard let keys = DeterministicKeys(master: SecretBytes(wiping: &seed)) else {
      preconditionFailure("the published seed has 32 bytes")
    }
    let genesis = parameters.genesisBlock
    chains = (0...UInt32(count / 20)).map {
      Chain(key: keys.key($0), representative: genesis.representative)
    }
    chains[0].head = genesis.hash
    chains[0].height = .open
    chains[0].balance = genesis.balance
    let smn = Amount.rawPerSMN
    for index in chains.indices.dropFirst() { pay(50 * smn, from: 0, to: index) }
    var source = 1
    while blocks.count < count {
      let destination = source + 1 < chains.count ? source + 1 : 1
      pay(smn, from: source, to: destination)
      source = destination
    }
    blocks.removeLast(blocks.count - count)
  }

  private mutating func pay(_ amount: UInt128, from source: Int, to destination: Int) {
    let amount = Amount(raw: amount)
    let link = Account(chains[destination].key.publicKey).bytes
    append(source, balance: chains[source].balance - amount, link: link, .send)
    let send = chains[source].head.bytes
    append(destination, balance: chains[destination].balance + amount, link: send, .receive)
  }

  private mutating func append(_ index: Int, balance: Amount, link: Bytes32, _ kind: BlockKind) {
    let chain = chains[index]
    var block = Block(
      account: Account(chain.key.publicKey),
      previous: chain.head,
      representative: chain.representative,
      balance: balance,
      link: link,
      height: chain.height.next,
      work: 0,
      signature: Signature(.zero),
      on: parameters.chainID
    ).signed(by: chain.key)
    let threshold = parameters.workThresholds.threshold(for: kind)
    var first: UInt64 = 0
    while true {
      if let nonce = generator.search(root: block.root, threshold: threshold, from: first) {
        block.work = nonce
        break
      }
      first += WorkGenerator.chunk
    }
    chains[index].head = block.hash
    chains[index].height = block.height
    chains[index].balance = balance
    blocks.append(block)
  }
}
