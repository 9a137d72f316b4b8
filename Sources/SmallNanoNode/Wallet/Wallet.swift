import EdDSA
public import EventLoop
public import Kernel
import Service
public import SmallNano
public import Vault

/// The node's wallet: one master seed, the accounts that grow from it, and what they send and
/// receive.
///
/// There is one wallet to a node; two owners run two nodes. It is locked until its password is
/// given: it then lists its accounts and nothing else. Unlocked it holds the seed in guarded memory
/// and derives a key only for as long as a signature takes.
///
/// Blocks of one account are made one after another: each call has the account's turn from reading
/// its head to the ledger's answer, so that no two calls build on one head.
public actor Wallet {
  public struct Options: Sendable {
    /// The wallet's file, and beside it the journal of sends with an id.
    public var path: String
    /// Vote with the keys of an unlocked wallet.
    public var votes = false
    /// Receive what is confirmed for an unlocked wallet's accounts.
    public var receivesAutomatically = false
    public var workThreads = 1
    public var cost = WalletFile.standardCost

    public init(path: String) {
      self.path = path
    }
  }

  enum Turn: Hashable {
    case account(Account)
    case sendID(String)
    case password
    case voters
  }

  /// What an unlocked wallet holds beyond its file.
  private struct Unlocked {
    let seed: SecretBytes
    let keys: DeterministicKeys
  }

  nonisolated let loop: EventLoop
  public nonisolated var unownedExecutor: UnownedSerialExecutor {
    loop.asUnownedSerialExecutor()
  }

  let access: NodeAccess
  let options: Options
  let search: WorkSearch
  private var file: WalletFile? {
    didSet { owned = Set(accounts) }
  }
  /// The accounts again, for a look at every confirmation of the network.
  private var owned: Set<Account> = []
  private var unlocked: Unlocked?
  private var lockTimer: Timer?
  private(set) var lockedAt: Instant?
  private var reader: LedgerReader?
  private var openJournal: SendJournal?
  /// A thousand calls take a minute of work at least.
  private var turns = Turns<Turn>(waitingMax: 1000)
  /// The work found ahead for the next block of an account, at the threshold of a send.
  var readyWork: [Account: (root: Bytes32, nonce: UInt64)] = [:]
  var workQueue: [Account] = []
  var workTask: Task<Void, Never>?
  /// Searches that a call waits for.
  var urgentSearches = 0
  var watchTask: Task<Void, Never>?
  var scanTimer: Timer?
  /// Keys that the machine refused to vote with, until it is told otherwise.
  private(set) var refusedVoters: [Account] = []

  /// Opens the wallet's file, if there is one; it stays locked.
  ///
  /// - Throws: `WalletFailure` if the file is not a sound wallet of this network.
  public init(access: NodeAccess, on loop: EventLoop, options: Options) throws {
    self.access = access
    self.loop = loop
    self.options = options
    search = WorkSearch(on: access.workers, threads: options.workThreads)
    do {
      let bytes = try PrivateFile.read(options.path, bytesMax: Self.fileMax, isSecret: true)
      let file = try WalletFile(bytes, chain: access.parameters.chainID)
      self.file = file
      owned = Set(file.entries.map(\.account))  // observers do not run in an initialiser
    } catch let failure as FileFailure where failure.isMissing {
      file = nil
    } catch let failure as FileFailure {
      throw WalletFailure.fileFailed("\(failure)")
    }
  }

  /// A file of `WalletFile.accountsMax` accounts, rounded up.
  private static let fileMax = 1 << 20

  // MARK: Making

  /// Makes a wallet with a new seed and one account, and unlocks it.
  ///
  /// - Returns: the 24 words that restore it, to be written down; nothing shows them again without
  ///   the password.
  public func create(password: SecretBytes) async throws -> [String] {
    let seed = SecretBytes.random(DeterministicKeys.seedSize)
    try await make(seed: seed, password: password) { _ in [0] }
    return Mnemonic.words(of: seed)
  }

  /// Makes a wallet from a seed, with the accounts of it that the ledger knows, and unlocks it.
  ///
  /// Indexes are tried in order until 20 in a row are unknown, here and at each `unlock`; others
  /// come with `addAccount`.
  public func restore(seed: SecretBytes, password: SecretBytes) async throws {
    guard seed.count == DeterministicKeys.seedSize else { throw WalletFailure.damaged }
    try await make(seed: seed, password: password) { keys in
      [0] + (try self.knownIndexes(of: keys, beside: [0]))
    }
  }

  private func make(
    seed: SecretBytes,
    password: SecretBytes,
    indexes: (DeterministicKeys) throws -> [UInt32]
  ) async throws {
    guard password.count > 0 else { throw WalletFailure.emptyPassword }
    guard let keys = DeterministicKeys(master: seed) else { throw WalletFailure.damaged }
    try await turn(.password) {
      guard file == nil else { throw WalletFailure.walletExists }
      let entries = try indexes(keys).map {
        WalletFile.Entry(index: $0, account: keys.account($0))
      }
      let made = try await seal(seed, password, entries: entries, representative: nil)
      try write(made, seed: seed)
      unlocked = Unlocked(seed: seed, keys: keys)
      access.log.info("wallet made", ["accounts": "\(entries.count)"])
    }
    await didUnlock()
  }

  /// Indexes in a row that the ledger does not know, after which no more are tried.
  private static let unknownIndexesMax = 20

  /// Indexes of accounts that the ledger knows, opened or sent to, beside those in `held`.
  private func knownIndexes(
    of keys: DeterministicKeys,
    beside held: Set<UInt32>
  ) throws -> [UInt32] {
    try read { tables in
      var known: [UInt32] = []
      var index: UInt32 = 0
      var unknownInRow = 0
      while unknownInRow < Self.unknownIndexesMax,
        held.count + known.count < WalletFile.accountsMax
      {
        if held.contains(index) {
          unknownInRow = 0
        } else {
          let account = keys.account(index)
          let isOpened = try tables.account(account) != nil
          if try isOpened || !tables.receivables(of: account, limit: 1).isEmpty {
            known.append(index)
            unknownInRow = 0
          } else {
            unknownInRow += 1
          }
        }
        index += 1
      }
      return known
    }
  }

  /// Adds accounts of the seed that the ledger has come to know.
  ///
  /// A wallet restored on a new node finds only its first account: the ledger comes later.
  private func addKnownAccounts() throws {
    guard var file, let unlocked else { return }
    let known = try knownIndexes(of: unlocked.keys, beside: Set(file.entries.map(\.index)))
    guard !known.isEmpty else { return }
    for index in known {
      file.add(WalletFile.Entry(index: index, account: unlocked.keys.account(index)))
    }
    try write(file, seed: unlocked.seed)
    access.log.info("accounts of the wallet found in the ledger", ["count": "\(known.count)"])
  }

  // MARK: Locking

  /// Unlocks the wallet, for a time or until it is locked.
  ///
  /// - Throws: `WalletFailure.wrongPassword` and others of its file.
  public func unlock(password: SecretBytes, for duration: Duration? = nil) async throws {
    try await turn(.password) {
      guard let file else { throw WalletFailure.noWallet }
      let seed = try await open(file, password)
      guard let keys = DeterministicKeys(master: seed) else { throw WalletFailure.damaged }
      unlocked = Unlocked(seed: seed, keys: keys)
      do {
        try addKnownAccounts()
      } catch {
        // The wallet is as good without; the next unlock looks again.
        access.log.warn("could not look for more accounts", ["reason": "\(error)"])
      }
      if let lockTimer { loop.cancel(lockTimer) }
      lockTimer = nil
      lockedAt = nil
      if let duration {
        lockTimer = loop.schedule(after: duration) { self.lockByItself() }
        lockedAt = loop.now + duration
      }
    }
    access.log.info("wallet unlocked")
    await didUnlock()
  }

  /// Wipes the keys; blocks that wait for work are given up.
  public func lock() async {
    forgetKeys()
    await setVoters()
  }

  private func lockByItself() {
    forgetKeys()
    Task(executorPreference: loop) { await self.setVoters() }
  }

  private func forgetKeys() {
    if let lockTimer { loop.cancel(lockTimer) }
    lockTimer = nil
    lockedAt = nil
    guard unlocked != nil else { return }
    unlocked = nil
    workTask?.cancel()
    workQueue = []
    access.log.info("wallet locked")
  }

  public func changePassword(from old: SecretBytes, to new: SecretBytes) async throws {
    guard new.count > 0 else { throw WalletFailure.emptyPassword }
    try await turn(.password) {
      guard let file else { throw WalletFailure.noWallet }
      let seed = try await open(file, old)
      let changed = try await seal(
        seed,
        new,
        entries: file.entries,
        representative: file.representative
      )
      // An account may have been added while the password was being stretched.
      try write(self.file.map { changed.with($0) } ?? changed, seed: seed)
    }
    access.log.info("wallet password changed")
  }

  /// The 24 words, for a backup; asks for the password though the wallet be unlocked.
  public func words(password: SecretBytes) async throws -> [String] {
    try await turn(.password) {
      guard let file else { throw WalletFailure.noWallet }
      return Mnemonic.words(of: try await open(file, password))
    }
  }

  private func open(_ file: WalletFile, _ password: SecretBytes) async throws -> SecretBytes {
    try await access.workers.run { _ in try file.open(password: password) }
  }

  private func seal(
    _ seed: SecretBytes,
    _ password: SecretBytes,
    entries: [WalletFile.Entry],
    representative: Account?
  ) async throws -> WalletFile {
    let chain = access.parameters.chainID
    let cost = options.cost
    return try await access.workers.run { _ in
      try WalletFile(
        sealing: seed,
        password: password,
        cost: cost,
        chain: chain,
        entries: entries,
        representative: representative
      )
    }
  }

  private func write(_ changed: WalletFile, seed: SecretBytes) throws {
    var changed = changed
    do {
      try PrivateFile.write(changed.encode(seed: seed), to: options.path)
    } catch {
      throw WalletFailure.fileFailed("\(error)")
    }
    file = changed
  }

  // MARK: Accounts

  public var exists: Bool { file != nil }

  public var isUnlocked: Bool { unlocked != nil }

  /// In order of index; also of a locked wallet.
  public var entries: [WalletFile.Entry] {
    get throws {
      guard let file else { throw WalletFailure.noWallet }
      return file.entries
    }
  }

  var accounts: [Account] { file?.entries.map(\.account) ?? [] }

  func owns(_ account: Account) -> Bool { owned.contains(account) }

  /// Named by accounts of this wallet that are opened from now on; nil lets each name itself.
  public var representative: Account? { file?.representative }

  /// Adds the account of an index, or of the lowest that is free.
  public func addAccount(index: UInt32? = nil) async throws -> WalletFile.Entry {
    guard var file else { throw WalletFailure.noWallet }
    guard let unlocked else { throw WalletFailure.locked }
    guard file.entries.count < WalletFile.accountsMax else { throw WalletFailure.tooManyAccounts }
    let index = index ?? Self.lowestFree(file.entries)
    let entry = WalletFile.Entry(index: index, account: unlocked.keys.account(index))
    file.add(entry)
    try write(file, seed: unlocked.seed)
    await didUnlock()
    return entry
  }

  private static func lowestFree(_ entries: [WalletFile.Entry]) -> UInt32 {
    var index: UInt32 = 0
    for entry in entries where entry.index == index { index += 1 }
    return index
  }

  /// Sets what accounts name that this wallet opens later.
  public func setDefaultRepresentative(_ representative: Account) throws {
    guard var file else { throw WalletFailure.noWallet }
    guard let unlocked else { throw WalletFailure.locked }
    file.setRepresentative(representative)
    try write(file, seed: unlocked.seed)
  }

  /// The signing key of an own account, to be used and dropped.
  func key(of account: Account) throws -> SecretKey {
    guard let file else { throw WalletFailure.noWallet }
    guard let entry = file.entries.first(where: { $0.account == account }) else {
      throw WalletFailure.unknownAccount(account)
    }
    guard let unlocked else { throw WalletFailure.locked }
    return unlocked.keys.key(entry.index)
  }

  // MARK: Voting

  /// The operator's word that the wallet's keys vote from no other node.
  ///
  /// - Returns: the accounts that vote from here now.
  public func voteHere() async throws -> [Account] {
    guard options.votes else { throw WalletFailure.votingDisabled }
    guard unlocked != nil else { throw WalletFailure.locked }
    for account in accounts {
      _ = try await submit(.admitVoter(account))
    }
    await setVoters()
    return accounts.filter { !refusedVoters.contains($0) }
  }

  /// Tells the machine the keys as they are when its turn has come.
  private func setVoters() async {
    guard options.votes else { return }
    do {
      try await turn(.voters) {
        let keys = try unlocked == nil ? [] : accounts.map { try key(of: $0) }
        guard case .voters(let voters, let refused) = try await submit(.setVoters(keys)) else {
          return
        }
        refusedVoters = refused
        access.log.info("votes with", ["accounts": "\(voters.count)"])
        for account in refused {
          access.log.warn(
            "does not vote: no records of this key here; if it votes from no other node, say so",
            ["account": "\(account)", "command": "smallnano wallet vote-here --confirm"]
          )
        }
      }
    } catch {
      access.log.warn("could not set the voting keys", ["reason": "\(error)"])
    }
  }

  // MARK: What the rest of the wallet needs

  private func didUnlock() async {
    await setVoters()
    for account in accounts.prefix(Self.readyWorkAtStart) { prepareWork(for: account) }
    if options.receivesAutomatically { receiveInBackground(accounts) }
  }

  /// Accounts whose work is found as soon as the wallet is unlocked; others' after their first
  /// block.
  private static let readyWorkAtStart = 16

  func read<Result>(_ body: (LedgerTables) throws -> Result) throws -> Result {
    if reader == nil {
      reader = try LedgerReader(path: access.ledgerPath, parameters: access.parameters)
    }
    guard let reader else { throw WalletFailure.nodeStopping("the ledger cannot be read") }
    return try reader.snapshot(body)
  }

  func journal() throws -> SendJournal {
    if let openJournal { return openJournal }
    let journal = try SendJournal(
      path: options.path + "-sends.sqlite",
      chain: access.parameters.chainID
    )
    openJournal = journal
    return journal
  }

  func submit(_ command: SmallNanoMachine.Command) async throws -> SmallNanoMachine.Reply {
    do {
      return try await access.submit(command)
    } catch {
      throw WalletFailure.nodeStopping("\(error)")
    }
  }

  /// Runs `body` when every earlier call for this key has ended.
  func turn<Result: Sendable>(
    _ key: Turn,
    _ body: () async throws -> Result
  ) async throws -> Result {
    guard await withCheckedContinuation({ turns.take(key, $0) }) else { throw WalletFailure.busy }
    defer { turns.end(key) }
    return try await body()
  }
}

extension WalletFile {
  /// The accounts and the representative of another state of the same wallet.
  fileprivate func with(_ other: WalletFile) -> WalletFile {
    var file = self
    for entry in other.entries { file.add(entry) }
    if let representative = other.representative { file.setRepresentative(representative) }
    return file
  }
}
