/// Why a transaction, block or proof is refused, by codes that stay.
public enum Rejection: UInt16, Error, CaseIterable, Sendable {
  // A transaction by itself.
  case malformed = 101
  case reservedKind, recipientNotZero, highS, badSignature
  // A transaction upon a state.
  case wrongChain = 201
  case gasTooHigh, gasTooLow, priceTooLow, nonceTooLow, balanceTooLow, nonceTooHigh, blockFull
  // A transaction in the pool.
  case alreadyKnown = 301
  case replacementTooCheap, poolFull
  // A block.
  case wrongVersion = 401
  case wrongHeight, wrongParent, wrongTime, wrongWork, wrongTransactionRoot
  case wrongGasUsed, wrongStateRoot, wrongReceiptRoot
  // A header, by what was before it.
  case wrongBits, timeTooFar, invalidBranch
  case wrongProof = 501

  /// Time: nobody, the same may be accepted later.
  ///
  /// Place: nobody, it may have been right where it came from. Sender: whoever sent it, as no honest
  /// node passes it on.
  public enum Blame: Sendable { case time, place, sender }

  public var blame: Blame {
    switch self {
    case .priceTooLow, .balanceTooLow, .nonceTooHigh, .blockFull, .replacementTooCheap, .poolFull,
      .wrongParent, .timeTooFar:
      .time
    case .nonceTooLow, .alreadyKnown, .invalidBranch: .place
    case .malformed, .reservedKind, .recipientNotZero, .highS, .badSignature, .wrongChain,
      .gasTooHigh, .gasTooLow, .wrongVersion, .wrongHeight, .wrongTime, .wrongBits, .wrongWork,
      .wrongTransactionRoot, .wrongGasUsed, .wrongStateRoot, .wrongReceiptRoot, .wrongProof:
      .sender
    }
  }

  public var isTransient: Bool { blame == .time }
}
