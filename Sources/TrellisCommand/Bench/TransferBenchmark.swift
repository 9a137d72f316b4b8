import CSecp256k1
import Glibc
import Kernel
import Secp256k1
import Service
import TinyChain
import TinyChainNode

/// Applies signed transfers to a chain on disk, in blocks of a thousand: while one block is executed
/// and stored, the signatures of the next are checked, all on two threads.
///
/// Beside it stands what libsecp256k1 takes for one verification, key and signature parsed, as its
/// own benchmark has it: measured after each block and compared with that block, as a machine that
/// others share is not as fast in one second as in the next. Besides the rate by the clock there is
/// one by processor time, which a machine that does other things does not lower.
func benchmarkTransfers(count: Int) async throws {
  Terminal.standard.printError("signing \(count) transfers ...\n")
  let load = TransferLoad(blocks: count / TransferLoad.blockSize)
  let baseline = Verifications(of: load.blocks[0].prefix(200))

  let directory = try TemporaryDirectory()
  defer { directory.remove() }
  let store = try ChainStore(path: directory.path + "/chain.sqlite", load.parameters)
  var chain = try store.chain(load.parameters)
  func perTransfer() -> Figure { Figure(per: TransferLoad.blockSize) }
  var (checking, executing, storing) = (perTransfer(), perTransfer(), perTransfer())
  var verification = Figure(per: baseline.count)
  var (byClock, byProcessor): (Rates, Rates) = (([], []), ([], []))
  let clock = ContinuousClock()
  var checked = try await check(load.blocks[0])
  for index in load.blocks.indices {
    let start = clock.now
    // The first block's own took a while in which nothing was executed; the last has none to check.
    let isTypical = index > 0 && index + 1 < load.blocks.count
    let checkTime = checked.time
    async let next = check(index + 1 < load.blocks.count ? load.blocks[index + 1] : [])
    let draft = InstantSequencer().draft(
      after: chain.tip.header,
      at: 0,
      for: load.parameters.treasury
    )
    let began = threadTime()
    let block = chain.executed(checked.transactions, under: draft)
    let executed = threadTime()
    try store.append(block)
    let stored = threadTime()
    guard block.transactions.count == TransferLoad.blockSize else {
      throw CommandFailure("a transfer was left out: \(block.skipped[0].reason)")
    }
    chain.append(block)
    checked = try await next
    let wall = clock.now - start
    let idle = threadTime()
    baseline.run()
    let verifying = threadTime() - idle
    guard isTypical else { continue }
    verification.append(verifying)
    checking.append(checkTime)
    executing.append(executed - began)
    storing.append(stored - executed)
    func note(_ time: Duration, in rates: inout Rates) {
      let rate = Double(TransferLoad.blockSize) / seconds(time)
      rates.perSecond.append(rate)
      rates.shares.append(rate / (2 * Double(baseline.count) / seconds(verifying)))
    }
    note(wall, in: &byClock)
    note((checkTime + (stored - began)) / 2, in: &byProcessor)
  }

  func show(_ name: String, _ figure: Figure) {
    report(name, "\(decimal(figure.median / 1e3)) us each, processor time")
  }
  func showRate(_ name: String, _ rates: Rates) {
    let percent = [0.5, 0.1, 0.9].map { Int((rates.shares.quantile($0) * 100).rounded()) }
    report(
      name,
      "\(Int(rates.perSecond.quantile(0.5))) a second, \(percent[0]) % of two cores' verifications "
        + "(\(percent[1])-\(percent[2])), 60 % promised"
    )
  }
  print(
    "\(load.blocks.count * TransferLoad.blockSize) signed transfers among "
      + "\(TransferLoad.accounts) accounts, on disk; medians of blocks of a thousand"
  )
  show("  libsecp256k1, one verification", verification)
  show("  signature checked, sender recovered", checking)
  show("  executed, with roots of state and receipts", executing)
  show("  stored", storing)
  showRate("  two threads, by the clock", byClock)
  showRate("  two cores, by processor time", byProcessor)
}

/// Of each block, and as a share of two cores' verifications.
private typealias Rates = (perSecond: [Double], shares: [Double])

