import CSodium
public import Kernel

/// What it costs to try a password: Argon2id's passes and memory.
///
/// It is stored beside what the password opens, so that later versions may ask for more.
public struct PasswordCost: Hashable, Sendable {
  public let passes: UInt32
  public let memoryKiB: UInt32

  /// For tests of everything but the cost.
  public static let least = PasswordCost(passes: 1, memoryKiB: 8)

  public init(passes: UInt32, memoryKiB: UInt32) {
    self.passes = passes
    self.memoryKiB = memoryKiB
  }

  /// A damaged or foreign file must take neither the machine's memory nor its day: at most 16
  /// passes over `memoryKiBMax`.
  public func isAllowed(memoryKiBMax: UInt32) -> Bool {
    (1...16).contains(passes) && (8...memoryKiBMax).contains(memoryKiB)
  }
}

/// A secret under a password, with the bytes before it, which are authenticated only.
///
/// ```text
///   preamble         as the file's kind has it: magic, version, whose it is
///    4  Argon2id passes
///    4  Argon2id memory, KiB
///   16  salt
///   24  nonce
///    n  the secret and a tag of 16, XChaCha20-Poly1305; all before is its associated data
/// ```
///
/// Integers are little-endian.
public struct SealedSecret: Sendable {
  /// All before the sealed bytes.
  private let header: [UInt8]
  private let sealed: [UInt8]
  private let cost: PasswordCost
  private let salt: [UInt8]
  private let nonce: [UInt8]

  private static let tagSize = Int(crypto_aead_xchacha20poly1305_ietf_ABYTES)

  /// Encrypts a secret.
  ///
  /// Takes the time and memory of `cost`.
  ///
  /// - Throws: `SealFailure.noMemory`.
  public init(
    _ secret: SecretBytes,
    preamble: [UInt8],
    password: SecretBytes,
    cost: PasswordCost
  ) throws(SealFailure) {
    self.cost = cost
    salt = Self.random(Int(crypto_pwhash_SALTBYTES))
    let nonce = Self.random(Int(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES))
    self.nonce = nonce
    let header = Self.header(preamble, cost, salt, nonce)
    self.header = header
    let key = try Self.key(of: password, cost: cost, salt: salt)
    var sealed = [UInt8](repeating: 0, count: secret.count + Self.tagSize)
    let status = secret.withUnsafeBytes { secret in
      key.withUnsafeBytes { key in
        crypto_aead_xchacha20poly1305_ietf_encrypt(
          &sealed,
          nil,
          secret.octets,
          UInt64(secret.count),
          header,
          UInt64(header.count),
          nil,
          nonce,
          key.octets
        )
      }
    }
    precondition(status == 0)
    self.sealed = sealed
  }

  /// Reads what follows a preamble, which the caller has read and found right.
  ///
  /// - Parameters:
  ///   - reader: at the cost.
  ///   - preamble: the bytes before.
  ///   - count: of the secret.
  ///   - memoryKiBMax: what a file may make the password cost.
  /// - Throws: `DecodingFailure`, also for a cost that is not allowed.
  public init(
    from reader: inout ByteReader,
    after preamble: [UInt8],
    count: Int,
    memoryKiBMax: UInt32
  ) throws(DecodingFailure) {
    cost = PasswordCost(passes: try reader.uint32(), memoryKiB: try reader.uint32())
    guard cost.isAllowed(memoryKiBMax: memoryKiBMax) else {
      throw reader.failure(.tooLong("password cost"))
    }
    salt = try reader.array(Int(crypto_pwhash_SALTBYTES))
    nonce = try reader.array(Int(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES))
    header = Self.header(preamble, cost, salt, nonce)
    sealed = try reader.array(count + Self.tagSize)
  }

  /// With the preamble.
  public var encoded: [UInt8] { header + sealed }

  /// Decrypts the secret.
  ///
  /// Takes the time and memory that stand in it.
  ///
  /// - Returns: the secret; nil for a wrong password, or if a byte was changed.
  /// - Throws: `SealFailure.noMemory`.
  public func open(password: SecretBytes) throws(SealFailure) -> SecretBytes? {
    let key = try Self.key(of: password, cost: cost, salt: salt)
    var status: Int32 = -1
    let secret = SecretBytes(count: sealed.count - Self.tagSize) { secret in
      key.withUnsafeBytes { key in
        status = crypto_aead_xchacha20poly1305_ietf_decrypt(
          secret.octets,
          nil,
          nil,
          sealed,
          UInt64(sealed.count),
          header,
          UInt64(header.count),
          nonce,
          key.octets
        )
      }
    }
    return status == 0 ? secret : nil
  }

  private static func header(
    _ preamble: [UInt8],
    _ cost: PasswordCost,
    _ salt: [UInt8],
    _ nonce: [UInt8]
  ) -> [UInt8] {
    var writer = ByteWriter(capacity: preamble.count + 48)
    writer.array(preamble)
    writer.integer(cost.passes)
    writer.integer(cost.memoryKiB)
    writer.array(salt)
    writer.array(nonce)
    return writer.bytes
  }

  private static func key(
    of password: SecretBytes,
    cost: PasswordCost,
    salt: [UInt8]
  ) throws(SealFailure) -> SecretBytes {
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

  private static func random(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    randombytes_buf(&bytes, count)
    return bytes
  }
}

/// Why a password could not be tried.
public enum SealFailure: Error, Hashable, CustomStringConvertible {
  case noMemory

  public var description: String { "there is not enough memory to check the password" }
}
