import EdDSA
import Kernel
import Mesh
import Simulation

/// Who takes part in a run: validators and those of them that fail, honest wallets, and owners who
/// sign two transitions for one slot.
///
/// Nodes are numbered: validators in the order of their set, honest wallets, equivocators.
struct Cast {
  let genesis: Genesis
  let validatorKeys: [SecretKey]
  /// In the order of their nodes, honest ones first.
  let wallets: [AccountKeys]
  let honestWallets: Int
  /// The Byzantine validators, with what they do; with the forgetful at most f.
  let liars: [Int: Lie]
  /// A validator that loses its database in the run.
  let forgetful: Int?

  init(validators count: Int, using random: inout SplitMix64) {
    validatorKeys = (0..<count).map { Self.key($0) }.sorted { $0.publicKey < $1.publicKey }
    honestWallets = 2 + Int(random.below(3))
    let equivocators = Int([0, 1, 1, 2][Int(random.below(4))])
    let master = Self.masterSeed
    wallets = (0..<UInt32(honestWallets + equivocators)).map { master.account($0) }
    // The third and fourth honest wallets may start with nothing.
    var allocated = Array(wallets.prefix(2))
    for keys in wallets.dropFirst(2).prefix(honestWallets - 2) where random.below(2) == 0 {
      allocated.append(keys)
    }
    allocated += wallets.dropFirst(honestWallets)
    do {
      genesis = try Genesis(
        name: "mesh-simulation",
        createdMs: 0,
        fees: .init(base: Amount(1), perOutput: Amount(2)),
        asset: .init(
          id: Genesis.assetID,
          decimals: 2,
          symbol: "SIM",
          supply: Amount(Self.allocation * UInt64(allocated.count))
        ),
        validators: try ValidatorSet(epoch: .zero, keys: validatorKeys.map(\.publicKey)),
        allocations: allocated.map(\.account).sorted().map {
          .init(account: $0, asset: Genesis.assetID, amount: Amount(Self.allocation))
        }
      )
    } catch {
      preconditionFailure("the genesis is made to be valid: \(error)")
    }
    let faultsMax = genesis.validators.faultsMax
    var faulty = Int(random.below(3)) > 0 ? faultsMax : Int(random.below(UInt64(faultsMax + 1)))
    var liars: [Int: Lie] = [:]
    var forgetful: Int?
    while faulty > 0 {
      let node = Int(random.below(UInt64(count)))
      guard liars[node] == nil, forgetful != node else { continue }
      faulty -= 1
      if forgetful == nil, random.below(8) == 0 {
        forgetful = node
      } else {
        liars[node] = Lie.allCases[Int(random.below(UInt64(Lie.allCases.count)))]
      }
    }
    self.liars = liars
    self.forgetful = forgetful
  }

  private static let allocation: UInt64 = 10_000

  var validatorCount: Int { validatorKeys.count }
  var nodeCount: Int { validatorCount + wallets.count }
  var validatorNodes: Range<Int> { 0..<validatorCount }
  var correctValidators: [Int] { validatorNodes.filter { isCorrect($0) } }
  var honestWalletNodes: Range<Int> { validatorCount..<validatorCount + honestWallets }
  var equivocatorNodes: Range<Int> { validatorCount + honestWallets..<nodeCount }

  /// A validator that keeps to the protocol, and its database.
  func isCorrect(_ validator: Int) -> Bool { liars[validator] == nil && forgetful != validator }

  func keys(ofWallet node: Int) -> AccountKeys { wallets[node - validatorCount] }

  func address(ofWallet node: Int) -> Address { keys(ofWallet: node).address(on: genesis) }

  /// The honest wallet that owns an account.
  func honestWallet(of account: AccountID) -> Int? {
    honestWalletNodes.first { keys(ofWallet: $0).account == account }
  }

  func identity(of node: Int) -> MeshPeer {
    node < validatorCount ? .validator(ValidatorIndex(UInt16(node))) : .wallet
  }

  /// Validators with each other, wallets with validators.
  var links: [(Int, Int)] {
    validatorNodes.flatMap { a in (a + 1..<nodeCount).map { (a, $0) } }
  }

  func firstDisk(of node: Int) -> MeshDisk {
    var disk = MeshDisk(of: node)
    if node >= validatorCount { disk.wallet = emptyWallet(node, remembersAll: true) }
    return disk
  }

  func emptyWallet(_ node: Int, remembersAll: Bool) -> WalletState {
    WalletState(
      account: keys(ofWallet: node).account,
      genesis: genesis,
      remembersAll: remembersAll
    )
  }

  /// Keys are the same in every run: what differs is what happens.
  private static func key(_ index: Int) -> SecretKey {
    guard let key = SecretKey(seed: secret(UInt64(index))) else {
      preconditionFailure("a seed has 32 bytes")
    }
    return key
  }

  private static var masterSeed: MasterSeed {
    guard let seed = MasterSeed(secret(1 << 32)) else {
      preconditionFailure("a seed has 32 bytes")
    }
    return seed
  }

  static func secret(_ number: UInt64) -> SecretBytes {
    var writer = ByteWriter(capacity: 32)
    writer.integer(number)
    for _ in 0..<3 { writer.integer(UInt64(0)) }
    var bytes = writer.bytes
    return SecretBytes(wiping: &bytes)
  }
}

extension SplitMix64 {
  /// 0..<limit.
  mutating func below(_ limit: UInt64) -> UInt64 { next(upperBound: limit) }

  mutating func below(_ limit: Int) -> Int { Int(next(upperBound: UInt64(limit))) }
}

extension Collection where Index == Int {
  /// One of them; there must be one.
  func drawn(using random: inout SplitMix64) -> Element {
    self[startIndex + random.below(count)]
  }
}
