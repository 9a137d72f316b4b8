public import Kernel
import Storage

/// A peer that was met before, as the next start finds it.
public struct StoredPeer: Hashable, Sendable {
  /// Address and port, in the text form of the address type.
  public var address: String
  public var lastSeen: Instant
  /// Connections in a row that failed.
  public var failures: UInt32

  public init(address: String, lastSeen: Instant, failures: UInt32) {
    self.address = address
    self.lastSeen = lastSeen
    self.failures = failures
  }
}

/// The rows of known peers.
final class PeerTable {
  /// Peers kept in the file: 20 times what a node is connected to, some 60 bytes each.
  static let peersMax = 1000

  private let insert: Statement
  private let prune: Statement
  private let delete: Statement
  private let scan: Statement

  init(of database: Database) {
    insert = database.statement(
      "INSERT OR REPLACE INTO peers (address, last_seen, failures) VALUES (?, ?, ?)"
    )
    prune = database.statement(
      """
      DELETE FROM peers WHERE address IN (
        SELECT address FROM peers ORDER BY last_seen DESC, address LIMIT -1 OFFSET ?
      )
      """
    )
    delete = database.statement("DELETE FROM peers WHERE address = ?")
    scan = database.statement(
      "SELECT address, last_seen, failures FROM peers ORDER BY last_seen DESC, address LIMIT ?"
    )
  }

  /// Most recently seen first.
  func all() throws -> [StoredPeer] {
    try scan.all({ $0.bind(Self.peersMax) }) { row in
      StoredPeer(
        address: row.text(0),
        lastSeen: Instant(milliseconds: UInt64(clamping: row.integer(1))),
        failures: UInt32(clamping: row.integer(2))
      )
    }
  }

  /// Adds or replaces; those seen longest ago go when there are too many.
  func put(_ peers: [StoredPeer]) throws {
    for peer in peers {
      try insert.run {
        $0.bind(peer.address)
        $0.bind(Int64(clamping: peer.lastSeen.milliseconds))
        $0.bind(Int64(peer.failures))
      }
    }
    try prune.run { $0.bind(Self.peersMax) }
  }

  func remove(_ address: String) throws {
    try delete.run { $0.bind(address) }
  }
}
