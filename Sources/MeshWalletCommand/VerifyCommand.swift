import Kernel
import Mesh
import MeshWalletNode
import Service

private let file = Argument("receipt", .path, help: "A file that `send --receipt` wrote")
private let recipient = Option<String?>(
  "to",
  .optional(.string("ADDRESS")),
  default: nil,
  scope: .commandLine,
  help: "Fail unless it pays this address, or public key"
)
private let amount = Option<String?>(
  "amount",
  .optional(.string("AMOUNT")),
  default: nil,
  scope: .commandLine,
  help: "Fail unless it pays so much, which needs --open"
)
private let certificate = Option<String?>(
  "cert",
  .optional(.string("HASH")),
  default: nil,
  scope: .commandLine,
  help: "Fail unless it is this certificate"
)
private let opens = Option<Bool>(
  "open",
  .boolean,
  default: false,
  scope: .commandLine,
  help: "Show amounts, with the keys of this wallet, which paid or was paid"
)

/// `mesh-wallet verify`.
let verifyCommand = Command(
  "verify",
  summary: "Check a receipt, offline: that a quorum signed it, and whom it pays",
  discussion: """
    Needs the network's genesis and nothing else. Amounts are hidden from all but payer and payee: \
    one of the two sees them with --open. Status 0 only if the receipt is valid and pays what was \
    asked for.
    """,
  examples: [
    .init("mesh-wallet verify r.mesh --genesis net.genesis", "Anyone"),
    .init("mesh-wallet verify r.mesh --open --to tmesh1… --amount 500", "The payee"),
  ],
  options: CommonOptions.secrets + [WalletOptions.genesis, recipient, amount, certificate, opens],
  arguments: [file],
  run: WalletCall.run { call in
    let genesis = try WalletConfiguration.genesis(call.settings)
    let bytes = try PrivateFile.read(call.call[file], bytesMax: Receipt.bytesMax)
    let receipt = try Receipt(bytes)
    var random = SystemRandomNumberGenerator()
    try receipt.verify(on: genesis, using: &random)
    let keys = call.call[opens] ? try call.openKeys() : nil
    let answer = receipt.json(with: keys, on: genesis)
    try check(answer, against: call, on: genesis)
    call.show(answer, text(answer))
  }
)

/// Whether it is the payment that was asked for.
private func check(_ answer: JSON, against call: WalletCall, on genesis: Genesis) throws {
  func fail(_ text: String) -> WalletProblem { WalletProblem(.otherPayment, text) }
  if let wanted = call.call[certificate], wanted.lowercased() != answer["certificate"]?.string {
    throw fail("the receipt is valid, and of another payment: \(answer.text("certificate"))")
  }
  var payments = answer["payments"]?.array ?? []
  if let text = call.call[recipient] {
    let account = try account(text, on: genesis).description
    payments = payments.filter { $0["account"]?.string == account }
    guard !payments.isEmpty else { throw fail("the receipt is valid, and pays somebody else") }
  }
  if let text = call.call[amount] {
    guard let wanted = genesis.asset.amount(text) else {
      throw WalletProblem(.badAmount, "'\(text.terminalSafe)' is no amount")
    }
    guard payments.contains(where: { $0["amount"] != nil }) else {
      throw fail("the receipt is valid, and its amount is hidden from these keys: use --open")
    }
    let amounts = payments.compactMap { $0["amount"]?.decimal(UInt64.self) }
    guard amounts.contains(wanted.units) else {
      let paid = amounts.map { genesis.asset.text(Amount($0)) }.joined(separator: ", ")
      throw fail("the receipt is valid, and pays \(paid), not \(genesis.asset.text(wanted))")
    }
  }
}

private func account(_ text: String, on genesis: Genesis) throws -> AccountID {
  if let bytes = Bytes32(hex: text) { return AccountID(bytes) }
  do throws(AddressFailure) {
    return try Address(text, on: genesis).account
  } catch {
    throw WalletProblem(badAddress: error, on: genesis)
  }
}

private func text(_ answer: JSON) -> String {
  let signers = (answer["signers"]?.array ?? []).compactMap { $0.integer(Int.self) }
  var rows = [
    ("valid", "final on \(answer.text("network"))"),
    ("certificate", answer.text("certificate")),
    (
      "signed by",
      "validators \(signers.map(String.init).joined(separator: ", ")); "
        + "\(answer.text("quorum")) are needed"
    ),
    ("from", "\(answer.text("from")), its number \(answer.text("sequence"))"),
  ]
  for payment in answer["payments"]?.array ?? [] {
    let amount =
      payment["amount"] == nil ? "an amount not shown" : answer.amount(payment["amount"])
    rows.append(("pays", "\(amount) to \(payment.text("account"))\(payment.memoText)"))
  }
  return table(rows)
}
