import Glibc
import Kernel
import Secp256k1
import Service
import TinyChain

/// What following a chain costs, in one thread: headers alone, whole blocks, and another branch.
func benchmarkConsensus(headers: Int) throws {
  print("consensus, one thread")
  try benchmarkHeaders(headers)
  try benchmarkReplay(blocks: 100, transfers: 1_000)
  try benchmarkReorganisation(blocks: 100, transfers: 100)
}

/// Headers as a peer sends them, 2,000 at once, decoded and added to a tree.
///
/// They are mined at the lowest work there is, two hashes each, at times around the interval.
private func benchmarkHeaders(_ count: Int) throws {
  let limit = UInt256.max >> 1
  let rule = WorkRule(.sha256d, .asert(halfLife: 3_600), interval: 15, limit: limit)
  var parameters = NetworkParameters.dev
  parameters.work = rule
  var miner = HeaderTree(parameters, rule, source: NoSource())
  var tree = miner
  var random = SplitMix64(seed: 1)
  var (decoding, adding, hashing) = (Figure(per: count), Figure(per: count), Figure(per: count))
  var (times, entry) = ((decoding: Duration.zero, adding: Duration.zero), tree.genesis)
  let now = UInt64.max / 2
  while entry.header.height < count {
    var message: [[UInt8]] = []
    for _ in 0..<2_000 {
      guard let past = miner.lineage(of: entry.id) else { preconditionFailure("it was added") }
      let time = entry.header.time + random.next() % 31
      var header = miner.sequencer.draft(after: past, at: time, for: .zero)
      (header.parent, header.height) = (entry.id, entry.header.height + 1)
      while rule.digest(of: header, id: header.id) > UInt256(compact: header.bits) ?? .zero {
        header.nonce += 1
      }
      guard let next = try miner.add(header, id: header.id, now: now) else {
        preconditionFailure("it is new")
      }
      entry = next
      message.append(header.bytes)
    }
    miner.settle()
    var decoded: [Header] = []
    times.decoding += try threadTime { decoded = try message.map { try Header($0) } }
    times.adding += try threadTime {
      tree.settle()
      for header in decoded { _ = try tree.add(header, id: header.id, now: now) }
    }
  }
  decoding.append(times.decoding)
  adding.append(times.adding)
  let bytes = entry.header.bytes
  hashing.measureThread { for _ in 0..<count { _ = SHA256.double(bytes) } }
  precondition(tree.best == entry)
  let total = seconds(times.adding)
  print("  \(entry.header.height) headers: \(decimal(total)) s for HeaderTree.add")
  print("    a header: \(decimal(adding.median)) ns, decoding \(decimal(decoding.median)) ns")
  print(
    "    \(decimal(adding.median / hashing.median)) times its id's \(decimal(hashing.median)) ns"
  )
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  print("    \(usage.ru_maxrss / 1_024) MB at most in memory, this benchmark's two trees in all")
}

/// People with money, and blocks of transfers between them, each person in turn.
private struct Town {
  private let people: [ECDSASecretKey]
  let parameters: NetworkParameters

  init(_ count: Int) throws {
    people = try (0..<count).map { index in
      var seed = SHA256.hash(UInt32(index).littleEndianBytes).bytes
      guard let key = ECDSASecretKey(SecretBytes(wiping: &seed)) else {
        throw CommandFailure("no key")
      }
      return key
    }
    var parameters = NetworkParameters.dev
    parameters.allocations = people.map { (Address($0.publicKey), 1_000_000_000) }
    self.parameters = parameters
  }