private func seconds(_ time: Duration) -> Double { Double(time.wholeNanoseconds) / 1e9 }

/// A chain's accounts, and blocks of encoded transfers among them.
private struct TransferLoad {
  static let blockSize = 1_000
  static let accounts = 10_000

  let parameters: NetworkParameters
  let blocks: [[[UInt8]]]

  /// Each block has a transfer of every sender, to accounts that are there.
  init(blocks count: Int) {
    var random = SplitMix64(seed: 5)
    let senders = (0..<Self.blockSize).map { _ in
      var secret = (0..<4).flatMap { _ in random.next().littleEndianBytes }
      guard let key = ECDSASecretKey(SecretBytes(wiping: &secret)) else {
        preconditionFailure("a number of this generator that is out of range")
      }
      return key
    }
    var accounts = senders.map { Address($0.publicKey) }
    while accounts.count < Self.accounts {
      let bytes = (0..<4).flatMap { _ in random.next().littleEndianBytes }
      accounts.append(Address(endOf: SHA256.hash(bytes)))
    }
    var parameters = NetworkParameters.dev
    parameters.allocations = accounts.map { ($0, 1_000_000_000) }
    let chain = Chain(parameters).id
    blocks = (0..<count).map { nonce in
      senders.map { sender in
        let to = accounts[Int.random(in: 0..<accounts.count, using: &random)]
        var transfer = Transaction(.transfer, to: to, value: 1)
        (transfer.chainID, transfer.nonce) = (chain, UInt64(nonce))
        transfer.gasLimit = transfer.intrinsicGas
        return SignedTransaction(transfer, by: sender).bytes
      }
    }
    self.parameters = parameters
  }
}

private typealias CheckedTransfers = (transactions: [SignedTransaction], time: Duration)

/// Decodes transfers and finds who signed them, in pieces that idle threads take.
private func check(_ transfers: [[UInt8]]) async throws -> CheckedTransfers {
  let piece = 50
  return try await withThrowingTaskGroup(of: (Int, CheckedTransfers).self) { group in
    for first in stride(from: 0, to: transfers.count, by: piece) {
      group.addTask {
        let start = threadTime()
        let transactions = try transfers[first..<min(first + piece, transfers.count)].map {
          try SignedTransaction($0)
        }
        return (first, (transactions, threadTime() - start))
      }
    }
    var found: [(first: Int, CheckedTransfers)] = []
    for try await piece in group { found.append(piece) }
    found.sort { $0.first < $1.first }
    return (found.flatMap(\.1.transactions), found.reduce(.zero) { $0 + $1.1.time })
  }
}

/// Signatures, and their verification by libsecp256k1 alone.
private final class Verifications {
  private let context: OpaquePointer
  private let cases: [(digest: [UInt8], signature: [UInt8], key: [UInt8])]

  var count: Int { cases.count }

  init(of transfers: ArraySlice<[UInt8]>) {
    guard let context = secp256k1_context_create(UInt32(SECP256K1_CONTEXT_NONE)) else {
      preconditionFailure("no memory for a context")
    }
    self.context = context
    var random = SplitMix64(seed: 6)
    cases = transfers.map { transfer in
      var secret = (0..<4).flatMap { _ in random.next().littleEndianBytes }
      let digest = SHA256.hash(transfer)
      guard let key = ECDSASecretKey(SecretBytes(wiping: &secret)) else {
        preconditionFailure("a number of this generator that is out of range")
      }
      return (digest.bytes, key.sign(digest: digest).bytes.bytes, key.publicKey.bytes)
    }
  }

  deinit { secp256k1_context_destroy(context) }

  func run() {
    for (digest, signature, key) in cases {
      var point = secp256k1_pubkey()
      var parsed = secp256k1_ecdsa_signature()
      let isRight =
        secp256k1_ec_pubkey_parse(context, &point, key, key.count) == 1
        && secp256k1_ecdsa_signature_parse_compact(context, &parsed, signature) == 1
        && secp256k1_ecdsa_verify(context, &parsed, digest, &point) == 1
      precondition(isRight)
    }
  }
}
