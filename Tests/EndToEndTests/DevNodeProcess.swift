import Foundation
import Testing

/// A node of tinychain of its own, on a port the system chose: by default `tinychain dev`.
final class DevNodeProcess {
  let process = Process()
  let port: UInt16
  /// Up to where it says that it has started.
  let log: String
  private let errors = Pipe()

  struct Died: Error {
    let log: String
  }

  /// Starts it and reads its log until it says that it has started.
  convenience init(data: String, _ more: [String] = [], command: [String] = ["dev"]) throws {
    try self.init(command + ["--data-dir", data, "--port", "0"] + more)
  }

  /// The same with all arguments as given, and another home directory.
  init(_ arguments: [String], home: String? = nil) throws {
    process.executableURL = URL(fileURLWithPath: "\(Programs.directory)/tinychain")
    process.arguments = arguments + ["--exit-with-parent"]
    if let home {
      process.environment = ProcessInfo.processInfo.environment.merging(["HOME": home]) { $1 }
    }
    process.standardError = errors
    try process.run()
    var text = ""
    while !text.contains("api=127.0.0.1:") || !text.hasSuffix("\n") {
      let chunk = errors.fileHandleForReading.availableData
      guard !chunk.isEmpty else { throw Died(log: text) }
      text += String(decoding: chunk, as: UTF8.self)
    }
    log = text
    let range = try #require(text.range(of: "api=127.0.0.1:"))
    port = try #require(UInt16(text[range.upperBound...].prefix { $0.isNumber }))
  }

  /// Reads the log on until a line of it contains this.
  func waitForLog(_ text: String) throws {
    var seen = ""
    while !seen.contains(text) {
      let chunk = errors.fileHandleForReading.availableData
      guard !chunk.isEmpty else { throw Died(log: seen) }
      seen += String(decoding: chunk, as: UTF8.self)
    }
  }

  /// Sends a signal and waits for the end.
  @discardableResult
  func end(with signal: Int32) -> Int32 {
    kill(process.processIdentifier, signal)
    _ = try? errors.fileHandleForReading.readToEnd()
    process.waitUntilExit()
    return process.terminationStatus
  }

  /// The body of the response to a request.
  func ask(
    _ path: String,
    _ body: String = "",
    method: String = "POST",
    headers: String = ""
  ) throws -> String {
    let answer = try exchange(
      "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n\(headers)"
        + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    )
    guard let end = answer.range(of: "\r\n\r\n") else { return answer }
    return String(answer[end.upperBound...])
  }

  /// A connection to the node.
  func connect() throws -> Int32 {
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
  func exchange(_ request: String) throws -> String { try exchange(Array(request.utf8)) }

  func exchange(_ request: [UInt8]) throws -> String {
    let socket = try connect()
    defer { close(socket) }
    var rest = request[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes {
        Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { break }
      rest = rest.dropFirst(count)
    }
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = recv(socket, &buffer, buffer.count, 0)
      guard count > 0 else { return String(decoding: answer, as: UTF8.self) }
      answer += buffer[..<count]
    }
  }
}
