import BulletproofsPlus
import EdDSA
import Kernel
import Testing

@testable import Mesh

/// A network to test with: keys from small numbers, so that every run is the same.
struct Fixture {
  let genesis: Genesis
  /// In the order of their set.
  let validators: [SecretKey]
  /// Each starts with 10,000.
  let owners: [AccountKeys]
  /// Start with nothing.
  let strangers: [AccountKeys]

  static func key(_ number: UInt64) -> SecretKey {
    var seed = number.littleEndianBytes + [UInt8](repeating: 7, count: 24)
    guard let key = SecretKey(seed: &seed) else { fatalError("32 bytes") }
    return key
  }

  static func validatorKeys(_ count: Int) -> [SecretKey] {
    (0..<UInt64(count)).map { key($0) }.sorted { $0.publicKey < $1.publicKey }
  }

  init(validators count: Int = 4, owners ownerCount: Int = 2) throws {
    validators = Self.validatorKeys(count)
    let master = try #require(MasterSeed(secret(MeshVectors.shared.master)))
    owners = (0..<UInt32(ownerCount)).map { master.account($0) }
    strangers = (100..<UInt32(102)).map { master.account($0) }
    genesis = try Genesis(
      name: "mesh-unit-test",
      createdMs: 1,
      fees: .init(base: Amount(1), perOutput: Amount(2)),
      asset: .init(
        id: AssetID(1),
        decimals: 2,
        symbol: "TST",
        supply: Amount(10_000 * UInt64(ownerCount))
      ),
      validators: try ValidatorSet(epoch: .zero, keys: validators.map(\.publicKey)),
      allocations: owners.map(\.account).sorted().map {
        .init(account: $0, asset: AssetID(1), amount: Amount(10_000))
      }
    )
  }

  /// The first step of an owner's chain, or one from given facts.
  func plan(
    _ keys: AccountKeys,
    pay payees: [Payee] = [],
    claim claims: [TransitionPlan.Claim] = [],
    after previous: (transition: Transition, balance: Opening)? = nil
  ) -> TransitionPlan {
    let isOwner = genesis.allocations.contains { $0.account == keys.account }
    return TransitionPlan(
      slot: Slot(
        account: keys.account,
        sequence: previous?.transition.body.sequence.next ?? .first
      ),
      previous: previous?.transition.hash ?? keys.account.origin(on: genesis.id),
      balance: previous?.balance ?? Opening(value: isOwner ? 10_000 : 0, blinding: .zero),
      claims: claims,
      payees: payees
    )
  }

  func payee(_ keys: AccountKeys, _ units: UInt64, memo: Memo = .none) -> Payee {
    Payee(address: keys.address(on: genesis), amount: Amount(units), memo: memo)
  }

  func build(_ plan: TransitionPlan, by keys: AccountKeys, seed: UInt64 = 1) throws
    -> TransitionPlan.Built
  {
    var random = SplitMix64(seed: seed)
    return try plan.build(with: keys, on: genesis, using: &random)
  }

  func vote(
    _ transition: Transition,
    by index: Int,
    ballot: Ballot = .zero
  ) -> ValidatorVote {
    .signed(
      by: validators[index],
      as: ValidatorIndex(UInt16(index)),
      ballot: ballot,
      epoch: .zero,
      slot: transition.slot,
      transition: transition.hash,
      on: genesis.id
    )
  }

  func certificate(
    _ transition: Transition,
    by indices: [Int] = [0, 1, 3],
    ballot: Ballot = .zero
  ) throws -> SettlementCertificate {
    try #require(
      SettlementCertificate(
        indices.map { vote(transition, by: $0, ballot: ballot) },
        for: transition
      )
    )
  }

  /// The claim of an output of a transition by its recipient.
  func claim(
    _ transition: Transition,
    _ index: Int = 0,
    by keys: AccountKeys
  ) throws -> TransitionPlan.Claim {
    let payment = try #require(
      keys.view.incoming.open(
        transition.body.outputs[index],
        at: index,
        of: transition.slot,
        on: genesis.id
      )
    )
    return TransitionPlan.Claim(
      reference: OutputReference(source: transition.hash, index: UInt16(index)),
      opening: payment.opening
    )
  }

  func check(_ message: MeshMessage) -> Result<Verified<MeshMessage>, CheckFailure> {
    var checker = StatelessChecker(genesis)
    var random = SplitMix64(seed: 1)
    return checker.check([message], using: &random)[0]
  }

  func failure(_ message: MeshMessage) -> CheckFailure? {
    if case .failure(let failure) = check(message) { failure } else { nil }
  }

  func failure(_ certificate: SettlementCertificate) -> CheckFailure? {
    failure(.request(.settle(certificate), Exchange(0)))
  }
}

extension Genesis {
  /// The same with so many other accounts, whose keys cannot sign, and the supply with the first.
  func bytes(accounts count: Int) -> [UInt8] {
    var bytes = Array(encoded.dropLast(4 + 45 * allocations.count))
    bytes.reserveCapacity(bytes.count + 4 + 45 * count)
    bytes += UInt32(count).littleEndianBytes
    for number in 0..<count {
      bytes += UInt32(number).bigEndian.littleEndianBytes
      bytes += [UInt8](repeating: 0, count: 28)
      bytes += [Suite.ed25519.rawValue] + asset.id.number.littleEndianBytes
      bytes += (number == 0 ? asset.supply.units : 0).littleEndianBytes
    }
    return bytes
  }
}
