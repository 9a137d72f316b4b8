import EventLoop
import Foundation
import Kernel
import QUIC
import Testing
import Transport

/// Python that has aioquic, where `scripts/test --slow` could install it.
private let python = ProcessInfo.processInfo.environment["QUIC_INTEROPERABILITY_PYTHON"]

@Suite("QUIC and other implementations", .timeLimit(.minutes(1)))
struct InteroperabilityTests {
  @Test(
    "aioquic shakes hands, asks on many streams, updates its keys and says good-bye",
    .enabled(if: python != nil, "aioquic is not installed"),
    arguments: [false, true]
  )
  func aioquic(withRetry: Bool) async throws {
    try await withLoop { loop in
      let steps = Steps()
      let server = Peer(on: loop)
      let bound = try await server.open(
        steps.configuration { if withRetry { $0.retryAbove = 0 } }
      )
      let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "scripts/quic-client.py").path
      let process = Process()
      process.executableURL = URL(fileURLWithPath: try #require(python))
      process.arguments = [script, "echo", "127.0.0.1", "\(bound.port)", Peer.protocolName]
      let output = Pipe()
      process.standardOutput = output
      process.standardError = output
      try process.run()
      let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 0, "\(said)")
      #expect(said == "ok\n")
      #expect(steps.count(.addressValidated) == (withRetry ? 1 : 0))
      #expect(await server.closed() == .remote(code: 0x0a, "done"))
      await server.close()
    }
  }
}
