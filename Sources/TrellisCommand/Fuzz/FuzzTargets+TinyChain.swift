import Kernel
import Simulation
import TinyChain

/// The chain's decoders, and contracts that outsiders write.
extension FuzzTargets {
  static let tinyChain = [
    chainTransaction, chainHeader, chainBlock, chainReceipt, chainAccount, chainProof,
    gitFiles, brainfuckContract, lispContract,
  ]

  // MARK: Decoders

  private static let chainTransaction = FuzzTarget(
    "tinychain-transaction",
    seeds: transactions.map(\.bytes),
    cost: 2
  ) { input in
    guard let transaction = try? SignedTransaction(input) else { return .refused }
    return same(transaction.bytes, input)
  }

  private static let chainHeader = FuzzTarget(
    "tinychain-header",
    seeds: [devChain.tip.header.bytes, chainSample.header.bytes]
  ) { input in
    guard let header = try? Header(input) else { return .refused }
    return same(header.bytes, input)
  }

  private static let chainBlock = FuzzTarget(
    "tinychain-block",
    seeds: [chainSample.block.bytes, devChain.tip.header.bytes]
  ) { input in
    guard let (header, transactions) = try? Block.parts(of: input) else { return .refused }
    let bytes = transactions.reduce(into: header.bytes) { bytes, transaction in
      bytes += UInt32(transaction.count).littleEndianBytes + transaction
    }
    return same(bytes, input)
  }

  private static let chainReceipt = FuzzTarget(
    "tinychain-receipt",
    seeds: chainSample.executions.map(\.receipt.bytes)
  ) { input in
    guard let receipt = try? Receipt(input) else { return .refused }
    return same(receipt.bytes, input)
  }

  private static let chainAccount = FuzzTarget(
    "tinychain-account",
    seeds: [devChain.state.account(NetworkParameters.faucet).bytes]
  ) { input in
    guard let account = try? Account(input) else { return .refused }
    return same(account.bytes, input)
  }

  /// Key length 1 ‖ key ‖ proof: what is shown under the state's root is what the state holds.
  private static let chainProof = FuzzTarget(
    "tinychain-proof",
    seeds: [StateKey.supply, .baseFee, .account(NetworkParameters.faucet), .account(.zero)].map {
      [UInt8($0.bytes.count)] + $0.bytes + devChain.state.tree.proof(of: $0.bytes).bytes
    }
  ) { input in
    guard let length = input.first.map(Int.init), input.count > length,
      let proof = try? MerkleProof(Array(input[(1 + length)...]))
    else { return .refused }
    guard proof.bytes == Array(input[(1 + length)...]) else { return .broken("reads otherwise") }
    let (key, tree) = (Array(input[1..<1 + length]), devChain.state.tree)
    do throws(Rejection) {
      let value = try proof.value(of: key, under: tree.root)
      return value == tree[key] ? .accepted : .broken("shows what is not so")
    } catch {
      return .refused
    }
  }

  /// Mode 1 ‖ path length 1 ‖ path ‖ content: a file of a commit is a transaction or has a reason.
  private static let gitFiles = FuzzTarget(
    "tinychain-git-file",
    seeds: transactions.map { [0, 5] + Array("txs/a".utf8) + $0.bytes },
    cost: 2
  ) { input in
    guard input.count >= 2, input.count >= 2 + Int(input[1]) else { return .refused }
    let end = 2 + Int(input[1])
    let modes: [UInt32] = [0o100644, 0o100755, 0o120000, 0o160000]
    let file = GitSequencer.File(
      path: Array(input[2..<end]),
      isAdded: input[0] < 128,
      mode: modes[Int(input[0] & 3)],
      content: Array(input[end...])
    )
    let (accepted, refused) = GitSequencer.transactions(in: [file])
    guard accepted.count + refused.count == 1 else { return .broken("neither, or both") }
    guard let transaction = accepted.first else { return .refused }
    return same(transaction.bytes, Array(input[end...]))
  }

  // MARK: Contracts

  /// Length of the data 1 ‖ data ‖ code.
  private static let brainfuckContract = FuzzTarget(
    "brainfuck-contract",
    seeds: [
      code(helloWorld, mode: .raw),
      code(",[.,]", mode: .raw),
      code("++.[-]+.[-]..", mode: .framed),  // an event of one byte
      code("+++++.--.[-]" + String(repeating: ",", count: 35) + "..+.-,.", mode: .framed),
      code(String(repeating: ",.", count: 40), mode: .framed),
      code(String(repeating: ">", count: 256) + "+.+.", mode: .raw),
    ].map { [1, 7] + $0 },
    cost: 4
  ) { input in
    guard let length = input.first.map(Int.init), input.count > length,
      case let code = Array(input[(1 + length)...]), (try? BrainfuckCode(code)) != nil
    else { return .refused }
    return run(.createBrainfuck, code, then: Array(input[1..<1 + length]))
  }

