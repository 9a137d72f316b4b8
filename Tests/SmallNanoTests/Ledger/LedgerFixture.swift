import Kernel
import SmallNano

/// A small ledger with round numbers, and hands to write blocks for it.
struct LedgerFixture: Sendable {
  /// Supply 1,000,000, minimum 10; a send needs 2 hashes of work on average, a receive 4/3.
  static let parameters = NetworkParameters(
    network: .dev,
    genesisAccount: account(1),
    epochKey: account(99).key,
    supply: Amount(raw: 1_000_000),
    workThresholds: WorkThresholds(send: 1 << 63, receive: 1 << 62),
    minimumBalance: Amount(raw: 10),
    quorumFloorPercent: 10,
    peeringPort: 1,
    rpcPort: 2
  )

  static let genesis = account(1)
  static let alice = account(2)
  static let bob = account(3)
  static let carol = account(4)

  static func account(_ number: UInt64) -> Account {
    Account(Bytes32(words: (number.byteSwapped, 0, 0, 7)))
  }

  var ledger = Ledger(store: MemoryStore(), parameters: parameters)
  /// All that was applied to the store since genesis.
  var change = LedgerChange()

  var store: MemoryStore? { ledger.store as? MemoryStore }

  /// The next block of an account, unless told otherwise, with work for any kind.
  func block(
    of account: Account,
    height: Height? = nil,
    previous: BlockHash? = nil,
    representative: Account? = nil,
    balance: UInt128,
    link: Bytes32 = .zero,
    work: ClosedRange<UInt64> = 1 << 63 ... .max
  ) -> Block {
    let head = ledger.store.account(account)
    var block = Block(
      account: account,
      previous: previous ?? head?.head ?? .zero,
      representative: representative ?? head?.representative ?? account,
      balance: Amount(raw: balance),
      link: link,
      height: height ?? head?.height.next ?? .open,
      on: Self.parameters.chainID
    )
    while !work.contains(block.workValue) { block.work += 1 }
    return block
  }

  func balance(of account: Account) -> UInt128 {
    ledger.store.account(account)?.balance.raw ?? 0
  }

  /// Judges a block as a node does: first by itself, then by the ledger.
  mutating func submit(_ block: Block) throws(BlockRejection) -> LedgerBlock {
    if let rejection = block.statelessRejection(parameters: Self.parameters) { throw rejection }
    return try ledger.append(Verified(checked: block), into: &change)  // Work; nobody signs here.
  }

  @discardableResult
  mutating func send(
    _ amount: UInt128,
    from account: Account,
    to destination: Account
  ) throws -> LedgerBlock {
    let left = balance(of: account) - amount
    return try submit(block(of: account, balance: left, link: destination.bytes))
  }

  @discardableResult
  mutating func receive(_ send: LedgerBlock) throws -> LedgerBlock {
    let account = Account(send.block.link)
    let sum = balance(of: account) + send.amount.raw
    return try submit(block(of: account, balance: sum, link: send.hash.bytes))
  }

  @discardableResult
  mutating func confirm(_ block: LedgerBlock, limit: Int = 100) -> [LedgerBlock] {
    ledger.confirm(block.hash, at: Instant(milliseconds: 5000), limit: limit, into: &change)
      .confirmed
  }

  /// Genesis paid Alice 1000, confirmed, and she opened her account, confirmed.
  ///
  /// She then sent 100 to Bob, which waits for him, and changed her representative to Carol; both
  /// unconfirmed.
  static func story() throws -> LedgerFixture {
    var fixture = LedgerFixture()
    let funding = try fixture.send(1000, from: genesis, to: alice)
    fixture.confirm(try fixture.receive(funding))
    try fixture.send(100, from: alice, to: bob)
    _ = try fixture.submit(fixture.block(of: alice, representative: carol, balance: 900))
    return fixture
  }

  /// A block of the chain that must be there.
  func block(_ account: Account, _ height: UInt64) throws -> LedgerBlock {
    struct NoSuchBlock: Error {}
    let slot = Slot(account: account, height: Height(height))
    guard let block = ledger.store.block(at: slot) else { throw NoSuchBlock() }
    return block
  }
}
