import EdDSA
import Kernel
import Testing

@testable import Mesh

@Suite("Keys, addresses and genesis")
struct KeysAndGenesisTests {
  let vectors = MeshVectors.shared
  let genesis: Genesis

  init() throws {
    genesis = try Genesis(encoded: bytes(MeshVectors.shared.genesis))
  }

  // MARK: Keys

  @Test("Alice's and Bob's keys grow from the master seed as the vectors say")
  func keys() throws {
    let master = try #require(MasterSeed(secret(vectors.master)))
    for (index, expected) in [vectors.alice, vectors.bob].enumerated() {
      let keys = master.account(UInt32(index))
      #expect(keys.account.description == expected.account)
      #expect(keys.view.incoming.exported.hex == expected.k_view)
      #expect(keys.view.incoming.publicKey.hex == expected.K_view)
      #expect(keys.view.exportedOwner.hex == expected.k_owner)
      #expect(keys.ephemeral.hex == expected.k_eph)
      let fromSeed = try #require(AccountKeys(spendSeed: secret(expected.ed_seed)))
      #expect(fromSeed.account == keys.account)
    }
  }

  @Test("Seeds and view keys of another length than 32 bytes are refused")
  func lengths() {
    #expect(MasterSeed(secret("00")) == nil)
    #expect(AccountKeys(spendSeed: secret("00")) == nil)
    #expect(IncomingViewKey(exported: secret("00")) == nil)
    #expect(FullViewKey(exported: secret(vectors.master), owner: secret("00")) == nil)
  }

  @Test("A key off the prime subgroup, small or not canonical, is not acceptable")
  func subgroup() throws {
    #expect(PublicKey(bytes32(vectors.alice.account)).isInPrimeSubgroup)
    let unacceptable = [
      // The identity, the points of order 2 and 4.
      "0100000000000000000000000000000000000000000000000000000000000000",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "0000000000000000000000000000000000000000000000000000000000000000",
      // The identity as y = p + 1.
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      // The basepoint plus the point of order 2: y = -4/5.
      "9599999999999999999999999999999999999999999999999999999999999999",
    ]
    for key in unacceptable { #expect(!PublicKey(bytes32(key)).isInPrimeSubgroup) }
    let base = "5866666666666666666666666666666666666666666666666666666666666666"
    #expect(PublicKey(bytes32(base)).isInPrimeSubgroup)
  }

  // MARK: Addresses

  @Test("An address names account, view key and network, and is read back")
  func address() throws {
    let keys = try #require(MasterSeed(secret(vectors.master))).account(0)
    let address = keys.address(on: genesis)
    let text = address.description
    #expect(text.utf8.count == 124)
    #expect(text.hasPrefix("tmesh1"))
    #expect(try Address(text, on: genesis) == address)
    #expect(try Address(text.uppercased(), on: genesis) == address)
    #expect(address.account == keys.account)
    #expect(address.viewKey.hex == vectors.alice.K_view)
  }

  @Test("A checksum that BIP-350 gives is found")
  func bech32m() throws {
    // BIP-350's "A1LQFN3A" with an empty payload, and its longest with 5-bit groups that fill bytes.
    #expect(Bech32m.text(prefix: "a", payload: []) == "a1lqfn3a")
    let payload = try Bech32m.payload(of: Array("A1LQFN3A".utf8), prefixes: ["a"], size: 0)
    #expect(payload.bytes.isEmpty)
    #expect(
      Bech32m.text(prefix: "abcdef", payload: bytes("ffbbcdeb38bdab49ca307b9ac5a928398a418820"))
        == "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx"
    )
  }

