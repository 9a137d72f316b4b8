public import Kernel
public import TinyChain

/// A node as its API needs it, whoever makes its blocks.
public protocol ServingNode: Sendable {
  var parameters: NetworkParameters { get }
  /// The chain as it is now: a value that later blocks do not change.
  var snapshot: Chain { get async throws }
  /// Reads the store, which may have blocks that the chain, taken just before, has not.
  func read<Result: Sendable>(
    _ body: @Sendable (ChainStore, Chain) throws -> Result
  ) async throws -> Result
  /// Takes a transaction in.
  ///
  /// - Throws: `Rejection`, or what keeps the node from it.
  func submit(_ transaction: SignedTransaction) async throws -> Submission
  /// The nonce for the next transaction of an account, after those that wait for a block.
  func nextNonce(of account: Address) async throws -> UInt64
  /// A block upon the tip, but for its work.
  ///
  /// - Throws: why this node gives none.
  func draft(for producer: Address) async throws -> Block
  /// Takes a block that somebody else has made.
  ///
  /// - Throws: `Rejection`, or why this node takes none.
  func take(_ block: [UInt8]) async throws
  var peers: [PeerSummary] { get async }
  /// What only this node can say of itself, for `get_tip`.
  var standing: Standing { get async throws }
  /// Whether the store can be read and has the tip.
  func check() async throws
}

/// What became of a transaction that a node has taken.
public enum Submission: Sendable {
  /// It has a block already.
  case executed(ExecutedBlock)
  /// It waits for one.
  case waiting
}

/// How far a node is.
public struct Standing: Sendable {
  /// Blocks up to here stay, as far as anybody can say.
  public var safeHeight: UInt32
  /// Of the heaviest headers it knows, whose bodies may still be missing.
  public var headerHeight: UInt32
  /// Of the chain that is executed, in hashes; zero where nobody mines.
  public var work: UInt256
  /// Transactions that wait for a block.
  public var waiting = 0
  /// Blocks taken back since the start, to turn to another branch.
  public var undoneBlocks: UInt64 = 0

  public init(safeHeight: UInt32, headerHeight: UInt32, work: UInt256 = .zero) {
    (self.safeHeight, self.headerHeight, self.work) = (safeHeight, headerHeight, work)
  }
}
