import Kernel
import Mesh
import MeshWalletNode
import Service

private let to = Option<String?>(
  "to",
  .optional(.string("ADDRESS")),
  default: nil,
  scope: .commandLine,
  help: "Whom to pay"
)
private let amount = Option<String?>(
  "amount",
  .optional(.string("AMOUNT")),
  default: nil,
  scope: .commandLine,
  help: "How much, for example 500 or 12.5"
)
private let asset = Option<String?>(
  "asset",
  .optional(.string("SYMBOL")),
  default: nil,
  scope: .commandLine,
  help: "Of what, by symbol or number; the network's only one if not said"
)
private let memo = Option<String?>(
  "memo",
  .optional(.string("TEXT")),
  default: nil,
  scope: .commandLine,
  help: "What the payee, and nobody else, reads beside the amount; at most 501 bytes"
)
private let receipt = Option<String?>(
  "receipt",
  .optional(.path),
  default: nil,
  scope: .commandLine,
  help: "Write a receipt to this file, for `verify`"
)

/// `mesh-wallet send`.
let sendCommand = Command(
  "send",
  summary: "Pay; prints the certificate's hash once the payment is final",
  discussion: """
    The payment is stored before anything leaves. If the command ends without an answer, killed or \
    out of time, the next one finishes exactly that payment: run `resync`, and look at `history`, \
    before you send again.
    """,
  examples: [
    .init("mesh-wallet send --to tmesh1… --amount 500", "Pay 500"),
    .init("mesh-wallet send --to tmesh1… --amount 12.5 --memo 'invoice 7' --receipt r.mesh", "…"),
    .init("mesh-wallet send --to tmesh1… --amount 1 --json", "With the latency of each phase"),
  ],
  options: CommonOptions.network + [to, amount, asset, memo, receipt],
  run: WalletCall.run { call in
    guard let payee = call.call[to] else {
      throw UsageFailure.missingValue(flag: "--to", placeholder: "ADDRESS")
    }
    guard let text = call.call[amount] else {
      throw UsageFailure.missingValue(flag: "--amount", placeholder: "AMOUNT")
    }
    let genesis = try WalletConfiguration.genesis(call.settings)
    try check(asset: call.call[asset], on: genesis)
    guard let units = genesis.asset.amount(text), units > .zero else {
      throw WalletProblem(
        .badAmount,
        "an amount is more than zero and has at most \(genesis.asset.decimals) decimals, like "
          + "\(genesis.asset.decimals == 0 ? "500" : "12.5"); this is '\(text.terminalSafe)'"
      )
    }
    // What is wrong with it is said before a password is asked for.
    do throws(AddressFailure) {
      _ = try Address(payee, on: genesis)
    } catch {
      throw WalletProblem(badAddress: error, on: genesis)
    }
    let file = call.call[receipt]
    var answer = try await call.perform(
      .send(to: payee, amount: units, memo: call.call[memo], wantsReceipt: file != nil)
    )
    if let file { try write(receiptOf: &answer, to: file) }
    call.show(answer, sentText(answer))
  }
)

private func check(asset: String?, on genesis: Genesis) throws {
  guard let asset, asset != genesis.asset.symbol, asset != "\(genesis.asset.id)" else { return }
  throw WalletProblem(
    .unknownAsset,
    "\(genesis.name.terminalSafe) has no asset '\(asset.terminalSafe)': its only one is "
      + genesis.asset.symbolText
  )
}

private func write(receiptOf answer: inout JSON, to path: String) throws {
  guard var object = answer.object,
    let bytes = object["receipt"]?.string.flatMap({ [UInt8](hex: $0) })
  else { throw WalletProblem(.agentFailed, "the answer holds no receipt") }
  try PrivateFile.write(bytes, to: path, mode: 0o644)
  object["receipt"] = JSON(path)
  answer = .object(object)
}

private func sentText(_ answer: JSON) -> String {
  var rows = [
    ("certificate", answer.text("certificate")),
    ("paid", "\(answer.amount(answer["amount"])) and \(answer.amount(answer["fee"])) of fee"),
    ("balance", answer.amount(answer["balance"])),
    ("took", phasesText(answer["phases_us"] ?? [:])),
  ]
  if answer["settled"] != true {
    rows.append(("note", "final, but not yet applied by a quorum; the validators catch up"))
  }
  if let path = answer["receipt"]?.string { rows.append(("receipt", path)) }
  return table(rows)
}

private func phasesText(_ phases: JSON) -> String {
  func milliseconds(_ name: String) -> String {
    guard let microseconds = phases[name]?.integer(Int64.self) else { return "? ms" }
    return "\(microseconds / 1000).\(microseconds / 100 % 10) ms"
  }
  return ["prove", "votes", "certificate", "settled"].map { "\($0) \(milliseconds($0))" }
    .joined(separator: ", ")
}

// MARK: Receiving

