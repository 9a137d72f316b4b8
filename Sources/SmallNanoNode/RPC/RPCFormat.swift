import Kernel
import SmallNano

/// How values of the ledger look in JSON: Nano's fields, numbers as strings, hashes in lower case.
enum RPCFormat {
  static func contents(of block: Block) -> JSON {
    [
      "type": "state",
      "account": JSON(block.account.address),
      "previous": JSON(block.previous.description),
      "representative": JSON(block.representative.address),
      "balance": amount(block.balance),
      "link": JSON(block.link.hex),
      "link_as_account": JSON(Account(block.link).address),
      "height": .decimal(block.height.number),
      "signature": JSON(block.signature.bytes.bytes.hex),
      "work": work(block.work),
    ]
  }

  static func info(of held: LedgerBlock, isConfirmed: Bool, successor: BlockHash?) -> JSON {
    [
      "block_account": JSON(held.block.account.address),
      "amount": amount(held.amount),
      "balance": amount(held.block.balance),
      "height": .decimal(held.block.height.number),
      "successor": JSON((successor ?? .zero).description),
      "confirmed": flag(isConfirmed),
      "contents": contents(of: held.block),
      "subtype": JSON(name(of: held.kind)),
    ]
  }

  static func name(of kind: BlockKind) -> String {
    switch kind {
    case .open: "open"
    case .send: "send"
    case .receive: "receive"
    case .change: "change"
    case .epoch: "epoch"
    }
  }

  static func amount(_ amount: Amount) -> JSON { JSON(amount.description) }

  /// Nano's booleans in answers are strings.
  static func flag(_ flag: Bool) -> JSON { flag ? "true" : "false" }

  /// Sixteen digits, most significant first.
  static func work(_ work: UInt64) -> JSON {
    JSON(withUnsafeBytes(of: work.bigEndian) { [UInt8]($0) }.hex)
  }

  static func accounts(_ accounts: [Account]) -> JSON {
    .array(accounts.map { JSON($0.address) })
  }

  static func hashes(_ hashes: [BlockHash]) -> JSON {
    .array(hashes.map { JSON($0.description) })
  }

  /// Members in the order given; keys are unique.
  static func object(_ members: some Sequence<(String, JSON)>) -> JSON {
    // Setting by key would look for each key among all before it.
    var object = JSON.Object()
    for (key, value) in members { object[key] = value }
    return .object(object)
  }
}
