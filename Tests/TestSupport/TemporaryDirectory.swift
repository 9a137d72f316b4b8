import Glibc

/// A directory of its own for one test, removed with all it holds.
public final class TemporaryDirectory: Sendable {
  public let path: String

  public init() {
    let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/trellis-test-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { preconditionFailure("no temporary directory") }
    path = String(cString: made)
  }

  deinit { Self.remove(path) }

  public func file(_ name: String) -> String { "\(path)/\(name)" }

  public func write(_ bytes: [UInt8], to name: String) {
    let file = open(file(name), O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    precondition(file >= 0)
    precondition(Glibc.write(file, bytes, bytes.count) == bytes.count)
    close(file)
  }

  /// Nil if there is no such file.
  public func read(_ name: String) -> [UInt8]? {
    let file = open(file(name), O_RDONLY)
    guard file >= 0 else { return nil }
    defer { close(file) }
    let size = Int(lseek(file, 0, SEEK_END))
    var bytes = [UInt8](repeating: 0, count: size)
    return pread(file, &bytes, size, 0) == size ? bytes : nil
  }

  /// Permissions of a file; 0 if there is none.
  public func mode(of name: String) -> UInt32 {
    var status = stat()
    guard stat(file(name), &status) == 0 else { return 0 }
    return status.st_mode & 0o777
  }

  public func has(_ name: String) -> Bool { access(file(name), F_OK) == 0 }

  private static func remove(_ path: String) {
    for name in names(in: path) {
      let inside = "\(path)/\(name)"
      if unlink(inside) != 0 { remove(inside) }
    }
    rmdir(path)
  }

  private static func names(in path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
