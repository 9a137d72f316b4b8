import Kernel
import SmallNano

/// What smallnano's story came to, in figures.
struct SmallNanoTable: DevnetTable {
  enum Confirmation: Sendable {
    /// From the call of `send` (for a receipt: from the payment's confirmation) until the node
    /// answers that it is confirmed.
    case confirmed(microseconds: Int64)
    /// The node was down; from its start until it had the block, confirmed.
    case caughtUp(milliseconds: Int64)
  }

  struct Payment: Sendable {
    let number: String
    let what: String
    let hash: String
    var confirmations: [(node: String, Confirmation)]

    func adding(_ node: String, _ confirmation: Confirmation) -> Payment {
      var payment = self
      payment.confirmations.append((node, confirmation))
      return payment
    }
  }

  struct Node: Sendable {
    let name: String
    /// Hundredths of a percent.
    let weight: Int?
    let usage: ProcessUsage
    let diskBytes: UInt64
    let blocks: UInt64
    let confirmed: UInt64
    /// Balances and receivables of everyone, as this node shows them.
    let supply: Amount
  }

  struct Newcomer: Sendable {
    let name: String
    let blocks: UInt64
    let milliseconds: Int64
  }

  let payments: [Payment]
  let nodes: [Node]
  let newcomer: Newcomer
  let supply: Amount

  /// What does not add up; nil if all does.
  var fault: String? {
    for node in nodes where node.supply != supply {
      return "\(node.name) shows \(node.supply) raw in all, the supply is \(supply)"
    }
    for node in nodes where node.blocks != node.confirmed {
      return "\(node.name) has confirmed \(node.confirmed) of \(node.blocks) blocks"
    }
    return nil
  }

  // MARK: Text

  var text: String {
    let names = nodes.map(\.name).filter { $0 != newcomer.name }
    var rows = [["payment", "block"] + names.map { "\($0) ms" }]
    for payment in payments {
      rows.append(
        ["\(payment.number)  \(payment.what)", String(payment.hash.prefix(16))]
          + names.map { name in
            payment.confirmations.first { $0.node == name }.map { Self.text($0.1) } ?? "-"
          }
      )
    }
    var text = "\n" + TextTable.columns(rows, left: 2)
    text += """

      Milliseconds from the call of send (of a receipt: from the confirmed payment) until the node
      answers that the block is confirmed, asked every half millisecond. * down: from its start
      until it had caught up.


      """
    rows = [["node", "weight", "RSS MB", "CPU s", "disk kB", "blocks", "supply"]]
    for node in nodes {
      rows.append([
        node.name,
        node.weight.map { Self.hundredths($0) + " %" } ?? "none",
        TextTable.tenths(node.usage.residentBytes, per: 1_000_000),
        TextTable.tenths(node.usage.processorMilliseconds, per: 1000),
        "\(node.diskBytes / 1000)",
        "\(node.confirmed)",
        node.supply == supply ? "\(node.supply.smn) smn, right" : "\(node.supply) raw, WRONG",
      ])
    }
    text += TextTable.columns(rows, left: 1)
    text += "\n\(newcomer.name) began with nothing and had all \(newcomer.blocks) blocks"
    return text + " \(newcomer.milliseconds) ms after its start.\n"
  }

  private static func text(_ confirmation: Confirmation) -> String {
    switch confirmation {
    case .confirmed(let microseconds): TextTable.tenths(UInt64(max(0, microseconds)), per: 1000)
    case .caughtUp(let milliseconds): "\(milliseconds)*"
    }
  }

  private static func hundredths(_ value: Int) -> String {
    let fraction = value % 100
    return "\(value / 100).\(fraction < 10 ? "0" : "")\(fraction)"
  }

  // MARK: JSON

  var json: JSON {
    [
      "payments": .array(payments.map(Self.json)),
      "nodes": .array(nodes.map(json)),
      "newcomer": [
        "node": .string(newcomer.name),
        "blocks": JSON(newcomer.blocks),
        "caught_up_ms": JSON(newcomer.milliseconds),
      ],
      "supply_raw": .decimal(supply.raw),
    ]
  }

  private static func json(_ payment: Payment) -> JSON {
    [
      "payment": .string(payment.number),
      "what": .string(payment.what),
      "block": .string(payment.hash),
      "confirmations": .array(
        payment.confirmations.map { node, confirmation in
          switch confirmation {
          case .confirmed(let microseconds):
            ["node": .string(node), "microseconds": JSON(microseconds)]
          case .caughtUp(let milliseconds):
            ["node": .string(node), "caught_up_ms": JSON(milliseconds)]
          }
        }
      ),
    ]
  }

  private func json(_ node: Node) -> JSON {
    [
      "node": .string(node.name),
      "weight_percent": node.weight.map { .string(Self.hundredths($0)) } ?? .null,
      "resident_bytes": JSON(node.usage.residentBytes),
      "processor_ms": JSON(node.usage.processorMilliseconds),
      "disk_bytes": JSON(node.diskBytes),
      "blocks": JSON(node.blocks),
      "confirmed_blocks": JSON(node.confirmed),
      "supply_raw": .decimal(node.supply.raw),
      "supply_is_right": JSON(node.supply == supply),
    ]
  }
}
