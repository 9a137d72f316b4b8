public import EdDSA
public import Kernel

/// What a network starts from: its name, fees, asset, validators and first balances.
///
///     version u16 = 1 ‖ name str8 ‖ created_ms u64 ‖ fee_base u64 ‖ fee_per_output u64
///     ‖ u8 count × (asset u32 ‖ decimals u8 ‖ symbol str8 ‖ supply u64)
///     ‖ ValidatorSet of epoch 0
///     ‖ u32 count × (account 32 ‖ suite u8 ‖ asset u32 ‖ amount u64), ascending by account
///
/// SPEC-002, 2.3. All rules hold for every value: the amounts add up to the supply, validators' keys are
/// of the prime subgroup, lists are ascending. Allocated amounts are public, so the supply can be
/// audited; the first transition of their owner hides them.
public struct Genesis: Hashable, Sendable {
  public struct Asset: Hashable, Sendable {
    public let id: AssetID
    public let decimals: UInt8
    public let symbol: String
    public let supply: Amount

    public init(id: AssetID, decimals: UInt8, symbol: String, supply: Amount) {
      self.id = id
      self.decimals = decimals
      self.symbol = symbol
      self.supply = supply
    }
  }

  public struct Allocation: Hashable, Sendable {
    public let account: AccountID
    public let suite: Suite
    public let asset: AssetID
    public let amount: Amount

    public init(account: AccountID, suite: Suite = .ed25519, asset: AssetID, amount: Amount) {
      self.account = account
      self.suite = suite
      self.asset = asset
      self.amount = amount
    }
  }

  /// What a sender pays.
  public struct Fees: Hashable, Sendable {
    public let base: Amount
    public let perOutput: Amount

    public init(base: Amount, perOutput: Amount) {
      self.base = base
      self.perOutput = perOutput
    }

    /// The least fee of a transition; nothing without outputs, nil if it does not fit 64 bits.
    public func minimum(outputs: Int) -> Amount? {
      guard outputs > 0 else { return .zero }
      let (product, overflow) = perOutput.units.multipliedReportingOverflow(by: UInt64(outputs))
      return overflow ? nil : base.adding(Amount(product))
    }
  }

  public let name: String
  /// Unix time in milliseconds; makes two networks of equal keys differ.
  public let createdMs: UInt64
  public let fees: Fees
  /// The one asset that there is.
  public let asset: Asset
  public let validators: ValidatorSet
  public let allocations: [Allocation]

  /// H256("genesis", bytes), computed once.
  public let id: NetworkID

  /// The only asset number of this version.
  public static let assetID = AssetID(1)

  /// Makes a genesis: checks all rules, and that each first account has a key that can sign.
  ///
  /// The last is for whoever makes it, and takes up to a signature's time for each account. To read one
  /// it is not needed: the third rule looks at the key of every sender, and money at a key that cannot
  /// sign stays where it is.
  ///
  /// - Throws: `GenesisFailure`, naming the first that is broken.
  public init(
    name: String,
    createdMs: UInt64,
    fees: Fees,
    asset: Asset,
    validators: ValidatorSet,
    allocations: [Allocation]
  ) throws(GenesisFailure) {
    try self.init(
      reading: name,
      createdMs: createdMs,
      fees: fees,
      asset: asset,
      validators: validators,
      allocations: allocations
    )
    let keys = allocations.filter { $0.suite == .ed25519 }.map(\.account.key)
    for (key, isGood) in zip(keys, PublicKey.areInPrimeSubgroup(keys)) where !isGood {
      throw .unacceptableKey(key)
    }
  }

  /// Checks all rules.
  private init(
    reading name: String,
    createdMs: UInt64,
    fees: Fees,
    asset: Asset,
    validators: ValidatorSet,
    allocations: [Allocation]
  ) throws(GenesisFailure) {
    guard (1...32).contains(name.utf8.count) else { throw .nameLength(name.utf8.count) }
    guard asset.id == Self.assetID else { throw .unknownAsset(asset.id) }
    guard asset.decimals <= 19 else { throw .decimals(asset.decimals) }
    guard (1...16).contains(asset.symbol.utf8.count) else {
      throw .symbolLength(asset.symbol.utf8.count)
    }
    guard validators.epoch == .zero else { throw .epoch(validators.epoch) }
    guard allocations.count <= Limits.allocations else {
      throw .allocationCount(allocations.count)
    }
    for (first, next) in zip(allocations, allocations.dropFirst())
    where !(first.account < next.account) {
      throw .allocationOrder(next.account)
    }
    var sum = Amount.zero
    for allocation in allocations {
      guard allocation.asset == asset.id else { throw .unknownAsset(allocation.asset) }
      guard let next = sum.adding(allocation.amount) else { throw .supplyTooLarge }
      sum = next
    }
    guard sum == asset.supply else { throw .wrongSupply }
    self.name = name
    self.createdMs = createdMs
    self.fees = fees
    self.asset = asset
    self.validators = validators
    self.allocations = allocations
    var writer = ByteWriter(capacity: Self.bytesMax(allocations.count))
    Self.encode(name, createdMs, fees, asset, validators, allocations, into: &writer)
    id = NetworkID(Tag.genesis.hash(writer.bytes))
  }

  /// The prefix of its addresses: a test network's money must not look like the real one's.
  public var addressPrefix: String { name == "mesh" ? "mesh" : "tmesh" }
}

