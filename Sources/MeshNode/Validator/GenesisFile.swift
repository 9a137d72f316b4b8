public import Mesh
import Service

/// A network's genesis in a file: the same bytes at every validator and every wallet.
public enum GenesisFile {
  /// In a data directory.
  public static let standardName = "genesis.mesh"
  /// Reads a genesis.
  ///
  /// - Throws: `UsageFailure` with what is wrong, and where.
  public static func read(_ path: String) throws -> Genesis {
    let bytes: [UInt8]
    do {
      bytes = try PrivateFile.read(path, bytesMax: Genesis.bytesMax)
    } catch {
      let hint =
        error.isMissing ? "; name the network's genesis file with --genesis, or copy it there" : ""
      throw UsageFailure.badFile("\(error)\(hint)")
    }
    do {
      return try Genesis(encoded: bytes)
    } catch {
      throw UsageFailure.badFile("\(path) is no genesis: \(error)")
    }
  }

  /// Writes a genesis for everyone to read.
  ///
  /// - Throws: `FileFailure`.
  public static func write(_ genesis: Genesis, to path: String) throws {
    try PrivateFile.write(genesis.encoded, to: path, mode: 0o644)
  }
}
