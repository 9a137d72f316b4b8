public import Kernel
public import Secp256k1
import Service
public import TinyChain
public import Vault

/// Named signing keys in one encrypted file, which only its owner may read.
///
/// ```text
///   0   8  "TCKEYS01"
///   8   4  number of accounts, at most 1,000
///  12   …  for each: length of its name 1 ‖ name ‖ address 20, in order of making
///   …   …  the secrets, 32 each, as a `SealedSecret` whose preamble is all before
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

  public static let entriesMax = 1_000
  /// 64 MiB for about a tenth of a second.
  public static let standardCost = PasswordCost(passes: 3, memoryKiB: 64 << 10)
  /// A foreign file may not make a password cost more.
  private static let memoryKiBMax: UInt32 = 128 << 10
  /// A thousand accounts with names of 32 bytes, and the head.
  static let bytesMax = 128 << 10
  private static let magic = Array("TCKEYS01".utf8)

  private let cost: PasswordCost
  public private(set) var entries: [Entry] = []
  /// Nil before the first account.
  private var sealed: SealedSecret?

  // MARK: Files

  /// One without accounts; it gets its password with the first one.
  public init(cost: PasswordCost = standardCost) {
    self.cost = cost
  }

  /// Reads a file, as far as that needs no password; nil if there is none.
  public init?(path: String) throws {
    do {
      try self.init(try PrivateFile.read(path, bytesMax: Self.bytesMax, isSecret: true))
    } catch let failure as FileFailure where failure.isMissing {
      return nil
    } catch let failure as KeystoreFailure {
      throw KeystoreFileFailure(path: path, failure: failure)
    }
  }

  /// Reads a file's bytes.
  public init(_ bytes: [UInt8]) throws(KeystoreFailure) {
    guard bytes.starts(with: Self.magic) else { throw .notAKeystore }
    cost = Self.standardCost
    do {
      var reader = ByteReader(bytes)
      _ = try reader.array(Self.magic.count)
      let count = Int(try reader.uint32())
      guard (1...Self.entriesMax).contains(count) else { throw KeystoreFailure.damaged }
      for _ in 0..<count {
        let name = String(decoding: try reader.array(Int(try reader.uint8())), as: UTF8.self)
        guard Self.isName(name), self[name] == nil else { throw KeystoreFailure.damaged }
        entries.append(Entry(name: name, address: try Address(from: &reader)))
      }
      sealed = try SealedSecret(
        from: &reader,
        after: preamble,
        count: count * ECDSASecretKey.size,
        memoryKiBMax: Self.memoryKiBMax
      )
      try reader.finish()
    } catch let failure as KeystoreFailure {
      throw failure
    } catch {
      throw .damaged
    }
  }

  /// Replaces the file, mode 0600; a crash leaves the old or the new.
  public func write(to path: String) throws {
    try PrivateFile.write(bytes, to: path)
  }

  /// The whole file; empty before the first account.
  public var bytes: [UInt8] { sealed?.encoded ?? [] }

  private var preamble: [UInt8] {
    var writer = ByteWriter(capacity: 1_024)
    writer.array(Self.magic)
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
  /// Takes the time and memory of the cost, twice. The file's password is the one of its first
  /// account.
  public mutating func add(_ name: String, password: SecretBytes) throws(KeystoreFailure) -> Entry {
    guard Self.isName(name) else { throw .badName }
    guard self[name] == nil else { throw .nameTaken(name) }
    guard entries.count < Self.entriesMax else { throw .full }
    let known = try secrets(password)
    let (secret, key) = Self.newKey()
    let entry = Entry(name: name, address: Address(key.publicKey))
    let all = SecretBytes(count: known.count + secret.count) { all in
      known.withUnsafeBytes { all.copyMemory(from: $0) }
      secret.withUnsafeBytes { secret in
        UnsafeMutableRawBufferPointer(rebasing: all[known.count...]).copyMemory(from: secret)
      }
    }
    entries.append(entry)
    do throws(SealFailure) {
      sealed = try SealedSecret(all, preamble: preamble, password: password, cost: cost)
    } catch {
      entries.removeLast()
      throw .noMemory
    }
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
    let all = try secrets(password)
    let size = ECDSASecretKey.size
    let secret = SecretBytes(count: size) { secret in
      all.withUnsafeBytes { all in
        let range = index * size..<(index + 1) * size
        secret.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[range]))
      }
    }
    guard let key = ECDSASecretKey(secret), Address(key.publicKey) == entries[index].address else {
      throw .damaged
    }
    return key
  }

  private func secrets(_ password: SecretBytes) throws(KeystoreFailure) -> SecretBytes {
    guard let sealed else { return SecretBytes(count: 0) { _ in } }
    let secrets: SecretBytes?
    do throws(SealFailure) {
      secrets = try sealed.open(password: password)
    } catch {
      throw .noMemory
    }
    guard let secrets else { throw .wrongPassword }
    return secrets
  }

  private static func newKey() -> (SecretBytes, ECDSASecretKey) {
    while true {
      let secret = SecretBytes.random(ECDSASecretKey.size)
      // The chance that the number is out of range is below 2^-127.
      if let key = ECDSASecretKey(secret) { return (secret, key) }
    }
  }
}

/// What is wrong with a keystore's file.
public struct KeystoreFileFailure: Error, Hashable, Sendable, CustomStringConvertible {
  public let path: String
  public let failure: KeystoreFailure

  public var description: String { "\(path): \(failure)" }
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
    case .notAKeystore: "this is no keystore of tinychain; name another file or directory"
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
