import Kernel
import Mesh
import Simulation

/// An owner who signs two transitions for one slot and tries to have both certified: with different
/// validators, in several ballots, with acks that justify and acks that do not, and with certificates
/// held back.
///
/// It keeps its own chain; its node's honest machine says nothing.
final class Equivocator {
  private let cast: Cast
  private let node: Int
  private var random: SplitMix64
  private var slot: Slot
  private var head: TransitionHash
  /// What settled the slot before.
  private var last: TransitionPlan.Built?
  private var options: [TransitionPlan.Built] = []
  private var votes: [Proposal: [ValidatorIndex: ValidatorVote]] = [:]
  private var acks: [Ballot: [ValidatorIndex: BallotAck]] = [:]
  private var certificate: SettlementCertificate?
  /// Each slot costs two proofs.
  private var slotsLeft = 2
  private var nextExchange: UInt64 = 1
  private var isActive = true
  /// As few ballots as make trouble: each more is a further way not to meet in one.
  private static let ballotMax = 2

  private struct Proposal: Hashable {
    let ballot: Ballot
    let transition: TransitionHash
  }

  init(_ cast: Cast, _ node: Int, seed: UInt64) {
    self.cast = cast
    self.node = node
    random = SplitMix64(seed: seed)
    let state = cast.emptyWallet(node, remembersAll: true)
    slot = Slot(account: cast.keys(ofWallet: node).account, sequence: .first)
    head = state.head
  }

  func act(in cluster: MeshCluster) {
    let listener = Byzantine<MeshNode>(outgoing: { _, _, _ in [] }) { [self] message, _, _ in
      note(message.value)
      return []
    }
    cluster.setByzantine(node, listener)
    step(in: cluster)
  }

  func stop() { isActive = false }

  private func step(in cluster: MeshCluster) {
    cluster.after(.milliseconds(Int64(20 + random.below(400)))) { [self] cluster in
      guard isActive else { return }
      if options.isEmpty { prepare() }
      if !options.isEmpty { attack(in: cluster) }
      step(in: cluster)
    }
  }

  /// Signs two transitions for the next slot.
  private func prepare() {
    guard slotsLeft > 0 else { return }
    slotsLeft -= 1
    for amount in [10, 20] as [UInt64] {
      let payee = cast.honestWalletNodes.drawn(using: &random)
      let plan = TransitionPlan(
        slot: slot,
        previous: head,
        balance: last?.balance ?? cast.emptyWallet(node, remembersAll: true).balance,
        claims: [],
        payees: [Payee(address: cast.address(ofWallet: payee), amount: Amount(amount))]
      )
      let keys = cast.keys(ofWallet: node)
      guard let built = try? plan.build(with: keys, on: cast.genesis, using: &random) else {
        preconditionFailure("it has the money")
      }
      options.append(built)
    }
  }

  private func attack(in cluster: MeshCluster) {
    if let certificate, random.below(6) == 0 {
      // To some only: the others must get it from these.
      for validator in cast.validatorNodes where random.below(3) == 0 {
        send(.settle(certificate), to: validator, in: cluster)
      }
      return advance(over: certificate)
    }
    let ballot = Ballot(UInt32(random.below(Self.ballotMax + 1)))
    if ballot > .zero, random.below(3) == 0 {
      let request = BallotRequest.signed(
        slot: slot,
        ballot: ballot,
        by: cast.keys(ofWallet: node).signing,
        on: cast.genesis.id
      )
      return send(.ballot(request), to: someValidators(), in: cluster)
    }
    let first = random.below(2)
    let option = options[first].transition
    send(request(option, ballot), to: someValidators(), in: cluster)
    if random.below(2) == 0 {
      send(request(options[1 - first].transition, ballot), to: someValidators(), in: cluster)
    }
  }

  private func request(_ transition: Transition, _ ballot: Ballot) -> Request {
    let acks = acks[ballot]?.sorted { $0.key < $1.key }.map(\.value) ?? []
    return .vote(
      VoteRequest(
        ballot: ballot,
        acks: Array(acks.shuffled(using: &random).prefix(cast.genesis.validators.quorum)),
        submission: .transition(transition)
      )
    )
  }

  private func someValidators() -> [Int] {
    random.below(3) == 0
      ? cast.validatorNodes.filter { _ in random.below(2) == 0 } : Array(cast.validatorNodes)
  }

  private func send(_ request: Request, to validators: [Int], in cluster: MeshCluster) {
    for validator in validators { send(request, to: validator, in: cluster) }
  }

  private func send(_ request: Request, to validator: Int, in cluster: MeshCluster) {
    let exchange = Exchange(nextExchange)
    nextExchange += 1
    // Its signatures are its own, and of answers that were checked.
    cluster.inject(Verified(checked: .request(request, exchange)), from: node, to: validator)
  }

  /// Votes and acks; a quorum of votes makes a certificate, which it keeps to itself for a while.
  private func note(_ message: MeshMessage) {
    switch message {
    case .response(.vote(let vote), _) where vote.slot == slot:
      let proposal = Proposal(ballot: vote.ballot, transition: vote.transition)
      votes[proposal, default: [:]][vote.validator] = vote
      let support = votes[proposal]?.sorted { $0.key < $1.key }.map(\.value) ?? []
      guard support.count >= cast.genesis.validators.quorum, certificate == nil,
        let option = options.first(where: { $0.transition.hash == vote.transition })
      else { return }
      certificate = SettlementCertificate(support, for: option.transition)
    case .response(.ballot(let ack), _) where ack.slot == slot:
      acks[ack.ballot, default: [:]][ack.validator] = ack
    default: return
    }
  }

  private func advance(over certificate: SettlementCertificate) {
    guard let built = options.first(where: { $0.transition.hash == certificate.hash }) else {
      return
    }
    head = certificate.hash
    last = built
    slot = Slot(account: slot.account, sequence: slot.sequence.next)
    options = []
    votes = [:]
    acks = [:]
    self.certificate = nil
  }
}
