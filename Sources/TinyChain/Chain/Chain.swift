public import Kernel

/// A transaction as it went.
public struct Execution: Hashable, Sendable {
  public let receipt: Receipt
  /// What it answered, a creation with the address; or what was said about its failure.
  public let output: [UInt8]
  public let failure: CallFailure?
}

/// A block with all that comes of it, not yet part of a chain.
///
/// It is what a node stores, at once and durably, before `Chain.append`.
public struct ExecutedBlock: Sendable {
  /// Complete but for the work.
  public var header: Header
  /// Another name for the block than its header's id, if the sequencer gives one.
  public var name: Bytes32?
  public fileprivate(set) var transactions: [SignedTransaction] = []
  /// One for each of them.
  public fileprivate(set) var executions: [Execution] = []
  /// Those that the block could not contain, and why.
  public fileprivate(set) var skipped: [(transaction: SignedTransaction, reason: Rejection)] = []
  /// To the state; backwards they are the undo journal.
  public let changes: [StateChange]
  fileprivate let state: State

  /// Of a state whose changes since the parent are pending.
  init(_ header: Header, _ state: State) {
    var (header, state) = (header, state)
    changes = state.commit()
    header.stateRoot = state.tree.root
    (self.header, self.state) = (header, state)
  }

  public var id: Bytes32 { name ?? header.id }
  public var block: Block { Block(header: header, transactions: transactions) }
  /// From each index to its receipt; the header has its root.
  public var receiptTree: MerkleTree { MerkleTree(list: executions.map(\.receipt.bytes)) }
}

/// The chain at its tip: the one pure function, `executed`, and where it has led so far.
public struct Chain: Sendable {
  public let parameters: NetworkParameters
  /// In every transaction, so that none is valid on two chains.
  public let id: UInt32
  public private(set) var state: State
  public private(set) var tip: (header: Header, id: Bytes32)

  /// A chain of the genesis block; `parameters.genesis` has what is to be stored of it.
  public init(_ parameters: NetworkParameters) {
    let genesis = parameters.genesis
    self.init(parameters, state: genesis.state, tip: genesis.header, id: genesis.id)
  }

  /// A chain as it was stored.
  public init(_ parameters: NetworkParameters, state: State, tip: Header, id tipID: Bytes32) {
    var reader = ByteReader(parameters.genesis.id.bytes)
    id = (try? reader.uint32()) ?? 0
    (self.parameters, self.state, self.tip) = (parameters, state, (tip, tipID))
  }

  // MARK: Blocks

  /// Executes a block upon the tip, of those transactions that can be executed.
  ///
  /// - Parameters:
  ///   - transactions: in the order to be tried.
  ///   - draft: has the time, the producer, and what the sequencer wants.
  /// - Returns: the block; what it could not contain is among its `skipped`.
  public func executed(_ transactions: [SignedTransaction], under draft: Header) -> ExecutedBlock {
    var header = draft
    (header.version, header.height, header.parent) = (Header.version, tip.header.height + 1, tip.id)
    var world = next(at: header.time)
    world.producer = header.producer
    var included: [(SignedTransaction, Execution)] = []
    var skipped: [(transaction: SignedTransaction, reason: Rejection)] = []
    var bytes = Header.size
    for transaction in transactions {
      do throws(Rejection) {
        let size = bytes + 4 + transaction.transaction.size
        guard size <= Block.bytesMax else { throw .blockFull }
        let execution = try world.execute(transaction.transaction, by: transaction.sender)
        included.append((transaction, execution))
        bytes = size
      } catch { skipped.append((transaction, error)) }
    }
    world.reward(header.producer, parameters.subsidy(at: header.height))
    let gasUsed = Block.gasMax - world.gasLeft
    let price = parameters.fees.price(after: world.baseFee, gasUsed: gasUsed)
    world.state[number: .baseFee] = price
    header.gasUsed = UInt32(gasUsed)
    header.transactionRoot = Block.transactionRoot(ids: included.map(\.0.id))
    header.receiptRoot = MerkleTree(list: included.map(\.1.receipt.bytes)).root
    var block = ExecutedBlock(header, world.state)
    (block.transactions, block.executions) = (included.map(\.0), included.map(\.1))
    block.skipped = skipped
    return block
  }

