import BulletproofsPlus
import EdDSA
import Kernel
import Mesh

/// Payments of many accounts to as many others, made ahead: to a validator each is one like any other.
struct MeshLoad: Sendable {
  /// One payment, and the claim of what it paid.
  struct Pair: Sendable {
    let send: Transition
    let receive: Transition
  }

  let pairs: [Pair]

  /// The accounts that pay: they need `tokens` each in the genesis.
  static func payers(_ count: Int, of seed: MasterSeed) -> [AccountKeys] {
    (0..<count).map { seed.account(UInt32($0)) }
  }

  /// Signs and proves.
  ///
  /// - Parameters:
  ///   - payers: with their first balance.
  ///   - units: which each of them has.
  ///   - seed: of the payees, at numbers that no payer has.
  ///   - genesis: without fees.
  ///   - progress: told how many are made.
  /// - Throws: `PlanFailure`.
  init(
    _ payers: [AccountKeys],
    units: UInt64,
    seed: MasterSeed,
    on genesis: Genesis,
    progress: (Int) -> Void
  ) throws {
    var random = SystemRandomNumberGenerator()
    var pairs: [Pair] = []
    for (number, payer) in payers.enumerated() {
      let payee = seed.account(UInt32(payers.count + number))
      let send = try TransitionPlan(
        slot: Slot(account: payer.account, sequence: .first),
        previous: payer.account.origin(on: genesis.id),
        balance: Opening(value: units, blinding: .zero),
        claims: [],
        payees: [Payee(address: payee.address(on: genesis), amount: Amount(units / 2))]
      ).build(with: payer, on: genesis, using: &random).transition
      let output = send.body.outputs[0]
      guard
        let payment = payee.view.incoming.open(output, at: 0, of: send.slot, on: genesis.id)
      else { preconditionFailure("it was made for this payee") }
      let receive = try TransitionPlan(
        slot: Slot(account: payee.account, sequence: .first),
        previous: payee.account.origin(on: genesis.id),
        balance: .padding,
        claims: [
          TransitionPlan.Claim(
            reference: OutputReference(source: send.hash, index: 0),
            opening: payment.opening
          )
        ],
        payees: []
      ).build(with: payee, on: genesis, using: &random).transition
      pairs.append(Pair(send: send, receive: receive))
      if pairs.count % 500 == 0 { progress(pairs.count) }
    }
    self.pairs = pairs
  }

  /// What checking one payment cannot cost less than, in nanoseconds.
  struct Bound {
    /// The owner's signature, from its bytes to the verdict.
    let signature: Double
    /// The range proof's bytes: canonical scalars, and points of the curve.
    let reading: Double
    /// The equation of a proof that has been read.
    let proof: Double

    var sum: Double { signature + reading + proof }

    var text: String {
      "\(decimal(signature / 1e3)) + \(decimal(reading / 1e3)) + \(decimal(proof / 1e3)) us"
    }
  }

  /// Measured in this thread by its processor time, each in batches of 64.
  func bound(rounds: Int = 9) throws -> Bound {
    let sends = pairs.prefix(64).map(\.send)
    var random = SystemRandomNumberGenerator()
    var signatures = Figure(per: sends.count)
    var readings = Figure(per: sends.count)
    var proofs = Figure(per: sends.count)
    let bytes = sends.map(\.proof)
    let claims = try sends.compactMap { try $0.rangeClaim() }
    for _ in 0..<rounds {
      signatures.measureThread {
        var batch = SignatureBatch()
        for send in sends {
          batch.append(send.signed.signature, of: send.signed.message, by: send.body.sender.key)
        }
        precondition(batch.verify(using: &random).allSatisfy { $0 })
      }
      readings.measureThread { precondition(RangeProof.decoded(bytes).count == sends.count) }
      try proofs.measureThread { try RangeProofBatch.verify(claims, using: &random) }
    }
    return Bound(
      signature: signatures.median,
      reading: readings.median,
      proof: proofs.median
    )
  }
}
