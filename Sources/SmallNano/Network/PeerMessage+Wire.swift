import EdDSA
import Kernel

// Layouts of the bodies that `PeerMessage` carries; blocks and votes have files of their own.

extension RepresentativeHello {
  // 0   32  representative
  // 32  32  node id
  // 64  8   timestamp in ms
  // 72  64  signature
  init(from reader: inout ByteReader) throws(DecodingFailure) {
    let representative = Account(try reader.bytes32())
    let node = PublicKey(try reader.bytes32())
    let timestamp = try reader.uint64()
    self.init(
      representative: representative,
      node: node,
      timestamp: timestamp,
      signature: Signature(try reader.bytes64())
    )
  }

  func encode(into writer: inout ByteWriter) {
    writer.bytes32(representative.bytes)
    writer.bytes32(node.bytes)
    writer.integer(timestamp)
    writer.bytes64(signature.bytes)
  }
}

extension ConfirmTarget {
  // 0  1       n (1...64)
  // 1  n × 72  account 32 ‖ height 8 (from 1) ‖ hash 32 (0 = any), no two equal
  static func list(from reader: inout ByteReader) throws(DecodingFailure) -> [ConfirmTarget] {
    let count = Int(try reader.uint8())
    guard count > 0 else { throw reader.failure(.notCanonical("count")) }
    guard count <= countMax else { throw reader.failure(.tooLong("confirm request")) }
    guard reader.remaining >= count * 72 else { throw reader.failure(.truncated) }
    var targets: [ConfirmTarget] = []
    targets.reserveCapacity(count)
    for _ in 0..<count {
      let account = Account(try reader.bytes32())
      let height = try Height(nonzeroFrom: &reader)
      let slot = Slot(account: account, height: height)
      targets.append(ConfirmTarget(slot: slot, hash: BlockHash(try reader.bytes32())))
    }
    guard Set(targets).count == count else {
      throw reader.failure(.notCanonical("repeated target"))
    }
    return targets
  }

  static func encode(_ targets: [ConfirmTarget], into writer: inout ByteWriter) {
    writer.integer(UInt8(targets.count))
    for target in targets {
      writer.bytes32(target.slot.account.bytes)
      writer.integer(target.slot.height.number)
      writer.bytes32(target.hash.bytes)
    }
  }
}

extension BlockRequest {
  // 0  1       n (1...64)
  // 1  n × 32  hashes, no two equal
  static func hashes(from reader: inout ByteReader) throws(DecodingFailure) -> [BlockHash] {
    let count = Int(try reader.uint8())
    guard count > 0 else { throw reader.failure(.notCanonical("count")) }
    guard count <= hashesMax else { throw reader.failure(.tooLong("block request")) }
    guard reader.remaining >= count * 32 else { throw reader.failure(.truncated) }
    return try BlockHash.distinct(count, from: &reader)
  }

  static func encode(_ hashes: [BlockHash], into writer: inout ByteWriter) {
    writer.integer(UInt8(hashes.count))
    for hash in hashes { writer.bytes32(hash.bytes) }
  }
}

extension PullRequest {
  // 0  32  account
  // 32 8   start height (from 1)
  // 40 1   count (from 1)
  init(from reader: inout ByteReader) throws(DecodingFailure) {
    let account = Account(try reader.bytes32())
    let start = try Height(nonzeroFrom: &reader)
    let count = try reader.uint8()
    guard count > 0 else { throw reader.failure(.notCanonical("count")) }
    self.init(account: account, start: start, count: count)
  }

  func encode(into writer: inout ByteWriter) {
    writer.bytes32(account.bytes)
    writer.integer(start.number)
    writer.integer(count)
  }
}

extension UncheckedPullResponse {
  // 0  32  account
  // 32 8   first held height: 0 if the account is unknown here, else 1...head
  // 40 8   head height: 0 if the account is unknown here
  // 48 1   n (0...255)
  // 49 n × 224  blocks of the account, of ascending heights without a gap, first held...head
  init(from reader: inout ByteReader, on chain: ChainID) throws(DecodingFailure) {
    let account = Account(try reader.bytes32())
    let firstHeld = Height(try reader.uint64())
    let head = Height(try reader.uint64())
    let isUnknown = head.number == 0
    guard isUnknown == (firstHeld.number == 0), firstHeld <= head else {
      throw reader.failure(.notCanonical("first held height"))
    }
    let count = Int(try reader.uint8())
    guard !isUnknown || count == 0 else { throw reader.failure(.notCanonical("count")) }
    guard reader.remaining >= count * Block.size else { throw reader.failure(.truncated) }
    var blocks: [Block] = []
    blocks.reserveCapacity(count)
    for _ in 0..<count {
      let block = try Block(from: &reader, on: chain)
      // A saturated height repeats itself, and is refused as it must be.
      guard block.account == account, firstHeld <= block.height, block.height <= head,
        blocks.last.map({ $0.height < block.height && $0.height.next == block.height }) ?? true
      else { throw reader.failure(.notCanonical("order of blocks")) }
      blocks.append(block)
    }
    self.init(account: account, firstHeld: firstHeld, head: head, blocks: blocks)
  }