  /// Blocks upon a chain, which goes on to the last of them.
  func blocks(
    _ count: Int,
    transfers: Int,
    upon chain: inout Chain,
    by range: Range<Int>
  ) -> [ExecutedBlock] {
    var person = range.lowerBound
    return (0..<count).map { _ in
      let sent = (0..<transfers).map { index in
        let from = people[person]
        let to = Address(people[(person * 7 + 1) % people.count].publicKey)
        var transaction = Transaction(.transfer, to: to, value: 1)
        (transaction.chainID, transaction.gasLimit) = (chain.id, 2_000)
        let nonce = chain.state.account(Address(from.publicKey)).nonce
        transaction.nonce = nonce + UInt64(index / range.count)
        person = person + 1 == range.upperBound ? range.lowerBound : person + 1
        return SignedTransaction(transaction, by: from)
      }
      let draft = Header(time: chain.tip.header.time + 15)
      let block = chain.executed(sent, under: draft)
      precondition(block.skipped.isEmpty)
      chain.append(block)
      return block
    }
  }
}

/// All blocks from the genesis block on, from bytes: signatures, execution, roots.
private func benchmarkReplay(blocks: Int, transfers: Int) throws {
  let town = try Town(200)
  var miner = Chain(town.parameters)
  let encoded = town.blocks(blocks, transfers: transfers, upon: &miner, by: 0..<200)
    .map(\.block.bytes)
  var chain = Chain(town.parameters)
  var (checking, executing) = (Duration.zero, Duration.zero)
  for bytes in encoded {
    var block = Block(header: Header(time: 0), transactions: [])
    checking += try threadTime {
      let parts = try Block.parts(of: bytes)
      let transactions = try parts.transactions.map { bytes in try SignedTransaction(bytes) }
      block = Block(header: parts.header, transactions: transactions)
    }
    executing += try threadTime { chain.append(try chain.executed(block)) }
  }
  precondition(chain.tip.id == miner.tip.id)
  let (count, sum) = (blocks * transfers, seconds(checking) + seconds(executing))
  print("  replay of \(count) signed transfers in \(blocks) blocks: \(decimal(sum)) s")
  print(
    "    signatures \(decimal(seconds(checking))) s, execution \(decimal(seconds(executing))) s"
  )
}

/// From the tip of one branch to that of another, signatures checked before, as they came.
private func benchmarkReorganisation(blocks: Int, transfers: Int) throws {
  let town = try Town(200)
  let genesis = Chain(town.parameters)
  var (ours, theirs) = (genesis, genesis)
  let undone = town.blocks(blocks, transfers: transfers, upon: &ours, by: 0..<100)
  let applied = town.blocks(blocks + 1, transfers: transfers, upon: &theirs, by: 100..<200)
  let parents = [genesis.tip] + undone.dropLast().map { (header: $0.header, id: $0.id) }
  var (figure, returning, kept) = (Figure(per: 1), Figure(per: 1), 0)
  for _ in 0..<5 {
    var (chain, pool) = (ours, Mempool())
    try figure.measureThread {
      for (block, parent) in zip(undone, parents).reversed() {
        chain.undo(block.changes, to: parent.header, id: parent.id)
      }
      for block in applied { chain.append(try chain.executed(block.block)) }
    }
    returning.measureThread {
      // Of a sender no more than 64 wait.
      for transaction in undone.flatMap(\.transactions) { try? pool.add(transaction, upon: chain) }
    }
    precondition(chain.tip.id == theirs.tip.id)
    kept = pool.count
  }
  let milliseconds = decimal(figure.quantile(0) / 1e6)
  print("  reorganisation of \(blocks) blocks of \(transfers) transfers: \(milliseconds) ms")
  print("    \(kept) transactions back into the pool: \(decimal(returning.quantile(0) / 1e6)) ms")
}

private func threadTime<Failure: Error>(_ work: () throws(Failure) -> Void) throws(Failure)
  -> Duration
{
  func now() -> Duration {
    var time = timespec()
    let status = clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    precondition(status == 0)  // Linux has this clock
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }
  let start = now()
  try work()
  return now() - start
}

private func seconds(_ time: Duration) -> Double { Double(time.wholeNanoseconds) / 1e9 }