extension Genesis {
  /// Reads a genesis file: exactly one genesis.
  public init(encoded bytes: [UInt8]) throws(GenesisFailure) {
    var reader = ByteReader(bytes)
    let name: String
    let createdMs: UInt64
    let fees: Fees
    let asset: Asset
    do throws(DecodingFailure) {
      try reader.version()
      name = try reader.shortString(1...32, "network name")
      createdMs = try reader.uint64()
      fees = Fees(base: Amount(try reader.uint64()), perOutput: Amount(try reader.uint64()))
      guard Int(try reader.uint8()) == Limits.assets else {
        throw reader.failure(.tooLong("asset count"))
      }
      asset = Asset(
        id: AssetID(try reader.uint32()),
        decimals: try reader.uint8(),
        symbol: try reader.shortString(1...16, "asset symbol"),
        supply: Amount(try reader.uint64())
      )
    } catch {
      throw .malformed(error)
    }
    let validators = try ValidatorSet(from: &reader)
    var allocations: [Allocation] = []
    do throws(DecodingFailure) {
      let count = Int(try reader.uint32())
      guard count <= Limits.allocations, count <= reader.remaining / Self.allocationSize else {
        throw reader.failure(.tooLong("allocation count"))
      }
      allocations.reserveCapacity(count)
      for _ in 0..<count {
        allocations.append(
          Allocation(
            account: AccountID(try reader.bytes32()),
            suite: try reader.suite(),
            asset: AssetID(try reader.uint32()),
            amount: Amount(try reader.uint64())
          )
        )
      }
      try reader.finish()
    } catch {
      throw .malformed(error)
    }
    try self.init(
      reading: name,
      createdMs: createdMs,
      fees: fees,
      asset: asset,
      validators: validators,
      allocations: allocations
    )
  }

  /// Bytes of an allocation.
  private static let allocationSize = 45
  /// No genesis is larger.
  public static let bytesMax = bytesMax(Limits.allocations)

  private static func bytesMax(_ allocations: Int) -> Int {
    128 + 33 * Limits.validators + allocationSize * allocations
  }

  /// Bytes of `encoded`, without making it.
  public var encodedCount: Int {
    58 + name.utf8.count + asset.symbol.utf8.count + 33 * validators.count
      + Self.allocationSize * allocations.count
  }

  public var encoded: [UInt8] {
    var writer = ByteWriter(capacity: encodedCount)
    Self.encode(name, createdMs, fees, asset, validators, allocations, into: &writer)
    return writer.bytes
  }

  private static func encode(
    _ name: String,
    _ createdMs: UInt64,
    _ fees: Fees,
    _ asset: Asset,
    _ validators: ValidatorSet,
    _ allocations: [Allocation],
    into writer: inout ByteWriter
  ) {
    writer.version()
    writer.shortString(name)
    writer.integer(createdMs)
    writer.integer(fees.base.units)
    writer.integer(fees.perOutput.units)
    writer.integer(UInt8(Limits.assets))
    writer.integer(asset.id.number)
    writer.integer(asset.decimals)
    writer.shortString(asset.symbol)
    writer.integer(asset.supply.units)
    validators.encode(into: &writer)
    writer.integer(UInt32(allocations.count))
    for allocation in allocations {
      writer.identifier(allocation.account)
      writer.integer(allocation.suite.rawValue)
      writer.integer(allocation.asset.number)
      writer.integer(allocation.amount.units)
    }
  }
}

/// Why bytes or parts are not a genesis.
public enum GenesisFailure: Error, Hashable, Sendable, CustomStringConvertible {
  case malformed(DecodingFailure)
  case nameLength(Int)
  case symbolLength(Int)
  case decimals(UInt8)
  case unknownAsset(AssetID)
  case epoch(Epoch)
  case validatorCount(Int)
  case validatorOrder(PublicKey)
  /// Not canonical, of small order, or with a component of small order.
  case unacceptableKey(PublicKey)
  case allocationCount(Int)
  case allocationOrder(AccountID)
  /// The allocations do not add up to the supply.
  case wrongSupply
  /// The allocations are 2^64 units or more together.
  case supplyTooLarge

  public var description: String {
    switch self {
    case .malformed(let failure): "the genesis \(failure)"
    case .nameLength(let count): "a network's name has 1 to 32 bytes, this has \(count)"
    case .symbolLength(let count): "an asset's symbol has 1 to 16 bytes, this has \(count)"
    case .decimals(let count): "an amount has at most 19 decimals, not \(count)"
    case .unknownAsset(let id): "there is no asset \(id)"
    case .epoch(let epoch): "a genesis has the validators of epoch 0, not \(epoch)"
    case .validatorCount(let count): "a network has 1 to 128 validators, not \(count)"
    case .validatorOrder(let key): "the validator \(key) is out of order, or there twice"
    case .unacceptableKey(let key): "the key \(key) is not one that can sign"
    case .allocationCount(let count):
      "a genesis has at most \(Limits.allocations) allocations, not \(count)"
    case .allocationOrder(let account): "the account \(account) is out of order, or there twice"
    case .wrongSupply: "the allocations do not add up to the supply"
    case .supplyTooLarge:
      "the first balances are 2^64 units or more together: fewer, or fewer decimals"
    }
  }
}
