import Foundation
import Testing

@Suite("trellis link")
struct LinkTests {
  @Test("It says where it is called, and ends in order when interrupted")
  func runs() throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "\(Programs.directory)/trellis")
    process.arguments = [
      "link", "127.0.0.1:0", "127.0.0.1:7700", "--delay", "5ms", "--loss", "0.25",
    ]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let first = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    #expect(first.hasPrefix("relaying UDP and TCP from 127.0.0.1:"))
    #expect(first.hasSuffix(" to 127.0.0.1:7700\n"))
    process.interrupt()
    let rest = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    #expect(rest == "0 datagrams passed, 0 lost\n")
  }

  @Test(
    "What is no link is refused with what would be one",
    arguments: [
      ["127.0.0.1:0", "localhost"], ["127.0.0.1:0", "127.0.0.1:1", "--loss", "100.1"],
      ["127.0.0.1:0", "127.0.0.1:1", "--loss", "0.00001"],
      ["127.0.0.1:0", "127.0.0.1:1", "--loss", "-1"],
    ]
  )
  func refuses(arguments: [String]) throws {
    let outcome = try Programs.run("trellis", ["link"] + arguments)
    #expect(outcome.status == 2)
    #expect(outcome.errors.contains("should be"), "\(outcome.errors)")
  }
}
