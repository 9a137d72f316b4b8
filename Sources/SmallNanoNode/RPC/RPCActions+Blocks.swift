import EdDSA
import Kernel
import SmallNano
import Vault

/// Blocks: those of the ledger, and new ones.
extension RPCActions {
  private static let blockField = RPCAction.Field.required(
    "block",
    "an object: account, previous, representative, balance, link, height, signature, work"
  )

  static let blocks: [RPCAction] = [
    RPCAction("block_count", "Blocks of the ledger, and how many are confirmed.") { _, context in
      let totals = try await context.ledger.snapshot { try $0.totals() }
      return [
        "count": .decimal(totals.blocks),
        "unchecked": "0",
        "cemented": .decimal(totals.confirmedBlocks),
      ]
    },
    RPCAction("block_info", "A block of the ledger.", [.required("hash", "of the block")]) {
      call,
      context in
      let hash = try call.hash()
      return try await context.ledger.snapshot { tables in
        guard let info = try info(of: hash, tables) else { throw RPCFailure.blockNotFound(hash) }
        return info
      }
    },
    RPCAction(
      "blocks_info",
      "Several blocks of the ledger.",
      [
        .required("hashes", "an array"),
        .optional("include_not_found", "true: list unknown hashes rather than fail"),
      ]
    ) { call, context in
      let hashes = try call.hashes()
      let mayMiss = try call.flag("include_not_found")
      return try await context.ledger.snapshot { tables in
        var found: [(String, JSON)] = []
        var missing: [BlockHash] = []
        for hash in hashes {
          if let info = try info(of: hash, tables) {
            found.append((hash.description, info))
          } else if mayMiss {
            missing.append(hash)
          } else {
            throw RPCFailure.blockNotFound(hash)
          }
        }
        let blocks = RPCFormat.object(found)
        return mayMiss
          ? ["blocks": blocks, "blocks_not_found": RPCFormat.hashes(missing)] : ["blocks": blocks]
      }
    },
    RPCAction("block_hash", "The hash of a block's fields.", [blockField]) { call, context in
      let block = try call.block(on: context.parameters.chainID)
      return ["hash": JSON(block.hash.description)]
    },
    RPCAction("process", "Gives a signed block to the node and the network.", [blockField]) {
      call,
      context in
      let block = try call.block(on: context.parameters.chainID)
      return ["hash": JSON(try await context.access.process(block).description)]
    },
    chain("chain", "Hashes from a block downwards.", step: -1),
    chain("successors", "Hashes from a block upwards.", step: 1),
  ]

  private static func info(of hash: BlockHash, _ tables: LedgerTables) throws -> JSON? {
    guard let held = try tables.block(hash) else { return nil }
    let slot = held.block.slot
    let above = Slot(account: slot.account, height: slot.height.next)
    return RPCFormat.info(
      of: held,
      isConfirmed: try tables.isConfirmed(slot),
      successor: try tables.block(at: above)?.hash
    )
  }

  private static func chain(_ name: String, _ summary: String, step: Int) -> RPCAction {
    RPCAction(
      name,
      summary,
      [
        .required("block", "the hash to begin with"),
        .optional("count", "at most so many, 100 if not said"),
      ]
    ) { call, context in
      let hash = try call.hash("block")
      let count = try call.count(default: 100, max: RPCCall.listMax)
      return try await context.ledger.snapshot { tables in
        guard let slot = try tables.block(hash)?.block.slot else {
          throw RPCFailure.blockNotFound(hash)
        }
        guard count > 0 else { return ["blocks": []] }
        let found: [LedgerBlock]
        if step < 0 {
          found = try tables.history(of: slot.account, from: slot.height, limit: count)
        } else {
          // A chain's heights stay far below 2^63.
          let top = Height(slot.height.number + UInt64(count) - 1)
          found = try tables.blocks(of: slot.account, from: slot.height, through: top)
        }
        return ["blocks": RPCFormat.hashes(found.map(\.hash))]
      }
    }
  }

  static let work: [RPCAction] = [
    RPCAction(
      "work_generate",
      "Searches for the work of a block.",
      [
        .required("hash", "the previous block, or the public key of an account to be opened"),
        .optional("difficulty", "16 hexadecimal digits; a send's if not said"),
      ]
    ) { call, context in
      let root = try call.bytes32("hash")
      let thresholds = context.parameters.workThresholds
      let threshold = try call.optionalWork("difficulty") ?? thresholds.send
      // Ten times a send's work: seconds. More would keep a worker for the asking.
      guard ~threshold >= ~thresholds.send / 10 else {
        throw RPCFailure.field("difficulty", "is more than ten times that of a send")
      }
      let nonce = try await context.workGate.run {
        try await context.work.nonce(for: root, threshold: threshold)
      }
      return [
        "work": RPCFormat.work(nonce),
        "difficulty": RPCFormat.work(Work.value(nonce: nonce, root: root)),
        "hash": JSON(root.hex),
      ]
    },
    RPCAction(
      "work_validate",
      "What a block's work is good for.",
      [
        .required("hash", "the previous block, or the public key of an account to be opened"),
        .required("work", "16 hexadecimal digits"),
      ]
    ) { call, context in
      let value = Work.value(nonce: try call.work(), root: try call.bytes32("hash"))
      let thresholds = context.parameters.workThresholds
      return [
        "valid_all": value >= thresholds.send ? "1" : "0",
        "valid_receive": value >= thresholds.receive ? "1" : "0",
        "difficulty": RPCFormat.work(value),
      ]
    },
  ]

  static let keys: [RPCAction] = [
    RPCAction("key_create", "A new random key, which the node does not keep.") { _, _ in
      expanded(SecretBytes.random(SecretKey.seedSize))
    },
    RPCAction(
      "key_expand",
      "Public key and address of a private key.",
      [.required("key", "64 hexadecimal digits")]
    ) { call, _ in
      expanded(try call.seed("key"))
    },
    RPCAction(
      "deterministic_key",
      "The key of a seed at an index.",
      [.required("seed", "64 hexadecimal digits"), .required("index", "0 to 4294967295")]
    ) { call, _ in
      guard let index = try call.optionalInteger("index", UInt32.self) else {
        throw RPCFailure(status: 400, "missing_field", "index is missing")
      }
      guard let keys = DeterministicKeys(master: try call.seed("seed")) else {
        throw RPCFailure.field("seed", "must have 64 hexadecimal digits")
      }
      return expanded(keys.childSeed(index))
    },
  ]

  /// The answer shows the secret: that is what was asked for.
  private static func expanded(_ seed: SecretBytes) -> JSON {
    guard let key = SecretKey(seed: seed) else {
      preconditionFailure("every caller has 32 bytes")
    }
    return [
      "private": JSON(seed.withUnsafeBytes { Array($0) }.hex),
      "public": JSON(key.publicKey.description),
      "account": JSON(Account(key.publicKey).address),
    ]
  }
}
