import Kernel
import Mesh

/// The accounts and transitions of the model, real ones.
///
/// Account 0 has a Byzantine owner, who signs two transitions for its first slot; each pays the other
/// account twice. Account 1 is honest: it claims what a certificate of the first gives it, with one of
/// two transitions, the second of which only a wallet makes that has forgotten the first.
struct ModelValues {
  static let ballotMax = 3

  /// Which transition: 0 and 1 of the Byzantine owner; of the honest one 2 + 2·source + which.
  typealias Value = Int
  static let count = 6

  let genesis: Genesis
  let transitions: [Transition]
  /// Owners' accounts, the Byzantine one's first.
  let slots: [Slot]
  private let places: [TransitionHash: Value]

  init() {
    var random = SplitMix64(seed: 7)
    let cast = Cast(validators: 4, using: &random)
    genesis = cast.genesis
    let nodes = [cast.honestWalletNodes[4], cast.honestWalletNodes[5]]
    let keys = nodes.map { cast.keys(ofWallet: $0) }
    slots = keys.map { Slot(account: $0.account, sequence: .first) }
    var made: [Transition] = []
    let slots = slots
    func build(_ owner: Int, _ claims: [TransitionPlan.Claim], _ payees: [Payee]) {
      let state = cast.emptyWallet(nodes[owner], remembersAll: true)
      let plan = TransitionPlan(
        slot: slots[owner],
        previous: state.head,
        balance: state.balance,
        claims: claims,
        payees: payees
      )
      guard let built = try? plan.build(with: keys[owner], on: cast.genesis, using: &random) else {
        preconditionFailure("the model's owners have the money")
      }
      made.append(built.transition)
    }
    for amount in [10, 20] as [UInt64] {
      let payee = Payee(address: cast.address(ofWallet: nodes[1]), amount: Amount(amount))
      build(0, [], [payee, payee])
    }
    for source in [made[0], made[1]] {
      let claims = source.body.outputs.indices.map { index in
        guard
          let payment = keys[1].view.incoming.open(
            source.body.outputs[index],
            at: index,
            of: source.slot,
            on: cast.genesis.id
          )
        else { preconditionFailure("the output was made for this key") }
        return TransitionPlan.Claim(
          reference: OutputReference(source: source.hash, index: UInt16(index)),
          opening: payment.opening
        )
      }
      build(1, [claims[0]], [])
      build(1, claims, [])
    }
    transitions = made
    places = Dictionary(uniqueKeysWithValues: made.enumerated().map { ($1.hash, $0) })
  }

  func value(of hash: TransitionHash) -> Value {
    guard let value = places[hash] else { preconditionFailure("a transition of the model") }
    return value
  }

  /// a0 and a1 of the Byzantine owner; b0 and b1 of the honest one, who claims from one source only.
  static func name(of value: Value) -> String { value < 2 ? "a\(value)" : "b\(value & 1)" }

  /// A vote by whomever; the ledger does not look at signatures, which were checked before.
  func vote(for value: Value, in ballot: Int, by validator: UInt16 = 0) -> ValidatorVote {
    ValidatorVote(
      validator: ValidatorIndex(validator),
      ballot: Ballot(UInt32(ballot)),
      epoch: .zero,
      slot: transitions[value].slot,
      transition: transitions[value].hash,
      signature: .zero
    )
  }

  func certificate(for value: Value) -> SettlementCertificate {
    let votes = (0..<3 as Range<UInt16>).map { vote(for: value, in: 0, by: $0) }
    guard let certificate = SettlementCertificate(votes, for: transitions[value]) else {
      preconditionFailure("three votes for one transition")
    }
    return certificate
  }
}
