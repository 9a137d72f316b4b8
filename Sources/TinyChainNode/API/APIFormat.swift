import Kernel
public import TinyChain

/// How answers write what a chain has.
///
/// Coins stand as decimal text, so that no reader rounds them; heights, gas and nonces as numbers.
enum APIFormat {
  static func header(_ header: Header, id: Bytes32) -> [(String, JSON)] {
    [
      ("height", JSON(header.height)), ("id", JSON(id.hex)), ("parent", JSON(header.parent.hex)),
      ("time", JSON(header.time)), ("producer", JSON(header.producer.bytes.hex)),
      ("state_root", JSON(header.stateRoot.hex)),
      ("transaction_root", JSON(header.transactionRoot.hex)),
      ("receipt_root", JSON(header.receiptRoot.hex)), ("gas_used", JSON(header.gasUsed)),
      ("bits", JSON(header.bits)), ("nonce", JSON(header.nonce)),
      ("header", JSON(header.bytes.hex)),
    ]
  }

  static func transaction(_ signed: SignedTransaction, isMain: Bool) -> [(String, JSON)] {
    let transaction = signed.transaction
    return [
      ("id", JSON(signed.id.hex)), ("from", JSON(signed.sender.text(isMain: isMain))),
      ("to", JSON(transaction.to == .zero ? "" : transaction.to.text(isMain: isMain))),
      ("kind", JSON(transaction.kind.name)), ("value", .decimal(transaction.value)),
      ("nonce", JSON(transaction.nonce)), ("gas_limit", JSON(transaction.gasLimit)),
      ("max_price", .decimal(transaction.maxPrice)), ("tip", .decimal(transaction.tip)),
      ("data", JSON(transaction.data.hex)),
    ]
  }

  /// What a call or transaction came to; `value` too, if a contract in Lisp answered.
  static func outcome(
    isSuccess: Bool,
    failure: String?,
    gasUsed: UInt64,
    output: [UInt8],
    isLisp: Bool
  ) -> [(String, JSON)] {
    var fields: [(String, JSON)] = [
      ("status", JSON(isSuccess ? 1 : 0)), ("gas_used", JSON(gasUsed)),
      ("output", JSON(output.hex)),
    ]
    if isLisp, let value = try? Datum(output, facets: true) {
      fields.append(("value", JSON("\(value)")))
    }
    if !isSuccess {
      fields.append(("failure", JSON(failure ?? "")))
      fields.append(("reason", JSON(String(decoding: output, as: UTF8.self))))
    }
    return fields
  }

  /// The same of a transaction that was executed.
  static func execution(_ execution: Execution, of transaction: Transaction, on chain: Chain)
    -> [(String, JSON)]
  {
    outcome(
      isSuccess: execution.receipt.isSuccess,
      failure: execution.failure?.name,
      gasUsed: execution.receipt.gasUsed,
      output: execution.output,
      isLisp: chain.answersInLisp(transaction)
    ) + [("events", events(execution.receipt, on: chain))]
  }

  static func events(_ receipt: Receipt, on chain: Chain) -> JSON {
    .array(
      receipt.events.map { event in
        var fields: [(String, JSON)] = [
          ("contract", JSON(event.contract.text(isMain: chain.parameters.isMain))),
          ("data", JSON(event.data.hex)),
        ]
        if chain.state.account(event.contract).code == .lisp,
          let value = try? Datum(event.data, facets: true)
        {
          fields.append(("value", JSON("\(value)")))
        }
        return JSON(fields: fields)
      }
    )
  }
}

extension Chain {
  /// Whether a transaction's answer is a value of Lisp.
  func answersInLisp(_ transaction: Transaction) -> Bool {
    transaction.kind == .call && state.account(transaction.to).code == .lisp
  }
}

extension Transaction.Kind {
  /// The name that calls use.
  public var name: String {
    switch self {
    case .transfer: "transfer"
    case .call: "call"
    case .createBrainfuck: "create_brainfuck"
    case .createLisp: "create_lisp"
    case .eval: "eval"
    case .proved: "proved"
    }
  }
}

extension JSON {
  init(fields: [(String, JSON)]) {
    var object = Object()
    for (key, value) in fields { object[key] = value }
    self = .object(object)
  }
}

extension Bytes32 {
  var hex: String { bytes.hex }
}
