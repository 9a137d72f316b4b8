public import TinyChain

extension CallFailure {
  /// The name that answers use; stable.
  public var name: String {
    switch self {
    case .outOfGas: "out_of_gas"
    case .reverted: "reverted"
    case .leftTape: "left_tape"
    case .unknownFrame: "unknown_frame"
    case .unfinishedFrame: "unfinished_frame"
    case .unknownItem: "unknown_item"
    case .answerTooLong: "answer_too_long"
    case .balanceTooLow: "balance_too_low"
    case .reentered: "reentered"
    case .tooDeep: "too_deep"
    case .invalidCode: "invalid_code"
    }
  }
}
