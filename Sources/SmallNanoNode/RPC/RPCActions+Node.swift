import EventLoop
import Kernel
import SmallNano

/// What the node says of itself and of the network's agreement.
extension RPCActions {
  static let node: [RPCAction] = [
    RPCAction("version", "The program and the network it serves.") { _, context in
      [
        "rpc_version": "1",
        "protocol_version": "2",
        "node_vendor": JSON("smallnano \(context.access.version)"),
        "network": JSON(context.parameters.network.name),
        "network_identifier": JSON(context.parameters.chainID.description),
        "genesis_block": JSON(context.parameters.genesisBlock.hash.description),
      ]
    },
    RPCAction("uptime", "Seconds since the node started.") { _, context in
      ["seconds": .decimal(uptime(context.access))]
    },
    RPCAction(
      "peers",
      "Connected peers by address, with the version they told.",
      [.optional("peer_details", "true: an object for each, with its node id and traffic")]
    ) { call, context in
      let isDetailed = try call.flag("peer_details")
      let peers = await context.access.peers()
      return [
        "peers": RPCFormat.object(
          peers.map { ("\($0.address)", isDetailed ? details(of: $0) : version(of: $0)) }
        )
      ]
    },
    RPCAction(
      "telemetry",
      "This node's figures.",
      [.optional("raw", "true: also those that each peer told last")]
    ) { call, context in
      let totals = try await context.ledger.snapshot { try $0.totals() }
      let peers = await context.access.peers()
      var answer: JSON = [
        "block_count": .decimal(totals.blocks),
        "cemented_count": .decimal(totals.confirmedBlocks),
        "account_count": .decimal(totals.accounts),
        "peer_count": .decimal(peers.count),
        "protocol_version": "2",
        "uptime": .decimal(uptime(context.access)),
        "genesis_block": JSON(context.parameters.genesisBlock.hash.description),
        "node_id": JSON(context.access.node.description),
        "version": JSON(context.access.version),
      ]
      if try call.flag("raw"), case .object(var object) = answer {
        object["metrics"] = .array(
          peers.compactMap { peer in peer.telemetry.map { metrics($0, of: peer) } }
        )
        answer = .object(object)
      }
      return answer
    },
    RPCAction("stop", "Stops the node.", needsToken: true) { _, context in
      context.access.stop()
      return ["success": ""]
    },
  ]

  private static func uptime(_ access: NodeAccess) -> Int64 {
    max(0, (SystemClock.now - access.startedAt).wholeMilliseconds / 1000)
  }

  private static func version(of peer: PeerSummary) -> JSON {
    JSON(peer.telemetry?.version ?? "")
  }

  private static func details(of peer: PeerSummary) -> JSON {
    [
      "protocol_version": "2",
      "node_id": JSON(peer.node.description),
      "type": "tcp",
      "direction": peer.isInbound ? "inbound" : "outbound",
      "version": version(of: peer),
      "connected_at": .decimal(peer.connectedAt.milliseconds / 1000),
      "bytes_received": .decimal(peer.bytesReceived),
      "bytes_sent": .decimal(peer.bytesSent),
    ]
  }

  private static func metrics(_ telemetry: Telemetry, of peer: PeerSummary) -> JSON {
    [
      "block_count": .decimal(telemetry.blocks),
      "cemented_count": .decimal(telemetry.confirmedBlocks),
      "account_count": .decimal(telemetry.accounts),
      "peer_count": .decimal(telemetry.peers),
      "pruning_depth": .decimal(telemetry.pruningDepth),
      "uptime": .decimal(telemetry.uptimeSeconds),
      "version": JSON(telemetry.version),
      "node_id": JSON(peer.node.description),
      "address": JSON("\(peer.address.ip)"),
      "port": .decimal(peer.address.port),
    ]
  }

  static let consensus: [RPCAction] = [
    RPCAction(
      "confirmation_quorum",
      "The weight that confirms a block now, and what it is reckoned from."
    ) { _, context in
      let status = try await context.status()
      return [
        "quorum_delta": RPCFormat.amount(status.quorum),
        "online_weight_quorum_percent": "67",
        "online_weight_minimum": RPCFormat.amount(status.floor),
        "online_stake_total": RPCFormat.amount(status.onlineWeight),
        "trended_stake_total": RPCFormat.amount(status.trendedWeight),
        "peers_stake_total": RPCFormat.amount(status.peersWeight),
        "quorum_base": RPCFormat.amount(status.base),
      ]
    },
    RPCAction(
      "confirmation_info",
      "The election in which a block stands.",
      [.required("hash", "a block that is not confirmed yet")]
    ) { call, context in
      let hash = try call.hash()
      guard case .election(let found) = try await context.access.submit(.election(hash)),
        let election = found
      else {
        throw RPCFailure("election_not_found", "the block stands in no election: see block_info")
      }
      return [
        "account": JSON(election.slot.account.address),
        "height": .decimal(election.slot.height.number),
        "round": .decimal(election.round.number),
        "started_at": .decimal(election.startedAt.milliseconds / 1000),
        "blocks": RPCFormat.object(
          election.candidates.map { ($0.block.hash.description, candidate($0)) }
        ),
      ]
    },
    RPCAction(
      "representatives",
      "Confirmed weight by representative, heaviest first.",
      [.optional("count", "at most so many, 1000 if not said")]
    ) { call, context in
      let count = try call.count(default: 1000, max: RPCCall.listMax)
      let weights = try await context.ledger.snapshot { try $0.weights(atLeast: Amount(raw: 1)) }
      let heaviest = weights.sorted {
        ($1.weight, $0.representative) < ($0.weight, $1.representative)
      }
      return [
        "representatives": RPCFormat.object(
          heaviest.prefix(count).map { ($0.representative.address, RPCFormat.amount($0.weight)) }
        )
      ]
    },
    RPCAction(
      "representatives_online",
      "Representatives heard of in the last five minutes.",
      [.optional("weight", "true: an object with the weight of each")]
    ) { call, context in
      let online = try await context.status().onlineRepresentatives
      guard try call.flag("weight") else {
        return ["representatives": RPCFormat.accounts(online.map(\.representative))]
      }
      return [
        "representatives": RPCFormat.object(
          online.map { ($0.representative.address, ["weight": RPCFormat.amount($0.weight)]) }
        )
      ]
    },
    RPCAction("available_supply", "The supply without what was sent to the burn account.") {
      _,
      context in
      let totals = try await context.ledger.snapshot { try $0.totals() }
      let available = context.parameters.supply.subtracting(totals.burned) ?? .zero
      return ["available": RPCFormat.amount(available)]
    },
  ]

  private static func candidate(_ candidate: ElectionSummary.Candidate) -> JSON {
    [
      "tally": RPCFormat.amount(candidate.normalWeight),
      "final_tally": RPCFormat.amount(candidate.finalWeight),
      "contents": RPCFormat.contents(of: candidate.block),
      "representatives": RPCFormat.object(
        candidate.representatives.map { ($0.representative.address, RPCFormat.amount($0.weight)) }
      ),
    ]
  }
}
