public import Kernel
public import TinyChain

/// What a chain with forks keeps beside its blocks.
extension ChainStore {
  // MARK: Headers

  /// Keeps headers, each after its parent; the first of all is the genesis block's.
  public func add(_ entries: [HeaderEntry]) throws {
    try transaction { try headers.add(entries) }
  }

  /// Notes that a block was executed to the roots of its header.
  public func markExecuted(_ id: Bytes32) throws {
    try transaction { try headers.markExecuted(id) }
  }

  /// Notes that a block is not what its header says: it and all that descend from it, for good.
  public func markInvalid(_ id: Bytes32) throws {
    try transaction { try headers.markInvalid(id) }
  }

  /// Makes a branch the one that `header(at:)` goes along.
  public func setHeaviest(_ id: Bytes32) throws {
    try transaction { try headers.setHeaviest(id) }
  }

  public func header(_ id: Bytes32) throws -> HeaderEntry? { try headers.entry(of: id) }

  /// Of the heaviest branch, whose bodies may be missing yet.
  public func header(at height: UInt32) throws -> HeaderEntry? { try headers.entry(at: height) }

  /// The last of the heaviest branch; nil before there is any header.
  public func heaviest() throws -> HeaderEntry? { try headers.heaviest() }

  /// The ends of branches that are heavier than a tip, first seen first; not those that are invalid.
  public func leaves(heavierThan work: UInt256) throws -> [HeaderEntry] {
    try headers.leaves(heavierThan: work, among: 2 * HeaderTree.windowMax)
  }

  // MARK: Bodies

  /// Keeps the transactions of a block that is not on the chain: not yet, or no longer.
  public func keepBody(_ id: Bytes32, height: UInt32, _ transactions: [[UInt8]]) throws {
    try transaction {
      try database.statement(
        "INSERT OR IGNORE INTO bodies (id, height, transactions) VALUES (?, ?, ?)"
      ).run {
        $0.bind(id)
        $0.bind(Int64(height))
        $0.bind(Self.joined(transactions))
      }
    }
  }

  /// Forgets the bodies of blocks that are not on the chain and too far below for it to turn to them.
  public func removeBodies(below height: UInt32) throws {
    try transaction {
      try database.statement("DELETE FROM bodies WHERE height < ?").run { $0.bind(Int64(height)) }
    }
  }

  public func removeBody(_ id: Bytes32) throws {
    try transaction {
      try database.statement("DELETE FROM bodies WHERE id = ?").run { $0.bind(id) }
    }
  }

  /// The transactions of a block, be it on the chain or not; nil if they are not here.
  public func body(of id: Bytes32) throws -> [[UInt8]]? {
    if let height = try height(of: id) { return try block(at: height)?.transactions }
    let query = "SELECT transactions FROM bodies WHERE id = ?"
    let found = try database.statement(query).first({ $0.bind(id) }) { $0.bytes(0) }
    return try found.map { bytes in
      do {
        return try Self.split(bytes)
      } catch {
        throw database.damaged("the body of block \(id) cannot be read")
      }
    }
  }

  /// Whether the transactions of a block are here.
  public func hasBody(_ id: Bytes32) throws -> Bool {
    if try height(of: id) != nil { return true }
    let query = "SELECT 1 FROM bodies WHERE id = ?"
    return try database.statement(query).first({ $0.bind(id) }) { _ in true } ?? false
  }

  /// What a block of the chain changed; nil if it is not on the chain.
  public func changes(of id: Bytes32) throws -> [StateChange]? {
    let query = "SELECT changes FROM blocks WHERE id = ?"
    let found = try database.statement(query).first({ $0.bind(id) }) { $0.bytes(0) }
    return try found.map { bytes in
      do {
        return try StateJournal.changes(of: bytes)
      } catch {
        throw database.damaged("the changes of block \(id) cannot be read")
      }
    }
  }

  // Each transaction behind its length 4.
  private static func joined(_ transactions: [[UInt8]]) -> [UInt8] {
    transactions.reduce(into: []) { bytes, transaction in
      bytes += UInt32(transaction.count).littleEndianBytes + transaction
    }
  }

  private static func split(_ bytes: [UInt8]) throws(DecodingFailure) -> [[UInt8]] {
    var (reader, transactions) = (ByteReader(bytes), [[UInt8]]())
    while reader.remaining > 0 {
      transactions.append(try reader.array(Int(try reader.uint32())))
    }
    return transactions
  }

  // MARK: Peers

  /// Replaces the book of peers: for each its address and what is known of it.
  public func setPeers(_ rows: [(address: [UInt8], row: [UInt8])]) throws {
    try transaction {
      try database.execute("DELETE FROM peers")
      let insert = database.statement("INSERT OR REPLACE INTO peers (address, row) VALUES (?, ?)")
      for (address, row) in rows {
        try insert.run {
          $0.bind(address)
          $0.bind(row)
        }
      }
    }
  }

  public func peers() throws -> [(address: [UInt8], row: [UInt8])] {
    try database.statement("SELECT address, row FROM peers ORDER BY address").all {
      ($0.bytes(0), $0.bytes(1))
    }
  }
}