  @Test("Each wrong address is refused by name")
  func wrongAddresses() throws {
    let text = try #require(MasterSeed(secret(vectors.master))).account(0)
      .address(on: genesis).description
    let other = try Genesis(
      name: "mesh",
      createdMs: 1,
      fees: genesis.fees,
      asset: genesis.asset,
      validators: genesis.validators,
      allocations: genesis.allocations
    )
    #expect(throws: AddressFailure.wrongPrefix) {
      try Address("btc1" + text.dropFirst(6), on: genesis)
    }
    #expect(throws: AddressFailure.wrongLength(123)) { try Address(text.dropLast(), on: genesis) }
    #expect(throws: AddressFailure.mixedCase) {
      try Address(text.prefix(60) + text.suffix(64).uppercased(), on: genesis)
    }
    #expect(throws: AddressFailure.unknownCharacter("b")) {
      try Address(text.dropLast() + "b", on: genesis)
    }
    #expect(throws: AddressFailure.otherNetwork) { try Address(text, on: other) }
    func made(_ change: (inout [UInt8]) -> Void) -> String {
      var payload = [1, 0] + bytes(vectors.alice.account) + bytes(vectors.alice.K_view)
      payload += genesis.id.bytes.bytes.prefix(4)
      change(&payload)
      return Bech32m.text(prefix: "tmesh", payload: payload)
    }
    #expect(made { _ in } == text)
    #expect(throws: AddressFailure.unknownVersion(2)) {
      try Address(made { $0[0] = 2 }, on: genesis)
    }
    #expect(throws: AddressFailure.unknownSuite(1)) { try Address(made { $0[1] = 1 }, on: genesis) }
    #expect(throws: AddressFailure.otherNetwork) { try Address(made { $0[69] ^= 1 }, on: genesis) }
    #expect(throws: AddressFailure.unacceptableKey) {
      try Address(made { for index in 2..<34 { $0[index] = 0 } }, on: genesis)
    }
    var changed = 0
    for index in text.indices.dropFirst(6) {
      var wrong = text
      wrong.replaceSubrange(index...index, with: text[index] == "q" ? "p" : "q")
      #expect(throws: AddressFailure.wrongChecksum) { try Address(wrong, on: genesis) }
      changed += 1
    }
    #expect(changed == 118)
  }

  // MARK: Genesis

  @Test("Genesis, validator set, network id and first balances are those of the vectors")
  func genesisVectors() throws {
    #expect(genesis.encoded == bytes(vectors.genesis))
    #expect(genesis.id.description == vectors.network_id)
    #expect(genesis.validators.encoded == bytes(vectors.validator_set))
    #expect(genesis.validators.hash.hex == vectors.validator_set_hash)
    #expect(genesis.validators.keys.map(\.description) == vectors.validators)
    let alice = AccountID(bytes32(vectors.alice.account))
    #expect(alice.origin(on: genesis.id).description == vectors.alice_origin)
    let balance = Commitment(publicAmount: try #require(genesis.allocations.first).amount)
    #expect(balance.bytes.hex == vectors.genesis_balance)
    #expect(genesis.addressPrefix == "tmesh")
  }

  @Test(
    "A quorum is n - f",
    arguments: [
      (1, 0, 1), (2, 0, 2), (3, 0, 3), (4, 1, 3), (5, 1, 4), (6, 1, 5), (7, 2, 5), (10, 3, 7),
    ]
  )
  func quorums(count: Int, faults: Int, quorum: Int) throws {
    let validators = try ValidatorSet(
      epoch: .zero,
      keys: Fixture.validatorKeys(count).map(\.publicKey)
    )
    #expect(validators.faultsMax == faults)
    #expect(validators.quorum == quorum)
  }

  @Test("Each rule of a genesis has a name")
  func genesisRules() throws {
    let good = genesis
    func changed(
      name: String? = nil,
      asset: Genesis.Asset? = nil,
      validators: [PublicKey]? = nil,
      allocations: [Genesis.Allocation]? = nil
    ) throws(GenesisFailure) -> Genesis {
      try Genesis(
        name: name ?? good.name,
        createdMs: good.createdMs,
        fees: good.fees,
        asset: asset ?? good.asset,
        validators: try ValidatorSet(epoch: .zero, keys: validators ?? good.validators.keys),
        allocations: allocations ?? good.allocations
      )
    }
    func asset(id: UInt32 = 1, decimals: UInt8 = 2, symbol: String = "X") -> Genesis.Asset {
      .init(id: AssetID(id), decimals: decimals, symbol: symbol, supply: good.asset.supply)
    }
    func half(_ account: AccountID, _ units: UInt64 = 5000) -> Genesis.Allocation {
      .init(account: account, asset: AssetID(1), amount: Amount(units))
    }
    #expect(try changed() == good)
    #expect(throws: GenesisFailure.nameLength(0)) { try changed(name: "") }
    #expect(throws: GenesisFailure.nameLength(33)) {
      try changed(name: String(repeating: "a", count: 33))
    }
    #expect(throws: GenesisFailure.unknownAsset(AssetID(2))) { try changed(asset: asset(id: 2)) }
    #expect(throws: GenesisFailure.decimals(20)) { try changed(asset: asset(decimals: 20)) }
    #expect(throws: GenesisFailure.symbolLength(0)) { try changed(asset: asset(symbol: "")) }
    #expect(throws: GenesisFailure.validatorCount(0)) { try changed(validators: []) }
    let keys = good.validators.keys
    #expect(throws: GenesisFailure.validatorOrder(keys[0])) {
      try changed(validators: [keys[0], keys[0]])
    }
    #expect(throws: GenesisFailure.validatorOrder(keys[0])) {
      try changed(validators: [keys[1], keys[0]])
    }
    let zero = PublicKey(.zero)
    #expect(throws: GenesisFailure.unacceptableKey(zero)) { try changed(validators: [zero]) }
    #expect(throws: GenesisFailure.unacceptableKey(zero)) {
      try changed(allocations: [half(AccountID(zero), 10_000)])
    }
    let (alice, bob) = (AccountID(keys[0]), AccountID(keys[1]))
    #expect(try changed(allocations: [half(alice), half(bob)]).id != good.id)
    #expect(throws: GenesisFailure.allocationOrder(alice)) {
      try changed(allocations: [half(bob), half(alice)])
    }
    #expect(throws: GenesisFailure.allocationOrder(alice)) {
      try changed(allocations: [half(alice), half(alice)])
    }
    #expect(throws: GenesisFailure.wrongSupply) { try changed(allocations: [half(alice)]) }
    #expect(throws: GenesisFailure.supplyTooLarge) {
      try changed(allocations: [half(alice, .max), half(bob, 10_001)])
    }
  }

  @Test("A genesis has as many first accounts as there may be, and not one more")
  func manyAccounts() throws {
    let most = try Genesis(encoded: genesis.bytes(accounts: Limits.allocations))
    #expect(most.allocations.count == Limits.allocations)
    #expect(most.encodedCount == most.encoded.count)
    #expect(most.encodedCount <= Genesis.bytesMax)
    #expect(throws: GenesisFailure.self) {
      try Genesis(encoded: genesis.bytes(accounts: Limits.allocations + 1))
    }
    // A count that the bytes do not bear out is refused before anything is allocated for it.
    var short = genesis.bytes(accounts: 2)
    short.removeLast(45)
    #expect(throws: GenesisFailure.self) { try Genesis(encoded: short) }
  }

  @Test("To read a genesis asks nothing of its accounts' keys, to make one does")
  func accountKeys() throws {
    let read = try Genesis(encoded: genesis.bytes(accounts: 2))
    #expect(throws: GenesisFailure.unacceptableKey(read.allocations[0].account.key)) {
      try Genesis(
        name: read.name,
        createdMs: read.createdMs,
        fees: read.fees,
        asset: read.asset,
        validators: read.validators,
        allocations: read.allocations
      )
    }
  }

  @Test("Any single-byte change of a genesis is refused or names another network")
  func genesisBytes() {
    let good = genesis.encoded
    for index in good.indices {
      var changed = good
      changed[index] ^= 1
      if let other = try? Genesis(encoded: changed) {
        #expect(other.id != genesis.id)
        #expect(other.encoded == changed)
      }
    }
    for count in 0..<good.count {
      #expect(throws: GenesisFailure.self) { try Genesis(encoded: Array(good.prefix(count))) }
    }
    #expect(throws: GenesisFailure.self) { try Genesis(encoded: good + [0]) }
  }
}
