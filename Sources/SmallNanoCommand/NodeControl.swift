import Kernel
import Service

/// `smallnano node status|peers|stop`: what a running node says of itself.
let nodeControlCommands = [
  Command("status", summary: "Show a running node's figures", options: ClientOptions.all) { call in
    let node = try NodeConnection(call)
    let version = try await node.call("version")
    let telemetry = try await node.call("telemetry")
    let quorum = try await node.call("confirmation_quorum")
    let answer: JSON = ["version": version, "telemetry": telemetry, "quorum": quorum]
    func text(_ key: String) -> String { telemetry[key]?.string ?? "?" }
    node.show(
      answer,
      table([
        ("node", version["node_vendor"]?.string ?? "?"),
        ("network", version["network"]?.string ?? "?"),
        ("up", "\(text("uptime")) s"),
        ("peers", text("peer_count")),
        ("blocks", "\(text("block_count")), \(text("cemented_count")) confirmed"),
        ("accounts", text("account_count")),
        ("weight online", smn(quorum["online_stake_total"])),
        ("quorum", smn(quorum["quorum_delta"])),
      ])
    )
  },
  Command("peers", summary: "List the node's connections", options: ClientOptions.all) { call in
    let node = try NodeConnection(call)
    let answer = try await node.call("peers", ["peer_details": "true"])
    let peers = answer["peers"]?.object?.members ?? []
    let lines = peers.map { peer in
      "\(peer.key)  \(peer.value["direction"]?.string ?? "?")  \(peer.value["node_id"]?.string ?? "?")\n"
    }
    node.show(answer, peers.isEmpty ? "no peers\n" : lines.joined())
  },
  Command("stop", summary: "Stop the node", options: ClientOptions.all) { call in
    let node = try NodeConnection(call)
    node.show(try await node.call("stop"), "stopping\n")
  },
]
