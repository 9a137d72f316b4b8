public import BulletproofsPlus
import Curve25519
import Keccak
import Kernel

/// What an owner wants to do next, with all that is secret about it: becomes a signed transition.
public struct TransitionPlan: Sendable {
  /// An output that is the owner's to take.
  public struct Claim: Sendable {
    public let reference: OutputReference
    public let opening: Opening

    public init(reference: OutputReference, opening: Opening) {
      self.reference = reference
      self.opening = opening
    }
  }

  public let slot: Slot
  public let previous: TransitionHash
  /// Opens the balance before.
  public let balance: Opening
  /// In any order.
  public let claims: [Claim]
  public let payees: [Payee]

  public init(
    slot: Slot,
    previous: TransitionHash,
    balance: Opening,
    claims: [Claim],
    payees: [Payee]
  ) {
    self.slot = slot
    self.previous = previous
    self.balance = balance
    self.claims = claims
    self.payees = payees
  }

  /// A transition with the opening of the balance that it leaves.
  public struct Built: Sendable {
    public let transition: Transition
    public let balance: Opening
  }

  /// Makes what all proofs of one payee rest on, and the first of a process would wait for: tens of
  /// milliseconds.
  public static func warmUp() {
    var random = SplitMix64(seed: 0)
    // Its outcome does not matter.
    _ = try? RangeProof.prove(
      [.padding, .padding],
      transcript: MerlinTranscript(label: "warm up"),
      using: &random
    )
  }

  /// Computes balances and memos, proves and signs.
  ///
  /// - Parameters:
  ///   - keys: of the slot's account.
  ///   - genesis: tells fee and network.
  ///   - random: gives the salt and hedges the proof; unpredictable.
  /// - Returns: the transition; equal randomness gives an equal one.
  /// - Throws: `PlanFailure`.
  public func build(
    with keys: AccountKeys,
    on genesis: Genesis,
    using random: inout some RandomNumberGenerator
  ) throws(PlanFailure) -> Built {
    let salt =
      payees.isEmpty
      ? Bytes32.zero
      : Bytes32(words: (random.next(), random.next(), random.next(), random.next()))
    let made = try body(with: keys, on: genesis, salt: salt)
    var proof: [UInt8] = []
    if let count = made.body.provedCount {
      let openings = [made.balance] + made.openings
      let padding = [Opening](repeating: .padding, count: count - openings.count)
      do throws(RangeProofFailure) {
        proof = try RangeProof.prove(
          openings + padding,
          transcript: .rangeProof(of: made.body.hash, on: genesis.id),
          using: &random
        ).proof.bytes
      } catch {
        throw .unluckyProof
      }
    }
    let transition = Transition.signed(made.body, proof: proof, by: keys.signing)
    return Built(transition: transition, balance: made.balance)
  }

  /// The body for a given salt, with the openings of the new balance and the outputs.
  func body(
    with keys: AccountKeys,
    on genesis: Genesis,
    salt: Bytes32
  ) throws(PlanFailure) -> (body: TransitionBody, balance: Opening, openings: [Opening]) {
    precondition(keys.account == slot.account)
    guard !claims.isEmpty || !payees.isEmpty else { throw .nothingToDo }
    guard claims.count <= Limits.claims else { throw .tooManyClaims }
    guard payees.count <= Limits.outputs else { throw .tooManyPayees }
    guard let fee = genesis.fees.minimum(outputs: payees.count) else { throw .insufficientFunds }
    let value = try newValue(fee: fee)
    var blinding = claims.reduce(balance.blinding) { $0 + $1.opening.blinding }
    var outputs: [RecipientOutput] = []
    var openings: [Opening] = []
    for (index, payee) in payees.enumerated() {
      guard
        let made = keys.output(
          for: payee,
          at: UInt8(index),
          of: slot,
          salt: salt,
          on: genesis.id
        )
      else { throw .unpayable(index) }
      outputs.append(made.output)
      openings.append(made.opening)
      blinding = blinding - made.opening.blinding
    }
    let newBalance = Opening(value: value.units, blinding: blinding)
    var body = TransitionBody(
      network: genesis.id,
      sender: slot.account,
      sequence: slot.sequence,
      previous: previous,
      fee: fee,
      newBalance: Commitment(newBalance),
      claims: claims.map(\.reference).sorted(),
      outputs: outputs
    )
    let memo = OwnerMemo(
      balance: newBalance,
      salt: salt,
      sent: payees.map { OwnerMemo.Sent(amount: $0.amount, viewKey: $0.address.viewKey) }
    )
    body.ownerMemo = keys.view.seal(memo, for: body)
    return (body, newBalance, openings)
  }

  /// Balance and claims less payments and fee.
  private func newValue(fee: Amount) throws(PlanFailure) -> Amount {
    var value = Amount(balance.value)
    for claim in claims {
      // All money together fits 64 bits: an overflow is a claim that lies.
      guard let sum = value.adding(Amount(claim.opening.value)) else { throw .insufficientFunds }
      value = sum
    }
    for amount in payees.map(\.amount) + [fee] {
      guard let rest = value.subtracting(amount) else { throw .insufficientFunds }
      value = rest
    }
    return value
  }
}

/// Why a plan cannot be carried out.
public enum PlanFailure: Error, Hashable, Sendable, CustomStringConvertible {
  case nothingToDo
  case tooManyClaims
  case tooManyPayees
  case insufficientFunds
  /// The memo of this payee is too long, or the view key is not one.
  case unpayable(Int)
  /// A chance below 2^-240; try again.
  case unluckyProof

  public var description: String {
    switch self {
    case .nothingToDo: "there is nothing to pay and nothing to claim"
    case .tooManyClaims: "one transition claims at most \(Limits.claims) outputs"
    case .tooManyPayees: "one transition pays at most \(Limits.outputs) payees"
    case .insufficientFunds: "there is not enough money"
    case .unpayable(let index): "payee \(index) has too long a memo, or no usable view key"
    case .unluckyProof: "the proof failed by chance"
    }
  }
}

extension MerlinTranscript {
  /// What a range proof is bound to, so that it fits no other transition.
  static func rangeProof(of body: BodyHash, on network: NetworkID) -> MerlinTranscript {
    var transcript = MerlinTranscript(label: "MESH/v1/range-proof")
    transcript.append("network", network.bytes.bytes)
    transcript.append("body", body.bytes.bytes)
    return transcript
  }
}

extension Transition {
  /// What has to be verified about the ranges.
  ///
  /// - Returns: the claim; nil without outputs, when there is nothing to prove.
  /// - Throws: if the proof cannot be read.
  public func rangeClaim() throws(RangeProofFailure) -> RangeClaim? {
    body.provedCount == nil ? nil : try rangeClaim(of: RangeProof(proof))
  }

  /// The same, of a transition with outputs whose proof has been read.
  func rangeClaim(of proof: RangeProof) throws(RangeProofFailure) -> RangeClaim {
    let commitments = [body.newBalance.encoded] + body.outputs.map(\.commitment.encoded)
    let padding = [EncodedPoint](
      repeating: Commitment.identity.encoded,
      count: max(0, (body.provedCount ?? 0) - commitments.count)
    )
    return RangeClaim(
      proof,
      of: try Commitments(commitments + padding),
      transcript: .rangeProof(of: signed.bodyHash, on: body.network)
    )
  }
}
