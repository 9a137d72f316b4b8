import EventLoop
import Kernel
import Mining
import Service
import TinyChain
import TinyChainNode

private let waitFor = Option<UInt32?>(
  "wait",
  .optional(.integer(0...UInt32.max)),
  default: nil,
  scope: .commandLine,
  help: "Wait until the chain has this height; 0 until the node answers"
)
private let to = Option<String?>(
  "to",
  .optional(.string("ADDRESS")),
  default: nil,
  scope: .commandLine,
  help: "Who gets what the block brings: an address, or an account of the wallet; else the faucet"
)
private let blocks = Argument("blocks", .integer(1...1_000), default: 1, help: "How many")

/// `tinychain node status|peers|mine|cut|join`: what a running node says, and is told.
let nodeControlCommands = [
  Command(
    "status",
    summary: "Show how far a node is",
    examples: [
      .init("tinychain node status", "The node of the standard directory"),
      .init("tinychain node status --node 192.0.2.1:5100 --wait 10", "Once it has block 10"),
    ],
    options: ClientOptions.talking + [waitFor]
  ) { call in
    let (client, tip) = try await tip(call)
    func number(_ key: String) -> String { tip[key]?.number?.text ?? "?" }
    let lines = [
      "block \(number("height")) of \(number("header_height")) whose headers are known",
      "id \(tip["id"]?.string ?? "?")",
      "safe up to block \(number("safe_height")), \(number("undone_blocks")) blocks taken back",
      "\(number("waiting")) transactions wait, at \(client.node.address)",
    ]
    Terminal.standard.print(
      call[jsonOption] ? tip.text + "\n" : lines.joined(separator: "\n") + "\n"
    )
  },
  Command(
    "peers",
    summary: "List the nodes that a node talks with",
    examples: [.init("tinychain node peers --json", "For a program")],
    options: ClientOptions.talking
  ) { call in
    let answer = try await Client(call).ask("net_getPeers")
    let lines = (answer.array ?? []).map { peer in
      "\(peer["address"]?.string ?? "?")  \(peer["direction"]?.string ?? "?")\n"
    }
    let text = lines.isEmpty ? "no peers\n" : lines.joined()
    Terminal.standard.print(call[jsonOption] ? answer.text + "\n" : text)
  },
  Command(
    "mine",
    summary: "Mine by hand: have a node make a block, search for its work here, hand it back",
    examples: [.init("tinychain node mine 3 --to alice", "Three blocks for an account of yours")],
    options: ClientOptions.talking + [NodeOptions.launchFile, to],
    arguments: [blocks],
    run: mine
  ),
  Command(
    "cut",
    summary: "Cut a node off from all others, on a network for development",
    examples: [.init("tinychain node cut --data-dir two", "The node of that directory")],
    options: ClientOptions.talking
  ) { call in
    _ = try await Client(call).ask("dev_cut", ["cut": true])
  },
  Command(
    "join",
    summary: "Join it to them again",
    examples: [.init("tinychain node join --data-dir two", "The node of that directory")],
    options: ClientOptions.talking
  ) { call in
    _ = try await Client(call).ask("dev_cut", ["cut": false])
  },
]

/// The node's tip, once it is as high as asked for.
private func tip(_ call: Invocation) async throws -> (Client, JSON) {
  let loop = try EventLoop(name: "wait")
  while true {
    // Made anew each time: before the node listens, its port is not known.
    let client = try Client(call)
    do throws(ChainClientFailure) {
      let tip = try await client.node.call("get_tip")
      guard let height = call[waitFor], tip["height"]?.integer() ?? 0 < height else {
        return (client, tip)
      }
    } catch {
      guard call[waitFor] != nil, case .noAnswer = error else { throw Client.explain(error) }
    }
    await client.node.close()
    try await loop.sleep(for: .milliseconds(50))
  }
}

@Sendable private func mine(_ call: Invocation) async throws {
  let client = try Client(call)
  let producer = try client.wallet.address(call[to] ?? "faucet")
  let tip = try await client.ask("get_tip")
  let search = NonceSearch(hash: tip["network"] == "provable" ? .poseidon2 : .sha256d)
  for _ in 0..<call[blocks] {
    let draft = try await client.ask("get_draft", ["producer": JSON(producer.bytes.hex)])
    guard var block = draft["block"]?.string.flatMap({ [UInt8](hex: $0) }),
      var header = try? Header(Array(block.prefix(Header.size))),
      let target = UInt256(compact: header.bits)
    else { throw CommandFailure("the node's answer has no block") }
    header.nonce = nonce(of: header, target.bigEndianBytes, search)
    block.replaceSubrange(..<Header.size, with: header.bytes)
    _ = try await client.ask("broadcast_block", ["block": JSON(block.hex)])
    Terminal.standard.print(
      call[jsonOption]
        ? (["height": JSON(header.height), "id": JSON(header.id.hex), "nonce": JSON(header.nonce)]
          as JSON).text + "\n"
        : "block \(header.height)  \(header.id.hex)  nonce \(header.nonce)\n"
    )
  }
}

/// Tries one nonce after another.
private func nonce(of header: Header, _ target: Bytes32, _ search: NonceSearch) -> UInt64 {
  var next: UInt64 = 1
  while true {
    let end = next + NonceSearch.chunk
    if let nonce = search.search(header: header.bytes, target: target, nonces: next..<end) {
      return nonce
    }
    next = end
  }
}
