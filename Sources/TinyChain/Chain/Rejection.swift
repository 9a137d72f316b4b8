/// Why a transaction, block or proof is refused: in the order of the checks, by codes that stay.
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
  case wrongProof = 501

  /// Whether the same may be accepted later.
  public var isTransient: Bool {
    switch self {
    case .priceTooLow, .balanceTooLow, .nonceTooHigh, .blockFull, .replacementTooCheap, .poolFull,
      .wrongParent, .wrongTime:
      true
    case .malformed, .reservedKind, .recipientNotZero, .highS, .badSignature, .wrongChain,
      .gasTooHigh, .gasTooLow, .nonceTooLow, .alreadyKnown, .wrongVersion, .wrongHeight,
      .wrongWork, .wrongTransactionRoot, .wrongGasUsed, .wrongStateRoot, .wrongReceiptRoot,
      .wrongProof:
      false
    }
  }

  /// Whether whoever sent it could have known without a state: no honest node passes it on.
  public var blamesSender: Bool {
    switch self {
    case .malformed, .reservedKind, .recipientNotZero, .highS, .badSignature, .wrongChain,
      .gasTooHigh, .gasTooLow, .wrongVersion, .wrongWork, .wrongTransactionRoot, .wrongGasUsed,
      .wrongStateRoot, .wrongReceiptRoot, .wrongProof:
      true
    case .priceTooLow, .nonceTooLow, .balanceTooLow, .nonceTooHigh, .blockFull, .alreadyKnown,
      .replacementTooCheap, .poolFull, .wrongHeight, .wrongParent, .wrongTime:
      false
    }
  }
}