  func encode(into writer: inout ByteWriter) {
    writer.bytes32(account.bytes)
    writer.integer(firstHeld.number)
    writer.integer(head.number)
    writer.integer(UInt8(blocks.count))
    for block in blocks { block.encode(into: &writer) }
  }
}

extension FrontierRequest {
  // 0  32  start account
  // 32 2   count (1...900)
  init(from reader: inout ByteReader) throws(DecodingFailure) {
    let start = Account(try reader.bytes32())
    let count = try reader.uint16()
    guard count > 0 else { throw reader.failure(.notCanonical("count")) }
    guard count <= Frontier.countMax else { throw reader.failure(.tooLong("frontier request")) }
    self.init(start: start, count: count)
  }

  func encode(into writer: inout ByteWriter) {
    writer.bytes32(start.bytes)
    writer.integer(count)
  }
}

extension Frontier {
  // 0  2       n (0...900)
  // 2  n × 72  account 32 ‖ confirmed height 8 (from 1) ‖ hash 32, accounts ascending
  static func list(from reader: inout ByteReader) throws(DecodingFailure) -> [Frontier] {
    let count = Int(try reader.uint16())
    guard count <= countMax else { throw reader.failure(.tooLong("frontiers")) }
    guard reader.remaining >= count * 72 else { throw reader.failure(.truncated) }
    var frontiers: [Frontier] = []
    frontiers.reserveCapacity(count)
    for _ in 0..<count {
      let account = Account(try reader.bytes32())
      guard frontiers.last.map({ $0.account < account }) ?? true else {
        throw reader.failure(.notCanonical("order of accounts"))
      }
      let height = try Height(nonzeroFrom: &reader)
      let hash = BlockHash(try reader.bytes32())
      frontiers.append(Frontier(account: account, height: height, hash: hash))
    }
    return frontiers
  }

  static func encode(_ frontiers: [Frontier], into writer: inout ByteWriter) {
    writer.integer(UInt16(frontiers.count))
    for frontier in frontiers {
      writer.bytes32(frontier.account.bytes)
      writer.integer(frontier.height.number)
      writer.bytes32(frontier.hash.bytes)
    }
  }
}

extension ReceivableKey {
  fileprivate init(from reader: inout ByteReader) throws(DecodingFailure) {
    let destination = Account(try reader.bytes32())
    self.init(destination: destination, hash: BlockHash(try reader.bytes32()))
  }

  fileprivate func encode(into writer: inout ByteWriter) {
    writer.bytes32(destination.bytes)
    writer.bytes32(hash.bytes)
  }
}

extension ReceivablesRequest {
  // 0  64  from: destination 32 ‖ hash 32
  // 64 2   count (1...580)
  init(from reader: inout ByteReader) throws(DecodingFailure) {
    let start = try ReceivableKey(from: &reader)
    let count = try reader.uint16()
    guard count > 0 else { throw reader.failure(.notCanonical("count")) }
    guard count <= ReceivableEntry.countMax else {
      throw reader.failure(.tooLong("receivables request"))
    }
    self.init(start: start, count: count)
  }

  func encode(into writer: inout ByteWriter) {
    start.encode(into: &writer)
    writer.integer(count)
  }
}

extension ReceivableEntry {
  // 0  2        n (0...580)
  // 2  n × 112  destination 32 ‖ hash 32 ‖ source 32 ‖ amount 16 (not 0), keys ascending
  static func list(from reader: inout ByteReader) throws(DecodingFailure) -> [ReceivableEntry] {
    let count = Int(try reader.uint16())
    guard count <= countMax else { throw reader.failure(.tooLong("receivables")) }
    guard reader.remaining >= count * 112 else { throw reader.failure(.truncated) }
    var entries: [ReceivableEntry] = []
    entries.reserveCapacity(count)
    for _ in 0..<count {
      let key = try ReceivableKey(from: &reader)
      guard entries.last.map({ $0.key < key }) ?? true else {
        throw reader.failure(.notCanonical("order of receivables"))
      }
      let source = Account(try reader.bytes32())
      let amount = Amount(raw: try reader.uint128())
      guard amount > .zero else { throw reader.failure(.notCanonical("amount")) }
      entries.append(ReceivableEntry(key: key, source: source, amount: amount))
    }
    return entries
  }

  static func encode(_ entries: [ReceivableEntry], into writer: inout ByteWriter) {
    writer.integer(UInt16(entries.count))
    for entry in entries {
      entry.key.encode(into: &writer)
      writer.bytes32(entry.source.bytes)
      writer.integer(entry.amount.raw)
    }
  }
}

extension Height {
  /// No block has height 0.
  fileprivate init(nonzeroFrom reader: inout ByteReader) throws(DecodingFailure) {
    let number = try reader.uint64()
    guard number > 0 else { throw reader.failure(.notCanonical("height")) }
    self.init(number)
  }
}
