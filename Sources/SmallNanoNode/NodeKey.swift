import EdDSA
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
    guard let key = SecretKey(seed: try seed(at: path)) else {
      preconditionFailure("a seed file holds what a key is made of")
    }
    return key
  }

  private static func seed(at path: String) throws(FileFailure) -> SecretBytes {
    do throws(FileFailure) {
      return try SeedFile.read(path)
    } catch {
      guard error.isMissing else { throw error }
      return try SeedFile.create(path)
    }
  }
}

/// Why a node cannot start or go on, for the operator.
public struct NodeFailure: Error, Hashable, CustomStringConvertible {
  public let description: String

  init(_ description: String) {
    self.description = description
  }
}
