import EventLoop
import Glibc
import Kernel
import Testing

@testable import Transport

@Suite("Connections within the machine")
struct LocalListenerTests {
  /// A directory whose sockets are removed with it.
  private final class Place {
    let path: String

    init() {
      var template = Array("/tmp/trellis-local-XXXXXX".utf8CString)
      guard let made = mkdtemp(&template) else { preconditionFailure("no temporary directory") }
      path = String(cString: made)
    }

    var socket: String { path + "/s" }

    deinit {
      unlink(socket)
      rmdir(path)
    }
  }

  /// Sends back what it is sent, once.
  private final class Echo: ConnectionHandler {
    private let connection: Connection
    private let told: ([UInt8]) -> Void

    init(_ connection: Connection, told: @escaping ([UInt8]) -> Void = { _ in }) {
      self.connection = connection
      self.told = told
    }

    func received(_ bytes: RawSpan) {
      let bytes = bytes.withUnsafeBytes { [UInt8]($0) }
      _ = connection.send(bytes)
      connection.finish()
      told(bytes)
      connection.requestRead()
    }

    func remoteFinished() {}
    func drained() {}
    func closed(_ reason: CloseReason) {}
  }

  @Test("Bytes go there and back; the socket is its owner's alone, and goes when it is closed")
  func roundTrip() async throws {
    let place = Place()
    let path = place.socket
    let loop = try EventLoop(name: "local")
    let heard: [UInt8] = try await withCheckedThrowingContinuation { continuation in
      loop.execute {
        do {
          var listener: LocalListener?
          listener = try LocalListener(at: path, on: loop, outboundMax: 1024) { connection in
            connection.start(Echo(connection))
            connection.requestRead()
          }
          var status = stat()
          stat(path, &status)
          #expect(status.st_mode & 0o777 == 0o600)
          let caller = try #require(
            try LocalConnector.connect(to: path, on: loop, outboundMax: 1024)
          )
          caller.start(
            Echo(caller) { bytes in
              listener?.close()
              listener = nil
              continuation.resume(returning: bytes)
            }
          )
          _ = caller.send(Array("hello".utf8))
          caller.requestRead()
        } catch {
          continuation.resume(throwing: error)
        }
      }
    }
    #expect(heard == Array("hello".utf8))
    #expect(access(path, F_OK) != 0)
    await loop.shutdown()
  }

  @Test("Nobody there is no error; what a killed process left is replaced; a long path is one")
  func leftovers() async throws {
    let place = Place()
    let path = place.socket
    let loop = try EventLoop(name: "local")
    let long = "/tmp/" + String(repeating: "x", count: 120)
    let outcome = await loop.run {
      func isThere() throws -> Bool {
        try LocalConnector.connect(to: path, on: loop, outboundMax: 1) != nil
      }
      #expect(throws: Never.self) {
        #expect(try !isThere())
        // Bound and never listened at, as after a kill.
        let left = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(left) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let status = withUnsafePointer(to: &address) { address in
          address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(left, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
          }
        }
        #expect(status == 0)
        #expect(try !isThere())
        let listener = try LocalListener(at: path, on: loop, outboundMax: 1) { _ in }
        #expect(try isThere())
        listener.close()
        #expect(try !isThere())
      }
      #expect(throws: SystemFailure.self) {
        try LocalListener(at: long, on: loop, outboundMax: 1) { _ in }
      }
      return true
    }
    #expect(outcome)
    await loop.shutdown()
  }
}
