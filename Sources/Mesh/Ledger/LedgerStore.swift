/// A validator's state on disk, or in memory (SPEC-002, 2.8).
///
/// Scans go in key order. A store that has failed answers every read as if it were empty; its owner
/// learns of it from `hasFailed`, and when it makes a change durable.
public protocol LedgerStore: Sendable {
  var hasFailed: Bool { get }
  var totals: LedgerTotals { get }

  func account(_ account: AccountID) -> AccountState?
  /// In account order, from the first account >= `start`.
  func accounts(from start: AccountID, limit: Int) -> [AccountState]
  func lock(_ slot: Slot) -> SlotLock?
  /// The transition that settled a slot.
  func settled(_ slot: Slot) -> TransitionHash?
  func certificate(_ transition: TransitionHash) -> SettlementCertificate?
  /// The place of a settled transition in the log, from 1.
  func logIndex(_ transition: TransitionHash) -> UInt64?
  func log(from index: UInt64, limit: Int) -> [TransitionHash]
  func output(_ reference: OutputReference) -> OutputRecord?
  /// In the order of their indices, those above `after`.
  func outputs(
    of account: AccountID,
    after index: UInt64,
    limit: Int,
    onlyUnclaimed: Bool
  ) -> [OutputRecord]
  /// In the order of their indices, those above `after`.
  func outputs(after index: UInt64, limit: Int) -> [OutputRecord]
  /// The certificate that waits for its turn at a slot.
  func buffered(_ slot: Slot) -> SettlementCertificate?
  /// In slot order, from the first slot >= `start`.
  func bufferedSlots(from start: Slot, limit: Int) -> [Slot]
  func hasEvidence(_ hash: Evidence.Key) -> Bool
  /// In the order of their coming.
  func evidence() -> [Evidence]
  /// How much of a peer's log has been seen.
  func cursor(_ peer: ValidatorIndex) -> UInt64

  /// Applies all of a change; reads show it at once.
  mutating func apply(_ change: LedgerChange)
}

/// Counters that are kept with the tables.
public struct LedgerTotals: Hashable, Sendable {
  public var feePool: Amount
  public var accounts: UInt64
  public var logCount: UInt64
  public var outputCount: UInt64
  public var bufferCount: UInt64
  public var evidenceCount: UInt64
  /// Set by a safety fault, for good: this validator votes no more.
  public var isHalted: Bool

  public init() {
    feePool = .zero
    accounts = 0
    logCount = 0
    outputCount = 0
    bufferCount = 0
    evidenceCount = 0
    isHalted = false
  }
}

/// Proof of somebody's fault.
public enum Evidence: Hashable, Sendable {
  /// An owner signed twice.
  case owner(EquivocationProof)
  /// A validator voted twice.
  case validator(ValidatorEquivocationProof)
  /// More validators than may be are faulty: a certificate for what no honest validator votes for.
  case certificate(SettlementCertificate, TransitionRejection)

  /// One for each slot and kind, lest somebody fill the disk with his own faults.
  public struct Key: Hashable, Comparable, Sendable {
    public let kind: UInt8
    public let slot: Slot
    /// Only of validators' faults.
    public let validator: ValidatorIndex?

    public static func < (a: Self, b: Self) -> Bool {
      (a.kind, a.slot, a.validator ?? ValidatorIndex(0))
        < (b.kind, b.slot, b.validator ?? ValidatorIndex(0))
    }
  }

  public var key: Key {
    switch self {
    case .owner(let proof): Key(kind: 0, slot: proof.slot, validator: nil)
    case .validator(let proof): Key(kind: 1, slot: proof.a.slot, validator: proof.a.validator)
    case .certificate(let certificate, _): Key(kind: 2, slot: certificate.slot, validator: nil)
    }
  }
}

/// One atomic, durable write, as a list of what it does.
public struct LedgerChange: Hashable, Sendable {
  public indirect enum Operation: Hashable, Sendable {
    case putAccount(AccountState)
    case putLock(SlotLock)
    case removeLock(Slot)
    /// At the end of the log.
    case appendCertificate(SettlementCertificate, index: UInt64)
    case putOutput(OutputRecord)
    case putBuffered(SettlementCertificate)
    case removeBuffered(Slot)
    case putEvidence(Evidence)
    case putCursor(ValidatorIndex, UInt64)
    case putTotals(LedgerTotals)
  }

  public private(set) var operations: [Operation]

  public init(_ operations: [Operation] = []) {
    self.operations = operations
  }

  public var isEmpty: Bool { operations.isEmpty }

  public mutating func append(_ operation: Operation) { operations.append(operation) }

  public mutating func append(contentsOf change: LedgerChange) {
    operations.append(contentsOf: change.operations)
  }
}
