import Kernel
import Testing

@testable import TinyChainNode

@Suite("Objects of a repository")
struct GitObjectTests {
  private static let name = String(repeating: "ab", count: 20)
  private static let other = String(repeating: "cd", count: 20)

  @Test("A commit's tree and first parent are read, and nothing else")
  func commits() throws {
    let root = try GitCommit(Array("tree \(Self.name)\nauthor a\n\nparent \(Self.other)\n".utf8))
    #expect(root.tree == Self.name)
    #expect(root.firstParent == nil)
    let text = "tree \(Self.name)\nparent \(Self.other)\nparent \(Self.name)\nauthor"
    #expect(try GitCommit(Array(text.utf8)).firstParent == Self.other)
    let long = String(repeating: "0f", count: 32)
    #expect(try GitCommit(Array("tree \(long)\n".utf8)).tree == long)
    for bad in ["", "tree", "tree \(Self.name)0\n", "tree \(Self.name.uppercased())\n", "tag x"] {
      #expect(throws: GitObjectFailure.self, "\(bad)") { try GitCommit(Array(bad.utf8)) }
    }
  }

  @Test("A directory's entries are read strictly")
  func trees() throws {
    let object = [UInt8](repeating: 0xab, count: 20)
    let bytes =
      Array("100644 a\0".utf8) + object + Array("40000 b c\0".utf8) + object
      + Array("160000 d\0".utf8) + object
    let entries = try GitTree(bytes, nameSize: 20).entries
    #expect(entries.map(\.mode) == [0o100644, 0o40000, 0o160000])
    #expect(entries.map(\.isTree) == [false, true, false])
    #expect(entries[1].name == Array("b c".utf8))
    #expect(entries[1].object == Self.name)
    for count in 1..<bytes.count where count != 29 && count != 59 {
      #expect(throws: GitObjectFailure.self, "\(count)") {
        try GitTree(Array(bytes[..<count]), nameSize: 20)
      }
    }
    #expect(throws: GitObjectFailure.self) {
      try GitTree(Array("98 a\0".utf8) + object, nameSize: 20)
    }
    #expect(throws: GitObjectFailure.self) {
      try GitTree(Array("7777777 a\0".utf8) + object, nameSize: 20)
    }
  }

  @Test("No bytes trap")
  func anyBytes() {
    var random = SplitMix64(seed: 5)
    for _ in 0..<2_000 {
      let bytes = (0..<Int.random(in: 0..<80, using: &random)).map { _ in
        UInt8.random(in: 0...255, using: &random) & 0x3f
      }
      _ = try? GitTree(bytes, nameSize: 20)
      _ = try? GitCommit(bytes)
    }
  }

  @Test("Names that git's program would not write are hostile")
  func hostileNames() {
    for name in ["", ".", "..", ".git", ".GIT", "a/b", "a\nb", "a\u{7f}", "\u{1b}[2J"] {
      #expect(GitTree.isHostile(Array(name.utf8)), "\(name)")
    }
    #expect(GitTree.isHostile([0xff, 0xfe]))
    #expect(GitTree.isHostile([UInt8](repeating: 97, count: 256)))
    for name in ["a", "a b", ".gitignore", "é", "-x"] {
      #expect(!GitTree.isHostile(Array(name.utf8)), "\(name)")
    }
  }
}
