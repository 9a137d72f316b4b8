/// Weights that a fresh node tallies with until its own ledger can tell: from the launch file.
public struct BootstrapWeights: Hashable, Sendable {
  /// In force until so many blocks are confirmed here.
  public let confirmedBlocks: UInt64
  private let weights: [Account: Amount]

  public init(confirmedBlocks: UInt64, weights: [Account: Amount]) {
    self.confirmedBlocks = confirmedBlocks
    self.weights = weights
  }

  public func weight(of representative: Account) -> Amount {
    weights[representative] ?? .zero
  }
}
