import Kernel
import Secp256k1
import Testing

@testable import TinyChain

/// Somebody with a key.
struct Person: Sendable {
  let key: ECDSASecretKey
  var address: Address { Address(key.publicKey) }

  init(_ name: String) {
    var seed = SHA256.hash(Array(name.utf8)).bytes
    guard let key = ECDSASecretKey(SecretBytes(wiping: &seed)) else {
      preconditionFailure("a number in range")
    }
    self.key = key
  }

  static let alice = Person("alice")
  static let bob = Person("bob")
  static let carol = Person("carol")
  static let miner = Person("miner")
}

/// A dev network where some have money, by a block for each thing done.
///
/// Of each block it checks that others come to the same, that undoing it restores the state before
/// it, and that all balances together are the supply.
struct TestChain {
  var chain: Chain
  /// As the changes of the blocks tell them.
  private var balances: [[UInt8]: UInt64] = [:]

  init(_ change: (inout NetworkParameters) -> Void = { _ in }) {
    var parameters = NetworkParameters.dev
    parameters.allocations = [Person.alice, .bob, .carol].map { ($0.address, 1_000_000_000_000) }
    parameters.minter = Person.carol.address
    change(&parameters)
    chain = Chain(parameters)
    note(parameters.genesis.changes)
  }

  private mutating func note(_ changes: [StateChange]) {
    for change in changes where change.key[0] == 0 {
      let account = change.after.flatMap { try? Account($0) }
      balances[change.key] = account?.balance
    }
    #expect(balances.values.reduce(0, +) == chain.state[number: .supply])
  }

  func balance(_ address: Address) -> UInt64 { chain.state.account(address).balance }

  func signed(
    _ kind: Transaction.Kind,
    to: Address = .zero,
    value: UInt64 = 0,
    data: [UInt8] = [],
    by person: Person = .alice,
    _ change: (inout Transaction) -> Void = { _ in }
  ) -> SignedTransaction {
    var transaction = Transaction(kind, to: to, value: value, data: data)
    transaction.chainID = chain.id
    transaction.nonce = chain.state.account(person.address).nonce
    transaction.gasLimit = 5_000_000
    transaction.maxPrice = 1_000
    change(&transaction)
    return SignedTransaction(transaction, by: person.key)
  }

  func draft(_ time: UInt64? = nil) -> Header {
    InstantSequencer().draft(
      after: chain.tip.header,
      at: time ?? chain.tip.header.time + 2,
      for: Person.miner.address
    )
  }

  /// Appends a block of these, all of which have to be possible.
  @discardableResult
  mutating func mine(_ transactions: [SignedTransaction] = []) throws -> ExecutedBlock {
    let block = chain.executed(transactions, under: draft())
    if let (_, reason) = block.skipped.first { throw reason }
    try hear(block.block, is: block)
    let (before, root) = (chain.tip, chain.state.tree.root)
    chain.append(block)
    #expect(chain.state.tree.root == block.header.stateRoot)
    var undone = chain
    undone.undo(block.changes, to: before.header, id: before.id)
    #expect(undone.state.tree.root == root)
    undone.append(try undone.executed(block.block))
    #expect(undone.state.tree.root == chain.state.tree.root)
    note(block.changes)
    return block
  }

  /// Whoever is told of the block comes to the same.
  private func hear(_ block: Block, is expected: ExecutedBlock) throws {
    let parts = try Block.parts(of: block.bytes)
    let transactions = try parts.transactions.map { bytes in try SignedTransaction(bytes) }
    let heard = try chain.executed(Block(header: parts.header, transactions: transactions))
    #expect(heard.changes == expected.changes)
    #expect(heard.executions == expected.executions)
    #expect(heard.id == expected.id)
  }

  /// What one transaction brought.
  @discardableResult
  mutating func does(_ transaction: SignedTransaction) throws -> Execution {
    try mine([transaction]).executions[0]
  }

  mutating func deploy(
    lisp source: String,
    _ arguments: Datum...,
    by person: Person = .alice
  ) throws -> Address {
    let data = LispContract.creation(source: Array(source.utf8), arguments: .list(arguments))
    let execution = try does(signed(.createLisp, data: try #require(data), by: person))
    try #require(execution.failure == nil, "\(String(decoding: execution.output, as: UTF8.self))")
    return try #require(Address(execution.output))
  }

  mutating func deploy(brainfuck code: BrainfuckCode, by person: Person = .alice) throws -> Address
  {
    let execution = try does(signed(.createBrainfuck, data: code.bytes, by: person))
    try #require(execution.failure == nil)
    return try #require(Address(execution.output))
  }

  /// What a Lisp contract answers to a message given as text, in a transaction.
  @discardableResult
  mutating func send(
    _ message: String,
    to contract: Address,
    value: UInt64 = 0,
    by person: Person = .alice
  ) throws -> Datum {
    let data = try Reader.datum(message).bytes
    let execution = try does(signed(.call, to: contract, value: value, data: data, by: person))
    guard execution.failure == nil else {
      throw Refusal(reason: String(decoding: execution.output, as: UTF8.self))
    }
    return try Datum(execution.output, facets: true)
  }

  /// What it would answer, without a transaction.
  func view(_ message: String, of contract: Address) throws -> Datum {
    let data = try Reader.datum(message).bytes
    let call = Call(caller: .zero, contract: contract, value: 0, gas: 1_000_000, data: data)
    let outcome = chain.ask(call)
    guard outcome.isSuccess else {
      throw Refusal(reason: String(decoding: outcome.data, as: UTF8.self))
    }
    return try Datum(outcome.data, facets: true)
  }
}
