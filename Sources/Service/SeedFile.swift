public import Kernel

/// A seed of 32 random bytes in a file, readable to its owner only: a key is made of it.
public enum SeedFile {
  public static let size = 32

  /// Reads a seed.
  ///
  /// - Throws: `FileFailure`; also if others may read the file, or it holds no seed.
  public static func read(_ path: String) throws(FileFailure) -> SecretBytes {
    var seed = try PrivateFile.read(path, bytesMax: size, isSecret: true)
    let isWhole = seed.count == size
    let secret = SecretBytes(wiping: &seed)
    guard isWhole else { throw FileFailure("read", path, reason: "a key has \(size) bytes") }
    return secret
  }

  /// Makes a new seed and writes it.
  ///
  /// - Throws: `FileFailure`.
  public static func create(_ path: String) throws(FileFailure) -> SecretBytes {
    var random = SystemRandomNumberGenerator()
    var seed = (0..<size).map { _ in random.next() as UInt8 }
    try PrivateFile.write(seed, to: path)
    return SecretBytes(wiping: &seed)
  }
}
