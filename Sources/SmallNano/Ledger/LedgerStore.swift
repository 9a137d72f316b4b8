public import Kernel

/// What peers may ask of a ledger: a store shows it, and so does a snapshot beside it.
public protocol ReadableLedger {
  func account(_ account: Account) -> AccountState?
  /// A block of the chain, confirmed or not.
  func block(at slot: Slot) -> LedgerBlock?
  /// In account order, from the first account >= `start`.
  func accounts(from start: Account, limit: Int) -> [(account: Account, state: AccountState)]
  /// In key order, from the first key >= `start`.
  func receivables(from start: ReceivableKey, limit: Int) -> [Receivable]
}

/// Where the ledger lies: SQLite in a node, memory in the simulator and as the model in tests.
///
/// Reads see every change applied so far, durable or not. `apply` is atomic in effect: a crash
/// keeps a prefix of the applied changes, never a part of one. A store that fails (full disk,
/// damaged file) remembers it, answers reads as empty, and refuses to make anything durable; its
/// owner checks before it lets an effect out.
public protocol LedgerStore: ReadableLedger, Sendable {
  mutating func apply(_ change: LedgerChange)

  /// Whether it failed, so that its answers mean nothing any more.
  ///
  /// `totals` keeps its last value then.
  var hasFailed: Bool { get }

  var totals: LedgerTotals { get }
  /// A block of the chain, confirmed or not; never a losing candidate.
  func block(_ hash: BlockHash) -> LedgerBlock?
  func receivable(_ key: ReceivableKey) -> Receivable?
  /// Those with blocks above their confirmed height, in account order.
  func unconfirmedAccounts(
    from start: Account,
    limit: Int
  ) -> [(account: Account, state: AccountState)]

  /// Confirmed weight delegated to a representative.
  func weight(of representative: Account) -> Amount
  /// Those with at least `minimum`, in account order.
  func weights(atLeast minimum: Amount) -> [(representative: Account, weight: Amount)]

  /// In order of representative.
  func voteRecords(at slot: Slot) -> [VoteRecord]
  /// In order of hash.
  func candidates(at slot: Slot) -> [Block]
  /// In order of round, then hash.
  func certificates(at slot: Slot) -> [Certificate]
  /// Slots with a vote record, in order, from the first >= `start`.
  func slotsWithRecords(from start: Slot, limit: Int) -> [Slot]
  /// When a key was admitted to vote from this node; nil if never.
  func votingSince(_ representative: Account) -> Instant?
  /// Oldest first.
  func onlineSamples() -> [OnlineSample]
}

extension LedgerStore {
  /// A store without a disk does not fail.
  public var hasFailed: Bool { false }
}

/// One atomic, durable write: what happens to which row, in order.
public struct LedgerChange: Hashable, Sendable {
  public enum Operation: Hashable, Sendable {
    case putAccount(Account, AccountState)
    /// An account whose open block was rolled back.
    case removeAccount(Account)
    /// Into an empty slot, on top of its account's chain.
    case putBlock(LedgerBlock)
    /// The topmost block of its account's chain.
    case removeBlock(Slot)
    case putReceivable(Receivable)
    case removeReceivable(ReceivableKey)
    /// Zero removes the row.
    case putWeight(Account, Amount)
    case putTotals(LedgerTotals)

    case putVoteRecord(VoteRecord)
    case putCandidate(Block)
    case putCertificate(Certificate)
    case removeCertificate(Slot, RoundHash)
    /// Records, candidates and certificates of a slot that is confirmed.
    case removeElection(Slot)
    case removeCandidate(Slot, BlockHash)
    case admitVoter(Account, since: Instant)
    /// Adds a sample and drops those older than the second instant.
    case putOnlineSample(OnlineSample, dropBefore: Instant)
  }

  public var operations: [Operation]

  public init(_ operations: [Operation] = []) {
    self.operations = operations
  }

  public var isEmpty: Bool { operations.isEmpty }

  public mutating func append(_ operation: Operation) {
    operations.append(operation)
  }

  public mutating func append(contentsOf other: LedgerChange) {
    operations.append(contentsOf: other.operations)
  }
}

