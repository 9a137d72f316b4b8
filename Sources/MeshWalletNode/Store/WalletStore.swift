import BulletproofsPlus
import Kernel
import Mesh
import Storage

/// What a wallet must not forget, in SQLite: certificates and the pending transition.
///
/// Nothing in it is secret, and no amount stands in it: the openings of payments lie there sealed, and
/// all else is found again with the keys when it is loaded. A commit is durable when it returns.
///
/// Confined to the driver that commits.
final class WalletStore {
  private let database: Database
  private let keys: WalletKeys
  private let genesis: Genesis

  private static let scripts = [version1, version2]

  private static let version1 = """
    CREATE TABLE own (sequence INTEGER PRIMARY KEY, certificate BLOB NOT NULL);
    CREATE TABLE sources (hash BLOB PRIMARY KEY, certificate BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE incoming (
      number INTEGER PRIMARY KEY, source BLOB NOT NULL, output INTEGER NOT NULL,
      UNIQUE (source, output)
    );
    CREATE TABLE claimed (
      source BLOB NOT NULL, output INTEGER NOT NULL, PRIMARY KEY (source, output)
    ) WITHOUT ROWID;
    CREATE TABLE pending (one INTEGER PRIMARY KEY CHECK (one = 0), request BLOB NOT NULL);
    """

  /// What an output opened to, sealed; null in rows of version 1.
  private static let version2 = "ALTER TABLE incoming ADD COLUMN opening BLOB"

  /// How many payments `load` had to open, as nobody had kept what is in them.
  private(set) var openedCount = 0

  private lazy var putOwn = database.statement(
    "INSERT OR REPLACE INTO own (sequence, certificate) VALUES (?, ?)"
  )
  private lazy var putSource = database.statement(
    "INSERT OR IGNORE INTO sources (hash, certificate) VALUES (?, ?)"
  )
  private lazy var putIncoming = database.statement(
    "INSERT OR IGNORE INTO incoming (source, output, opening) VALUES (?, ?, ?)"
  )
  private lazy var putOpening = database.statement(
    "UPDATE incoming SET opening = ? WHERE source = ? AND output = ?"
  )
  private lazy var putClaimed = database.statement(
    "INSERT OR IGNORE INTO claimed (source, output) VALUES (?, ?)"
  )
  private lazy var putPending = database.statement(
    "INSERT OR REPLACE INTO pending (one, request) VALUES (0, ?)"
  )
  private lazy var removePending = database.statement("DELETE FROM pending")

  /// Makes the state of keys that were made just now, which have never signed anything.
  ///
  /// Without it, a wallet takes its keys for restored ones and asks the validators first what it may
  /// have signed.
  static func create(at path: String, account: AccountID) throws {
    let database = try Database(path: path, options: options)
    try database.migrate(by: scripts)
    try database.transaction {
      try database.setMeta("account", to: account.bytes.bytes)
      try database.setMeta("remembers_all", to: [1])
    }
  }

  /// Opens the state, or begins that of restored keys.
  ///
  /// - Throws: `WalletProblem` if it is another account's or another network's, else what SQLite
  ///   says.
  init(at path: String, keys: WalletKeys, genesis: Genesis) throws {
    database = try Database(path: path, options: Self.options)
    self.keys = keys
    self.genesis = genesis
    try database.migrate(by: Self.scripts)
    try database.transaction {
      try claim("account", keys.account.bytes) {
        WalletProblem(
          .stateFailed,
          "\(path) belongs to another account: move it away, and the wallet finds its state again"
        )
      }
      try claim("network", genesis.id.bytes) {
        WalletProblem(
          .otherNetwork,
          "\(path) belongs to another network: use another --data-dir for \(genesis.name)"
        )
      }
    }
  }

  private static var options: Database.Options { Database.Options(cacheBytes: 256 << 10) }

  /// Writes a name's value once, and from then on insists on it.
  private func claim(_ name: String, _ value: Bytes32, _ problem: () -> WalletProblem) throws {
    guard let found = try database.meta(name, read: { $0.bytes(0) }) else {
      return try database.setMeta(name, to: value.bytes)
    }
    guard found == value.bytes else { throw problem() }
  }

  // MARK: Loading

