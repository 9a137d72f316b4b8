import Foundation
import Testing

/// A bare repository and a clone of it, by git's own command line.
private struct Repository {
  let place: TemporaryPlace

  init() throws {
    place = try TemporaryPlace()
    try FileManager.default.createDirectory(atPath: clone, withIntermediateDirectories: true)
    try git(place.path, "init", "--quiet", "--bare", "--initial-branch=main", "repo.git")
    try git(place.path, "clone", "--quiet", url, "clone")
  }

  var url: String { "file://\(place.path)/repo.git" }
  var clone: String { "\(place.path)/clone" }

  func git(_ directory: String, _ arguments: String...) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["git", "-c", "user.name=a", "-c", "user.email=a@b"] + arguments
    process.currentDirectoryURL = URL(fileURLWithPath: directory)
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "git \(arguments)")
  }

  /// Commits everything in the clone and pushes it.
  func push(_ message: String, force: Bool = false) throws {
    try git(clone, "add", "--all")
    try git(clone, "commit", "--quiet", "--allow-empty", "-m", message)
    try git(clone, "push", "--quiet", force ? "--force" : "--no-force")
  }

  func write(_ bytes: Data, to path: String) throws {
    let url = URL(fileURLWithPath: "\(clone)/\(path)")
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(),
      withIntermediateDirectories: true
    )
    try bytes.write(to: url)
  }

  func tinychain(_ arguments: String..., data: String = "data") throws -> String {
    let words = ["git"] + arguments + ["--data-dir", "\(place.path)/\(data)"]
    let outcome = try Programs.run("tinychain", words)
    #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
    return outcome.output
  }

  /// The last line of a command: height and state root.
  func tip(_ arguments: String..., data: String = "data") throws -> Substring {
    let words = ["git"] + arguments + ["--data-dir", "\(place.path)/\(data)"]
    let outcome = try Programs.run("tinychain", words)
    #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
    return try #require(outcome.output.split(separator: "\n").last)
  }
}

@Suite("tinychain git", .timeLimit(.minutes(5)))
struct TinyChainGitTests {
  private static let someone = String(repeating: "07", count: 20)

  @Test("Proposals become blocks, and every replay leads to the same state")
  func proposals() throws {
    let repository = try Repository()
    defer { repository.place.remove() }
    let url = repository.url
    #expect(try repository.tip("replay", url).hasPrefix("height 0  state "))
    _ = try repository.tinychain("propose", "send", url, Self.someone, "5", "--from", "faucet")
    let counter = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "examples/brainfuck/counter.asm").path
    _ = try repository.tinychain("propose", "deploy", url, counter, "--from", "faucet")
    let first = try repository.tip("replay", url)
    #expect(first.hasPrefix("height 2  state "))
    #expect(try repository.tip("replay", url, data: "elsewhere") == first)
    #expect(try repository.tip("follow", url) == first)
    #expect(try repository.tip("follow", url) == first)
  }

  @Test("A force-push is a reorganisation: blocks are taken back, others take their place")
  func forcePush() throws {
    let repository = try Repository()
    defer { repository.place.remove() }
    let url = repository.url
    for units in 1...3 {
      _ = try repository.tinychain(
        "propose",
        "send",
        url,
        Self.someone,
        "\(units)",
        "--from",
        "faucet"
      )
    }
    let three = try repository.tip("follow", url)
    try repository.git(repository.clone, "pull", "--quiet")
    try repository.git(repository.clone, "reset", "--quiet", "--hard", "HEAD~2")
    try repository.push("another way", force: true)
    let followed = try repository.tinychain("follow", url)
    #expect(followed.contains("block 2 "))
    #expect(followed.contains("2 blocks taken back"))
    let two = try #require(followed.split(separator: "\n").last)
    #expect(two.hasPrefix("height 2  "))
    #expect(two != three)
    #expect(try repository.tip("replay", url, data: "elsewhere") == two)
  }

  @Test("Files that are no transactions are refused one by one, with the reason")
  func hostileFiles() throws {
    let repository = try Repository()
    defer { repository.place.remove() }
    let url = repository.url
    _ = try repository.tinychain("propose", "send", url, Self.someone, "5", "--from", "faucet")
    try repository.git(repository.clone, "pull", "--quiet")
    let clone = repository.clone
    let names = try FileManager.default.contentsOfDirectory(atPath: clone + "/txs")
    let known = try #require(names.first)
    try repository.write(Data("junk".utf8), to: "txs/junk")
    try repository.write(Data("elsewhere".utf8), to: "README")
    try repository.write(Data(count: 3_000_000), to: "txs/huge")
    try repository.write(Data("x".utf8), to: "txs/evil\nname\u{1b}[2J")
    try repository.write(Data("x".utf8), to: "txs/program")
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755],
      ofItemAtPath: clone + "/txs/program"
    )
    try FileManager.default.createSymbolicLink(
      atPath: clone + "/txs/link",
      withDestinationPath: "/etc/passwd"
    )
    try FileManager.default.createDirectory(
      atPath: clone + "/txs/deep/er",
      withIntermediateDirectories: true
    )
    try FileManager.default.copyItem(
      atPath: "\(clone)/txs/\(known)",
      toPath: clone + "/txs/deep/er/again"
    )
    // A submodule: an entry that names a commit.
    try repository.git(
      clone,
      "update-index",
      "--add",
      "--cacheinfo",
      "160000,\(String(repeating: "ab", count: 20)),txs/module"
    )
    try repository.git(clone, "add", "--all", "--", ":!txs/module")
    try repository.git(clone, "commit", "--quiet", "-m", "hostile")
    try repository.git(clone, "push", "--quiet")
    let followed = try repository.tinychain("follow", url)
    for (path, reason) in [
      ("txs/junk", "the bytes are no transaction"), ("txs/huge", "more bytes than a transaction"),
      ("txs/evil?name?[2J", "hostile"), ("txs/program", "no plain file"),
      ("txs/link", "no plain file"), ("txs/module", "no plain file"),
    ] {
      #expect(followed.contains("refused \(path): "), "\(path) in \(followed)")
      #expect(followed.contains(reason), "\(reason) in \(followed)")
    }
    #expect(followed.contains("this nonce was used before"))
    #expect(!followed.contains("README"))
    #expect(followed.contains("block 2 "))
  }

  @Test(
    "Repositories that cannot be had are told in one line",
    arguments: [
      ["replay", "file:///nowhere/at/all"], ["replay", "--upload-pack=touch", "x"],
      ["replay", "ext::sh -c true"], ["follow", "file:///nowhere", "--branch", "a:b"],
    ]
  )
  func wrongRepositories(arguments: [String]) throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let outcome = try Programs.run("tinychain", ["git"] + arguments + ["--data-dir", place.path])
    #expect(outcome.status != 0)
    #expect(outcome.errors.hasPrefix("error: "), "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
  }
}
