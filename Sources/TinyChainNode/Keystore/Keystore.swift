internal import CSodium
public import Kernel
public import Secp256k1
import Service
public import TinyChain

/// Named signing keys in one encrypted file, which only its owner may read.
///
/// ```text
///   0   8  "TCKEYS01"
///   8   4  Argon2id passes
///  12   4  Argon2id memory, KiB
///  16  16  salt
///  32  24  nonce
///  56   4  number of accounts, at most 1,000
///  60   …  for each: length of its name 1 ‖ name ‖ address 20, in order of making
///   …   …  secrets, 32 each, and tag 16: XChaCha20-Poly1305, all before being associated data
/// ```
///
/// Integers are little-endian. Names and addresses are no secret, so that they can be listed without
/// the password; who changes them makes the file unreadable.
public struct Keystore: Sendable {
  /// An account of the file.
  public struct Entry: Hashable, Sendable {
    public let name: String
    public let address: Address
  }

  /// What Argon2id costs; it is stored, so that later versions may ask for more.
  public struct Cost: Hashable, Sendable {
    public let passes: UInt32
    public let memoryKiB: UInt32

    /// 64 MiB for about a tenth of a second.
    public static let standard = Cost(passes: 3, memoryKiB: 64 << 10)
    /// For tests of everything but the cost.
    public static let least = Cost(passes: 1, memoryKiB: 8)

    /// A damaged or foreign file must not take the machine's memory: 128 MiB at most, and 16 passes.
    var isAllowed: Bool { (1...16).contains(passes) && (8...(128 << 10)).contains(memoryKiB) }
  }

  public static let entriesMax = 1_000
  /// A thousand accounts with names of 32 bytes, and the head.
  static let bytesMax = 128 << 10
  private static let magic = Array("TCKEYS01".utf8)

  private let cost: Cost
  private var salt: [UInt8]
  private var nonce: [UInt8]
  public private(set) var entries: [Entry]
  private var sealed: [UInt8]

  // MARK: Files

  /// One without accounts; it has a password from the first account on.
  public init(cost: Cost = .standard) {
    self.cost = cost
    (salt, nonce, entries, sealed) = ([], [], [], [])
  }

  /// Reads a file, as far as that needs no password; nil if there is none.
  public init?(path: String) throws {
    do {
      try self.init(try PrivateFile.read(path, bytesMax: Self.bytesMax, isSecret: true))
    } catch let failure as FileFailure where failure.isMissing {
      return nil
    }
  }

  init(_ bytes: [UInt8]) throws(KeystoreFailure) {
    guard bytes.starts(with: Self.magic) else { throw .notAKeystore }
    do {
      var reader = ByteReader(bytes)
      _ = try reader.array(Self.magic.count)
      cost = Cost(passes: try reader.uint32(), memoryKiB: try reader.uint32())
      salt = try reader.array(Self.saltSize)
      nonce = try reader.array(Self.nonceSize)
      let count = Int(try reader.uint32())
      guard cost.isAllowed, (1...Self.entriesMax).contains(count) else {
        throw KeystoreFailure.damaged
      }
      entries = []
      for _ in 0..<count {
        let name = String(decoding: try reader.array(Int(try reader.uint8())), as: UTF8.self)
        guard Self.isName(name), !entries.contains(where: { $0.name == name }) else {
          throw KeystoreFailure.damaged
        }
        entries.append(Entry(name: name, address: try Address(from: &reader)))
      }
      sealed = try reader.array(count * ECDSASecretKey.size + Self.tagSize)
      try reader.finish()
    } catch let failure as KeystoreFailure {
      throw failure
    } catch {
      throw .damaged
    }
  }

  /// Replaces the file, mode 0600; a crash leaves the old or the new.
  public func write(to path: String) throws {
    try PrivateFile.write(head + sealed, to: path)
  }

  private var head: [UInt8] {
    var writer = ByteWriter(capacity: 1_024)
    writer.array(Self.magic)
    writer.integer(cost.passes)
    writer.integer(cost.memoryKiB)
    writer.array(salt)
    writer.array(nonce)
    writer.integer(UInt32(entries.count))
    for entry in entries {
      writer.integer(UInt8(entry.name.utf8.count))
      writer.array(Array(entry.name.utf8))
      entry.address.encode(into: &writer)
    }
    return writer.bytes
  }

  // MARK: Accounts