  /// The state, with the openings that the keys find.
  func load() throws -> WalletState {
    let remembersAll = try database.meta("remembers_all") { $0.bytes(0) } == [1]
    var state = WalletState(account: keys.account, genesis: genesis, remembersAll: remembersAll)
    var change = WalletChange()
    let own = try database.statement("SELECT certificate FROM own ORDER BY sequence").all {
      try certificate($0.bytes(0))
    }
    for certificate in own.dropLast() { change.append(.putCertificate(certificate)) }
    if let head = own.last {
      guard let memo = keys.full?.open(head.signed.body) else {
        throw database.damaged("these keys do not open the newest transition")
      }
      change.append(.settle(head, memo.balance))
    }
    for incoming in try loadIncoming() { change.append(.putIncoming(incoming)) }
    let claimed = try database.statement("SELECT source, output FROM claimed").all {
      try reference($0)
    }
    change.append(.markClaimed(claimed))
    if let bytes = try database.statement("SELECT request FROM pending").first(read: {
      $0.bytes(0)
    }) {
      change.append(.setPending(try pending(bytes)))
    }
    state.apply(change)
    return state
  }

  /// What came in, in its order; what had to be opened is kept for the next time.
  private func loadIncoming() throws -> [WalletState.Incoming] {
    let rows = database.statement(
      """
      SELECT source, output, certificate, opening FROM incoming JOIN sources ON hash = source
      ORDER BY number
      """
    )
    var opened: [WalletState.Incoming] = []
    let incoming = try rows.all { row in
      let reference = try reference(row)
      let certificate = try certificate(row.bytes(2))
      if !row.isNull(3), let payment = keys.incoming.opened(row.bytes(3), of: reference) {
        return WalletState.Incoming(
          reference: reference,
          payment: payment,
          certificate: certificate
        )
      }
      let incoming = try open(reference, of: certificate)
      opened.append(incoming)
      return incoming
    }
    openedCount = opened.count
    if !opened.isEmpty {
      try database.transaction {
        for incoming in opened {
          try putOpening.run {
            $0.bind(keys.incoming.seal(incoming.payment, of: incoming.reference))
            $0.bind(incoming.reference.source.bytes)
            $0.bind(Int64(incoming.reference.index))
          }
        }
      }
    }
    return incoming
  }

  private func open(
    _ reference: OutputReference,
    of certificate: SettlementCertificate
  ) throws -> WalletState.Incoming {
    let outputs = certificate.signed.body.outputs
    guard outputs.indices.contains(Int(reference.index)),
      let payment = keys.incoming.open(
        outputs[Int(reference.index)],
        at: Int(reference.index),
        of: certificate.slot,
        on: genesis.id
      )
    else { throw database.damaged("these keys do not open a payment that stands there") }
    return WalletState.Incoming(
      reference: reference,
      payment: payment,
      certificate: certificate
    )
  }

  private func pending(_ bytes: [UInt8]) throws -> WalletState.Pending {
    guard let request = try? VoteRequest(encoded: bytes),
      case .transition(let transition) = request.submission,
      let memo = keys.full?.open(transition.body),
      let pending = WalletState.Pending(request, balance: memo.balance)
    else { throw database.damaged("the pending transition is not one of these keys") }
    return pending
  }

  private func certificate(_ bytes: [UInt8]) throws -> SettlementCertificate {
    do {
      return try SettlementCertificate(encoded: bytes)
    } catch {
      throw database.damaged("a certificate \(error)")
    }
  }

  private func reference(_ row: Statement.Row) throws -> OutputReference {
    guard let index = UInt16(exactly: row.integer(1)) else {
      throw database.damaged("an output's number")
    }
    return OutputReference(source: TransitionHash(try row.bytes32(0)), index: index)
  }

  // MARK: Writing

  /// Makes changes durable, in order, all or none.
  func commit(_ changes: [WalletChange]) throws {
    try database.transaction {
      for operation in changes.flatMap(\.operations) { try write(operation) }
    }
  }

  private func write(_ operation: WalletChange.Operation) throws {
    switch operation {
    case .setPending(let pending?): try putPending.run { $0.bind(pending.request.encoded) }
    case .setPending(nil): try removePending.run()
    case .settle(let certificate, _):
      try put(certificate)
      try removePending.run()
    case .putCertificate(let certificate): try put(certificate)
    case .putIncoming(let incoming):
      try putSource.run {
        $0.bind(incoming.reference.source.bytes)
        $0.bind(incoming.certificate.encoded)
      }
      try putIncoming.run {
        $0.bind(incoming.reference.source.bytes)
        $0.bind(Int64(incoming.reference.index))
        $0.bind(keys.incoming.seal(incoming.payment, of: incoming.reference))
      }
    case .markClaimed(let references):
      for reference in references {
        try putClaimed.run {
          $0.bind(reference.source.bytes)
          $0.bind(Int64(reference.index))
        }
      }
    case .setRemembersAll(let remembers):
      try database.setMeta("remembers_all", to: [remembers ? 1 : 0])
    }
  }

  /// What its claims name is known from it again.
  private func put(_ certificate: SettlementCertificate) throws {
    try putOwn.run {
      $0.bind(Int64(certificate.slot.sequence.number))
      $0.bind(certificate.encoded)
    }
  }
}