/// Sums over the whole ledger, kept with every change.
///
/// Invariant: `balances + receivables + burned == supply`.
public struct LedgerTotals: Hashable, Sendable {
  public var balances: Amount
  /// Sends that no block has received.
  public var receivables: Amount
  public var burned: Amount
  public var accounts: UInt64
  public var blocks: UInt64
  public var confirmedBlocks: UInt64

  public init(
    balances: Amount = .zero,
    receivables: Amount = .zero,
    burned: Amount = .zero,
    accounts: UInt64 = 0,
    blocks: UInt64 = 0,
    confirmedBlocks: UInt64 = 0
  ) {
    self.balances = balances
    self.receivables = receivables
    self.burned = burned
    self.accounts = accounts
    self.blocks = blocks
    self.confirmedBlocks = confirmedBlocks
  }

  /// Nil if the sum does not fit 128 bits.
  public var sum: Amount? { balances.adding(receivables)?.adding(burned) }
}

/// The state of an account after its head block, and how far it is confirmed.
public struct AccountState: Hashable, Sendable {
  public var head: BlockHash
  public var height: Height
  public var balance: Amount
  public var representative: Account
  /// Nil until the open block is confirmed.
  ///
  /// Never falls.
  public var confirmed: ConfirmedFrontier?

  public init(
    head: BlockHash,
    height: Height,
    balance: Amount,
    representative: Account,
    confirmed: ConfirmedFrontier? = nil
  ) {
    self.head = head
    self.height = height
    self.balance = balance
    self.representative = representative
    self.confirmed = confirmed
  }

  public var confirmedHeight: Height { confirmed?.height ?? Height(0) }

  public var isConfirmed: Bool { confirmedHeight == height }
}

/// The last confirmed block of an account, with what it says: weight and elections need it.
public struct ConfirmedFrontier: Hashable, Sendable {
  public var hash: BlockHash
  public var height: Height
  public var balance: Amount
  public var representative: Account
  /// When this node saw it confirmed, in whole seconds of Unix time: who waited longest goes first.
  public var confirmedAt: UInt32

  public init(
    hash: BlockHash,
    height: Height,
    balance: Amount,
    representative: Account,
    confirmedAt: UInt32
  ) {
    self.hash = hash
    self.height = height
    self.balance = balance
    self.representative = representative
    self.confirmedAt = confirmedAt
  }
}

/// A block of the ledger, with what it did.
public struct LedgerBlock: Hashable, Sendable {
  public let block: Block
  public let kind: BlockKind
  /// What it moved: sent, or received; zero for a change.
  public let amount: Amount

  public init(block: Block, kind: BlockKind, amount: Amount) {
    self.block = block
    self.kind = kind
    self.amount = amount
  }

  public var hash: BlockHash { block.hash }
}

public struct ReceivableKey: Hashable, Comparable, Sendable {
  public let destination: Account
  /// The hash of the send.
  public let hash: BlockHash

  public init(destination: Account, hash: BlockHash) {
    self.destination = destination
    self.hash = hash
  }

  public static func < (a: Self, b: Self) -> Bool {
    a.destination != b.destination ? a.destination < b.destination : a.hash < b.hash
  }
}

/// A send that waits for its destination.
///
/// The row stays, marked, while the block that receives it is unconfirmed, so that a rollback finds
/// it and a confirmed send finds its receive; it goes when the receive is confirmed.
public struct Receivable: Hashable, Sendable {
  public let key: ReceivableKey
  public let source: Account
  public let amount: Amount
  /// The height of the destination's block that receives it, if one does.
  public var receivedAt: Height?

  public init(key: ReceivableKey, source: Account, amount: Amount, receivedAt: Height? = nil) {
    self.key = key
    self.source = source
    self.amount = amount
    self.receivedAt = receivedAt
  }
}

/// Weight seen online at a point in time.
public struct OnlineSample: Hashable, Sendable {
  public let time: Instant
  public let weight: Amount

  public init(time: Instant, weight: Amount) {
    self.time = time
    self.weight = weight
  }
}
