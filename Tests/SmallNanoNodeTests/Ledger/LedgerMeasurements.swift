import EdDSA
import Glibc
import Kernel
import SmallNano
import Storage
import TestSupport
import Testing

@testable import SmallNanoNode

/// How many bytes a block takes on disk, and how fast blocks are imported.
///
/// Not a test of right and wrong: it runs only when asked for, with
/// `TRELLIS_MEASURE=<blocks> swift test -c release … --filter LedgerMeasurements`.
@Suite("Ledger measurements", .serialized, .enabled(if: getenv("TRELLIS_MEASURE") != nil))
struct LedgerMeasurements {
  private static let parameters = NetworkParameters(
    network: .dev,
    genesisAccount: Account(Bytes32(words: (1, 2, 3, 4))),
    epochKey: PublicKey(.zero),
    supply: NetworkParameters.fullSupply,
    workThresholds: WorkThresholds(send: 0, receive: 0),
    minimumBalance: Amount(raw: 1_000_000_000_000_000_000),
    quorumFloorPercent: 10,
    peeringPort: 1,
    rpcPort: 2
  )

  /// How long the numbers are that people pay.
  enum Amounts: String, CaseIterable {
    /// Up to four digits of a thousandth of an smn.
    case round
    /// 24 places: what an account gets that empties another.
    case exact
  }

  @Test("Bytes a block and blocks a second", arguments: Amounts.allCases)
  func measure(amounts: Amounts) throws {
    let count = getenv("TRELLIS_MEASURE").flatMap { Int(String(cString: $0)) } ?? 100_000
    let blocks = payments(count: count, amounts)
    let directory = TemporaryDirectory()
    let path = directory.file("ledger.db")
    let store = try SQLiteLedgerStore(path: path, parameters: Self.parameters)
    var ledger = Ledger(store: store, parameters: Self.parameters)
    let clock = ContinuousClock()
    let processorStart = Self.processorSeconds
    var appending = Duration.zero
    var confirming = Duration.zero
    for start in stride(from: 0, to: blocks.count, by: 4096) {
      let group = blocks[start..<min(start + 4096, blocks.count)]
      var change = LedgerChange()
      appending += try clock.measure {
        for block in group { _ = try ledger.append(Verified(checked: block), into: &change) }
        try store.commit()
      }
      change = LedgerChange()
      confirming += try clock.measure {
        for block in group {
          _ = ledger.confirm(
            block.hash,
            at: Instant(milliseconds: 1_700_000_000_000),
            limit: .max,
            into: &change
          )
        }
        try store.commit()
      }
    }
    let processor = Self.processorSeconds - processorStart
    try store.checkpoint()
    let bytes = try store.fileBytes()
    let totals = store.totals
    print(
      """
      \(amounts) amounts: \(totals.blocks) blocks, \(totals.accounts) accounts, \
      \(Double(bytes) / Double(totals.blocks)) bytes a block; \
      \(Int(Double(blocks.count) / (appending / .seconds(1)))) blocks/s appended, \
      \(Int(Double(blocks.count) / (confirming / .seconds(1)))) confirmed, \
      \(Int(Double(blocks.count) / ((appending + confirming) / .seconds(1)))) both, \
      \(Int(Double(blocks.count) / processor)) both a processor second
      """
    )
    let reader = try LedgerReader(path: path, parameters: Self.parameters)
    var problems: [String] = []
    let duration = try clock.measure { problems = try reader.verify().problems }
    #expect(problems == [])
    print("verified in \(duration)")
    var random = SplitMix64(seed: 9)
    let hashes = (0..<10_000).map { _ in blocks.randomElement(using: &random)?.hash ?? .zero }
    var found = 0
    let reading = clock.measure {
      for hash in hashes where store.block(hash) != nil { found += 1 }
    }
    #expect(found == hashes.count)
    print("random block by hash: \(reading / 10_000)")
    for name in ["accounts", "accounts_by_key", "blocks", "block_hashes", "receivables"] {
      let database = try Database(path: path, mode: .readOnly)
      // Where SQLite was built with the table that knows.
      let size = try? database.statement("SELECT sum(pgsize) FROM dbstat WHERE name = ?").first(
        { $0.bind(name) },
        read: { $0.integer(0) }
      )
      if let size { print("  \(name): \(Double(size) / Double(totals.blocks)) bytes a block") }
    }
  }

  /// What this thread has used, whoever else was using the machine.
  private static var processorSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// Payments between random accounts, 20 blocks an account, 50 representatives; of a hundred sends
  /// two wait for their destination.
  private func payments(count: Int, _ amounts: Amounts) -> [Block] {
    var random = SplitMix64(seed: 1)
    func bytes() -> Bytes32 {
      Bytes32(words: (random.next(), random.next(), random.next(), random.next()))
    }
    struct Chain {
      var head = BlockHash.zero
      var height = Height(0)
      var balance = Amount.zero
      var representative: Account
    }
    let genesis = Self.parameters.genesisBlock
    let accounts = [genesis.account] + (0..<max(1, count / 20)).map { _ in Account(bytes()) }
    var chains = accounts.indices.map { _ in
      Chain(representative: accounts[Int.random(in: 0..<min(50, accounts.count), using: &random)])
    }
    chains[0] = Chain(
      head: genesis.hash,
      height: .open,
      balance: genesis.balance,
      representative: genesis.representative
    )
    var blocks: [Block] = []
    func append(_ index: Int, balance: Amount, link: Bytes32) {
      let block = Block(
        account: accounts[index],
        previous: chains[index].head,
        representative: chains[index].representative,
        balance: balance,
        link: link,
        height: chains[index].height.next,
        work: random.next(),
        signature: Signature(Bytes64(low: bytes(), high: bytes())),
        on: Self.parameters.chainID
      )
      chains[index].head = block.hash
      chains[index].height = block.height
      chains[index].balance = balance
      blocks.append(block)
    }
    func pay(_ amount: Amount, from source: Int, to destination: Int) {
      append(source, balance: chains[source].balance - amount, link: accounts[destination].bytes)
      guard chains[destination].height.number == 0 || Int.random(in: 0..<50, using: &random) > 0
      else { return }
      let send = chains[source].head
      append(destination, balance: chains[destination].balance + amount, link: send.bytes)
    }
    let milli = Amount.rawPerSMN / 1000
    for index in accounts.indices.dropFirst() {
      pay(Amount(raw: 50_000 * milli), from: 0, to: index)
    }
    while blocks.count < count {
      let source = Int.random(in: 1..<accounts.count, using: &random)
      let destination = Int.random(in: 1..<accounts.count, using: &random)
      let amount: UInt128 =
        switch amounts {
        case .round: .random(in: 1...4000, using: &random) * milli
        case .exact: .random(in: milli...4000 * milli, using: &random)
        }
      guard chains[source].balance.raw > amount + milli else { continue }
      pay(Amount(raw: amount), from: source, to: destination)
    }
    return blocks
  }
}
