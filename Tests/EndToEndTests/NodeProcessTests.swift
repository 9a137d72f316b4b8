import Foundation
import Testing

/// A `smallnano node run` of its own, on ports the system chose.
private final class NodeProcess {
  let process = Process()
  let rpcPort: UInt16
  let peeringPort: UInt16
  private let errors = Pipe()

  /// Starts it and reads its log until it says that it has started.
  init(data: String, _ more: [String] = []) throws {
    process.executableURL = URL(fileURLWithPath: "\(Programs.directory)/smallnano")
    process.arguments =
      [
        "node", "run", "--data-dir", data, "--rpc-port", "0", "--peering-port", "0",
        "--listen-address", "127.0.0.1", "--exit-with-parent",
      ] + more
    process.standardError = errors
    try process.run()
    var text = ""
    while !text.contains("rpc=127.0.0.1:") || !text.hasSuffix("\n") {
      let chunk = errors.fileHandleForReading.availableData
      guard !chunk.isEmpty else { throw NodeDied(log: text) }
      text += String(decoding: chunk, as: UTF8.self)
    }
    rpcPort = try Self.port(after: "rpc=127.0.0.1:", in: text)
    peeringPort = try Self.port(after: "peering=127.0.0.1:", in: text)
  }

  struct NodeDied: Error {
    let log: String
  }

  private static func port(after key: String, in text: String) throws -> UInt16 {
    let range = try #require(text.range(of: key))
    return try #require(UInt16(text[range.upperBound...].prefix { $0.isNumber }))
  }

  /// Sends a signal and waits for the end.
  func end(with signal: Int32) -> Int32 {
    kill(process.processIdentifier, signal)
    // Its last lines; a full pipe would hold it up.
    _ = try? errors.fileHandleForReading.readToEnd()
    process.waitUntilExit()
    return process.terminationStatus
  }

  /// A connection to one of its ports.
  static func connect(to port: UInt16) throws -> Int32 {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let status = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(status == 0)
    return socket
  }

  /// Sends bytes and reads until the far end closes.
  static func exchange(_ bytes: [UInt8], on socket: Int32) -> [UInt8] {
    _ = bytes.withUnsafeBytes {
      Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
    }
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = recv(socket, &buffer, buffer.count, 0)
      guard count > 0 else { return answer }
      answer += buffer[..<count]
    }
  }

  func call(_ body: String, headers: String = "", host: String? = nil) throws -> String {
    let socket = try Self.connect(to: rpcPort)
    defer { close(socket) }
    let request =
      "POST / HTTP/1.1\r\nHost: \(host ?? "127.0.0.1:\(rpcPort)")\r\nConnection: close\r\n\(headers)"
      + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    return String(decoding: Self.exchange(Array(request.utf8), on: socket), as: UTF8.self)
  }
}

