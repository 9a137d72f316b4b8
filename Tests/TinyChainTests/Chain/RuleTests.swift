import Kernel
import Secp256k1
import Testing

@testable import TinyChain

private let alice = Person.alice
private let bob = Person.bob

/// Each rule of a transaction, broken by itself: what a block of the others would be invalid for.
@Suite("Rules of transactions and blocks")
struct RuleTests {
  /// A valid signature over whatever the fields are.
  private func bytes(
    _ kind: Transaction.Kind,
    _ change: (inout Transaction) -> Void = { _ in }
  ) -> [UInt8] {
    TestChain().signed(kind, change).bytes
  }

  private func refusal(_ bytes: [UInt8]) -> Rejection? {
    do throws(Rejection) {
      _ = try SignedTransaction(bytes)
      return nil
    } catch {
      return error
    }
  }

  @Test("A transaction that is not well formed is refused, wherever it is cut or longer")
  func malformed() {
    let good = bytes(.call) { ($0.to, $0.data) = (bob.address, [1, 2, 3]) }
    #expect(refusal(good) == nil)
    for count in good.indices { #expect(refusal(Array(good[..<count])) == .malformed) }
    #expect(refusal(good + [0]) == .malformed)
    var kind = good
    kind[64] = 6
    #expect(refusal(kind) == .malformed)
    var long = bytes(.call) { $0.data = [UInt8](repeating: 0, count: 65_535) }
    #expect(refusal(long) == nil)
    long[65...68] = [0, 0, 1, 0]  // 65,536
    long.insert(0, at: 69)
    #expect(refusal(long) == .malformed)
  }

  @Test("The reserved kind, a recipient of what has none, and wrong signatures are refused")
  func byItself() throws {
    #expect(refusal(bytes(.proved)) == .reservedKind)
    for kind in [Transaction.Kind.createBrainfuck, .createLisp, .eval] {
      #expect(refusal(bytes(kind)) == nil)
      #expect(refusal(bytes(kind) { $0.to = bob.address }) == .recipientNotZero)
    }
    var high = bytes(.transfer)
    high[high.count - 33] = 0xff
    #expect(refusal(high) == .highS)
    var wrong = bytes(.transfer)
    wrong[wrong.count - 1] = 4
    #expect(refusal(wrong) == .badSignature)
    var zero = bytes(.transfer)
    for index in zero.count - 65..<zero.count - 1 { zero[index] = 0 }
    #expect(refusal(zero) == .badSignature)
  }

  @Test("Whoever changes a signed transaction becomes another sender, or nobody")
  func tampering() throws {
    let signed = TestChain().signed(.transfer, to: bob.address, value: 5)
    for index in signed.bytes.indices {
      var tampered = signed.bytes
      tampered[index] ^= 1
      guard let other = try? SignedTransaction(tampered) else { continue }
      #expect(other.sender != signed.sender)
      #expect(other.id != signed.id)
    }
  }

  @Test(
    "A block contains no transaction that breaks a rule, and a pool takes none",
    arguments: [
      Rejection.wrongChain, .gasTooHigh, .gasTooLow, .priceTooLow, .nonceTooLow, .balanceTooLow,
      .nonceTooHigh,
    ]
  )
  func uponState(rejection: Rejection) throws {
    var test = TestChain()
    try test.does(test.signed(.transfer, to: bob.address, value: 1))
    let broken = test.signed(.transfer, to: bob.address, value: 5) {
      switch rejection {
      case .wrongChain: $0.chainID ^= 1
      case .gasTooHigh: $0.gasLimit = Transaction.gasMax + 1
      case .gasTooLow: $0.gasLimit = 1_999
      case .priceTooLow: $0.maxPrice = 0
      case .nonceTooLow: $0.nonce = 0
      case .balanceTooLow: $0.value = test.balance(alice.address) - $0.gasLimit * $0.maxPrice + 1
      default: $0.nonce += Mempool.noncesMax
      }
    }
    let block = test.chain.executed([broken], under: test.draft())
    #expect(block.skipped.map(\.reason) == [rejection])
    #expect(block.transactions.isEmpty)
    // One that a block contains all the same is invalid with it.
    let forced = Block(header: forcing([broken], upon: test), transactions: [broken])
    #expect(throws: rejection) { try test.chain.executed(forced) }
    var pool = Mempool()
    #expect(throws: rejection) { try pool.add(broken, upon: test.chain) }
    #expect(pool.count == 0)
    if rejection != .nonceTooHigh {
      #expect(throws: rejection) {
        try test.chain.estimate(broken.transaction, from: alice.address)
      }
    }
  }

  private func forcing(_ transactions: [SignedTransaction], upon test: TestChain) -> Header {
    var header = test.chain.executed([], under: test.draft()).header
    header.transactionRoot = Block.transactionRoot(ids: transactions.map(\.id))
    return header
  }

  @Test("Exactly enough is enough: gas, price and balance")
  func exactly() throws {
    var test = TestChain()
    let all = test.balance(alice.address)
    let sent = test.signed(.transfer, to: bob.address) {
      ($0.gasLimit, $0.maxPrice, $0.value) = (2_000, 1, all - 2_000)
    }
    #expect(try test.does(sent).receipt.isSuccess)
    #expect(test.balance(alice.address) == 0)
  }

  @Test("A product of gas and price that needs more than 64 bits is no balance")
  func overflow() {
    let test = TestChain()
    let broken = test.signed(.transfer, to: bob.address, value: .max) {
      ($0.gasLimit, $0.maxPrice, $0.tip) = (Transaction.gasMax, .max, .max)
    }
    let block = test.chain.executed([broken], under: test.draft())
    #expect(block.skipped.map(\.reason) == [.balanceTooLow])
  }

