import Kernel
import SmallNano
import Storage

/// The block that each send with an id has made, so that a retry finds it again.
///
/// Written durably before the block leaves the wallet. Rows stay: an id must mean the same payment
/// for ever, and only the wallet's owner adds any (about 400 bytes each).
///
/// Confined to the wallet that owns it.
final class SendJournal {
  struct Entry {
    let destination: Account
    /// What was asked for; nil for everything.
    let amount: Amount?
    let block: Block
  }

  private let database: Database
  private let chain: ChainID
  private lazy var find = database.statement(
    "SELECT destination, amount, block FROM sends WHERE id = ?"
  )
  private lazy var replace = database.statement(
    "INSERT OR REPLACE INTO sends (id, destination, amount, block) VALUES (?, ?, ?, ?)"
  )

  static let schema = """
    CREATE TABLE sends (
      id TEXT PRIMARY KEY,
      destination BLOB NOT NULL,
      amount TEXT,
      block BLOB NOT NULL
    ) WITHOUT ROWID;
    """

  init(path: String, chain: ChainID) throws {
    database = try Database(path: path, options: Database.Options(cacheBytes: 64 << 10))
    try database.migrate(by: [Self.schema])
    self.chain = chain
  }

  func entry(_ id: String) throws -> Entry? {
    try find.first({ $0.bind(id) }) { row in
      let block: Block
      do {
        var reader = ByteReader(row.bytes(2))
        block = try Block(from: &reader, on: chain)
        try reader.finish()
      } catch {
        throw database.damaged("the block of a send \(error)")
      }
      return Entry(
        destination: Account(try row.bytes32(0)),
        amount: row.isNull(1) ? nil : Amount(rawText: row.text(1)),
        block: block
      )
    }
  }

  func put(_ entry: Entry, under id: String) throws {
    var writer = ByteWriter(capacity: Block.size)
    entry.block.encode(into: &writer)
    try replace.run {
      $0.bind(id)
      $0.bind(entry.destination.bytes)
      if let amount = entry.amount { $0.bind(amount.description) } else { $0.bindNull() }
      $0.bind(writer.bytes)
    }
  }
}
