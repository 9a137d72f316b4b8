import CSodium
public import Kernel
public import SmallNano
import Service

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

  /// What Argon2id costs; it is stored, so that later versions may ask for more.
  public struct Cost: Hashable, Sendable {
    public let passes: UInt32
    public let memoryKiB: UInt32

    /// 64 MiB for about a tenth of a second: a fourth of what the node may take at its peak.
    public static let standard = Cost(passes: 3, memoryKiB: 64 << 10)

    /// For tests of everything but the cost.
    public static let least = Cost(passes: 1, memoryKiB: 8)

    public init(passes: UInt32, memoryKiB: UInt32) {
      self.passes = passes
      self.memoryKiB = memoryKiB
    }

    /// A damaged or foreign file must not take the node's memory: at most 128 MiB, and 16 passes.
    var isAllowed: Bool { (1...16).contains(passes) && (8...(128 << 10)).contains(memoryKiB) }
  }

  /// Accounts in one wallet: 360 KB on disk, and a scan of the ledger that is still quick.
  public static let accountsMax = 10_000

  private static let magic = Array("SNWALLET".utf8)
  private static let version: UInt16 = 1
  private static let headerSize = 90
  private static let sealedSize = 48

  /// Bytes 0..<90.
  private let header: [UInt8]
  private let sealedSeed: [UInt8]
  private let cost: Cost
  private let salt: [UInt8]
  private let nonce: [UInt8]
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
    cost: Cost,
    chain: ChainID,
    entries: [Entry],
    representative: Account?
  ) throws(WalletFailure) {
    precondition(seed.count == DeterministicKeys.seedSize)
    self.cost = cost
    self.entries = entries
    self.representative = representative
    salt = Self.random(Int(crypto_pwhash_SALTBYTES))
    let nonce = Self.random(Int(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES))
    self.nonce = nonce
    var writer = ByteWriter(capacity: Self.headerSize)
    writer.array(Self.magic)
    writer.integer(Self.version)
    writer.bytes32(chain.bytes)
    writer.integer(cost.passes)
    writer.integer(cost.memoryKiB)
    writer.array(salt)
    writer.array(nonce)
    let header = writer.bytes
    self.header = header
    let key = try Self.key(of: password, cost: cost, salt: salt)
    var sealed = [UInt8](repeating: 0, count: Self.sealedSize)
    let status = seed.withUnsafeBytes { seed in
      key.withUnsafeBytes { key in
        crypto_aead_xchacha20poly1305_ietf_encrypt(
          &sealed,
          nil,
          seed.octets,
          UInt64(seed.count),
          header,
          UInt64(header.count),
          nil,
          nonce,
          key.octets
        )
      }
    }
    precondition(status == 0)
    sealedSeed = sealed
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
      cost = Cost(passes: try reader.uint32(), memoryKiB: try reader.uint32())
      guard cost.isAllowed else { throw WalletFailure.damaged }
      salt = try reader.array(Int(crypto_pwhash_SALTBYTES))
      nonce = try reader.array(Int(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES))
      header = Array(bytes[..<Self.headerSize])
      sealedSeed = try reader.array(Self.sealedSize)
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
    let key = try Self.key(of: password, cost: cost, salt: salt)
    var status: Int32 = -1
    let seed = SecretBytes(count: DeterministicKeys.seedSize) { seed in
      key.withUnsafeBytes { key in
        status = crypto_aead_xchacha20poly1305_ietf_decrypt(
          seed.octets,
          nil,
          nil,
          sealedSeed,
          UInt64(sealedSeed.count),
          header,
          UInt64(header.count),
          nonce,
          key.octets
        )
      }
    }
    guard status == 0 else { throw .wrongPassword }
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
    writer.array(header)
    writer.array(sealedSeed)
    writer.bytes32((representative ?? .burn).bytes)
    writer.integer(UInt32(entries.count))
    for entry in entries {
      writer.integer(entry.index)
      writer.bytes32(entry.account.bytes)
    }
    return writer.bytes
  }

  // MARK: Cryptography

  private static func key(
    of password: SecretBytes,
    cost: Cost,
    salt: [UInt8]
  ) throws(WalletFailure) -> SecretBytes {
    var status: Int32 = -1
    let key = SecretBytes(count: Int(crypto_aead_xchacha20poly1305_ietf_KEYBYTES)) { key in
      password.withUnsafeBytes { password in
        password.withMemoryRebound(to: CChar.self) { characters in
          // An empty password has an address too.
          guard let characters = characters.baseAddress else { return }
          status = crypto_pwhash(
            key.octets,
            UInt64(key.count),
            characters,
            UInt64(password.count),
            salt,
            UInt64(cost.passes),
            Int(cost.memoryKiB) << 10,
            crypto_pwhash_ALG_ARGON2ID13
          )
        }
      }
    }
    guard status == 0 else { throw .noMemory }
    return key
  }

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

  private static func random(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    randombytes_buf(&bytes, count)
    return bytes
  }
}

extension UnsafeRawBufferPointer {
  /// The first byte as C functions take it; a secret's buffer has one even if it is empty.
  var octets: UnsafePointer<UInt8> {
    guard let baseAddress else { preconditionFailure("a secret has an address") }
    return baseAddress.assumingMemoryBound(to: UInt8.self)
  }
}

extension UnsafeMutableRawBufferPointer {
  /// The first byte as C functions take it; a secret's buffer has one even if it is empty.
  var octets: UnsafeMutablePointer<UInt8> {
    guard let baseAddress else { preconditionFailure("a secret has an address") }
    return baseAddress.assumingMemoryBound(to: UInt8.self)
  }
}

extension SecretBytes {
  /// Unpredictable bytes, from the system.
  public static func random(_ count: Int) -> SecretBytes {
    SecretBytes(count: count) { randombytes_buf($0.octets, $0.count) }
  }
}
