import Kernel
import SmallNano
import Testing

@testable import SmallNanoNode

@Suite("The RPC's actions") struct RPCActionTests {
  let genesis = NetworkParameters.dev.genesisAccount
  let minimum = NetworkParameters.dev.minimumBalance

  @Test("What the node says of itself") func node() async throws {
    try await withRPC { rpc async throws in
      let version = try await rpc.call("version")
      #expect(version["network"] == "dev")
      #expect(version["node_vendor"] == "smallnano 0.0.0-test")
      #expect(try await rpc.call("uptime")["seconds"]?.decimal(Int.self) != nil)
      #expect(try await rpc.call("peers")["peers"] == [:])
      let telemetry = try await rpc.call("telemetry", ["raw": "true"])
      #expect(telemetry["block_count"] == "1")
      #expect(telemetry["metrics"] == [])
      #expect(try await rpc.call("stop") == ["success": ""])
      #expect(rpc.house.isStopped.isSet)
    }
  }

  @Test("What the network agrees with") func consensus() async throws {
    try await withRPC { rpc async throws in
      let supply = JSON(NetworkParameters.dev.supply.description)
      let quorum = try await rpc.call("confirmation_quorum")
      #expect(quorum["online_stake_total"] == supply)
      #expect(quorum["online_weight_quorum_percent"] == "67")
      #expect(try await rpc.call("available_supply")["available"] == supply)
      let address = genesis.address
      #expect(try await rpc.call("representatives")["representatives"]?[address] == supply)
      let online = try await rpc.call("representatives_online")
      #expect(online["representatives"] == [JSON(address)])
      let weighed = try await rpc.call("representatives_online", ["weight": true])
      #expect(weighed["representatives"]?[address]?["weight"] == supply)
      let hash = JSON(NetworkParameters.dev.genesisBlock.hash.description)
      #expect(
        try await rpc.call("confirmation_info", ["hash": hash])["code"] == "election_not_found"
      )
    }
  }

  @Test("A payment, told by every action that tells of it") func payment() async throws {
    try await withRPC { rpc async throws in
      let from = JSON(genesis.address)
      let created = try await rpc.call("account_create")
      let account = try #require(created["account"])
      #expect(created["index"] == "1")
      #expect(try await rpc.call("account_list")["accounts"] == [from, account])

      let amount = JSON(TestHouse.smn(5).description)
      let order: JSON = ["source": from, "destination": account, "amount": amount, "id": "1"]
      let send = try #require(try await rpc.call("send", order)["block"])
      #expect(try await rpc.call("send", order)["block"] == send)

      #expect(try await rpc.call("receivable", ["account": account])["blocks"] == [send])
      #expect(try await rpc.call("pending", ["account": account])["blocks"] == [send])
      let key = try #require(send.string)
      let withAmounts = try await rpc.call("receivable", ["account": account, "threshold": "1"])
      #expect(withAmounts["blocks"]?[key] == amount)
      let sources = try await rpc.call("receivable", ["account": account, "source": true])
      #expect(sources["blocks"]?[key]?["source"] == from)
      #expect(try await rpc.call("receivable_exists", ["hash": send])["exists"] == "1")
      let waiting = try await rpc.call("account_balance", ["account": account])
      #expect(waiting == ["balance": "0", "pending": amount, "receivable": amount])
      #expect(
        try await rpc.call("account_info", ["account": account])["code"] == "account_not_found"
      )

      let receive = try #require(
        try await rpc.call("receive", ["account": account, "block": send])["block"]
      )
      #expect(try await rpc.call("receivable_exists", ["hash": send])["exists"] == "0")
      #expect(
        try await rpc.call("receive", ["account": account])["code"] == "nothing_receivable"
      )
      let info = try await rpc.call("account_info", ["account": account])
      #expect(info["frontier"] == receive)
      #expect(info["open_block"] == receive)
      #expect(info["balance"] == amount)
      #expect(info["confirmation_height"] == "1")
      #expect(info["confirmed_balance"] == amount)

      let both = try await rpc.call("accounts_balances", ["accounts": [from, account]])
      #expect(both["balances"]?[account.string ?? ""]?["balance"] == amount)
      #expect(try await rpc.call("wallet_balances")["balances"] == both["balances"])
      let heads = try await rpc.call("accounts_frontiers", ["accounts": [from, account]])
      #expect(heads["frontiers"]?[account.string ?? ""] == receive)
      let all = try await rpc.call("frontiers", ["account": JSON(Account.burn.address)])
      #expect(all["frontiers"]?.object?.members.count == 2)

      let history = try await rpc.call("account_history", ["account": from, "count": "1"])
      #expect(history["history"]?[0]?["type"] == "send")
      #expect(history["history"]?[0]?["account"] == account)
      #expect(history["history"]?[0]?["confirmed"] == "true")
      #expect(history["previous"] == JSON(NetworkParameters.dev.genesisBlock.hash.description))
      let raw = try await rpc.call("account_history", ["account": account, "raw": true])
      #expect(raw["history"]?[0]?["subtype"] == "open")
      #expect(raw["history"]?[0]?["account"] == from)
      let past = try await rpc.call("account_history", ["account": from, "offset": 2])
      #expect(past["history"] == [])

      let block = try await rpc.call("block_info", ["hash": send])
      #expect(block["subtype"] == "send")
      #expect(block["confirmed"] == "true")
      #expect(block["contents"]?["link_as_account"] == account)
      let several = try await rpc.call("blocks_info", ["hashes": [send, receive]])
      #expect(several["blocks"]?[key] == block)
      let nothing = JSON(String(repeating: "0", count: 64))
      #expect(try await rpc.call("block_info", ["hash": nothing])["code"] == "block_not_found")
      let partly = try await rpc.call(
        "blocks_info",
        ["hashes": [send, nothing], "include_not_found": true]
      )
      #expect(partly["blocks_not_found"] == [nothing])
      #expect(
        try await rpc.call("block_count") == ["count": "3", "unchecked": "0", "cemented": "3"]
      )
      let first = JSON(NetworkParameters.dev.genesisBlock.hash.description)
      #expect(try await rpc.call("chain", ["block": send])["blocks"] == [send, first])
      #expect(try await rpc.call("successors", ["block": first])["blocks"] == [first, send])

      let contents = try #require(block["contents"])
      #expect(try await rpc.call("block_hash", ["block": contents])["hash"] == send)
      #expect(try await rpc.call("process", ["block": contents])["hash"] == send)
      #expect(try await rpc.call("process", ["block": .string(contents.text)])["hash"] == send)

      #expect(try await rpc.call("account_weight", ["account": account])["weight"] == amount)
      #expect(
        try await rpc.call("account_representative", ["account": account])["representative"]
          == account
      )
    }
  }

  @Test("A block that breaks a rule is refused by the rule's name") func rejections() async throws {
    try await withRPC { rpc async throws in
      let address = JSON(genesis.address)
      var block: JSON = [
        "type": "state",
        "account": address,
        "previous": JSON(NetworkParameters.dev.genesisBlock.hash.description),
        "representative": address,
        "balance": "1000000000000000000",
        "link": address,
        "height": 2,
      ]
      #expect(try await rpc.call("process", ["block": block])["code"] == "insufficient_work")
      let work = try await rpc.call("work_generate", ["hash": block["previous"] ?? .null])
      guard case .object(var object) = block else { return }
      object["work"] = work["work"]
      block = .object(object)
      #expect(try await rpc.call("process", ["block": block])["code"] == "bad_signature")
      object["signature"] = "00"
      #expect(try await rpc.call("process", ["block": .object(object)])["code"] == "bad_field")
    }
  }

  @Test("Keys and addresses") func keys() async throws {
    try await withRPC { rpc async throws in
      let zero = JSON(String(repeating: "0", count: 64))
      let key = try await rpc.call("deterministic_key", ["seed": zero, "index": "0"])
      #expect(key["account"] == "smn_15f1dkt3m979ayazq94jyw19psrj1t5bu864ki4j8m1btyz7ukjhcmzw6rsc")
      #expect(
        key["public"] == "0da05cb4199ca74791fb9c51f7007b671106869d98829405134c09d7be5dca2f"
      )
      #expect(try await rpc.call("key_expand", ["key": key["private"] ?? .null]) == key)
      let created = try await rpc.call("key_create")
      #expect(try await rpc.call("key_expand", ["key": created["private"] ?? .null]) == created)
      let account = key["account"] ?? .null
      #expect(try await rpc.call("account_key", ["account": account])["key"] == key["public"])
      #expect(
        try await rpc.call("account_get", ["key": key["public"] ?? .null])["account"] == account
      )
      #expect(try await rpc.call("validate_account_number", ["account": account])["valid"] == "1")
      let bad = try await rpc.call("validate_account_number", ["account": "smn_1"])
      #expect(bad["valid"] == "0")
    }
  }

  @Test("Work that is found is valid") func work() async throws {
    try await withRPC { rpc async throws in
      let hash = JSON(String(repeating: "7", count: 64))
      let work = try await rpc.call("work_generate", ["hash": hash])
      let valid = try await rpc.call(
        "work_validate",
        ["hash": hash, "work": work["work"] ?? .null]
      )
      #expect(valid["valid_all"] == "1")
      #expect(valid["difficulty"] == work["difficulty"])
      let hard = try await rpc.call(
        "work_generate",
        ["hash": hash, "difficulty": "ffffffffffffffff"]
      )
      #expect(hard["code"] == "bad_field")
    }
  }

  @Test("The wallet from its creation to another password") func wallet() async throws {
    try await inHouse { house async throws in
      let rpc = try await TestRPC(house, try house.wallet())
      #expect(try await rpc.call("wallet_info")["code"] == "no_wallet")
      let created = try await rpc.call("wallet_create", ["password": "p"])
      let words = try #require(created["mnemonic"])
      #expect(try await rpc.call("wallet_create", ["password": "p"])["code"] == "wallet_exists")
      #expect(try await rpc.call("wallet_mnemonic", ["password": "p"])["mnemonic"] == words)
      #expect(try await rpc.call("wallet_locked")["locked"] == "0")
      #expect(try await rpc.call("wallet_lock")["locked"] == "1")
      #expect(try await rpc.call("account_create")["code"] == "wallet_locked")
      #expect(try await rpc.call("wallet_unlock", ["password": "q"])["code"] == "wrong_password")
      #expect(
        try await rpc.call("wallet_unlock", ["password": "p", "timeout": "60"])["unlocked"] == "1"
      )
      let info = try await rpc.call("wallet_info")
      #expect(info["locked"] == "0")
      #expect(info["locks_at"] != nil)
      #expect(
        try await rpc.call(
          "wallet_change_password",
          ["password": "p", "new_password": "q"]
        )["changed"] == "1"
      )
      let address = JSON(genesis.address)
      #expect(
        try await rpc.call("wallet_representative_set", ["representative": address])["set"] == "1"
      )
      #expect(try await rpc.call("wallet_info")["representative"] == address)
      #expect(try await rpc.call("wallet_vote_here")["code"] == "not_confirmed")
      #expect(
        try await rpc.call("wallet_vote_here", ["confirm": true])["code"] == "voting_disabled"
      )
      await rpc.close()

      let second = try await TestRPC(house, try house.wallet { $0.path += "-2" })
      #expect(
        try await second.call("wallet_restore", ["password": "p"])["code"] == "missing_field"
      )
      let restored = try await second.call(
        "wallet_restore",
        ["password": "p", "mnemonic": words]
      )
      #expect(restored["accounts"] == created["accounts"])
      await second.close()
    }
  }

  @Test("A representative is set, and the refusals carry numbers") func representatives()
    async throws
  {
    try await withRPC { rpc async throws in
      let address = JSON(genesis.address)
      let other = try await rpc.call("account_create")["account"] ?? .null
      let change = try await rpc.call(
        "account_representative_set",
        ["account": address, "representative": other]
      )
      #expect(
        try await rpc.call("block_info", ["hash": change["block"] ?? .null])["subtype"] == "change"
      )
      let refused = try await rpc.call(
        "send",
        ["source": address, "destination": other, "amount": "1"]
      )
      #expect(refused["code"] == "below_minimum")
      #expect(refused["error"]?.string?.contains("0.000001 smn") == true)
      let everything = try await rpc.call(
        "send",
        ["source": address, "destination": other, "amount": "all"]
      )
      // Whom all weight names now does not vote, so this is not confirmed.
      let hash = try #require(everything["block"])
      let confirmed = try await rpc.call("account_balance", ["account": address])
      #expect(confirmed["balance"] == JSON(NetworkParameters.dev.supply.description))
      let left = try await rpc.call(
        "account_balance",
        ["account": address, "include_only_confirmed": "false"]
      )
      #expect(left["balance"] == JSON(minimum.description))
      #expect(try await rpc.call("block_info", ["hash": hash])["confirmed"] == "false")
      let election = try await rpc.call("confirmation_info", ["hash": hash])
      #expect(election["blocks"]?[hash.string ?? ""]?["contents"]?["account"] == address)
      let waiting = try await rpc.call("receivable", ["account": other])
      #expect(waiting["blocks"] == [])
      let all = try await rpc.call(
        "receivable",
        ["account": other, "include_only_confirmed": false]
      )
      #expect(all["blocks"] == [hash])
      let early = try await rpc.call("receive", ["account": other, "block": hash])
      #expect(early["code"] == "source_unconfirmed")
    }
  }

  @Test("The table of actions is complete: names are unique, and each says what it does")
  func table() {
    #expect(Set(RPCActions.all.map(\.name)).count == RPCActions.all.count)
    for action in RPCActions.all {
      #expect(action.summary.hasSuffix("."))
      #expect(Set(action.fields.map(\.name)).count == action.fields.count)
    }
  }
}
