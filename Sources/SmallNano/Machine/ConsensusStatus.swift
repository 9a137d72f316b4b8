public import Kernel

/// What the node knows of the network's weight: `confirmation_quorum`, `representatives_online`.
public struct ConsensusStatus: Sendable {
  public let quorum: Amount
  /// What two thirds are taken of: the largest of online, trended, floor.
  public let base: Amount
  public let onlineWeight: Amount
  public let trendedWeight: Amount
  public let floor: Amount
  /// Weight of representatives that connected peers, and this node, speak for.
  public let peersWeight: Amount
  public let onlineRepresentatives: [(representative: Account, weight: Amount)]
  public let elections: Int
  public let backlog: Int
  public let voters: [Account]
}

/// A slot being decided: `confirmation_info`.
public struct ElectionSummary: Sendable {
  public struct Candidate: Sendable {
    public let block: Block
    public let normalWeight: Amount
    public let finalWeight: Amount
    /// Those who voted final for it in the current round, or normal if none did.
    public let representatives: [(representative: Account, weight: Amount)]
  }

  public let slot: Slot
  public let round: Round
  public let startedAt: Instant
  public let candidates: [Candidate]
}

extension SmallNanoMachine {
  var status: ConsensusStatus {
    var speaking: [Account] = voters.map(\.account)
    for account in peers.flatMap(\.representatives) where !speaking.contains(account) {
      speaking.append(account)
    }
    let base = self.base
    return ConsensusStatus(
      quorum: OnlineWeight.quorum(of: base),
      base: base,
      onlineWeight: online.onlineWeight(now: now) { weight($0) },
      trendedWeight: online.trend,
      floor: ledger.parameters.quorumFloor,
      peersWeight: speaking.reduce(.zero) { $0 + weight($1) },
      onlineRepresentatives: online.online(now: now).map { ($0, weight($0)) },
      elections: elections.count,
      backlog: backlog.count,
      voters: voters.map(\.account)
    )
  }

  func summary(of hash: BlockHash) -> ElectionSummary? {
    guard let slot = candidateSlots[hash], let election = elections[slot] else { return nil }
    let round = election.round
    return ElectionSummary(
      slot: slot,
      round: round,
      startedAt: election.startedAt,
      candidates: election.candidates.map { candidate in
        let hash = candidate.block.hash
        let finals = election.tally.voters(.final, round, hash)
        let normals = election.tally.voters(.normal, round, hash)
        return ElectionSummary.Candidate(
          block: candidate.block,
          normalWeight: election.tally.weight(.normal, round, hash) { weight($0) },
          finalWeight: election.tally.weight(.final, round, hash) { weight($0) },
          representatives: (finals.isEmpty ? normals : finals)
            .map { ($0.representative, weight($0.representative)) }
        )
      }
    )
  }
}
