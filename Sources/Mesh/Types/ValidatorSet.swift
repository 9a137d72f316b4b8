public import EdDSA
public import Kernel

/// The validators of an epoch, in ascending order of their keys.
///
///      0   2  version = 1
///      2   8  epoch
///     10   2  n: 1...128
///     12  33·n  suite ‖ Ed25519 key
///
/// Of n validators at most f = ⌊(n - 1) / 3⌋ are faulty, and q = n - f make a quorum: any two quorums
/// then share n - 2f ≥ f + 1 validators, an honest one among them.
public struct ValidatorSet: Hashable, Sendable {
  public let epoch: Epoch
  public let keys: [PublicKey]

  /// Checks what a genesis promises: 1...128 keys, strictly ascending, each of the prime subgroup.
  public init(epoch: Epoch, keys: [PublicKey]) throws(GenesisFailure) {
    guard (1...Limits.validators).contains(keys.count) else {
      throw .validatorCount(keys.count)
    }
    for (key, next) in zip(keys, keys.dropFirst()) where !(key < next) {
      throw .validatorOrder(next)
    }
    for key in keys where !key.isInPrimeSubgroup { throw .unacceptableKey(key) }
    self.epoch = epoch
    self.keys = keys
  }

  public var count: Int { keys.count }

  /// f: how many may be faulty.
  public var faultsMax: Int { (count - 1) / 3 }

  /// q = n - f.
  public var quorum: Int { count - faultsMax }

  public var indices: [ValidatorIndex] { (0..<count).map { ValidatorIndex(UInt16($0)) } }

  /// Nil for an index that no validator has.
  public func key(_ index: ValidatorIndex) -> PublicKey? {
    Int(index.number) < count ? keys[Int(index.number)] : nil
  }

  public func index(of key: PublicKey) -> ValidatorIndex? {
    keys.firstIndex(of: key).map { ValidatorIndex(UInt16($0)) }
  }

  /// H256("validator-set", bytes).
  public var hash: Bytes32 { Tag.validatorSet.hash(encoded) }

  public var encoded: [UInt8] {
    var writer = ByteWriter(capacity: 12 + 33 * count)
    encode(into: &writer)
    return writer.bytes
  }

  init(from reader: inout ByteReader) throws(GenesisFailure) {
    let epoch: Epoch
    var keys: [PublicKey] = []
    do throws(DecodingFailure) {
      try reader.version()
      epoch = Epoch(try reader.uint64())
      let count = Int(try reader.uint16())
      guard (1...Limits.validators).contains(count) else {
        throw reader.failure(.tooLong("validator count"))
      }
      for _ in 0..<count {
        _ = try reader.enabledSuite()
        keys.append(PublicKey(try reader.bytes32()))
      }
    } catch {
      throw .malformed(error)
    }
    try self.init(epoch: epoch, keys: keys)
  }

  func encode(into writer: inout ByteWriter) {
    writer.version()
    writer.integer(epoch.number)
    writer.integer(UInt16(count))
    for key in keys {
      writer.integer(Suite.ed25519.rawValue)
      writer.bytes32(key.bytes)
    }
  }
}