  @Test("A transaction is executed once, and not on another chain")
  func replay() throws {
    var test = TestChain()
    let sent = test.signed(.transfer, to: bob.address, value: 5)
    try test.does(sent)
    #expect(test.chain.executed([sent], under: test.draft()).skipped[0].reason == .nonceTooLow)
    #expect(test.chain.executed([sent, sent], under: test.draft()).skipped.count == 2)
    let other = TestChain { $0.genesisTime += 1 }
    #expect(other.chain.executed([sent], under: other.draft()).skipped[0].reason == .wrongChain)
  }

  @Test("A block is full at 50 million gas, whoever does not fit any more")
  func fullBlock() throws {
    let test = TestChain()
    let spinning = BrainfuckCode(mode: .raw, program: try BrainfuckProgram(source: "+[]".utf8))
    let transactions = (0..<5).map { index in
      test.signed(.eval, data: spinning.bytes) {
        ($0.gasLimit, $0.maxPrice, $0.nonce) = (12_000_000, 1, index)
      }
    }
    let block = test.chain.executed(transactions, under: test.draft())
    #expect(block.transactions.count == 4)
    #expect(block.header.gasUsed == 48_000_000)
    #expect(block.skipped.map(\.reason) == [.blockFull])
    #expect(block.executions.allSatisfy { $0.failure == .outOfGas })
  }

  @Test("A block is full at 4 MiB")
  func longBlock() {
    let test = TestChain()
    let transactions = (0..<70).map { index in
      test.signed(.transfer, to: bob.address, data: [UInt8](repeating: 0, count: 65_535)) {
        ($0.gasLimit, $0.nonce) = (300_000, index)
      }
    }
    let block = test.chain.executed(transactions, under: test.draft())
    #expect(block.transactions.count == 63)
    #expect(block.skipped[0].reason == .blockFull)
    #expect(block.block.bytes.count <= Block.bytesMax)
    #expect(throws: DecodingFailure.self) {
      try Block.parts(of: [UInt8](repeating: 0, count: Block.bytesMax + 1))
    }
  }

  @Test(
    "Each wrong field of a header is named",
    arguments: [
      Rejection.wrongVersion, .wrongHeight, .wrongParent, .wrongTransactionRoot, .wrongGasUsed,
      .wrongStateRoot, .wrongReceiptRoot,
    ]
  )
  func headers(rejection: Rejection) throws {
    let test = TestChain()
    let sent = test.signed(.transfer, to: bob.address, value: 5)
    var block = test.chain.executed([sent], under: test.draft()).block
    #expect(throws: Never.self) { try test.chain.executed(block) }
    switch rejection {
    case .wrongVersion: block.header.version = 2
    case .wrongHeight: block.header.height += 1
    case .wrongParent: block.header.parent = .zero
    case .wrongTransactionRoot: block.header.transactionRoot = .zero
    case .wrongGasUsed: block.header.gasUsed += 1
    case .wrongStateRoot: block.header.stateRoot = .zero
    default: block.header.receiptRoot = .zero
    }
    #expect(throws: rejection) { try test.chain.executed(block) }
  }

  @Test("A body with a transaction missing, twice or in another order is not that of the header")
  func bodies() {
    let test = TestChain()
    let sent = (0..<3).map { nonce in
      test.signed(.transfer, to: bob.address, value: 5) { $0.nonce = nonce }
    }
    let block = test.chain.executed(sent, under: test.draft()).block
    for wrong in [[], [0, 1], [0, 1, 2, 2], [1, 0, 2], [0, 1, 1]] {
      let body = Block(header: block.header, transactions: wrong.map { sent[$0] })
      #expect(throws: Rejection.wrongTransactionRoot) { try test.chain.executed(body) }
    }
  }

  @Test("Headers are 180 bytes and read back; 179 and 181 are none")
  func headerCodec() throws {
    let test = TestChain()
    let header = test.chain.tip.header
    #expect(header.bytes.count == 180)
    #expect(try Header(header.bytes) == header)
    #expect(header.id == SHA256.double(header.bytes))
    #expect(throws: DecodingFailure.self) { try Header(Array(header.bytes.dropLast())) }
    #expect(throws: DecodingFailure.self) { try Header(header.bytes + [0]) }
  }

  @Test("Codes are stable, and each says whom it blames")
  func codes() {
    let codes: [Rejection: (UInt16, Rejection.Blame)] = [
      .malformed: (101, .sender), .reservedKind: (102, .sender),
      .recipientNotZero: (103, .sender), .highS: (104, .sender), .badSignature: (105, .sender),
      .wrongChain: (201, .sender), .gasTooHigh: (202, .sender), .gasTooLow: (203, .sender),
      .priceTooLow: (204, .time), .nonceTooLow: (205, .place), .balanceTooLow: (206, .time),
      .nonceTooHigh: (207, .time), .blockFull: (208, .time), .alreadyKnown: (301, .place),
      .replacementTooCheap: (302, .time), .poolFull: (303, .time), .wrongVersion: (401, .sender),
      .wrongHeight: (402, .sender), .wrongParent: (403, .time), .wrongTime: (404, .sender),
      .wrongWork: (405, .sender), .wrongTransactionRoot: (406, .sender),
      .wrongGasUsed: (407, .sender), .wrongStateRoot: (408, .sender),
      .wrongReceiptRoot: (409, .sender), .wrongBits: (410, .sender), .timeTooFar: (411, .time),
      .invalidBranch: (412, .place), .wrongProof: (501, .sender),
    ]
    for rejection in Rejection.allCases {
      #expect(codes[rejection]?.0 == rejection.rawValue)
      #expect(codes[rejection]?.1 == rejection.blame)
    }
  }
}