@Suite("A node as a process", .timeLimit(.minutes(2)))
struct NodeProcessTests {
  @Test("SIGTERM with peers and calls open ends it with status 0, and nothing is lost")
  func terminates() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let node = try NodeProcess(data: place.path)
    // A peer that stays silent, a call that never ends, idle connections.
    let open = try [node.peeringPort, node.rpcPort].flatMap { port in
      try (0..<20).map { _ in try NodeProcess.connect(to: port) }
    }
    defer { for socket in open { close(socket) } }
    let half = Array("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{".utf8)
    _ = half.withUnsafeBytes { send(open[30], $0.baseAddress, $0.count, 0) }
    #expect(node.end(with: SIGTERM) == 0)
    let outcome = try Programs.run(
      "smallnano",
      ["ledger", "verify", "--data-dir", place.path]
    )
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
  }

  @Test("kill -9 and a restart leave the ledger as it was")
  func killedAndRestarted() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let first = try NodeProcess(data: place.path)
    let before = try first.call(#"{"action":"block_count"}"#)
    #expect(before.contains(#""count":"1""#), "\(before)")
    _ = first.end(with: SIGKILL)
    let second = try NodeProcess(data: place.path)
    #expect(try second.call(#"{"action":"block_count"}"#).contains(#""count":"1""#))
    #expect(second.end(with: SIGINT) == 0)
  }

  @Test("Two nodes do not share a data directory; the second names the first")
  func sharedDirectory() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let node = try NodeProcess(data: place.path)
    let outcome = try Programs.run(
      "smallnano",
      ["node", "run", "--data-dir", place.path, "--rpc-port", "0", "--peering-port", "0"]
    )
    #expect(outcome.status != 0)
    #expect(outcome.errors.contains("\(node.process.processIdentifier)"), "\(outcome.errors)")
    #expect(node.end(with: SIGTERM) == 0)
  }

  @Test("Garbage from a peer closes that connection alone; calls go on")
  func garbagePeers() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let node = try NodeProcess(data: place.path)
    for garbage in [
      [UInt8](repeating: 0xff, count: 100),
      Array("GET / HTTP/1.1\r\n\r\n".utf8),
      [0x53, 0x4e, 0xff, 2, 1, 0, 0xff, 0xff],  // too long a handshake
      [0x53, 0x4e, 0x01, 2, 1, 0, 64, 0],  // the main network
      [0x53, 0x4e, 0xff, 9, 1, 0, 64, 0],  // another version
    ] {
      let socket = try NodeProcess.connect(to: node.peeringPort)
      _ = NodeProcess.exchange(garbage, on: socket)  // ends only when the node closes
      close(socket)
    }
    #expect(try node.call(#"{"action":"version"}"#).contains("200"))
    #expect(node.end(with: SIGTERM) == 0)
  }

  @Test(
    "A wrong call gets its clear error",
    arguments: [
      ("not json", "", "400"),
      (String(repeating: "[", count: 2000), "", "400"),
      (#"{"action":"no_such"}"#, "", "unknown_action"),
      (#"{"action":7}"#, "", "action"),
      (#"{"action":"stop"}"#, "", "401"),
      (#"{"action":"stop"}"#, "Authorization: Bearer wrong\r\n", "401"),
      (#"{"action":"version"}"#, "Origin: http://example.org\r\n", "403"),
    ]
  )
  func wrongCalls(body: String, headers: String, expected: String) throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let node = try NodeProcess(data: place.path)
    let answer = try node.call(body, headers: headers)
    #expect(answer.contains(expected), "\(answer)")
    #expect(node.end(with: SIGTERM) == 0)
  }

  @Test("A page that was lured to this address under another host or port is refused")
  func foreignHosts() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let node = try NodeProcess(data: place.path)
    for host in ["example.org:\(node.rpcPort)", "127.0.0.1:\(node.rpcPort ^ 1)", "localhost"] {
      let answer = try node.call(#"{"action":"version"}"#, host: host)
      #expect(answer.contains("foreign_host"), "\(host): \(answer)")
    }
    #expect(node.end(with: SIGTERM) == 0)
  }

  @Test("A ledger of another kind, or cut short, is refused by its name and left as it is")
  func damagedLedger() throws {
    for text in ["this is no ledger, whatever its name says, and it is long enough\n", ""] {
      let place = try TemporaryPlace()
      defer { place.remove() }
      let path = "\(place.path)/ledger.sqlite"
      if text.isEmpty {
        let node = try NodeProcess(data: place.path)
        #expect(node.end(with: SIGTERM) == 0)
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        try whole.prefix(whole.count / 2 + 100).write(to: URL(fileURLWithPath: path))
      } else {
        try String(repeating: text, count: 100)
          .write(toFile: path, atomically: false, encoding: .utf8)
      }
      let before = try Data(contentsOf: URL(fileURLWithPath: path))
      let outcome = try Programs.run(
        "smallnano",
        ["node", "run", "--data-dir", place.path, "--rpc-port", "0", "--peering-port", "0"]
      )
      #expect(outcome.status != 0)
      #expect(outcome.errors.contains("ledger.sqlite"), "\(outcome.errors)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    }
  }
}
