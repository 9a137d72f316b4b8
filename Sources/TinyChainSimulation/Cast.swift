import Kernel
import Secp256k1
import Simulation
import TinyChain
import TinyChainPeers

/// Who takes part in a run: nodes, what they hash, owners, and the one that lies.
struct Cast {
  /// Seconds from block to block, as the network wants it.
  static let interval: Int64 = 15

  let nodes: Int
  /// Hashes a second of each node; 0 for those that do not mine.
  let rates: [UInt64]
  /// The node that lies, and how.
  let liar: (node: Int, lie: Lie)?
  let owners: [ECDSASecretKey]
  let parameters: NetworkParameters
  /// At the genesis block.
  let chain: Chain

  init(nodes: Int, using random: inout SplitMix64) {
    self.nodes = nodes
    let lie = Lie.allCases[random.below(Lie.allCases.count)]
    liar = random.below(4) > 0 ? (random.below(nodes), lie) : nil
    var shares = (0..<nodes).map { _ in random.below(4) == 0 ? 0 : 1 << random.below(4) }
    if let liar { shares[liar.node] = 0 }
    if shares.reduce(0, +) == 0 { shares[liar?.node == 0 ? 1 : 0] = 1 }
    let honest = shares.reduce(0, +)
    let unit = Self.startWork / UInt64(Self.interval) / UInt64(honest)
    var rates = shares.map { UInt64($0) * unit }
    // Up to a third of all: more can rewrite the chain, whatever the nodes do.
    if let liar { rates[liar.node] = unit * UInt64(honest) / UInt64(2 + random.below(4)) }
    self.rates = rates
    owners = Self.keys
    (parameters, chain) = (Self.network, Self.first)
  }

  func isHonest(_ node: Int) -> Bool { node != liar?.node }

  func link(to node: Int) -> PeerLink {
    let ip = IPAddress(v4: 0x0a00_0001 + UInt32(node))
    return PeerLink(address: SocketAddress(ip, port: 5_100), isOutbound: true)
  }

  func node(at address: SocketAddress) -> Int? {
    address.ip.v4.map { Int($0) - 0x0a00_0001 }
  }

  /// A name for the node in its blocks.
  static func producer(_ node: Int) -> Address {
    Address([UInt8](repeating: UInt8(truncatingIfNeeded: node + 1), count: 20)) ?? .zero
  }

  // Equal in every run: what differs is what happens.

  private static let startWork: UInt64 = 1 << 24
  private static let keys: [ECDSASecretKey] = (0..<4).map { index in
    var seed = SHA256.hash([UInt8(index)]).bytes
    guard let key = ECDSASecretKey(SecretBytes(wiping: &seed)) else {
      preconditionFailure("a number in range")
    }
    return key
  }

  /// Quick to find its difficulty, so that two sides of a partition differ in it.
  private static let network: NetworkParameters = {
    var network = NetworkParameters.dev
    network.name = "simulated"
    let limit = UInt256.max >> 12
    network.work = WorkRule(.simulated, .asert(halfLife: 90), interval: interval, limit: limit)
    network.work?.start = (UInt256.max >> 24).compact
    network.genesisTime = World().epoch.milliseconds / 1_000 - 10
    network.allocations = keys.map { (Address($0.publicKey), 1_000_000_000_000) }
    return network
  }()

  private static let first = Chain(network)
}

/// What a node does that is not honest.
enum Lie: CaseIterable {
  /// Keeps its blocks back until others come near.
  case selfish
  /// Mines blocks that break a rule, one after another each of them.
  case invalidBlocks
  /// Times as far ahead, or as far back, as it can.
  case wrongTimes
  /// Says it has work that it has not.
  case falseWork
  /// Never gives a body; or another one than was asked for.
  case stalling, wrongBodies
}
