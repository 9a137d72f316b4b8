import Kernel
public import SmallNano
public import Storage

/// A second, read-only connection to a node's ledger: for RPC, and for tools beside a running node.
///
/// It sees what was committed and never waits for the node, nor the node for it. One owner at a
/// time; while a snapshot lasts the file's log cannot shrink, so keep it short.
public final class LedgerReader {
  private let tables: LedgerTables
  private let peerTable: PeerTable
  private let database: Database

  /// Pages of its own that a reader keeps in memory.
  public static let cacheBytes = 2 << 20

  public convenience init(
    path: String,
    parameters: NetworkParameters,
    options: Database.Options = Database.Options(cacheBytes: LedgerReader.cacheBytes)
  ) throws {
    try self.init(path: path, parameters: parameters, options: options, hashMask: .max)
  }

  init(
    path: String,
    parameters: NetworkParameters,
    options: Database.Options,
    hashMask: UInt64
  ) throws {
    database = try LedgerSchema.openForReading(
      path: path,
      parameters: parameters,
      options: options
    )
    tables = LedgerTables(of: database, chain: parameters.chainID, hashMask: hashMask)
    peerTable = PeerTable(of: database)
  }

  /// Lets `body` read one committed state of the ledger.
  public func snapshot<Result>(_ body: (LedgerTables) throws -> Result) throws -> Result {
    try database.snapshot { try body(tables) }
  }

  /// Known peers, most recently seen first.
  public func peers() throws -> [StoredPeer] { try peerTable.all() }
}

extension LedgerTables {
  /// An account's blocks from its newest, or from `height`, downwards.
  ///
  /// The caller bounds `limit`; the answer is shorter where the chain starts.
  public func history(
    of account: Account,
    from height: Height? = nil,
    limit: Int
  ) throws -> [LedgerBlock] {
    guard limit > 0, let state = try self.account(account) else { return [] }
    let high = min(height ?? state.height, state.height)
    let low = high.number > UInt64(limit) ? Height(high.number - UInt64(limit) + 1) : .open
    return try blocks(of: account, from: low, through: high).reversed()
  }

  /// What waits for an account and no block of it has received, in order of hash, at most `limit`
  /// from the first hash that is not below `start`.
  public func receivables(
    of account: Account,
    from start: BlockHash = .zero,
    limit: Int
  ) throws -> [Receivable] {
    var found: [Receivable] = []
    var key = ReceivableKey(destination: account, hash: start)
    while found.count < limit {
      let page = try receivables(from: key, limit: limit)
      found += page.filter { $0.key.destination == account && $0.receivedAt == nil }
      guard let last = page.last, last.key.destination == account, page.count == limit,
        let next = last.key.hash.next
      else { break }
      key = ReceivableKey(destination: account, hash: next)
    }
    return Array(found.prefix(limit))
  }
}

extension BlockHash {
  /// The hash that follows this one in order; nil after the last.
  var next: BlockHash? {
    var bytes = bytes.bytes
    for index in bytes.indices.reversed() {
      bytes[index] &+= 1
      if bytes[index] != 0 { return Bytes32(bytes).map(BlockHash.init) }
    }
    return nil
  }
}
