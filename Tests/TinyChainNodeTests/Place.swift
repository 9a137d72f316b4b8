import Foundation

/// A directory for one test.
struct Place {
  let path: String

  init() throws {
    let place = FileManager.default.temporaryDirectory
      .appending(path: "tinychain-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    path = place.path
  }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  func read(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: file(name))))
  }

  func write(_ bytes: [UInt8], to name: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
  }

  func remove() {
    // What is left in the temporary directory does no harm.
    try? FileManager.default.removeItem(atPath: path)
  }
}
