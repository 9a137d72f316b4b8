public import Kernel
public import TinyChain
public import TinyChainPeers

/// What a node knows beside its chain, and would not like to lose: who waits, and who is banned.
extension ChainStore {
  // MARK: Transactions

  /// Keeps transactions that wait for a block.
  public func pool(_ transactions: [SignedTransaction]) throws {
    try transaction {
      let insert = database.statement("INSERT OR REPLACE INTO pool (id, bytes) VALUES (?, ?)")
      for transaction in transactions {
        try insert.run {
          $0.bind(transaction.id)
          $0.bind(transaction.bytes)
        }
      }
    }
  }

  /// Forgets those of them that are here.
  public func unpool(_ ids: [Bytes32]) throws {
    try transaction {
      let delete = database.statement("DELETE FROM pool WHERE id = ?")
      for id in ids { try delete.run { $0.bind(id) } }
    }
  }

  /// Transactions that wait for a block, as they came; whoever takes them up judges them anew.
  public func pooled() throws -> [[UInt8]] {
    try database.statement("SELECT bytes FROM pool ORDER BY rowid").all { $0.bytes(0) }
  }

  // MARK: Bans

  /// Keeps a ban, and forgets those that were over before.
  public func ban(_ ban: Ban, now: Instant) throws {
    try transaction {
      try database.statement("DELETE FROM bans WHERE until <= ?").run {
        $0.bind(Int64(clamping: now.milliseconds))
      }
      try database.statement("INSERT OR REPLACE INTO bans (host, node, until) VALUES (?, ?, ?)")
        .run {
          $0.bind("\(ban.subject.host)")
          $0.bind(ban.subject.node?.littleEndianBytes ?? [])
          $0.bind(Int64(clamping: ban.until.milliseconds))
        }
    }
  }

  public func bans() throws -> [Ban] {
    try database.statement("SELECT host, node, until FROM bans ORDER BY until").all { row in
      let number = row.bytes(1)
      guard let host = IPAddress(row.text(0)), number.isEmpty || number.count == 8 else {
        throw row.damaged("a ban that cannot be read")
      }
      let node = number.reversed().reduce(0) { $0 << 8 | UInt64($1) }
      let until = Instant(milliseconds: UInt64(clamping: row.integer(2)))
      return Ban(Ban.Subject(host, node: number.isEmpty ? nil : node), until: until)
    }
  }
}
