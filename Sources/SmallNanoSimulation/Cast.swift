import EdDSA
import Kernel
import Simulation
import SmallNano

/// Who takes part in a run: nodes, representatives, owners, and the ledger they start from.
struct Cast {
  let nodes: Int
  let parameters: NetworkParameters
  /// One key a node; all hold weight.
  let representatives: [SecretKey]
  /// The node whose representative lies; its weight is below what safety and liveness bear.
  let byzantine: Int?
  let owners: [SecretKey]
  /// Of the owners, those who sign two blocks for one height.
  let forkers: Int
  /// One payment of theirs in so many is a fork.
  let forkInterval: UInt64
  /// Genesis has spent: representatives and owners are open and confirmed.
  let firstLedger: MemoryStore

  init(nodes: Int, using random: inout SplitMix64) {
    self.nodes = nodes
    let genesis = Self.key(1, 0)
    let parameters = NetworkParameters(
      network: .dev,
      genesisAccount: Account(genesis.publicKey),
      epochKey: genesis.publicKey,
      supply: Amount(raw: 1_000_000_000),
      workThresholds: WorkThresholds(send: 0, receive: 0),
      minimumBalance: Amount(raw: 10),
      quorumFloorPercent: 75,
      peeringPort: 0,
      rpcPort: 0
    )
    self.parameters = parameters
    representatives = (0..<nodes).map { Self.key(2, $0) }
    owners = (0..<(3 + Int(random.below(6)))).map { Self.key(3, $0) }
    forkers = Int(random.below(4))
    forkInterval = 2 + random.below(2) * 4
    let hasByzantine = random.below(3) > 0
    byzantine = hasByzantine ? Int(random.below(UInt64(nodes))) : nil

    // 94 % among the nodes; the owners' 5 % and genesis' rest vote with node 0's key.
    var shares = (0..<nodes).map { _ in 10 + random.below(90) }
    if let byzantine {
      // At most 30 %, often just that: what safety and liveness bear, and where they are tightest.
      let others = shares.enumerated().filter { $0.offset != byzantine }.map(\.element).reduce(0, +)
      let most = others * 3 / 7
      shares[byzantine] = random.below(2) == 0 ? most : min(shares[byzantine], most)
    }
    let total = shares.reduce(0, +)

    var ledger = Ledger(store: MemoryStore(), parameters: parameters)
    var writer = LedgerWriter(ledger: ledger, parameters: parameters)
    let home = Account(representatives[byzantine == 0 ? 1 : 0].publicKey)
    for (index, representative) in representatives.enumerated() {
      let amount = 940_000_000 / total * shares[index]
      writer.pay(amount, from: genesis, to: representative, naming: nil, genesisNames: home)
    }
    for owner in owners {
      writer.pay(
        50_000_000 / UInt64(owners.count),
        from: genesis,
        to: owner,
        naming: home,
        genesisNames: home
      )
    }
    ledger = writer.ledger
    // Two weeks in which all were online. Without a history the quorum's base may fall to its floor,
    // and then next to nothing may be Byzantine (docs/protocols/smallnano.md, "Quorum").
    let epoch = World().epoch
    let week = Duration.seconds(7 * 24 * 3600)
    for age in [week, .seconds(3600), .seconds(600), .seconds(300), .seconds(1)] {
      let sample = OnlineSample(time: epoch + (.zero - age), weight: parameters.supply)
      ledger.store.apply(
        LedgerChange([.putOnlineSample(sample, dropBefore: epoch + (.zero - week))])
      )
    }
    guard let store = ledger.store as? MemoryStore else {
      preconditionFailure("the ledger was opened over a MemoryStore")
    }
    firstLedger = store
  }

  func voters(of node: Int) -> [SecretKey] { [representatives[node]] }

  func identity(of node: Int) -> PublicKey { Self.key(4, node).publicKey }

  func isHonest(_ node: Int) -> Bool { node != byzantine }

  /// Keys are the same in every run: what differs is what happens.
  private static func key(_ role: UInt8, _ index: Int) -> SecretKey {
    var seed = [UInt8](repeating: 0, count: 32)
    seed[0] = role
    seed[1] = UInt8(truncatingIfNeeded: index)
    guard let key = SecretKey(seed: SecretBytes(wiping: &seed)) else {
      preconditionFailure("a seed has 32 bytes")
    }
    return key
  }
}

/// Writes confirmed history straight into a ledger.
private struct LedgerWriter {
  var ledger: Ledger
  let parameters: NetworkParameters

  mutating func pay(
    _ amount: UInt64,
    from: SecretKey,
    to: SecretKey,
    naming representative: Account?,
    genesisNames: Account
  ) {
    let source = Account(from.publicKey)
    let destination = Account(to.publicKey)
    guard let state = ledger.store.account(source) else { return }
    let send = Block(
      account: source,
      previous: state.head,
      representative: genesisNames,
      balance: state.balance - Amount(raw: UInt128(amount)),
      link: destination.bytes,
      height: state.height.next,
      on: parameters.chainID
    ).signed(by: from)
    let open = Block(
      account: destination,
      previous: .zero,
      representative: representative ?? destination,
      balance: Amount(raw: UInt128(amount)),
      link: send.hash.bytes,
      height: .open,
      on: parameters.chainID
    ).signed(by: to)
    for block in [send, open] {
      var change = LedgerChange()
      do {
        _ = try ledger.append(Verified(checked: block), into: &change)
        _ = ledger.confirm(
          block.hash,
          at: Instant(nanoseconds: 0),
          limit: 10,
          into: &change
        )
      } catch {
        preconditionFailure("history is made to be valid: \(error)")
      }
    }
  }
}
