public import Kernel
public import TinyChain

extension APICall {
  /// An address as people write it, 40 hexadecimal digits, or "" for nobody's.
  func optionalAddress(_ name: String, isMain: Bool) throws(APIFailure) -> Address? {
    guard let text = try optionalText(name) else { return nil }
    guard let address = Address(written: text, isMain: isMain) else {
      throw .field(name, "must be an address or 40 hexadecimal digits")
    }
    return address
  }

  func address(_ name: String = "address", isMain: Bool) throws(APIFailure) -> Address {
    try required(try optionalAddress(name, isMain: isMain), name)
  }

  func id(_ name: String = "id") throws(APIFailure) -> Bytes32 {
    guard let id = Bytes32(hex: try text(name)) else {
      throw .field(name, "must have 64 hexadecimal digits")
    }
    return id
  }

  /// What a contract is told: `data` in hexadecimal, `text` as it is, or `message` in Lisp.
  func message() throws(APIFailure) -> [UInt8] {
    let given = ["data", "text", "message"].filter { fields[$0] != nil }
    guard given.count <= 1 else { throw .field(given[1], "stands beside \(given[0]): give one") }
    if let data = try optionalHex("data", max: Call.dataMax) { return data }
    if let text = try optionalText("text", max: Call.dataMax) { return Array(text.utf8) }
    guard let message = try optionalText("message", max: Call.dataMax) else { return [] }
    do {
      return try Reader.datum(message).bytes
    } catch {
      throw .field("message", "is no Lisp: \(error)")
    }
  }

  /// A transaction that is not signed, and from whom.
  func transaction(on chain: Chain, isMain: Bool) throws(APIFailure) -> (Transaction, Address) {
    let from = try address("from", isMain: isMain)
    let kinds: [(String, Transaction.Kind)] = [
      ("transfer", .transfer), ("call", .call), ("create_brainfuck", .createBrainfuck),
      ("create_lisp", .createLisp), ("eval", .eval),
    ]
    let name = try text("kind")
    guard let kind = kinds.first(where: { $0.0 == name })?.1 else {
      throw .field("kind", "must be one of " + kinds.map(\.0).joined(separator: ", "))
    }
    let request = Request(
      kind,
      to: try optionalAddress("to", isMain: isMain) ?? .zero,
      value: try optionalInteger("value", 0...UInt64.max) ?? 0,
      data: try message(),
      gasLimit: try optionalInteger("gas_limit", 0...Transaction.gasMax)
    )
    let transaction = request.transaction(
      on: chain.id,
      nonce: chain.state.account(from).nonce,
      maxPrice: chain.state[number: .baseFee]
    )
    return (transaction, from)
  }
}

extension Address {
  /// As the API takes it: see `APICall.optionalAddress`.
  public init?(written text: String, isMain: Bool) {
    if text.isEmpty {
      self = .zero
    } else if let bytes = [UInt8](hex: text) {
      self.init(bytes)
    } else {
      self.init(text, isMain: isMain)
    }
  }
}
