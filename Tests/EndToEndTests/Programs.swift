import Foundation

/// The built programs: where `BUILT_PROGRAMS` says, else in this package's release build.
enum Programs {
  static let directory: String = {
    if let given = ProcessInfo.processInfo.environment["BUILT_PROGRAMS"] { return given }
    return URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: ".build/release").path
  }()

  /// How a program ended, and what it said.
  struct Outcome {
    let status: Int32
    let output: String
    let errors: String
  }

  /// Runs a program to its end.
  ///
  /// - Parameters:
  ///   - name: of the program.
  ///   - arguments: without the program's name.
  ///   - input: its standard input.
  ///   - environment: variables beside those of this process.
  /// - Returns: how it ended.
  /// - Throws: if it cannot be started.
  static func run(
    _ name: String,
    _ arguments: [String],
    input: String = "",
    environment: [String: String] = [:]
  ) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "\(directory)/\(name)")
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    // Files, for a pipe that nobody empties would hold the program up.
    let place = try TemporaryPlace()
    defer { place.remove() }
    let files = try ["in", "out", "err"].map { name in
      let path = "\(place.path)/\(name)"
      try (name == "in" ? input : "").write(toFile: path, atomically: false, encoding: .utf8)
      return path
    }
    process.standardInput = FileHandle(forReadingAtPath: files[0])
    process.standardOutput = FileHandle(forWritingAtPath: files[1])
    process.standardError = FileHandle(forWritingAtPath: files[2])
    try process.run()
    process.waitUntilExit()
    return Outcome(
      status: process.terminationStatus,
      output: try String(contentsOfFile: files[1], encoding: .utf8),
      errors: try String(contentsOfFile: files[2], encoding: .utf8)
    )
  }
}

/// A directory for one test.
struct TemporaryPlace {
  let path: String

  init() throws {
    let place = FileManager.default.temporaryDirectory
      .appending(path: "trellis-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    path = place.path
  }

  func remove() {
    // What is left in the temporary directory does no harm.
    try? FileManager.default.removeItem(atPath: path)
  }
}
