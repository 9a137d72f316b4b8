public import EdDSA
import Glibc
import Kernel
import Mesh
import Service
import Storage

/// What lies in a validator's data directory: its key, and the database that remembers its votes.
///
/// The two are made together, once. A key without its database is a validator that has forgotten what
/// it voted for: it may contradict itself, as only a Byzantine one does (SPEC-003, 3.5). So the
/// database is made first and the key last, and a key alone is never given a new database to vote
/// with.
public struct ValidatorDirectory: Sendable {
  public static let keyName = "validator.key"
  public static let ledgerName = "ledger.sqlite"
  static let portsName = "ports.json"

  public let path: String

  public init(_ path: String) {
    self.path = path
  }

  public var keyPath: String { "\(path)/\(Self.keyName)" }
  public var ledgerPath: String { "\(path)/\(Self.ledgerName)" }
  public var portsPath: String { "\(path)/\(Self.portsName)" }
  public var configPath: String { "\(path)/\(ValidatorOptions.fileName)" }

  private func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  private func key() throws(FileFailure) -> SecretKey { key(of: try SeedFile.read(keyPath)) }

  private func key(of seed: SecretBytes) -> SecretKey {
    guard let key = SecretKey(seed: seed) else {
      preconditionFailure("a seed file holds what a key is made of")
    }
    return key
  }

  /// Makes key, database and configuration.
  ///
  /// A crash in between leaves no key, and the next call begins anew.
  ///
  /// - Returns: the public key.
  /// - Throws: `ValidatorFailure` if there is a key already; `FileFailure`, `StorageFailure`.
  public func initialize() throws -> PublicKey {
    let lock = try DataDirectory(path)
    defer { withExtendedLifetime(lock) {} }
    guard !exists(keyPath) else {
      throw ValidatorFailure(
        "there is a key in \(path) already, with the public key \(try key().publicKey)"
      )
    }
    // Of a call that did not get as far as the key; without a key nobody has voted by it.
    for suffix in ["", "-wal", "-shm"] { unlink(ledgerPath + suffix) }
    try SQLiteMeshStore.create(path: ledgerPath)
    try PrivateFile.syncDirectory(of: ledgerPath)
    if !exists(configPath) {
      try PrivateFile.write(Array(ValidatorOptions.defaultFile.utf8), to: configPath, mode: 0o644)
    }
    return key(of: try SeedFile.create(keyPath)).publicKey
  }

  /// The key, if key and database are both there.
  ///
  /// - Parameter follows: make a database for a key that has lost its own, which then never votes.
  /// - Returns: the key.
  /// - Throws: `ValidatorFailure`, which says what to do; `FileFailure`, `StorageFailure`.
  func open(follows: Bool) throws -> SecretKey {
    guard exists(keyPath) else {
      throw ValidatorFailure(
        "there is no key in \(path); `mesh-validator init` makes one, for a network's genesis to name"
      )
    }
    let key = try key()
    guard !exists(ledgerPath) else { return key }
    guard follows else {
      throw ValidatorFailure(
        """
        there is a key in \(path), and no \(Self.ledgerName): this validator has lost the record of \
        its votes, and must not vote again, as it might contradict itself. Put the database back if \
        it is whole and the newest there ever was (an old copy is as bad as none). Else \
        `mesh-validator run --follow` makes a new one, catches up with the other validators and \
        serves reads without voting; the network bears it as one of its faulty ones
        """
      )
    }
    try SQLiteMeshStore.create(path: ledgerPath, followsOnly: true)
    try PrivateFile.syncDirectory(of: ledgerPath)
    return key
  }
}

extension ValidatorDirectory {
  /// Where the running validator answers HTTP; nil if none runs.
  public var httpPort: UInt16? {
    // Of one that is down, or never ran, it is missing.
    guard let bytes = try? PrivateFile.read(portsPath, bytesMax: 4096) else { return nil }
    return (try? JSON(parsing: bytes))?["http_port"]?.integer()
  }
}
