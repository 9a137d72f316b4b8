public import Kernel
public import TinyChain

extension Chain {
  /// What a transaction would do, and a gas limit under which it does the same.
  ///
  /// That can be more than it uses: of what is left, only 63/64 go along with a call. A dry run for
  /// each of a few guesses finds one.
  public func cheapestLimit(
    _ transaction: Transaction,
    from sender: Address
  ) throws(Rejection) -> (Execution, UInt64) {
    let full = try estimate(transaction, from: sender)
    var limit = full.receipt.gasUsed
    var transaction = transaction
    let most = transaction.gasLimit
    while limit < most {
      transaction.gasLimit = limit
      let tried = try? estimate(transaction, from: sender)
      if tried?.receipt.isSuccess == full.receipt.isSuccess, tried?.output == full.output {
        return (full, limit)
      }
      limit += limit / 16 + 1
    }
    return (full, most)
  }
}
