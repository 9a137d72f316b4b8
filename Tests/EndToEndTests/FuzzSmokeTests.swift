import Foundation
import Testing

@Suite("trellis fuzz")
struct FuzzSmokeTests {
  @Test("No target breaks in a smoke run")
  func smoke() throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      .deletingLastPathComponent().appending(path: "trellis")
    process.arguments = ["fuzz", "all", "1", "2000"]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(text)")
    #expect(text.contains("ok   smallnano-vote: 2000 cases"))
  }
}
