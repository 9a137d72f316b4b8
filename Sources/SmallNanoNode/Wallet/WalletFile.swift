import CSodium
import Kernel
public import SmallNano
public import Vault

/// A wallet as it lies on disk: the encrypted master seed, and what grew from it.
///
/// ```text
///   0   8  "SNWALLET"
///   8   2  version, 1
///  10  32  chain id: a wallet belongs to one network
///  42   4  Argon2id passes
///  46   4  Argon2id memory, KiB
///  50  16  salt
///  66  24  nonce
///  90  48  master seed 32 and tag 16, XChaCha20-Poly1305; bytes 0..<90 are its associated data
/// 138  32  representative of accounts to be opened; zero for none chosen
/// 170   4  number of accounts, at most 10,000
/// 174  36  for each: index 4 ‖ public key 32, in order of index
///   …  32  keyed BLAKE2b of all before, by a key that grows from the seed
///   …  32  BLAKE2b of all before
/// ```
///
/// Integers are little-endian. The last field tells a damaged file from a wrong password; the one
/// before it makes a file whose accounts were exchanged useless, even to who can compute the last.
/// Addresses are no secret here: a locked wallet can list them, and show what they hold.
public struct WalletFile: Sendable {
  public struct Entry: Hashable, Sendable {
    public let index: UInt32
    public let account: Account
  }

  /// 64 MiB for about a tenth of a second: a fourth of what the node may take at its peak.
  public static let standardCost = PasswordCost(passes: 3, memoryKiB: 64 << 10)

  /// A damaged or foreign file must not take the node's memory.
  private static let memoryKiBMax: UInt32 = 128 << 10

  /// Accounts in one wallet: 360 KB on disk, and a scan of the ledger that is still quick.
  public static let accountsMax = 10_000

  private static let magic = Array("SNWALLET".utf8)
  private static let version: UInt16 = 1
  private static let preambleSize = 42

  private let sealed: SealedSecret
  public private(set) var representative: Account?
  public private(set) var entries: [Entry]
  /// As read; computed anew when written.
  private var code: [UInt8] = []

  // MARK: Making

  /// Encrypts a seed.
  ///
  /// Takes the time and memory of `cost`.
  ///
  /// - Throws: `WalletFailure.noMemory`.
  init(
    sealing seed: SecretBytes,
    password: SecretBytes,
    cost: PasswordCost,
    chain: ChainID,
    entries: [Entry],
    representative: Account?
  ) throws(WalletFailure) {
    precondition(seed.count == DeterministicKeys.seedSize)
    self.entries = entries
    self.representative = representative
    var writer = ByteWriter(capacity: Self.preambleSize)
    writer.array(Self.magic)
    writer.integer(Self.version)
    writer.bytes32(chain.bytes)
    do throws(SealFailure) {
      sealed = try SealedSecret(seed, preamble: writer.bytes, password: password, cost: cost)
    } catch {
      throw .noMemory
    }
  }

  /// Reads a file's bytes as far as that needs no password.
  init(_ bytes: [UInt8], chain: ChainID) throws(WalletFailure) {
    guard bytes.starts(with: Self.magic) else { throw .notAWallet }
    let found = bytes.count >= 10 ? UInt16(bytes[8]) | UInt16(bytes[9]) << 8 : Self.version
    // A later version may end in another way, so this comes before the checksum.
    guard found <= Self.version else { throw .newerVersion(found) }
    guard bytes.count >= 32,
      BLAKE2b.hash256("", Array(bytes.dropLast(32))).bytes == bytes.suffix(32)
    else { throw .damaged }
    do {
      var reader = ByteReader(Array(bytes.dropLast(32)))
      _ = try reader.array(Self.magic.count)
      guard try reader.uint16() == Self.version else { throw WalletFailure.damaged }
      let fileChain = ChainID(try reader.bytes32())
      guard fileChain == chain else { throw WalletFailure.otherNetwork }
      sealed = try SealedSecret(
        from: &reader,
        after: Array(bytes[..<Self.preambleSize]),
        count: DeterministicKeys.seedSize,
        memoryKiBMax: Self.memoryKiBMax
      )
      let representative = Account(try reader.bytes32())
      self.representative = representative == .burn ? nil : representative
      let count = try reader.uint32()
      guard count <= Self.accountsMax else { throw WalletFailure.damaged }
      entries = []
      for _ in 0..<count {
        let entry = Entry(index: try reader.uint32(), account: Account(try reader.bytes32()))
        if let last = entries.last, last.index >= entry.index { throw WalletFailure.damaged }
        entries.append(entry)
      }
      code = try reader.array(32)
      try reader.finish()
    } catch let failure as WalletFailure {
      throw failure
    } catch {
      throw .damaged
    }
  }

  // MARK: Opening

  /// Decrypts the seed and checks that the accounts grow from it.
  ///
  /// Takes the time and memory that the file says.
  ///
  /// - Throws: `WalletFailure`: `.wrongPassword`, `.damaged` or `.noMemory`.
  func open(password: SecretBytes) throws(WalletFailure) -> SecretBytes {
    let opened: SecretBytes?
    do throws(SealFailure) { opened = try sealed.open(password: password) } catch {
      throw .noMemory
    }
    guard let seed = opened else { throw .wrongPassword }
    guard Self.code(of: unauthenticated, seed: seed) == code else { throw .damaged }
    return seed
  }

  // MARK: Changing

  mutating func add(_ entry: Entry) {
    let place = entries.firstIndex { $0.index >= entry.index } ?? entries.count
    if entries.indices.contains(place), entries[place].index == entry.index { return }
    entries.insert(entry, at: place)
  }

  mutating func setRepresentative(_ representative: Account) {
    self.representative = representative
  }

  /// The whole file; the seed authenticates the part that is not encrypted.
  mutating func encode(seed: SecretBytes) -> [UInt8] {
    let body = unauthenticated
    code = Self.code(of: body, seed: seed)
    let bytes = body + code
    return bytes + BLAKE2b.hash256("", bytes).bytes
  }

  private var unauthenticated: [UInt8] {
    var writer = ByteWriter(capacity: 174 + entries.count * 36)
    writer.array(sealed.encoded)
    writer.bytes32((representative ?? .burn).bytes)
    writer.integer(UInt32(entries.count))
    for entry in entries {
      writer.integer(entry.index)
      writer.bytes32(entry.account.bytes)
    }
    return writer.bytes
  }

  // MARK: Cryptography

  /// Keyed BLAKE2b-256, the key being BLAKE2b-256("smallnano-wallet-code-v1" ‖ seed).
  private static func code(of bytes: [UInt8], seed: SecretBytes) -> [UInt8] {
    let key = SecretBytes(count: 32) { key in
      seed.withUnsafeBytes {
        BLAKE2b.hash256("smallnano-wallet-code-v1", secret: $0, [], into: key)
      }
    }
    var code = [UInt8](repeating: 0, count: 32)
    let status = key.withUnsafeBytes { key in
      crypto_generichash(&code, code.count, bytes, UInt64(bytes.count), key.octets, key.count)
    }
    precondition(status == 0)
    return code
  }
}
