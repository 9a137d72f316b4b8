public import Kernel
public import Secp256k1

/// How gas gets its price.
public enum FeeRule: Hashable, Sendable {
  /// Always the same.
  ///
  /// At 1 it is the original's, where a coin bought a million gas: a coin has a million units.
  case fixed(UInt64)
  /// Starts at 1; goes up while blocks are more than half full, and down while they are less.
  case auction

  var start: UInt64 { if case .fixed(let price) = self { price } else { 1 } }

  /// By an eighth of itself at most, by one step at least.
  func price(after price: UInt64, gasUsed: UInt64) -> UInt64 {
    let half = Block.gasMax / 2
    guard self == .auction, gasUsed != half else { return price }
    let distance = gasUsed > half ? gasUsed - half : half - gasUsed
    let product = price.multipliedFullWidth(by: distance)
    let step = max(1, (half * 8).dividingFullWidth(product).quotient)
    if gasUsed < half { return max(1, price - step) }
    let (sum, overflow) = price.addingReportingOverflow(step)
    return overflow ? .max : sum
  }
}

/// What all nodes of a network agree on beforehand.
public struct NetworkParameters: Sendable {
  public typealias Allocations = [(account: Address, units: UInt64)]

  public var name: String
  public var genesisTime: UInt64
  public var allocations: Allocations
  public var fees: FeeRule
  /// May mint; nil where nobody may.
  public var minter: Address?
  /// The producer of blocks that nobody mines.
  public var treasury: Address
  /// What the first blocks bring their producers; half as much after each `halving` blocks.
  public var subsidy: UInt64
  public var halving: UInt32
  /// Nil where nobody mines.
  public var work: WorkRule?

  public var isMain: Bool { name == "main" }

  func subsidy(at height: UInt32) -> UInt64 { subsidy >> UInt64(height / halving) }

  /// A network of one node that nobody mines; its money is everybody's.
  public static let dev = NetworkParameters(
    name: "dev",
    genesisTime: 1_767_225_600,
    allocations: [(faucet, 1_000_000_000_000_000)],
    fees: .auction,
    minter: faucet,
    treasury: faucet,
    subsidy: 5_000_000_000,
    halving: 8_409_600
  )

  /// `dev` mined by several nodes; another chain than the one that nobody mines.
  public static let minedDev = dev.mined(.init(.sha256d, .epoch, interval: 2, limit: .max >> 20))

  /// Mined by a hash that is cheap to prove.
  public static let provable = dev.mined(
    WorkRule(.poseidon2, .asert(halfLife: 3_600), interval: 15, limit: .max >> 12),
    name: "provable"
  )

  /// The main network, which begins when and with what its launch file says.
  public static func main(genesisTime: UInt64, allocations: Allocations, bits: UInt32) -> Self {
    let rule = WorkRule(.sha256d, .asert(halfLife: 3_600), interval: 15, limit: .max >> 24)
    var network = dev.mined(rule, name: "main")
    (network.minter, network.treasury) = (nil, .zero)
    network.work?.start = bits
    (network.genesisTime, network.allocations) = (genesisTime, allocations)
    return network
  }

  private func mined(_ rule: WorkRule, name: String = "dev") -> Self {
    var network = self
    (network.name, network.work) = (name, rule)
    return network
  }

  /// The dev network's faucet, whose secret is SHA-256("tinychain dev faucet").
  public static let faucetKey: ECDSASecretKey = {
    var seed = SHA256.hash(Array("tinychain dev faucet".utf8)).bytes
    guard let key = ECDSASecretKey(SecretBytes(wiping: &seed)) else {
      preconditionFailure("a number in range")
    }
    return key
  }()

  public static let faucet = Address(faucetKey.publicKey)

  /// The block that is there before all others: allocations, prices and the contract of the coin.
  ///
  /// The chain's id is the first 4 bytes of this one's.
  public var genesis: ExecutedBlock {
    var state = State()
    for (account, units) in allocations {
      state.change(account) { $0.balance += units }
      state[number: .supply] += units
    }
    precondition(state[number: .supply] <= World.supplyMax)
    state[number: .baseFee] = fees.start
    let source = Array(SneedToken.source.utf8)
    let arguments: [Datum] = [
      minter.map { .address($0) } ?? .bool(false), .amount(UInt128(state[number: .supply])),
    ]
    guard let data = LispContract.creation(source: source, arguments: .list(arguments)) else {
      preconditionFailure("a short source")
    }
    var world = World(state, height: 0, time: genesisTime)
    let outcome = world.run(Transaction(.createLisp, data: data), by: .zero, gas: 1_000_000)
    precondition(outcome.isSuccess)
    return ExecutedBlock(Header(time: genesisTime, bits: work?.start ?? 0), world.state)
  }
}
