import Glibc
import Kernel
import MeshWalletNode
import Testing
import Vault

/// The code of the problem that a call throws; nil if it throws none.
func problem<Result>(_ body: () throws -> Result) -> WalletProblem.Code? {
  do {
    _ = try body()
    return nil
  } catch {
    return (error as? WalletProblem)?.code
  }
}

func problem<Result>(_ body: () async throws -> Result) async -> WalletProblem? {
  do {
    _ = try await body()
    return nil
  } catch {
    return error as? WalletProblem
  }
}

extension SecretBytes {
  static func text(_ text: String) -> SecretBytes {
    var bytes = Array(text.utf8)
    return SecretBytes(wiping: &bytes)
  }
}

/// A directory that goes with the value.
final class TemporaryDirectory: Sendable {
  let path: String

  init() {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/mw-XXXXXX".utf8CString)
    let made = mkdtemp(&template)
    precondition(made != nil)
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit { Self.remove(path) }

  func mode(of name: String) -> UInt32 {
    var status = stat()
    stat("\(path)/\(name)", &status)
    return status.st_mode & 0o777
  }

  private static func remove(_ path: String) {
    if let stream = opendir(path) {
      while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { remove("\(path)/\(name)") }
      }
      closedir(stream)
      rmdir(path)
    } else {
      unlink(path)
    }
  }
}
