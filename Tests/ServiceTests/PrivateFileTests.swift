import Glibc
import Service
import Testing

/// A directory that goes with the test.
private struct TemporaryDirectory: ~Copyable {
  let path: String

  init() throws {
    var template = Array("/tmp/trellis-test-XXXXXX".utf8CString)
    path = String(cString: try #require(mkdtemp(&template)))
  }

  deinit {
    remove(path)
  }

  private func remove(_ path: String) {
    if let directory = opendir(path) {
      while let entry = readdir(directory) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) {
          String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != ".", name != ".." { remove("\(path)/\(name)") }
      }
      closedir(directory)
      rmdir(path)
    } else {
      unlink(path)
    }
  }
}

@Suite("Private files and the data directory")
struct PrivateFileTests {
  private func mode(_ path: String) -> UInt32 {
    var status = stat()
    return stat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
  }

  @Test("What is written is read back, with the mode asked for, and nothing stays beside it")
  func roundTrip() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/secret"
    try PrivateFile.write([1, 2, 3], to: path)
    #expect(try PrivateFile.read(path, bytesMax: 3, isSecret: true) == [1, 2, 3])
    #expect(mode(path) == 0o600)
    try PrivateFile.write([], to: path, mode: 0o644)
    #expect(try PrivateFile.read(path, bytesMax: 0) == [])
    #expect(mode(path) == 0o644)
    #expect(access(path + ".new", F_OK) != 0)
  }

  @Test("What a crash left beside the file is no obstacle")
  func leftover() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/token"
    try PrivateFile.write([9], to: path + ".new", mode: 0o400)
    try PrivateFile.write([1], to: path)
    #expect(try PrivateFile.read(path, bytesMax: 9) == [1])
    #expect(mode(path) == 0o600)
  }

  @Test("Each refusal names the operation, the path and the system's words")
  func failures() throws {
    let directory = try TemporaryDirectory()
    let missing = directory.path + "/none"
    let failure = #expect(throws: FileFailure.self) {
      try PrivateFile.read(missing, bytesMax: 1)
    }
    #expect(failure?.isMissing == true)
    #expect(failure?.description == "cannot open \(missing): No such file or directory")

    let nowhere = directory.path + "/none/file"
    let write = #expect(throws: FileFailure.self) { try PrivateFile.write([1], to: nowhere) }
    #expect(write?.code == ENOENT)

    let large = directory.path + "/large"
    try PrivateFile.write([1, 2], to: large)
    let size = #expect(throws: FileFailure.self) { try PrivateFile.read(large, bytesMax: 1) }
    #expect(size?.reason == "it has more than 1 bytes")

    let open = directory.path + "/open"
    try PrivateFile.write([1], to: open, mode: 0o640)
    let secret = #expect(throws: FileFailure.self) {
      try PrivateFile.read(open, bytesMax: 1, isSecret: true)
    }
    #expect(secret?.reason == "others may read it; run chmod 600 on it")

    #expect(throws: FileFailure.self) { try PrivateFile.read(directory.path, bytesMax: 1) }
    try #require(mkfifo(directory.path + "/pipe", 0o600) == 0)
    let pipe = #expect(throws: FileFailure.self) {
      try PrivateFile.read(directory.path + "/pipe", bytesMax: 1)
    }
    #expect(pipe?.reason == "it is no regular file")
  }

  @Test("A failed write leaves the old contents and nothing else")
  func failedWrite() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/target"
    try #require(mkdir(path, 0o700) == 0)
    try PrivateFile.write([7], to: path + "/inside")
    let failure = #expect(throws: FileFailure.self) { try PrivateFile.write([1], to: path) }
    #expect(failure?.operation == "rename to")
    #expect(try PrivateFile.read(path + "/inside", bytesMax: 1) == [7])
    #expect(access(path + ".new", F_OK) != 0)
  }

  @Test("A seed is made once, read back, and refused unless it is whole")
  func seeds() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/key"
    let seed = try SeedFile.create(path)
    #expect(seed.count == 32)
    #expect(try SeedFile.read(path) == seed)
    #expect(try SeedFile.create(path) != seed)
    #expect(mode(path) == 0o600)
    try PrivateFile.write([UInt8](repeating: 1, count: 31), to: path)
    let failure = #expect(throws: FileFailure.self) { try SeedFile.read(path) }
    #expect(failure?.reason == "a key has 32 bytes")
  }

  @Test("A data directory is made with its parents and held by one at a time")
  func lock() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/a/b"
    do {
      let held = try DataDirectory(path)
      #expect(held.file("token") == path + "/token")
      #expect(mode(path) == 0o700)
      let failure = #expect(throws: FileFailure.self) { try DataDirectory(path) }
      #expect(failure?.description == "cannot use \(path): process \(getpid()) is using it")
      withExtendedLifetime(held) {}
    }
    #expect(throws: Never.self) { try DataDirectory(path) }
    try PrivateFile.write([1], to: directory.path + "/file")
    #expect(throws: FileFailure.self) { try DataDirectory(directory.path + "/file/x") }
    #expect(throws: FileFailure.self) { try DataDirectory("") }
  }
}
