import Foundation
import Testing

/// A filesystem of one MiB in memory, which takes root to mount.
private struct TinyDisk {
  let place: TemporaryPlace
  private var filler: String { place.path + "/filler" }

  static let isPossible: Bool = {
    guard let disk = try? TinyDisk() else {
      print("skipped, as no filesystem can be mounted here: nodes on a full disk")
      return false
    }
    disk.remove()
    return true
  }()

  init() throws {
    place = try TemporaryPlace()
    guard mount("tmpfs", place.path, "tmpfs", 0, "size=1m") == 0 else {
      place.remove()
      throw POSIXError(.EPERM)
    }
  }

  /// Takes all that is free.
  func fill() {
    let file = open(filler, O_WRONLY | O_CREAT, 0o600)
    let block = [UInt8](repeating: 0, count: 4_096)
    while write(file, block, block.count) > 0 {}
    close(file)
  }

  func empty() { unlink(filler) }

  func remove() {
    // Also while a node that was killed holds files.
    umount2(place.path, Int32(MNT_DETACH))
    place.remove()
  }
}

@Suite("tinychain on a full disk", .enabled(if: TinyDisk.isPossible), .timeLimit(.minutes(2)))
struct TinyChainFullDiskTests {
  @Test("A transaction is refused with the reason, nothing is lost, and with room it goes on")
  func fullDisk() throws {
    let (disk, elsewhere) = (try TinyDisk(), try TemporaryPlace())
    defer {
      disk.remove()
      elsewhere.remove()
    }
    var node = try DevNodeProcess(data: disk.place.path)
    defer { node.end(with: SIGKILL) }
    let password = elsewhere.path + "/password"
    try #require(
      FileManager.default.createFile(
        atPath: password,
        contents: Data("a password\n".utf8),
        attributes: [.posixPermissions: 0o600]
      )
    )
    func wallet(_ arguments: String...) throws -> Programs.Outcome {
      let signs = arguments[0] == "list" ? [] : ["--password-file", password]
      let words = ["wallet"] + arguments + ["--data-dir", disk.place.path] + signs
      return try Programs.run("tinychain", words)
    }
    #expect(try wallet("new", "alice").status == 0)
    #expect(try wallet("send", "alice", "500000", "--from", "faucet").status == 0)

    disk.fill()
    for _ in 0..<2 {
      let refused = try wallet("send", "alice", "500000", "--from", "faucet")
      #expect(refused.status == 1)
      #expect(refused.errors.contains("the disk is full"))
    }
    #expect(try node.ask("/api/get_tip").contains(#""height":1,"#))

    disk.empty()
    #expect(try wallet("send", "alice", "500000", "--from", "faucet").status == 0)
    #expect(try wallet("list").output.contains("1000000 units"))
    node.end(with: SIGKILL)
    node = try DevNodeProcess(data: disk.place.path)
    #expect(try node.ask("/api/get_tip").contains(#""height":2,"#))
  }

  @Test("A node that mines stops with the reason, and with room goes on where it was")
  func fullDiskOfMiner() throws {
    let disk = try TinyDisk()
    defer { disk.remove() }
    func start() throws -> DevNodeProcess {
      try DevNodeProcess(data: disk.place.path, command: ["node", "run"])
    }
    func mine() throws -> Programs.Outcome {
      try Programs.run("tinychain", ["node", "mine", "--data-dir", disk.place.path])
    }
    let node = try start()
    defer { node.end(with: SIGKILL) }
    #expect(try mine().status == 0)
    disk.fill()
    // Some writes may still find room in the log.
    while try mine().status == 0 {}
    try node.waitForLog("the disk is full")
    node.process.waitUntilExit()
    #expect(node.process.terminationStatus == 1)
    disk.empty()
    let again = try start()
    defer { again.end(with: SIGKILL) }
    let height = try again.ask("/api/get_tip")
    #expect(!height.contains(#""height":0,"#), "\(height)")
    #expect(try mine().status == 0)
  }
}
