public import EdDSA
public import Kernel

/// Which network a node belongs to; the byte stands in every frame's header.
public enum Network: UInt8, Sendable, CaseIterable {
  case main = 0x01
  case beta = 0x02
  case dev = 0xff

  public var name: String {
    switch self {
    case .main: "main"
    case .beta: "beta"
    case .dev: "dev"
    }
  }

  public init?(name: String) {
    guard let network = Network.allCases.first(where: { $0.name == name }) else { return nil }
    self = network
  }
}

/// All that differs between networks, in one table.
public struct NetworkParameters: Hashable, Sendable {
  public let network: Network
  public let genesisAccount: Account
  /// May sign epoch blocks, once a network allows them.
  public let epochKey: PublicKey
  public let supply: Amount
  /// Work values at or above these are valid.
  public let workThresholds: WorkThresholds
  /// What an opened account holds at least, for ever, and what a send moves at least.
  ///
  /// It is what makes a row on every node's disk cost something.
  public let minimumBalance: Amount
  /// Quorum is never computed over less than this share of the supply.
  public let quorumFloorPercent: UInt128
  public let peeringPort: UInt16
  public let rpcPort: UInt16
  public let chainID: ChainID
  public let genesisBlock: Block
  /// From the launch file; dev has none.
  public var bootstrap: BootstrapWeights?

  public init(
    network: Network,
    genesisAccount: Account,
    epochKey: PublicKey,
    supply: Amount,
    workThresholds: WorkThresholds,
    minimumBalance: Amount,
    quorumFloorPercent: UInt128,
    peeringPort: UInt16,
    rpcPort: UInt16
  ) {
    self.network = network
    self.genesisAccount = genesisAccount
    self.epochKey = epochKey
    self.supply = supply
    self.workThresholds = workThresholds
    self.minimumBalance = minimumBalance
    self.quorumFloorPercent = quorumFloorPercent
    self.peeringPort = peeringPort
    self.rpcPort = rpcPort
    var writer = ByteWriter(capacity: 81)
    writer.integer(network.rawValue)
    writer.bytes32(genesisAccount.bytes)
    writer.bytes32(epochKey.bytes)
    writer.integer(supply.raw)
    chainID = ChainID(BLAKE2b.hash256("smallnano-genesis-v1", writer.bytes))
    genesisBlock = Block(
      account: genesisAccount,
      previous: .zero,
      representative: genesisAccount,
      balance: supply,
      link: .zero,
      height: .open,
      on: chainID
    )
  }

  /// 10,000,000 smn.
  public static let fullSupply = Amount(raw: 10_000_000 * Amount.rawPerSMN)

  public var quorumFloor: Amount { Amount(raw: supply.raw / 100 * quorumFloorPercent) }
}

extension NetworkParameters {
  /// The network for trying things out: cheap work, a published genesis key.
  ///
  /// Its master seed is BLAKE2b-256("smallnano-dev-genesis-v1"); the genesis account is child 0.
  public static let dev: NetworkParameters = {
    let genesis = Bytes32(hex: "eef65a32646c0a848ac07eb8a9dca1369219360df986d52ab25b747344beaf10")
    guard let genesis else { preconditionFailure("the constant above has 64 digits") }
    return NetworkParameters(
      network: .dev,
      genesisAccount: Account(genesis),
      epochKey: PublicKey(genesis),
      supply: fullSupply,
      workThresholds: .dev,
      minimumBalance: Amount(raw: 1_000_000_000_000_000_000),
      quorumFloorPercent: 10,
      peeringPort: 17176,
      rpcPort: 17177
    )
  }()

  /// The published master seed of the dev network's genesis account.
  public static var devGenesisSeed: Bytes32 { BLAKE2b.hash256("smallnano-dev-genesis-v1") }
}
