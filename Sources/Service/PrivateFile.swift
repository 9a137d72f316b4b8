import Glibc

/// What the system refused to do with a file.
public struct FileFailure: Error, Hashable, CustomStringConvertible {
  /// What was tried: "open", "write", "rename".
  public let operation: String
  public let path: String
  /// The system's error number; 0 if a rule of ours refused.
  public let code: Int32
  /// The system's words for the code, or ours.
  public let reason: String

  init(_ operation: String, _ path: String, code: Int32 = errno) {
    self.operation = operation
    self.path = path
    self.code = code
    reason = String(cString: strerror(code))
  }

  init(_ operation: String, _ path: String, reason: String) {
    self.operation = operation
    self.path = path
    code = 0
    self.reason = reason
  }

  public var isMissing: Bool { code == ENOENT }

  /// Whether another process holds the directory: see `DataDirectory`.
  public var isHeld: Bool { operation == "use" }

  public var description: String { "cannot \(operation) \(path): \(reason)" }
}

/// Small whole files: configuration, wallets, tokens, keys.
public enum PrivateFile {
  /// Owner only: for secrets.
  public static let secretMode: UInt32 = 0o600

  /// Replaces a file's contents so that a crash leaves the old or the new, never a part.
  ///
  /// Written beside the file as `path.new`, synced, renamed over it, and the directory synced. One
  /// process writes a file at a time: the data directory's lock sees to that.
  ///
  /// - Parameters:
  ///   - bytes: the whole new contents.
  ///   - path: the file.
  ///   - mode: permissions of the new file, whatever the umask.
  /// - Throws: `FileFailure`; the old file is then untouched.
  public static func write(
    _ bytes: [UInt8],
    to path: String,
    mode: UInt32 = secretMode
  ) throws(FileFailure) {
    let temporary = path + ".new"
    unlink(temporary)  // of a crash; if it fails, so does the exclusive open
    let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
    guard file >= 0 else { throw FileFailure("create", temporary) }
    do throws(FileFailure) {
      defer { close(file) }
      guard fchmod(file, mode) == 0 else { throw FileFailure("set the mode of", temporary) }
      try write(bytes, to: file, temporary)
      guard fsync(file) == 0 else { throw FileFailure("sync", temporary) }
      guard rename(temporary, path) == 0 else { throw FileFailure("rename to", path) }
    } catch {
      unlink(temporary)  // best effort: the failure above is the one to report
      throw error
    }
    try syncDirectory(of: path)
  }

  private static func write(
    _ bytes: [UInt8],
    to file: Int32,
    _ path: String
  ) throws(FileFailure) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw FileFailure("write", path)
      }
      rest = rest.dropFirst(count)
    }
  }

  /// Makes a rename or a new name in the directory of `path` survive a power cut.
  public static func syncDirectory(of path: String) throws(FileFailure) {
    let slash = path.lastIndex(of: "/")
    let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    let file = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard file >= 0 else { throw FileFailure("open", directory) }
    defer { close(file) }
    guard fsync(file) == 0 else { throw FileFailure("sync", directory) }
  }

  /// Bytes of a file; nil if it cannot be examined.
  public static func size(_ path: String) -> UInt64? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return UInt64(exactly: status.st_size)
  }

  /// Reads a whole file.
  ///
  /// - Parameters:
  ///   - path: the file.
  ///   - bytesMax: more is an error, found after reading no more than this.
  ///   - isSecret: refuse a file that others may read or write.
  /// - Returns: the file's bytes.
  /// - Throws: `FileFailure`; its `isMissing` tells a file that is not there from one that fails.
  public static func read(
    _ path: String,
    bytesMax: Int,
    isSecret: Bool = false
  ) throws(FileFailure) -> [UInt8] {
    // Non-blocking, so that a pipe under this name cannot hold the program up.
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw FileFailure("open", path) }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw FileFailure("examine", path) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw FileFailure("read", path, reason: "it is no regular file")
    }
    if isSecret, status.st_mode & 0o077 != 0 {
      throw FileFailure("read", path, reason: "others may read it; run chmod 600 on it")
    }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = chunk.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw FileFailure("read", path)
      }
      if count == 0 { return bytes }
      guard bytes.count + count <= bytesMax else {
        throw FileFailure("read", path, reason: "it has more than \(bytesMax) bytes")
      }
      bytes += chunk[..<count]
    }
  }
}