  /// Whether an account may be called so: 1 to 32 of a-z, 0-9, - and _, beginning with a letter.
  public static func isName(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard let first = bytes.first, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) else {
      return false
    }
    return bytes.count <= 32
      && bytes.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
          UInt8(ascii: "-"), UInt8(ascii: "_"):
          true
        default: false
        }
      }
  }

  public subscript(name: String) -> Entry? { entries.first { $0.name == name } }

  /// Makes a key under a new name.
  ///
  /// Takes the time and memory of the cost. The file's password is the one of its first account.
  public mutating func add(_ name: String, password: SecretBytes) throws(KeystoreFailure) -> Entry {
    guard Self.isName(name) else { throw .badName }
    guard self[name] == nil else { throw .nameTaken(name) }
    guard entries.count < Self.entriesMax else { throw .full }
    if entries.isEmpty { salt = Self.random(Self.saltSize) }
    let key = try Self.key(of: password, cost: cost, salt: salt)
    let known = entries.isEmpty ? SecretBytes(count: 0) { _ in } : try open(by: key)
    // The chance to miss is below 2^-127.
    var made: (secret: SecretBytes, key: ECDSASecretKey)?
    while made == nil {
      let secret = SecretBytes(count: ECDSASecretKey.size) { randombytes_buf($0.octets, $0.count) }
      made = ECDSASecretKey(secret).map { (secret, $0) }
    }
    guard let made else { preconditionFailure("the loop ends with a key") }
    let entry = Entry(name: name, address: Address(made.key.publicKey))
    entries.append(entry)
    nonce = Self.random(Self.nonceSize)
    let all = SecretBytes(count: known.count + made.secret.count) { all in
      known.withUnsafeBytes { all.copyMemory(from: $0) }
      made.secret.withUnsafeBytes { secret in
        UnsafeMutableRawBufferPointer(rebasing: all[known.count...]).copyMemory(from: secret)
      }
    }
    seal(all, by: key)
    return entry
  }

  /// The key of an account.
  ///
  /// Takes the time and memory that the file says.
  public func secretKey(
    of name: String,
    password: SecretBytes
  ) throws(KeystoreFailure) -> ECDSASecretKey {
    guard let index = entries.firstIndex(where: { $0.name == name }) else {
      throw .unknownName(name)
    }
    let all = try open(by: try Self.key(of: password, cost: cost, salt: salt))
    let size = ECDSASecretKey.size
    let secret = SecretBytes(count: size) { secret in
      all.withUnsafeBytes { all in
        secret.copyMemory(
          from: UnsafeRawBufferPointer(rebasing: all[index * size..<(index + 1) * size])
        )
      }
    }
    guard let key = ECDSASecretKey(secret), Address(key.publicKey) == entries[index].address else {
      throw .damaged
    }
    return key
  }

  // MARK: Cryptography

  private static let saltSize = Int(crypto_pwhash_SALTBYTES)
  private static let nonceSize = Int(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES)
  private static let tagSize = Int(crypto_aead_xchacha20poly1305_ietf_ABYTES)

  private mutating func seal(_ secrets: SecretBytes, by key: SecretBytes) {
    let head = head
    var sealed = [UInt8](repeating: 0, count: secrets.count + Self.tagSize)
    let status = secrets.withUnsafeBytes { secrets in
      key.withUnsafeBytes { key in
        crypto_aead_xchacha20poly1305_ietf_encrypt(
          &sealed,
          nil,
          secrets.octets,
          UInt64(secrets.count),
          head,
          UInt64(head.count),
          nil,
          nonce,
          key.octets
        )
      }
    }
    precondition(status == 0)
    self.sealed = sealed
  }

  private func open(by key: SecretBytes) throws(KeystoreFailure) -> SecretBytes {
    let head = head
    var status: Int32 = -1
    let secrets = SecretBytes(count: sealed.count - Self.tagSize) { secrets in
      key.withUnsafeBytes { key in
        status = crypto_aead_xchacha20poly1305_ietf_decrypt(
          secrets.octets,
          nil,
          nil,
          sealed,
          UInt64(sealed.count),
          head,
          UInt64(head.count),
          nonce,
          key.octets
        )
      }
    }
    guard status == 0 else { throw .wrongPassword }
    return secrets
  }

  private static func key(
    of password: SecretBytes,
    cost: Cost,
    salt: [UInt8]
  ) throws(KeystoreFailure) -> SecretBytes {
    var status: Int32 = -1
    let key = SecretBytes(count: Int(crypto_aead_xchacha20poly1305_ietf_KEYBYTES)) { key in
      password.withUnsafeBytes { password in
        // An empty password has an address too.
        guard let characters = password.assumingMemoryBound(to: CChar.self).baseAddress else {
          return
        }
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
    guard status == 0 else { throw .noMemory }
    return key
  }

  private static func random(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    randombytes_buf(&bytes, count)
    return bytes
  }
}

/// What a keystore cannot do, and why.
public enum KeystoreFailure: Error, Hashable, Sendable, CustomStringConvertible {
  case notAKeystore
  case damaged
  case wrongPassword
  case noMemory
  case badName
  case nameTaken(String)
  case unknownName(String)
  case full

  public var description: String {
    switch self {
    case .notAKeystore: "the file is no keystore of tinychain"
    case .damaged: "the keystore is damaged; restore a copy"
    case .wrongPassword: "the password is wrong, or the keystore was changed"
    case .noMemory: "there is not enough memory to derive the key"
    case .badName: "a name has 1 to 32 of a-z, 0-9, - and _, and begins with a letter"
    case .nameTaken(let name): "there is an account \(name) already"
    case .unknownName(let name): "the keystore has no account \(name)"
    case .full: "the keystore is full"
    }
  }
}

extension UnsafeRawBufferPointer {
  /// The first byte as C functions take it; a secret's buffer has one even if it is empty.
  fileprivate var octets: UnsafePointer<UInt8> {
    guard let baseAddress else { preconditionFailure("a secret has an address") }
    return baseAddress.assumingMemoryBound(to: UInt8.self)
  }
}

extension UnsafeMutableRawBufferPointer {
  fileprivate var octets: UnsafeMutablePointer<UInt8> {
    guard let baseAddress else { preconditionFailure("a secret has an address") }
    return baseAddress.assumingMemoryBound(to: UInt8.self)
  }
}
