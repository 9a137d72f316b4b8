import BulletproofsPlus
public import Kernel

/// Range proofs of several transitions, verified together outside the machine's loop.
///
/// While one batch is being checked the next collects, so that batches grow with the load.
public struct ProofCheck: Computation {
  public let transitions: [Transition]
  /// Makes the weights, which no prover may foresee.
  let secret: SecretBytes
  let number: UInt64

  /// The same check of other transitions: an interpreter that has seen some of them before asks for
  /// the rest.
  package func of(_ transitions: [Transition]) -> ProofCheck {
    ProofCheck(transitions: transitions, secret: secret, number: number)
  }

  /// Does now what the first check would be held up by: some 50 ms, for payments to one recipient.
  public static func prepare() { Generators.prepare() }

  /// For each transition whether rule 9 holds.
  public func run() -> [Bool] {
    var verdicts = [Bool](repeating: true, count: transitions.count)
    var claims: [RangeClaim] = []
    var places: [Int] = []
    for (index, claim) in zip(transitions.indices, transitions.readRangeClaims()) {
      switch claim {
      case .success(let claim?):
        claims.append(claim)
        places.append(index)
      case .success(nil): break
      case .failure: verdicts[index] = false
      }
    }
    guard !claims.isEmpty else { return verdicts }
    var weights = SecretGenerator(secret, number: number)
    do throws(RangeProofBatchFailure) {
      try RangeProofBatch.verify(claims, using: &weights)
    } catch {
      switch error {
      case .empty: preconditionFailure("there are claims")
      case .culprits(let culprits):
        for culprit in culprits { verdicts[places[culprit.index]] = false }
      }
    }
    return verdicts
  }
}
