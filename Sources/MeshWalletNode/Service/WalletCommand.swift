public import Kernel
public import Mesh

/// What a wallet is asked to do, by the command line or through the agent's socket.
public enum WalletCommand: Hashable, Sendable {
  case balance
  case send(to: String, amount: Amount, memo: String?, wantsReceipt: Bool)
  /// One settled payment, or all that wait.
  case receive(TransitionHash?, wantsReceipt: Bool)
  /// The newest so many entries.
  case history(Int)
  case resync
  /// Tells of every payment that comes, for as long as somebody listens.
  case watch
  case openReceipt([UInt8])
  /// Ends the agent.
  case lock

  /// Entries of one answer: a megabyte at worst.
  public static let historyMax = 1000

  public var json: JSON {
    switch self {
    case .balance: ["command": "balance"]
    case .send(let to, let amount, let memo, let wantsReceipt):
      [
        "command": "send", "to": JSON(to), "amount": .decimal(amount.units),
        "memo": memo.map { JSON($0) } ?? .null, "receipt": JSON(wantsReceipt),
      ]
    case .receive(let hash, let wantsReceipt):
      [
        "command": "receive", "certificate": hash.map { JSON($0.description) } ?? .null,
        "receipt": JSON(wantsReceipt),
      ]
    case .history(let count): ["command": "history", "count": JSON(count)]
    case .resync: ["command": "resync"]
    case .watch: ["command": "watch"]
    case .openReceipt(let bytes): ["command": "open_receipt", "receipt": JSON(bytes.hex)]
    case .lock: ["command": "lock"]
    }
  }

  /// Reads exactly what `json` writes.
  public init(_ json: JSON) throws(WalletProblem) {
    var fields = Fields(json)
    switch try fields.text("command") {
    case "balance": self = .balance
    case "send":
      self = .send(
        to: try fields.text("to"),
        amount: Amount(try fields.number("amount")),
        memo: try fields.optionalText("memo"),
        wantsReceipt: try fields.flag("receipt")
      )
    case "receive":
      var hash: TransitionHash?
      if let text = try fields.optionalText("certificate") {
        guard let bytes = Bytes32(hex: text) else { throw Fields.unfit("certificate") }
        hash = TransitionHash(bytes)
      }
      self = .receive(hash, wantsReceipt: try fields.flag("receipt"))
    case "history":
      let count = try fields.number("count")
      guard (1...UInt64(Self.historyMax)).contains(count) else { throw Fields.unfit("count") }
      self = .history(Int(count))
    case "resync": self = .resync
    case "watch": self = .watch
    case "open_receipt":
      guard let bytes = [UInt8](hex: try fields.text("receipt")) else {
        throw Fields.unfit("receipt")
      }
      self = .openReceipt(bytes)
    case "lock": self = .lock
    default: throw Fields.unfit("command")
    }
    try fields.finish()
  }

  /// The members of a command; each is taken once, and none may be left.
  private struct Fields {
    private var object: JSON.Object

    init(_ json: JSON) { object = json.object ?? .init() }

    static func unfit(_ name: String) -> WalletProblem {
      WalletProblem(.badCommand, "the agent was asked something it does not know: \(name)")
    }

    private mutating func take(_ name: String) throws(WalletProblem) -> JSON {
      guard let value = object[name] else { throw Self.unfit(name) }
      object[name] = nil
      return value
    }

    mutating func text(_ name: String) throws(WalletProblem) -> String {
      guard let text = try take(name).string else { throw Self.unfit(name) }
      return text
    }

    mutating func optionalText(_ name: String) throws(WalletProblem) -> String? {
      let value = try take(name)
      if value.isNull { return nil }
      guard let text = value.string else { throw Self.unfit(name) }
      return text
    }

    mutating func number(_ name: String) throws(WalletProblem) -> UInt64 {
      guard let number = try take(name).decimal(UInt64.self) else { throw Self.unfit(name) }
      return number
    }

    mutating func flag(_ name: String) throws(WalletProblem) -> Bool {
      guard let flag = try take(name).bool else { throw Self.unfit(name) }
      return flag
    }

    func finish() throws(WalletProblem) {
      if let first = object.members.first { throw Self.unfit(first.key) }
    }
  }
}