private let certificate = Option<String?>(
  "cert",
  .optional(.string("HASH")),
  default: nil,
  scope: .commandLine,
  help: "Only what this certificate pays"
)
private let all = Option<Bool>(
  "all",
  .boolean,
  default: false,
  scope: .commandLine,
  help: "All that waits, which is what is done without --cert"
)

/// `mesh-wallet receive`.
let receiveCommand = Command(
  "receive",
  summary: "Take what was paid into the balance; free of charge",
  examples: [
    .init("mesh-wallet receive", "All that waits"),
    .init("mesh-wallet receive --cert 3fa8…", "One payment, by the hash that the payer was given"),
  ],
  options: CommonOptions.network + [certificate, all],
  run: WalletCall.run { call in
    var hash: TransitionHash?
    if let text = call.call[certificate] {
      guard !call.call[all], let bytes = Bytes32(hex: text) else {
        throw WalletProblem(
          .badCommand,
          "--cert takes a hash of 64 hexadecimal digits, without --all"
        )
      }
      hash = TransitionHash(bytes)
    }
    let answer = try await call.perform(.receive(hash, wantsReceipt: false))
    let steps = answer["transitions"]?.array ?? []
    let lines = steps.flatMap { $0["payments"]?.array ?? [] }.map { payment in
      "+\(answer.amount(payment["amount"]))  from \(payment.text("from"))\(payment.memoText)\n"
    }
    let balance = steps.last.map { "balance \(answer.amount($0["balance"]))\n" }
    call.show(answer, lines.isEmpty ? "nothing to receive\n" : lines.joined() + (balance ?? ""))
  }
)

// MARK: Looking

/// `mesh-wallet balance`.
let balanceCommand = Command(
  "balance",
  summary: "Show what the account holds and what waits for it",
  examples: [.init("mesh-wallet balance --json", "In the smallest unit")],
  options: CommonOptions.network,
  run: WalletCall.run { call in
    let answer = try await call.perform(.balance)
    var rows: [(String, String)] = []
    if answer["income"] != nil {
      rows = [
        (
          "received",
          "\(answer.amount(answer["income"])) in \(answer.text("payments")) "
            + (answer.text("payments") == "1" ? "payment" : "payments")
        ),
        ("balance", "not shown by an income key"),
      ]
    } else {
      rows = [
        ("balance", answer.amount(answer["balance"])),
        ("receivable", answer.amount(answer["receivable"])),
      ]
    }
    if answer["resumed"] != nil { rows.append(("finished", answer.text("resumed"))) }
    call.show(answer, table(rows))
  }
)

private let count = Option<Int>(
  "count",
  .integer(1...WalletCommand.historyMax),
  default: 50,
  scope: .commandLine,
  help: "The newest so many"
)

/// `mesh-wallet history`.
let historyCommand = Command(
  "history",
  summary: "Show payments, newest first; a restored wallet fetches them",
  options: CommonOptions.network + [count],
  run: WalletCall.run { call in
    let answer = try await call.perform(.history(call.call[count]))
    let entries = answer["entries"]?.array ?? []
    var text = entries.isEmpty ? "no payments\n" : entries.map { lines($0, in: answer) }.joined()
    if answer["complete"] != true {
      text += "some of the past could not be fetched from the validators: try again\n"
    }
    call.show(answer, text)
  }
)

private func lines(_ entry: JSON, in answer: JSON) -> String {
  func income(_ payment: JSON, _ place: String) -> String {
    "\(place)  +\(answer.amount(payment["amount"]))  from \(payment.text("from"))"
      + "\(payment.memoText)\n"
  }
  switch entry["kind"]?.string {
  case "receivable": return income(entry, "waits")
  case "income": return income(entry, "received")
  default: break
  }
  let place = "#" + entry.text("sequence")
  let received = (entry["received"]?.array ?? []).map { income($0, place) }
  let sent = (entry["sent"]?.array ?? []).map { payment in
    "\(place)  -\(answer.amount(payment["amount"]))  to "
      + "\(payment["to"] == nil ? payment.text("account") : payment.text("to"))"
      + "  \(entry.text("certificate"))\(payment.memoText)\n"
  }
  return (sent + received).joined()
}

/// `mesh-wallet resync`.
let resyncCommand = Command(
  "resync",
  summary: "Ask the validators how the account stands, and finish what was begun",
  discussion: """
    After a crash, or when a copy of this wallet has paid from elsewhere. What this wallet signed and \
    did not see settled is finished, unchanged. Every command does this at its start.
    """,
  options: CommonOptions.network,
  run: WalletCall.run { call in
    let answer = try await call.perform(.resync)
    var rows: [(String, String)] = []
    if answer["balance"] != nil { rows.append(("balance", answer.amount(answer["balance"]))) }
    if answer["sequence"] != nil { rows.append(("transitions", answer.text("sequence"))) }
    let isNothing = answer["resumed"]?.isNull ?? true
    rows.append(("finished", isNothing ? "nothing was under way" : answer.text("resumed")))
    call.show(answer, table(rows))
  }
)
