import Mesh
import Synchronization

/// What was found out about range proofs in one run.
///
/// Each transition's proof is really verified, once: ten validators would find ten times the same, as
/// the verdict depends on the transition alone, and its hash covers body and proof.
public final class ProofVerdicts: Sendable {
  private let known = Mutex<[TransitionHash: Bool]>([:])

  func run(_ check: ProofCheck) -> [Bool] {
    let transitions = check.transitions
    return known.withLock { known in
      let unknown = transitions.filter { known[$0.hash] == nil }
      if !unknown.isEmpty {
        for (transition, verdict) in zip(unknown, check.of(unknown).run()) {
          known[transition.hash] = verdict
        }
      }
      return transitions.map { known[$0.hash] == true }
    }
  }
}
