import EventLoop
import Kernel
import Service
import TinyChain
import TinyChainNode

private let id = Argument("id", .string, help: "A transaction's id")
private let account = Argument("address", .string, help: "An address, or an account of the wallet")
private let page = Option<UInt8?>(
  "page",
  .optional(.integer(1...255)),
  default: nil,
  scope: .commandLine,
  help: "A page of a Brainfuck contract's tape"
)
private let entry = Option<String?>(
  "entry",
  .optional(.string("LISP")),
  default: nil,
  scope: .commandLine,
  help: "The key of a Lisp contract's slot or table entry"
)

/// `tinychain verify …`: what a node says, checked with headers alone.
let verifyCommand = Command(
  "verify",
  summary: "Check what a node says, with nothing but headers of 180 bytes",
  discussion: """
    The headers are fetched and checked from the genesis block on, which this program knows; then \
    a proof shows what the newest of them commits to. Status 1 if a node says what is not so.
    """,
  subcommands: [
    Command(
      "receipt",
      summary: "Show that a transaction was carried out, and what came of it",
      examples: [.init("tinychain verify receipt ID", "The id that `wallet send` printed")],
      options: ClientOptions.talking + [NodeOptions.launchFile],
      arguments: [id]
    ) { call in
      guard let id = Bytes32(hex: call[id]) else {
        throw wrong("'\(call[id].prefix(80))' is no id: those have 64 hexadecimal digits")
      }
      let (client, light) = try await follow(call)
      let (receipt, height) = try await checked {
        try await light.receipt(of: id, from: client.node)
      }
      let words = receipt.isSuccess ? "succeeded" : "failed"
      show(
        call,
        [
          "id": JSON(id.bytes.hex), "height": JSON(height), "status": receipt.isSuccess ? 1 : 0,
          "gas_used": JSON(receipt.gasUsed), "events": JSON(receipt.events.count),
          "headers": JSON(light.headers.count),
        ],
        "shown: it \(words) in block \(height), with \(receipt.gasUsed) gas and "
          + "\(receipt.events.count) events (\(light.headers.count) headers)"
      )
    },
    Command(
      "account",
      summary: "Show what an account or contract has",
      examples: [
        .init("tinychain verify account alice", "A balance"),
        .init("tinychain verify account ttiny1… --entry owner", "A slot of a contract"),
      ],
      options: ClientOptions.talking + [NodeOptions.launchFile, page, entry],
      arguments: [account]
    ) { call in
      let (client, light) = try await follow(call)
      let address = try client.wallet.address(call[account])
      let key: StateKey
      if let page = call[page] {
        key = .page(page, of: address)
      } else if let entry = call[entry] {
        key = .entry(try client.wallet.lisp(entry).bytes, of: address)
      } else {
        key = .account(address)
      }
      let (value, height) = try await checked { try await light.leaf(key, from: client.node) }
      show(
        call,
        [
          "key": JSON(key.bytes.hex), "value": value.map { JSON($0.hex) } ?? .null,
          "height": JSON(height), "headers": JSON(light.headers.count),
        ],
        "shown: \(text(of: value, key)), after block \(height) (\(light.headers.count) headers)"
      )
    },
  ]
)

private func follow(_ call: Invocation) async throws -> (Client, LightClient) {
  let client = try Client(call)
  let light = try await checked {
    let tip = try await client.node.call("get_tip")
    var light = LightClient(try network(tip, call))
    try await light.follow(client.node, now: SystemClock.now.milliseconds / 1_000)
    return light
  }
  return (client, light)
}

/// The network of the chain that a node says it has: one of those that are known here.
private func network(_ tip: JSON, _ call: Invocation) throws -> NetworkParameters {
  var known: [NetworkParameters] = [.dev, .minedDev, .provable]
  if call[NodeOptions.launchFile] != nil { known = [try NodeConfiguration.network(call.settings)] }
  guard let id: UInt32 = tip["chain_id"]?.integer(),
    let found = known.first(where: { Chain($0).id == id })
  else {
    throw CommandFailure(
      "the node's chain begins with a genesis block that is not known here; name its launch file"
    )
  }
  return found
}

private func checked<Result>(_ body: () async throws -> Result) async throws -> Result {
  do {
    return try await body()
  } catch let failure as ChainClientFailure {
    throw Client.explain(failure)
  } catch let failure as LightClient.Failure {
    throw CommandFailure("the node says what is not so: \(failure)")
  }
}

private func show(_ call: Invocation, _ answer: JSON, _ text: String) {
  Terminal.standard.print((call[jsonOption] ? answer.text : text) + "\n")
}

private func text(of value: [UInt8]?, _ key: StateKey) -> String {
  guard let value else { return "there is nothing" }
  if key.bytes.first == 0, let account = try? Account(value) {
    return "a balance of \(account.balance) units, nonce \(account.nonce)"
  }
  return AnswerText.text(of: value, isLisp: key.bytes.first == 3)
}
