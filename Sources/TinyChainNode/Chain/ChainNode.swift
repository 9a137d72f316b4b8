import EventLoop
public import Kernel
import Service
import Storage
public import TinyChain

/// A chain and its store, and the one who makes blocks of it: each transaction at once its own.
///
/// All changes go through here one after another; a block is on the disk before anybody hears of it.
public actor ChainNode {
  public nonisolated let parameters: NetworkParameters
  private let directory: DataDirectory
  private let store: ChainStore
  private var chain: Chain
  private let sequencer = InstantSequencer()
  private let clock: @Sendable () -> UInt64
  /// Seconds that tests have let pass.
  private var warp: UInt64 = 0

  /// Opens the chain of a directory, or begins one there.
  ///
  /// The directory is held as long as the node lives; the clock tells seconds since 1970.
  public init(
    directory: String,
    _ parameters: NetworkParameters,
    clock: @escaping @Sendable () -> UInt64
  ) throws {
    self.parameters = parameters
    self.clock = clock
    self.directory = try DataDirectory(directory)
    store = try ChainStore(path: self.directory.file("chain.sqlite"), parameters)
    chain = try store.chain(parameters)
  }

  /// The chain as it is now: a value that later blocks do not change.
  public var snapshot: Chain { chain }

  /// Reads the store between two blocks.
  func read<Result: Sendable>(_ body: (ChainStore, Chain) throws -> Result) rethrows -> Result {
    try body(store, chain)
  }

  // MARK: Blocks

  /// Makes a block of one transaction.
  ///
  /// - Throws: `Rejection` if no block may contain it; `StorageFailure` if it could not be kept.
  public func submit(_ transaction: SignedTransaction) throws -> ExecutedBlock {
    if try store.transaction(transaction.id) != nil { throw Rejection.alreadyKnown }
    let block = chain.executed([transaction], under: draft)
    if let (_, reason) = block.skipped.first { throw reason }
    try commit(block)
    return block
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
    return count
  }
}
