import Kernel

/// Reads objects of a repository through one `git cat-file --batch-command`.
///
/// An object's size is asked for before its content, so a huge one is never read.
final class GitObjectReader {
  private let process: GitProcess
  private var buffer: [UInt8] = []
  private var offset = 0

  static let commitMax = 1 << 20
  static let treeMax = 16 << 20
  /// The answer to `info`, and what stands before a content.
  private static let headMax = 4_096

  init(_ directory: String) throws(GitFailure) {
    process = try GitProcess(directory, ["cat-file", "--batch-command"])
  }

  deinit {
    process.close()
  }

  struct Info: Hashable {
    let object: String
    let type: String
    let size: Int
  }

  /// What a name means; nil if there is no such object.
  func info(_ name: String) throws(GitFailure) -> Info? {
    precondition(!name.contains("\n"))
    try process.write(Array("info \(name)\n".utf8))
    return try head()
  }

  /// A commit's content.
  func commit(_ name: String) throws(GitFailure) -> GitCommit {
    let content = try content(name, "commit", max: Self.commitMax)
    do throws(GitObjectFailure) {
      return try GitCommit(content)
    } catch {
      throw GitFailure("\(name): \(error)")
    }
  }

  func tree(_ name: String) throws(GitFailure) -> GitTree {
    let content = try content(name, "tree", max: Self.treeMax)
    do throws(GitObjectFailure) {
      return try GitTree(content, nameSize: name.utf8.count / 2)
    } catch {
      throw GitFailure("\(name): \(error)")
    }
  }

  /// A file's content; nil if it has more bytes.
  func blob(_ name: String, max: Int) throws(GitFailure) -> [UInt8]? {
    guard let info = try info(name), info.type == "blob" else {
      throw GitFailure("\(name) is no file of the repository")
    }
    return info.size <= max ? try content(name, "blob", max: max) : nil
  }

  private func content(_ name: String, _ type: String, max: Int) throws(GitFailure) -> [UInt8] {
    guard let info = try info(name), info.type == type else {
      throw GitFailure("\(name) is no \(type) of the repository")
    }
    guard info.size <= max else { throw GitFailure("\(name) has \(info.size) bytes: too many") }
    try process.write(Array("contents \(info.object)\n".utf8))
    guard try head() == info else { throw GitFailure("\(name) changed while it was read") }
    while buffer.count - offset <= info.size { try fill() }
    let content = Array(buffer[offset..<offset + info.size])
    guard buffer[offset + info.size] == 10 else {
      throw GitFailure("git answers what was not asked")
    }
    buffer.removeFirst(offset + info.size + 1)
    offset = 0
    return content
  }

  /// `OBJECT TYPE SIZE`, or `NAME missing`.
  private func head() throws(GitFailure) -> Info? {
    var end = buffer[offset...].firstIndex(of: 10)
    while end == nil {
      guard buffer.count - offset <= Self.headMax else {
        throw GitFailure("git answers what was not asked")
      }
      try fill()
      end = buffer[offset...].firstIndex(of: 10)
    }
    guard let end else { return nil }
    let words = String(decoding: buffer[offset..<end], as: UTF8.self).split(separator: " ")
    offset = end + 1
    if words.last == "missing" || words.last == "ambiguous" { return nil }
    guard words.count == 3, GitName.isName(String(words[0])), let size = Int(words[2]), size >= 0
    else { throw GitFailure("git answers what was not asked") }
    return Info(object: String(words[0]), type: String(words[1]), size: size)
  }

  private func fill() throws(GitFailure) {
    guard let chunk = try process.readSome() else {
      throw GitFailure("git ended while its answer was waited for")
    }
    buffer += chunk
  }
}