  /// Length 2 ‖ source ‖ message.
  private static let lispContract = FuzzTarget(
    "lisp-contract",
    seeds: [
      "(contract (c) (slot n 0) (on (go m) (set! n (+ n m)) (list n m self caller value height)))",
      "(contract (c) (table t) (on (go m) (put! t m (get t m 1u)) (emit 'a m) (try self 'go m)))",
      "(contract (c) (define (f x) (if (< x 9) (f (+ x 1)) (cons x '()))) (view (go m) (f m)))",
      "(contract (c) (on (go m) (let l ((i 0) (x #x00)) (if (= i 5) x (l (+ i 1) (concat x x))))))",
      "(contract (c) (on (go m) (pay caller m) (send @0000000000000000000000000000000000000000 #x)))",
    ].compactMap {
      let message = Datum.list([.symbol("go"), .integer(1)])
      return LispContract.creation(source: Array($0.utf8), arguments: message)
    },
    cost: 4
  ) { input in
    guard let parts = try? LispContract.parts(of: input),
      (try? LispContract(source: parts.source)) != nil,
      let creation = LispContract.creation(source: parts.source, arguments: .list([]))
    else { return .refused }
    return run(.createLisp, creation, then: parts.arguments)
  }

  /// Whatever a contract does, it ends, spends what it had at most, and all of it if it fails; no
  /// coin is made or lost, and the block can be undone.
  private static func run(
    _ kind: Transaction.Kind,
    _ code: [UInt8],
    then message: [UInt8]
  ) -> FuzzVerdict {
    let contract = Address(contractBy: NetworkParameters.faucet, nonce: 0)
    let asked = [
      signed(kind, data: code, nonce: 0),
      signed(.call, to: contract, value: 9, data: message, nonce: 1),
    ]
    let block = devChain.executed(asked, under: chainDraft)
    guard block.executions.count == 2 else { return .broken("a valid transaction was skipped") }
    for (execution, sent) in zip(block.executions, asked) {
      let (used, limit) = (execution.receipt.gasUsed, sent.transaction.gasLimit)
      guard used <= limit, used >= sent.transaction.intrinsicGas else {
        return .broken("gas out of nothing")
      }
      guard execution.receipt.isSuccess || used == limit else { return .broken("failed for less") }
    }
    var next = devChain
    next.append(block)
    guard balances(next, changed: block.changes) == next.state[number: .supply] else {
      return .broken("balances are not the supply")
    }
    next.undo(block.changes, to: devChain.tip.header, id: devChain.tip.id)
    guard next.state.tree.root == devChain.state.tree.root else {
      return .broken("cannot be undone")
    }
    return .accepted
  }

  /// The supply, and what the changes bring to balances beyond it.
  private static func balances(_ next: Chain, changed changes: [StateChange]) -> UInt64 {
    func balance(_ leaf: [UInt8]?) -> UInt64 {
      leaf.flatMap { try? Account($0) }?.balance ?? 0
    }
    return changes.filter { $0.key.first == 0 }.reduce(devChain.state[number: .supply]) {
      $0 &+ balance($1.after) &- balance($1.before)
    }
  }

  // MARK: Samples

  private static let devChain = Chain(.dev)

  private static let chainDraft = Header(
    time: NetworkParameters.dev.genesisTime,
    producer: NetworkParameters.faucet
  )

  private static let transactions: [SignedTransaction] = [
    signed(.transfer, to: .zero, value: 5, nonce: 0),
    signed(.eval, data: code(helloWorld, mode: .raw), nonce: 1),
    signed(.createBrainfuck, data: code("++.[-]+.[-]..", mode: .framed), nonce: 2),
    signed(
      .call,
      to: Address(contractBy: NetworkParameters.faucet, nonce: 2),
      data: [1, 2, 3],
      nonce: 3
    ),
  ]

  private static let chainSample = devChain.executed(transactions, under: chainDraft)

  private static func signed(
    _ kind: Transaction.Kind,
    to: Address = .zero,
    value: UInt64 = 0,
    data: [UInt8] = [],
    nonce: UInt64
  ) -> SignedTransaction {
    var transaction = Transaction(kind, to: to, value: value, data: data)
    (transaction.chainID, transaction.nonce, transaction.gasLimit) = (devChain.id, nonce, 1_000_000)
    return SignedTransaction(transaction, by: NetworkParameters.faucetKey)
  }
}
