public import Kernel

/// An Ed25519 key in a file of 32 bytes, readable to its owner only.
public enum KeyFile {
  /// Reads a key.
  ///
  /// - Throws: `FileFailure`; also if others may read the file, or it holds no key.
  public static func read(_ path: String) throws(FileFailure) -> SecretKey {
    var seed = try PrivateFile.read(path, bytesMax: SecretKey.seedSize, isSecret: true)
    guard let key = SecretKey(seed: &seed) else {
      throw FileFailure("read", path, reason: "a key has \(SecretKey.seedSize) bytes")
    }
    return key
  }

  /// Makes a new key and writes it.
  ///
  /// - Throws: `FileFailure`.
  public static func create(_ path: String) throws(FileFailure) -> SecretKey {
    var random = SystemRandomNumberGenerator()
    var seed = (0..<SecretKey.seedSize).map { _ in random.next() as UInt8 }
    try PrivateFile.write(seed, to: path)
    guard let key = SecretKey(seed: &seed) else { preconditionFailure("a seed of the right size") }
    return key
  }
}
