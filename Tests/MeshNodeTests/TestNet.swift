import EdDSA
import EventLoop
import Kernel
import Mesh
import Testing

/// A network to test with: keys from small numbers, so that every run is the same.
struct TestNet {
  let genesis: Genesis
  /// In the order of their set.
  let validators: [SecretKey]
  /// What their key files hold.
  let validatorSeeds: [[UInt8]]
  /// Each starts with 10,000.
  let owners: [AccountKeys]

  private static func seed(_ number: UInt64) -> [UInt8] {
    var seed = [UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8)]
    seed += [UInt8](repeating: 7, count: 30)
    return seed
  }

  static func secret(_ number: UInt64) -> SecretBytes {
    var seed = seed(number)
    return SecretBytes(wiping: &seed)
  }

  static func key(_ number: UInt64) throws -> SecretKey {
    try #require(SecretKey(seed: secret(number)))
  }

  init(validators count: Int = 4, owners ownerCount: Int = 2, name: String = "mesh-test") throws {
    let keys = try (0..<UInt64(count)).map { (try Self.key($0), Self.seed($0)) }
      .sorted { $0.0.publicKey < $1.0.publicKey }
    validators = keys.map(\.0)
    validatorSeeds = keys.map(\.1)
    let master = try #require(MasterSeed(Self.secret(1000)))
    owners = (0..<UInt32(ownerCount)).map { master.account($0) }
    genesis = try Genesis(
      name: name,
      createdMs: 1,
      fees: .init(base: Amount(1), perOutput: Amount(2)),
      asset: .init(
        id: Genesis.assetID,
        decimals: 2,
        symbol: "TST",
        supply: Amount(10_000 * UInt64(ownerCount))
      ),
      validators: try ValidatorSet(epoch: .zero, keys: validators.map(\.publicKey)),
      allocations: owners.map(\.account).sorted().map {
        .init(account: $0, asset: Genesis.assetID, amount: Amount(10_000))
      }
    )
  }
}
