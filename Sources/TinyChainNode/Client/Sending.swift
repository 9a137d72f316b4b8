public import Kernel
public import Secp256k1
public import TinyChain

/// What is to be sent, before anybody knows its nonce and its gas.
public struct Request: Sendable {
  public var kind: Transaction.Kind
  public var to: Address
  public var value: UInt64
  public var data: [UInt8]
  /// Nil for what a dry run says.
  public var gasLimit: UInt64?

  public init(
    _ kind: Transaction.Kind,
    to: Address = .zero,
    value: UInt64 = 0,
    data: [UInt8] = [],
    gasLimit: UInt64? = nil
  ) {
    (self.kind, self.to, self.value, self.data) = (kind, to, value, data)
    self.gasLimit = gasLimit
  }

  /// The transaction that asks for it.
  public func transaction(on chainID: UInt32, nonce: UInt64, maxPrice: UInt64) -> Transaction {
    var transaction = Transaction(kind, to: to, value: value, data: data)
    (transaction.chainID, transaction.nonce) = (chainID, nonce)
    (transaction.gasLimit, transaction.maxPrice) = (gasLimit ?? Transaction.gasMax, maxPrice)
    return transaction
  }
}

extension ChainClient {
  /// Signs a transaction for the node's chain and has it carried out; waits for its block.
  ///
  /// - Returns: the node's answer, as `user_sendTransaction` has it.
  public func send(
    _ request: Request,
    by key: ECDSASecretKey
  ) async throws(ChainClientFailure) -> JSON {
    let signed = try await signed(request, by: key)
    let answer = try await call("user_sendTransaction", ["transaction": JSON(signed.bytes.hex)])
    guard answer["waiting"] == true else { return answer }
    return try await outcome(of: signed.id.hex)
  }

  /// A transaction with the sender's next nonce, at twice the base fee at most.
  ///
  /// Without a gas limit of the request's own, a dry run finds one, and what would fail is not signed.
  public func signed(
    _ request: Request,
    by key: ECDSASecretKey
  ) async throws(ChainClientFailure) -> SignedTransaction {
    let sender = Address(key.publicKey).bytes.hex
    let tip = try await call("get_tip")
    let account = try await call("user_getBalance", ["address": JSON(sender)])
    let baseFee: UInt64 = try tip.number("base_fee")
    var request = request
    if request.gasLimit == nil {
      let estimate = try await call(
        "machine_estimate",
        [
          "from": JSON(sender), "kind": JSON(request.kind.name),
          "to": JSON(request.to == .zero ? "" : request.to.bytes.hex),
          "value": .decimal(request.value), "data": JSON(request.data.hex),
        ]
      )
      guard estimate["status"] == 1 else {
        let reason = estimate["reason"]?.string ?? ""
        let failure = estimate["failure"]?.string ?? "failed"
        throw .wouldFail(failure + (reason.isEmpty ? "" : ", \(reason)"))
      }
      request.gasLimit = try estimate.number("gas_limit")
    }
    let transaction = request.transaction(
      on: try tip.number("chain_id"),
      nonce: try account.number("next_nonce"),
      maxPrice: baseFee.multipliedReportingOverflow(by: 2).overflow ? baseFee : baseFee * 2
    )
    return SignedTransaction(transaction, by: key)
  }
}
