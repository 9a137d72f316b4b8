/// Why a block is refused.
///
/// Codes are stable and in the order of the checks.
public enum BlockRejection: UInt16, Error, CaseIterable, Sendable {
  // Stateless, before anything is stored.
  case malformed = 1
  case burnAccount = 2
  /// Below the lowest threshold of any kind.
  case insufficientWork = 3
  case alreadyKnown = 4
  case badSignature = 5

  // Against the ledger.
  /// At or below the confirmed height, and not the block that was confirmed there.
  case settled = 10
  case gapPrevious = 11
  case gapSource = 12
  /// Another block holds this height.
  case fork = 13
  case heightNotNext = 14
  case balanceRule = 15
  case belowMinimum = 16
  /// No such send to this account, or it was received already.
  case receivableMissing = 17
  case receivableAmount = 18
  /// Below the threshold of its own kind.
  case insufficientWorkForKind = 19
  case epochNotAllowed = 20

  // The node's own state, not the block's fault.
  /// The table of unconfirmed blocks is full of blocks that go first.
  case backlogFull = 30
  /// The ledger is not complete yet, or its disk failed.
  case notReady = 31
}
