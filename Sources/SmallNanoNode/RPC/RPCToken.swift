import Kernel
import Service
import Vault

/// The secret that a client shows to use the wallet: who can read the data directory may.
public struct RPCToken: Sendable {
  /// 64 hexadecimal digits, as clients send them.
  private let text: SecretBytes

  public static let fileName = "rpc_token"

  /// Reads the token of a data directory, or makes one.
  ///
  /// It stays from run to run, so that clients need not read it again.
  ///
  /// - Throws: `FileFailure`, also if others may read the file.
  public init(dataDirectory: String) throws {
    let path = "\(dataDirectory)/\(Self.fileName)"
    do {
      var bytes = try PrivateFile.read(path, bytesMax: 4096, isSecret: true)
      while let last = bytes.last, last == 10 || last == 13 { bytes.removeLast() }
      if Bytes32(hex: String(decoding: bytes, as: UTF8.self)) != nil {
        text = SecretBytes(wiping: &bytes)
        return
      }
      // Cut off or edited: as good as none.
    } catch {
      guard error.isMissing else { throw error }  // else: the first run
    }
    var bytes = Array(SecretBytes.random(32).withUnsafeBytes { Array($0) }.hex.utf8)
    try PrivateFile.write(bytes + [10], to: path)
    text = SecretBytes(wiping: &bytes)
  }

  /// Compares a header's value, `Bearer` and the token; in constant time but for its length.
  func matches(_ authorization: String) -> Bool {
    let scheme = "bearer "
    guard authorization.prefix(scheme.count).lowercased() == scheme else { return false }
    var shown = Array(authorization.dropFirst(scheme.count).utf8)
    return SecretBytes(wiping: &shown) == text
  }
}
