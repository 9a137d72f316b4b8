import BulletproofsPlus
import EdDSA
import Kernel
import Testing
import Vault

@testable import Mesh
@testable import MeshWalletNode

@Suite("Receipts") struct ReceiptTests {
  /// Four validators, a payer with money and a payee.
  struct Scene {
    let validators: [SecretKey]
    let genesis: Genesis
    let alice: AccountKeys
    let bob: AccountKeys

    init(name: String = "receipts") throws {
      validators = try (1...4).map { number in
        var seed = [UInt8](repeating: UInt8(number), count: 32)
        return try #require(SecretKey(seed: &seed))
      }.sorted { $0.publicKey < $1.publicKey }
      var seed = [UInt8](repeating: 9, count: 32)
      let master = try #require(MasterSeed(SecretBytes(wiping: &seed)))
      (alice, bob) = (master.account(0), master.account(1))
      genesis = try Genesis(
        name: name,
        createdMs: 1,
        fees: .init(base: .zero, perOutput: .zero),
        asset: .init(id: Genesis.assetID, decimals: 0, symbol: "T", supply: Amount(100)),
        validators: ValidatorSet(epoch: .zero, keys: validators.map(\.publicKey)),
        allocations: [.init(account: alice.account, asset: Genesis.assetID, amount: Amount(100))]
      )
    }

    func certificate(_ units: UInt64, signers: [Int] = [0, 1, 3]) throws -> SettlementCertificate {
      let slot = Slot(account: alice.account, sequence: .first)
      let payee = Payee(
        address: bob.address(on: genesis),
        amount: Amount(units),
        memo: .text("thanks")
      )
      let plan = TransitionPlan(
        slot: slot,
        previous: alice.account.origin(on: genesis.id),
        balance: Opening(value: 100, blinding: .zero),
        claims: [],
        payees: [payee]
      )
      var random = SplitMix64(seed: units)
      let transition = try plan.build(with: alice, on: genesis, using: &random).transition
      let votes = signers.map { index in
        ValidatorVote.signed(
          by: validators[index],
          as: ValidatorIndex(UInt16(index)),
          ballot: .zero,
          epoch: .zero,
          slot: slot,
          transition: transition.hash,
          on: genesis.id
        )
      }
      return try #require(SettlementCertificate(votes, for: transition))
    }
  }

  var random = SplitMix64(seed: 1)

  @Test("It comes back, is valid offline, and opens to payer and payee alone")
  mutating func valid() throws {
    let scene = try Scene()
    let receipt = Receipt(try scene.certificate(30))
    let read = try Receipt(receipt.encoded)
    #expect(read == receipt)
    try read.verify(on: scene.genesis, using: &random)
    let (alice, bob) = (scene.alice, scene.bob)
    func amounts(_ keys: WalletKeys?) -> [Amount?] {
      read.payments(with: keys, on: scene.genesis).map(\.amount)
    }
    #expect(amounts(.spending(bob)) == [Amount(30)])
    #expect(amounts(.income(bob.account, bob.view.incoming)) == [Amount(30)])
    #expect(amounts(.full(alice.account, alice.view)) == [Amount(30)])
    #expect(amounts(.income(alice.account, alice.view.incoming)) == [nil])
    #expect(amounts(nil) == [nil])
    #expect(read.json(with: .spending(bob), on: scene.genesis)["payments"]?[0]?["memo"] == "thanks")
  }

  @Test("No byte can be changed, and no end be cut off or added")
  mutating func tampering() throws {
    let scene = try Scene()
    let bytes = Receipt(try scene.certificate(30)).encoded
    for index in bytes.indices {
      var changed = bytes
      changed[index] ^= 1
      let isRefused =
        problem {
          try Receipt(changed).verify(on: scene.genesis, using: &random)
        } != nil
      #expect(isRefused, "byte \(index)")
    }
    for count in stride(from: 0, to: bytes.count, by: 7) {
      #expect(problem { try Receipt(Array(bytes[..<count])) } == .badReceipt)
    }
    #expect(problem { try Receipt(bytes + [0]) } == .badReceipt)
  }

  @Test("Another network's, one of two votes, and one with votes for another payment prove nothing")
  mutating func forgeries() throws {
    let scene = try Scene()
    let elsewhere = try Scene(name: "elsewhere")
    let receipt = Receipt(try scene.certificate(30))
    #expect(
      problem { try receipt.verify(on: elsewhere.genesis, using: &random) } == .otherNetwork
    )
    let few = Receipt(try scene.certificate(30, signers: [0, 2]))
    #expect(problem { try few.verify(on: scene.genesis, using: &random) } == .badReceipt)
    let other = try scene.certificate(31)
    let mixed = SettlementCertificate(
      epoch: other.epoch,
      ballot: other.ballot,
      signers: other.signers,
      signatures: other.signatures,
      payload: receipt.certificate.payload
    )
    #expect(problem { try Receipt(mixed).verify(on: scene.genesis, using: &random) } == .badReceipt)
    // The same votes under other names.
    let renamed = SettlementCertificate(
      epoch: other.epoch,
      ballot: other.ballot,
      signers: 0b1110,
      signatures: other.signatures,
      payload: other.payload
    )
    #expect(
      problem { try Receipt(renamed).verify(on: scene.genesis, using: &random) } == .badReceipt
    )
    #expect(problem { try Receipt(Array("nothing".utf8)) } == .badReceipt)
  }
}
