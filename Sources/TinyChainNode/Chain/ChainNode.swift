import EventLoop
public import Kernel
public import Service
import Storage
public import TinyChain

/// A chain and its store, and the one who makes blocks of it: each transaction at once its own.
///
/// All changes go through here one after another; a block is on the disk before anybody hears of it.
public actor ChainNode: ServingNode {
  public nonisolated let parameters: NetworkParameters
  private let directory: DataDirectory
  private let store: ChainStore
  private var chain: Chain
  private let sequencer = InstantSequencer()
  private let clock: @Sendable () -> UInt64
  /// Seconds that tests have let pass.
  private var warp: UInt64 = 0
  private let height: Gauge
  private let transactions: Counter
  private let gas: Counter

  /// Opens the chain of a directory, or begins one there.
  ///
  /// The directory is held as long as the node lives; the clock tells seconds since 1970.
  public init(
    directory: String,
    _ parameters: NetworkParameters,
    metrics: Metrics,
    clock: @escaping @Sendable () -> UInt64
  ) throws {
    self.parameters = parameters
    self.clock = clock
    self.directory = try DataDirectory(directory)
    store = try ChainStore(path: self.directory.file("chain.sqlite"), parameters)
    chain = try store.chain(parameters)
    height = metrics.gauge("chain_height", "Height of the newest block")
    transactions = metrics.counter("chain_transactions_total", "Transactions carried out")
    gas = metrics.counter("chain_gas_total", "Gas that transactions used")
    height.set(Int64(chain.tip.header.height))
  }

  /// Moves the store's log into its file, so that it is all there is to copy: at the end.
  public func close() throws { try store.database.checkpoint() }

  /// Whether the store can be read and has the tip.
  public func check() throws {
    guard try store.height(of: chain.tip.id) == chain.tip.header.height else {
      throw APIFailure(status: 503, "store_behind", "the store has another tip")
    }
  }

  /// The chain as it is now: a value that later blocks do not change.
  public var snapshot: Chain { chain }

  /// Reads the store between two blocks.
  public func read<Result: Sendable>(
    _ body: @Sendable (ChainStore, Chain) throws -> Result
  ) throws -> Result {
    try body(store, chain)
  }

  // MARK: What such a node has not

  public var peers: [PeerSummary] { [] }
  public var standing: Standing {
    let height = chain.tip.header.height
    return Standing(safeHeight: height, headerHeight: height)
  }

  public func nextNonce(of account: Address) -> UInt64 { chain.state.account(account).nonce }

  public func draft(for producer: Address) throws -> Block { throw APIFailure.notHere }

  public func take(_ block: [UInt8]) throws {
    throw APIFailure("not_here", "a dev node makes its blocks itself and takes none")
  }

  // MARK: Blocks

  /// Makes a block of one transaction.
  ///
  /// - Throws: `Rejection` if no block may contain it; `StorageFailure` if it could not be kept.
  public func submit(_ transaction: SignedTransaction) throws -> Submission {
    if try store.transaction(transaction.id) != nil { throw Rejection.alreadyKnown }
    let block = chain.executed([transaction], under: draft)
    if let (_, reason) = block.skipped.first { throw reason }
    try commit(block)
    return .executed(block)
  }

  /// Makes empty blocks, the last of them so many seconds later.
  public func mine(blocks: Int, seconds: UInt64) throws {
    warp += seconds
    for _ in 0..<blocks { try commit(chain.executed([], under: draft)) }
  }

  private var draft: Header {
    sequencer.draft(after: chain.tip.header, at: clock() + warp, for: parameters.treasury)
  }

  private func commit(_ block: ExecutedBlock) throws {
    try store.append(block)
    chain.append(block)
    height.set(Int64(block.header.height))
    transactions.add(UInt64(block.transactions.count))
    gas.add(UInt64(block.header.gasUsed))
  }

  /// Goes back to a block of this chain, as if all after it had not been.
  ///
  /// - Returns: how many blocks were taken back; nil if the block is not on the chain.
  public func revert(to id: Bytes32) throws -> Int? {
    guard let height = try store.height(of: id) else { return nil }
    var count = 0
    while chain.tip.header.height > height {
      let (changes, parent) = try store.undoTip(at: chain.tip.header.height)
      chain.undo(changes, to: parent.header, id: parent.id)
      count += 1
    }
    self.height.set(Int64(height))
    return count
  }
}