  /// Executes a block that another has made; the sequencer has judged its header.
  ///
  /// - Throws: what is wrong with the block, or with the first transaction that it must not contain.
  public func executed(_ block: Block) throws(Rejection) -> ExecutedBlock {
    let header = block.header
    guard header.version == Header.version else { throw .wrongVersion }
    guard header.parent == tip.id else { throw .wrongParent }
    guard header.height == tip.header.height + 1 else { throw .wrongHeight }
    guard header.transactionRoot == Block.transactionRoot(ids: block.transactions.map(\.id)) else {
      throw .wrongTransactionRoot
    }
    let executed = executed(block.transactions, under: header)
    if let (_, reason) = executed.skipped.first { throw reason }
    guard header.gasUsed == executed.header.gasUsed else { throw .wrongGasUsed }
    guard header.stateRoot == executed.header.stateRoot else { throw .wrongStateRoot }
    guard header.receiptRoot == executed.header.receiptRoot else { throw .wrongReceiptRoot }
    return executed
  }

  /// Makes a block that was executed upon the tip the new tip.
  public mutating func append(_ block: ExecutedBlock) {
    precondition(block.header.parent == tip.id)
    (state, tip) = (block.state, (block.header, block.id))
  }

  /// Goes back to the tip's parent, by the changes of the tip.
  public mutating func undo(_ changes: [StateChange], to parent: Header, id: Bytes32) {
    precondition(tip.header.parent == id)
    state.undo(changes)
    precondition(state.tree.root == parent.stateRoot)
    tip = (parent, id)
  }

  // MARK: Trying things out

  /// What a transaction would do at the beginning of the next block, exactly.
  public func estimate(
    _ transaction: Transaction,
    from sender: Address
  ) throws(Rejection) -> Execution {
    var world = next(at: tip.header.time)
    return try world.execute(transaction, by: sender)
  }

  /// What a contract answers, to whom it asks for nothing.
  public func ask(_ call: Call) -> Outcome {
    guard call.data.count <= Call.dataMax else { return .failed(.invalidCode) }
    var world = next(at: tip.header.time)
    return world.call(call).outcome
  }

  private func next(at time: UInt64) -> World {
    World(state, height: UInt64(tip.header.height) + 1, time: time, chainID: id)
  }
}

extension World {
  /// Executes a transaction: the rules, the fee, the call, the refund.
  ///
  /// The whole gas is paid beforehand; what is left comes back. The base fee is burned, the tip goes
  /// to the producer.
  fileprivate mutating func execute(
    _ transaction: Transaction,
    by sender: Address
  ) throws(Rejection) -> Execution {
    var account = state.account(sender)
    try transaction.check(of: account, baseFee: baseFee, chain: chainID)
    guard transaction.nonce == account.nonce else { throw .nonceTooHigh }
    guard transaction.gasLimit <= gasLeft else { throw .blockFull }
    let tip = min(transaction.tip, transaction.maxPrice - baseFee)
    account.nonce += 1
    account.balance -= transaction.gasLimit * (baseFee + tip)
    state[.account(sender)] = account.bytes
    events = []
    state.settle()
    let gas = transaction.gasLimit - transaction.intrinsicGas
    let outcome = run(transaction, by: sender, gas: gas)
    let used = transaction.gasLimit - outcome.gasLeft
    gasLeft -= used
    state.change(sender) { $0.balance += outcome.gasLeft * (baseFee + tip) }
    state.change(producer) { $0.balance += used * tip }
    state[number: .supply] -= used * baseFee
    return Execution(
      receipt: Receipt(outcome, gasUsed: used, events: events),
      output: outcome.data,
      failure: outcome.failure
    )
  }

  /// The genesis contract pays the producer of a block; or nobody, if no more coins can be.
  fileprivate mutating func reward(_ producer: Address, _ units: UInt64) {
    guard units > 0 else { return }
    let message: [Datum] = [.symbol("reward"), .address(producer), .amount(UInt128(units))]
    let (contract, data) = (SneedToken.address, Datum.list(message).bytes)
    _ = call(Call(caller: .zero, contract: contract, value: 0, gas: 100_000, data: data))
  }
}
