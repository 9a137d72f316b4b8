public import Kernel
public import Mesh
public import Vault

/// A wallet's keys as they lie on disk, under a password.
///
/// ```text
///   0   8  "MESHWLLT"
///   8   2  version, 1
///  10   1  what it holds: 0 master seed, 1 income view key, 2 full view key
///  11  32  account
///  43  32  view key that payers hide amounts for
///  75   …  sealed secret (see `SealedSecret`): 32 bytes, for a full view key 64
///   …  32  BLAKE2b of all before
/// ```
///
/// Integers are little-endian. The last field tells a damaged file from a wrong password. Account
/// and view key are no secret: a locked wallet can show its address. Which network it is for stands
/// nowhere, for the same keys are good on each.
public struct WalletFile: Sendable {
  public enum Contents: UInt8, Sendable {
    case seed = 0
    case income = 1
    case full = 2

    var secretSize: Int { self == .full ? 64 : 32 }
  }

  public let contents: Contents
  public let account: AccountID
  public let viewKey: Bytes32
  private let sealed: SealedSecret

  private static let magic = Array("MESHWLLT".utf8)
  private static let version: UInt16 = 1
  private static let preambleSize = 75
  /// A damaged or foreign file must not take the machine's memory.
  static let memoryKiBMax: UInt32 = 1 << 20
  /// A file of the larger kind.
  public static let bytesMax = 256

  /// A third of a second of one core (SPEC-006, 6.7).
  public static let standardCost = PasswordCost(passes: 3, memoryKiB: 256 << 10)

  // MARK: Making

  /// Encrypts a master seed.
  ///
  /// Takes the time and memory of `cost`.
  public init(
    seed: SecretBytes,
    password: SecretBytes,
    cost: PasswordCost
  ) throws(WalletProblem) {
    guard let master = MasterSeed(seed) else { preconditionFailure("a seed has 32 bytes") }
    try self.init(.seed, .spending(master.account(0)), seed, password, cost)
  }

  /// Encrypts view keys.
  ///
  /// Takes the time and memory of `cost`.
  public init(
    watching keys: WalletKeys,
    password: SecretBytes,
    cost: PasswordCost
  ) throws(WalletProblem) {
    precondition(keys.spending == nil)
    let incoming = keys.incoming.exported
    guard let full = keys.full else {
      try self.init(.income, keys, incoming, password, cost)
      return
    }
    let both = SecretBytes(count: 64) { both in
      incoming.withUnsafeBytes { both.copyMemory(from: $0) }
      full.exportedOwner.withUnsafeBytes {
        UnsafeMutableRawBufferPointer(rebasing: both[32...]).copyMemory(from: $0)
      }
    }
    try self.init(.full, keys, both, password, cost)
  }

  private init(
    _ contents: Contents,
    _ keys: WalletKeys,
    _ secret: SecretBytes,
    _ password: SecretBytes,
    _ cost: PasswordCost
  ) throws(WalletProblem) {
    self.contents = contents
    account = keys.account
    viewKey = keys.incoming.publicKey
    var writer = ByteWriter(capacity: Self.preambleSize)
    writer.array(Self.magic)
    writer.integer(Self.version)
    writer.integer(contents.rawValue)
    writer.bytes32(account.bytes)
    writer.bytes32(viewKey)
    do throws(SealFailure) {
      sealed = try SealedSecret(secret, preamble: writer.bytes, password: password, cost: cost)
    } catch {
      throw WalletProblem(.noMemory, "\(error)")
    }
  }

  // MARK: Reading

  /// Reads a file's bytes as far as that needs no password.
  public init(_ bytes: [UInt8]) throws(WalletProblem) {
    guard bytes.starts(with: Self.magic) else {
      throw WalletProblem(.notAWallet, "the file is no wallet of this program")
    }
    let found = bytes.count >= 10 ? UInt16(bytes[8]) | UInt16(bytes[9]) << 8 : Self.version
    // A later version may end in another way, so this comes before the checksum.
    guard found <= Self.version else {
      throw WalletProblem(
        .walletNewer,
        "the wallet's file is of version \(found), from a later program: use that one"
      )
    }
    guard bytes.count >= 32,
      BLAKE2b.hash256("", Array(bytes.dropLast(32))).bytes == bytes.suffix(32)
    else { throw Self.damaged }
    do throws(DecodingFailure) {
      var reader = ByteReader(Array(bytes.dropLast(32)))
      _ = try reader.array(Self.magic.count)
      guard try reader.uint16() == Self.version else {
        throw reader.failure(.unknown("version"))
      }
      guard let contents = Contents(rawValue: try reader.uint8()) else {
        throw reader.failure(.unknown("contents"))
      }
      self.contents = contents
      account = AccountID(try reader.bytes32())
      viewKey = try reader.bytes32()
      sealed = try SealedSecret(
        from: &reader,
        after: Array(bytes[..<Self.preambleSize]),
        count: contents.secretSize,
        memoryKiBMax: Self.memoryKiBMax
      )
      try reader.finish()
    } catch {
      throw Self.damaged
    }
  }

  public var encoded: [UInt8] {
    let bytes = sealed.encoded
    return bytes + BLAKE2b.hash256("", bytes).bytes
  }

  public var isWatchOnly: Bool { contents != .seed }

  public func address(on genesis: Genesis) -> Address {
    Address(account: account, viewKey: viewKey, genesis: genesis)
  }

  /// Decrypts the keys and checks that they are the account's.
  ///
  /// Takes the time and memory that the file says.
  public func open(password: SecretBytes) throws(WalletProblem) -> WalletKeys {
    let opened: SecretBytes?
    do throws(SealFailure) {
      opened = try sealed.open(password: password)
    } catch {
      throw WalletProblem(.noMemory, "\(error)")
    }
    guard let secret = opened else {
      throw WalletProblem(.wrongPassword, "the password is wrong")
    }
    guard let keys = keys(of: secret), keys.account == account,
      keys.incoming.publicKey == viewKey
    else { throw Self.damaged }
    return keys
  }

  private func keys(of secret: SecretBytes) -> WalletKeys? {
    func part(_ range: Range<Int>) -> SecretBytes {
      SecretBytes(count: range.count) { part in
        secret.withUnsafeBytes {
          part.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[range]))
        }
      }
    }
    switch contents {
    case .seed: return MasterSeed(secret).map { .spending($0.account(0)) }
    case .income: return IncomingViewKey(exported: secret).map { .income(account, $0) }
    case .full:
      return FullViewKey(exported: part(0..<32), owner: part(32..<64)).map { .full(account, $0) }
    }
  }

  private static var damaged: WalletProblem {
    WalletProblem(
      .walletDamaged,
      "the wallet's file is damaged: restore from the 24 words or a copy of the file"
    )
  }
}
