import Kernel

/// What is wrong with an object of a repository.
public struct GitObjectFailure: Error, Hashable, CustomStringConvertible {
  public let description: String
}

/// The parts of a commit that make a chain.
public struct GitCommit: Hashable, Sendable {
  /// Names of objects are 40 or 64 hexadecimal digits, as the repository has them.
  public let tree: String
  /// Nil for a root.
  public let firstParent: String?

  // `tree NAME LF (parent NAME LF)* …`
  public init(_ bytes: [UInt8]) throws(GitObjectFailure) {
    var lines = bytes.split(separator: 10, maxSplits: 2, omittingEmptySubsequences: false)[...]
    func name(_ prefix: String) -> String? {
      guard let line = lines.first, line.starts(with: Array(prefix.utf8)) else { return nil }
      let name = String(decoding: line.dropFirst(prefix.utf8.count), as: UTF8.self)
      return GitName.isName(name) ? name : nil
    }
    guard let tree = name("tree ") else { throw GitObjectFailure(description: "it is no commit") }
    lines = lines.dropFirst()
    (self.tree, firstParent) = (tree, name("parent "))
  }
}

/// Names of objects.
enum GitName {
  /// 40 or 64 lower-case hexadecimal digits.
  static func isName(_ text: String) -> Bool {
    let digits = Array("0123456789abcdef".utf8)
    return [40, 64].contains(text.utf8.count) && text.utf8.allSatisfy(digits.contains)
  }
}

/// A directory of a commit: entries, each mode SP name NUL object.
public struct GitTree: Hashable, Sendable {
  public struct Entry: Hashable, Sendable {
    public let name: [UInt8]
    public let mode: UInt32
    public let object: String

    var isTree: Bool { mode == 0o40000 }
  }

  public let entries: [Entry]

  /// Files of a directory: 16 MiB have no more than this.
  static let entriesMax = 400_000

  /// Strict; `nameSize` is 20, or 32 for SHA-256.
  public init(_ bytes: [UInt8], nameSize: Int) throws(GitObjectFailure) {
    var entries: [Entry] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      var mode: UInt32 = 0
      var digits = 0
      while let byte = rest.first, byte != 0x20 {
        guard (0x30...0x37).contains(byte), digits < 6 else {
          throw GitObjectFailure(description: "a directory's entry has no mode")
        }
        mode = mode << 3 | UInt32(byte - 0x30)
        digits += 1
        rest = rest.dropFirst()
      }
      rest = rest.dropFirst()
      guard digits > 0, let end = rest.firstIndex(of: 0), rest.endIndex - end > nameSize,
        entries.count < Self.entriesMax
      else { throw GitObjectFailure(description: "a directory ends within an entry") }
      let object = rest[(end + 1)...].prefix(nameSize)
      entries.append(Entry(name: Array(rest[..<end]), mode: mode, object: object.hex))
      rest = rest[object.endIndex...]
    }
    self.entries = entries
  }

  /// Whether a name is one that git's own program would never have made, or would not write to a disk.
  static func isHostile(_ name: [UInt8]) -> Bool {
    let lower = name.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }
    return name.isEmpty || name.count > 255
      || name.contains { $0 < 0x20 || $0 == 0x7f || $0 == 0x2f }
      || name == [0x2e] || name == [0x2e, 0x2e] || lower == Array(".git".utf8)
      || StrictUTF8.firstInvalidIndex(in: name) != nil
  }
}
