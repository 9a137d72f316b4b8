import BulletproofsPlus
import Curve25519
import Kernel
import Mesh
import Vault

/// What a payer's own processor does for a payment: outputs, range proof, memos and signature.
///
/// In one thread, by its processor time, and in field multiplications of the same run: what it costs on a
/// phone is that many of the phone's own.
func benchmarkPaymentMaking() throws {
  let rounds = 21
  let multiplications = 10_000
  let (plan, payer, genesis) = try samplePayment()
  TransitionPlan.warmUp()
  var random = SystemRandomNumberGenerator()
  var sources = SplitMix64(seed: 1)
  let factor = FieldElement(sources.next()) * FieldElement(sources.next())
  var field = Figure(per: multiplications)
  var making = Figure(per: 1)
  for _ in 0..<rounds {
    field.measureThread {
      var product = factor
      for _ in 0..<multiplications { product = product * factor }
      precondition(!product.isZero)
    }
    try making.measureThread { _ = try plan.build(with: payer, on: genesis, using: &random) }
  }
  report(
    "a payment is made, on \(ArithmeticPath.best)",
    "\(decimal(making.median / 1e6)) ms = \(Int(making.median / field.median)) multiplications of "
      + "\(decimal(field.median)) ns"
  )
}

/// One of 10,000 pays another 500.
private func samplePayment() throws -> (TransitionPlan, AccountKeys, Genesis) {
  guard let master = MasterSeed(.random(MasterSeed.size)) else {
    throw DevnetFailure("no seed for the accounts")
  }
  let (payer, payee) = (master.account(0), master.account(1))
  let genesis = try Genesis(
    name: "bench",
    createdMs: 0,
    fees: .init(base: .zero, perOutput: .zero),
    asset: .init(id: Genesis.assetID, decimals: 2, symbol: "TEST", supply: Amount(10_000)),
    validators: ValidatorSet(epoch: .zero, keys: [payer.account.key]),
    allocations: [.init(account: payer.account, asset: Genesis.assetID, amount: Amount(10_000))]
  )
  let plan = TransitionPlan(
    slot: Slot(account: payer.account, sequence: .first),
    previous: payer.account.origin(on: genesis.id),
    balance: Opening(value: 10_000, blinding: .zero),
    claims: [],
    payees: [Payee(address: payee.address(on: genesis), amount: Amount(500))]
  )
  return (plan, payer, genesis)
}
