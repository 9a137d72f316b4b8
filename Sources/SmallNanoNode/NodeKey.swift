import Kernel
import Service

/// The node's own key on the wire, in a file of its data directory.
enum NodeKey {
  static let fileName = "node.key"

  /// Reads the key, or makes one on the first run: 32 random bytes, readable to the owner only.
  ///
  /// - Throws: `FileFailure`; also if others may read the file.
  static func load(from directory: DataDirectory) throws -> SecretKey {
    let path = directory.file(fileName)
    var seed: [UInt8]
    do {
      seed = try PrivateFile.read(path, bytesMax: SecretKey.seedSize, isSecret: true)
    } catch {
      guard error.isMissing else { throw error }
      seed = randomSeed()
      try PrivateFile.write(seed, to: path)
    }
    guard let key = SecretKey(seed: &seed) else {
      throw NodeFailure("\(path) is no node key: remove it, and the node makes a new one")
    }
    return key
  }

  private static func randomSeed() -> [UInt8] {
    var random = SystemRandomNumberGenerator()
    return (0..<SecretKey.seedSize).map { _ in random.next() as UInt8 }
  }
}

/// Why a node cannot start or go on, for the operator.
public struct NodeFailure: Error, Hashable, CustomStringConvertible {
  public let description: String

  init(_ description: String) {
    self.description = description
  }
}
