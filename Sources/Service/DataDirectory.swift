import Glibc
import Kernel

/// A node's directory, held by one process at a time.
///
/// The lock is the kernel's (`flock`), so it ends with the process, however that ends; the number
/// in the file only serves the message.
public final class DataDirectory: Sendable {
  public let path: String
  private let lock: Int32

  /// Creates the directory (mode 0700, with its parents) if need be and takes its lock.
  ///
  /// - Throws: `FileFailure`, which names the process that holds the lock if one does.
  public init(_ path: String) throws(FileFailure) {
    self.path = path
    try Self.create(path)
    let name = path + "/lock"
    let file = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600 as mode_t)
    guard file >= 0 else { throw FileFailure("open", name) }
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      defer { close(file) }
      guard code == EWOULDBLOCK else { throw FileFailure("lock", name, code: code) }
      let holder = Self.holder(of: file).map { "process \($0)" } ?? "another process"
      throw FileFailure("use", path, reason: "\(holder) is using it")
    }
    lock = file
    let number = Array("\(getpid())\n".utf8)
    // Should these fail, only a later message is poorer.
    _ = ftruncate(file, 0)
    _ = pwrite(file, number, number.count, 0)
  }

  deinit {
    close(lock)
  }

  /// A file of this directory.
  public func file(_ name: String) -> String { "\(path)/\(name)" }

  private static func holder(of file: Int32) -> Int32? {
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = pread(file, &bytes, bytes.count, 0)
    guard count > 0 else { return nil }
    let text = String(decoding: bytes[..<count].prefix { $0 != 10 }, as: UTF8.self)
    return JSON.Number(text)?.integer()
  }

  /// Creates a directory, mode 0700, with its parents; nothing happens if it is there.
  public static func create(_ path: String) throws(FileFailure) {
    guard !path.isEmpty else { throw FileFailure("create", path, code: ENOENT) }
    var end = path.startIndex
    while end < path.endIndex {
      let next = path.index(after: end)
      end = path[next...].firstIndex(of: "/") ?? path.endIndex
      let part = String(path[..<end])
      guard mkdir(part, 0o700) == 0 || errno == EEXIST else { throw FileFailure("create", part) }
    }
  }
}
