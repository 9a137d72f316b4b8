import Kernel
import TinyChain

extension APIAction {
  /// Blocks, headers, proofs: what the chain is.
  static let chain: [APIAction] = [
    APIAction("get_tip", "The newest block: no fields") { _, context in
      let chain = try await context.node.snapshot
      let standing = try await context.node.standing
      return JSON(
        fields: APIFormat.header(chain.tip.header, id: chain.tip.id) + [
          ("chain_id", JSON(chain.id)), ("network", JSON(chain.parameters.name)),
          ("base_fee", .decimal(chain.state[number: .baseFee])),
          ("supply", .decimal(chain.state[number: .supply])),
          ("safe_height", JSON(standing.safeHeight)),
          ("header_height", JSON(standing.headerHeight)),
          ("work", JSON(standing.work.bigEndianBytes.hex)), ("waiting", JSON(standing.waiting)),
          ("undone_blocks", JSON(standing.undoneBlocks)),
        ]
      )
    },
    APIAction("get_blocks", "Blocks in order: from, count (up to 100)") { call, context in
      let from = try call.optionalInteger("from", 0...UInt32.max) ?? 0
      let count = try call.optionalInteger("count", 1...100) ?? 20
      let blocks = try await context.node.read { store, _ in
        try (0..<UInt32(count)).compactMap { offset in
          let (height, overflow) = from.addingReportingOverflow(offset)
          return overflow ? nil : try store.block(at: height)
        }
      }
      return .array(
        blocks.map { block in
          let ids = block.transactions.map { JSON(SHA256.double($0).hex) }
          return JSON(
            fields: APIFormat.header(block.header, id: block.id) + [("transactions", .array(ids))]
          )
        }
      )
    },
    APIAction("get_headers", "Headers alone, 180 bytes each: from, count (up to 2000)") {
      call,
      context in
      let from = try call.optionalInteger("from", 0...UInt32.max) ?? 0
      let count = try call.optionalInteger("count", 1...2_000) ?? 2_000
      let headers = try await context.node.read { store, _ in
        try store.headers(from: from, count: count)
      }
      return .array(headers.map { JSON($0.bytes.hex) })
    },
    APIAction("broadcast_block", "Take a block that somebody has mined: block (hexadecimal)") {
      call,
      context in
      let block = try call.hex("block", max: Block.bytesMax)
      try await context.node.take(block)
      return ["id": JSON(SHA256.double(Array(block.prefix(Header.size))).hex)]
    },
    APIAction("get_draft", "A block upon the tip, to search for its work: producer") {
      call,
      context in
      let producer = try call.address("producer", isMain: context.isMain)
      let block = try await context.node.draft(for: producer)
      return ["block": JSON(block.bytes.hex), "height": JSON(block.header.height)]
    },
    APIAction("net_getPeers", "Who this node is connected to: no fields") { _, context in
      .array(
        await context.node.peers.map { peer in
          [
            "address": JSON("\(peer.address)"),
            "direction": peer.isOutbound ? "outbound" : "inbound",
            "node": peer.node.map { JSON($0.littleEndianBytes.hex) } ?? .null,
          ]
        }
      )
    },
    APIAction("chain_getReceipt", "A receipt and the proof that its block has it: id") {
      call,
      context in
      let id = try call.id()
      return try await context.node.read { store, chain in
        guard let found = try store.transaction(id), let block = try store.block(at: found.height)
        else { throw APIFailure.noTransaction }
        let tree = MerkleTree(list: try store.receipts(at: found.height))
        guard let receipt = try? Receipt(found.receipt),
          let signed = try? SignedTransaction(found.bytes)
        else { throw APIFailure.noTransaction }
        return JSON(
          fields: [
            ("id", JSON(id.hex)), ("height", JSON(found.height)), ("index", JSON(found.index)),
          ]
            + APIFormat.outcome(
              isSuccess: receipt.isSuccess,
              failure: found.failure,
              gasUsed: receipt.gasUsed,
              output: found.output,
              isLisp: chain.answersInLisp(signed.transaction)
            ) + [
              ("events", APIFormat.events(receipt, on: chain)),
              ("receipt", JSON(found.receipt.hex)),
              ("proof", JSON(tree.proof(of: MerkleTree.key(ofIndex: found.index)).bytes.hex)),
              ("header", JSON(block.header.bytes.hex)),
            ]
        )
      }
    },
    APIAction(
      "chain_getProof",
      "A leaf of the state and its proof: key, or address and page, entry or code"
    ) {
      call,
      context in
      let chain = try await context.node.snapshot
      let key = try call.stateKey(isMain: context.isMain)
      return [
        "key": JSON(key.hex),
        "value": chain.state.tree[key].map { JSON($0.hex) } ?? .null,
        "proof": JSON(chain.state.tree.proof(of: key).bytes.hex),
        "height": JSON(chain.tip.header.height),
        "header": JSON(chain.tip.header.bytes.hex),
      ]
    },
    APIAction(
      "contract_getState",
      "What a contract keeps: address and page, or entry (a Lisp value), or nothing for its code"
    ) {
      call,
      context in
      let chain = try await context.node.snapshot
      let address = try call.address(isMain: context.isMain)
      let account = chain.state.account(address)
      guard account.code != .none else {
        throw APIFailure("no_contract", "there is no contract at this address")
      }
      let key = try call.stateKey(isMain: context.isMain, ofAccount: false)
      let value = chain.state.tree[key]
      var fields: [(String, JSON)] = [
        ("language", JSON(account.code == .lisp ? "lisp" : "brainfuck")),
        ("balance", .decimal(account.balance)), ("data", value.map { JSON($0.hex) } ?? .null),
      ]
      if account.code == .lisp, let value, let datum = try? Datum(value, facets: true) {
        fields.append(("value", JSON("\(datum)")))
      }
      return JSON(fields: fields)
    },
  ]
}

extension APIFailure {
  static let noTransaction = APIFailure(
    status: 404,
    "no_transaction",
    "the chain has no such transaction"
  )
}

extension APICall {
  /// A leaf's key: `key` in hexadecimal, or what an address has.
  ///
  /// Without page, entry or code it is the account itself, or its code if `ofAccount` is false.
  func stateKey(isMain: Bool, ofAccount: Bool = true) throws(APIFailure) -> [UInt8] {
    if let key = try optionalHex("key", max: 512) { return key }
    let address = try address(isMain: isMain)
    if let page: UInt8 = try optionalInteger("page", 1...255) {
      return StateKey.page(page, of: address).bytes
    }
    if let entry = try optionalText("entry") {
      do {
        return StateKey.entry(try Reader.datum(entry).bytes, of: address).bytes
      } catch {
        throw .field("entry", "is no Lisp: \(error)")
      }
    }
    let isCode = fields["code"]?.bool ?? !ofAccount
    return (isCode ? StateKey.code(address) : .account(address)).bytes
  }
}
