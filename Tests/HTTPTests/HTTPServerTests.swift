import EventLoop
import HTTP
import Kernel
import Testing
import Transport

@Suite("HTTP server and client", .timeLimit(.minutes(1)))
struct HTTPServerTests {
  private static let anyPort = SocketAddress(.loopbackV4, port: 0)

  @Sendable private static func echo(_ request: HTTPRequest) async -> HTTPResponse {
    HTTPResponse(
      text:
        "\(request.method.rawValue) \(request.path) \(String(decoding: request.body, as: UTF8.self))"
    )
  }

  private func withServer(
    _ change: (inout HTTPServerLimits) -> Void = { _ in },
    handler: @escaping HTTPServer.Handler = Self.echo,
    _ body: (HTTPServer, EventLoop) async throws -> Void
  ) async throws {
    try await withTestServer(change, handler: handler, body)
  }

  @Test("GET, POST and HEAD are answered over one connection")
  func methods() async throws {
    try await withServer { server, loop in
      let client = HTTPClient(to: server.address, on: loop)
      let answer1 = try await client.send(.get, "/a?b")
      #expect(answer1.body == Array("GET /a ".utf8))
      let posted = try await client.send(.post, "/", body: Array("hello".utf8))
      #expect(posted.status == 200)
      #expect(posted.body == Array("POST / hello".utf8))
      let head = try await client.send(.head, "/h")
      #expect(head.body.isEmpty)
      #expect(head.fields["content-length"] == "8")
      #expect(await server.statistics.accepted == 1)
      #expect(await server.statistics.requests == 3)
      await client.close()
      await #expect(throws: HTTPClientFailure.cancelled) { try await client.send(.get, "/") }
    }
  }

  @Test("Handlers run on the server's loop")
  func isolation() async throws {
    let loops = try EventLoop()
    let server = try await HTTPServer(at: Self.anyPort, on: loops) { _ in
      HTTPResponse(text: "\(loops.isCurrent)")
    }
    let client = HTTPClient(to: server.address, on: loops)
    let answer2 = try await client.send(.get, "/")
    #expect(answer2.body == Array("true".utf8))
    await server.shutdown(within: .zero)
    await loops.shutdown()
  }

  @Test("A large body goes and comes whole")
  func large() async throws {
    try await withServer {
      $0.message.bodyMax = 4 << 20
    } handler: {
      HTTPResponse(contentType: "x/y", body: $0.body + $0.body)
    } _: { server, loop in
      let client = HTTPClient(to: server.address, on: loop)
      let body = (0..<4 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31 &>> 8) }
      let answer3 = try await client.send(.post, "/", body: body)
      #expect(answer3.body == body + body)
    }
  }

  @Test("Requests sent ahead are answered in their order, however long each takes")
  func pipelining() async throws {
    let gate = Gate()
    try await withServer { _ in
    } handler: { request in
      if request.path == "/slow" { await gate.pass() }
      return HTTPResponse(text: "<\(request.path)>")
    } _: { server, loop in
      let client = try await RawClient(to: server.address, on: loop)
      let rest = "HTTP/1.1\r\nhost: x\r\n\r\n"
      await client.send(
        "GET /slow \(rest)GET /quick \(rest)GET /last HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
      )
      await gate.waitUntil(entered: 1)
      await gate.open()
      let text = await client.receiveToEnd()
      let order = text.split(separator: "<").dropFirst().map { $0.prefix { $0 != ">" } }
      #expect(order == ["/slow", "/quick", "/last"])
      #expect(text.contains("connection: close\r\n"))
    }
  }

  @Test("100-continue is said before the body is sent")
  func expectContinue() async throws {
    try await withServer { server, loop in
      let client = try await RawClient(to: server.address, on: loop)
      await client.send(
        "POST /e HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n"
      )
      #expect(await client.receive(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
      await client.send("ok")
      #expect(await client.receive(until: "POST /e ok").hasSuffix("POST /e ok"))
    }
  }

  @Test("A refused request is answered with its reason, and the connection ends")
  func refused() async throws {
    try await withServer {
      $0.message.bodyMax = 10
    } _: { server, loop in
      let client = try await RawClient(to: server.address, on: loop)
      // The body is on its way already; the answer must not be lost to it.
      await client.send(
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 500000\r\n\r\n"
          + String(repeating: "a", count: 500_000)
      )
      let text = await client.receive(until: "too large")
      #expect(text.hasPrefix("HTTP/1.1 413 Content Too Large\r\n"))
      #expect(text.contains("connection: close"))
      await client.close()
      #expect(await server.statistics.malformed == 1)
    }
  }

  @Test("A client that is slow with its head, its body or its next request loses its place")
  func slowClients() async throws {
    try await withServer {
      $0.headTimeout = .milliseconds(10)
      $0.bodyTimeout = .milliseconds(10)
      $0.idleTimeout = .milliseconds(10)
    } _: { server, loop in
      for start in ["", "GET / HT", "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nab"] {
        let client = try await RawClient(to: server.address, on: loop)
        await client.send(start)
        #expect(await client.receiveToEnd().isEmpty)
      }
    }
  }

  @Test("300 idle connections keep no new call out")
  func idleConnections() async throws {
    try await withServer {
      $0.connectionsMax = 64
      $0.connectionsPerHostMax = 64
    } _: { server, loop in
      var idle: [RawClient] = []
      for _ in 0..<300 { idle.append(try await RawClient(to: server.address, on: loop)) }
      let client = HTTPClient(to: server.address, on: loop)
      for _ in 0..<50 {
        let answer = try await client.send(.get, "/")
        #expect(answer.status == 200)
      }
      let statistics = await server.statistics
      #expect(statistics.open == 64)
      #expect(statistics.evicted == 237)
      #expect(statistics.refused == 0)
      // The oldest made room, the youngest are still there.
      #expect(await idle[0].receiveToEnd().isEmpty)
      #expect(await idle[299].isOpen)
    }
  }

  @Test("A trickle of bytes does not make a connection young again")
  func trickle() async throws {
    try await withServer {
      $0.connectionsMax = 2
    } _: { server, loop in
      let trickling = try await RawClient(to: server.address, on: loop)
      while await server.statistics.open < 1 { await Task.yield() }
      let idle = try await RawClient(to: server.address, on: loop)
      while await server.statistics.open < 2 { await Task.yield() }
      for byte in "GET / HTTP" {
        await trickling.send(String(byte))
        await loop.run {}
      }
      let third = try await RawClient(to: server.address, on: loop)
      #expect(await trickling.receiveToEnd().isEmpty)
      #expect(await idle.isOpen)
      #expect(await third.isOpen)
    }
  }

  @Test("When every place is taken by a call in flight, a new connection is refused")
  func fullOfCalls() async throws {
    let gate = Gate()
    try await withServer {
      $0.connectionsPerHostMax = 2
    } handler: { _ in
      await gate.pass()
      return HTTPResponse(text: "done")
    } _: { server, loop in
      let client = HTTPClient(to: server.address, on: loop)
      async let first = client.send(.get, "/")
      async let second = client.send(.get, "/")
      await gate.waitUntil(entered: 2)
      await #expect(throws: HTTPClientFailure.self) { try await client.send(.get, "/") }
      #expect(await server.statistics.refused == 1)
      await gate.open()
      let answer4 = try await first
      #expect(answer4.status == 200)
      let answer5 = try await second
      #expect(answer5.status == 200)
    }
  }

  @Test("Shutdown lets calls in flight end, with idle connections around, and takes no more")
  func gracefulShutdown() async throws {
    let gate = Gate()
    let loop = try EventLoop()
    let server = try await HTTPServer(at: Self.anyPort, on: loop) { _ in
      await gate.pass()
      return HTTPResponse(text: "done")
    }
    let idle = try await RawClient(to: server.address, on: loop)
    let slow = try await RawClient(to: server.address, on: loop)
    await slow.send("GET / HT")
    let client = HTTPClient(to: server.address, on: loop)
    async let response = client.send(.get, "/")
    await gate.waitUntil(entered: 1)
    async let end: Void = server.shutdown(within: .seconds(600))
    #expect(await idle.receiveToEnd().isEmpty)
    #expect(await slow.receiveToEnd().isEmpty)
    await #expect(throws: (any Error).self) { try await RawClient(to: server.address, on: loop) }
    await gate.open()
    let answer6 = try await response
    #expect(answer6.body == Array("done".utf8))
    let answer7 = try await response
    #expect(answer7.fields["connection"] == "close")
    await end
    #expect(await server.statistics.open == 0)
    await loop.shutdown()
  }

  @Test("Shutdown cancels calls that outlast its grace")
  func forcedShutdown() async throws {
    let gate = Gate()
    let loop = try EventLoop()
    let server = try await HTTPServer(at: Self.anyPort, on: loop) { _ in
      await gate.pass()
      try? await loop.sleep(for: .seconds(3600))  // ends by cancellation, which is the test
      await gate.noteCancelled()
      return HTTPResponse(text: "late")
    }
    await gate.open()
    let client = HTTPClient(to: server.address, on: loop)
    let call = Task { try await client.send(.get, "/") }
    await gate.waitUntil(entered: 1)
    await server.shutdown(within: .milliseconds(5))
    await gate.waitUntil(cancelled: 1)
    await #expect(throws: HTTPClientFailure.self) { try await call.value }
    await loop.shutdown()
  }

  @Test("A call takes no longer than its timeout, and can be cancelled")
  func timeoutAndCancel() async throws {
    let gate = Gate()
    try await withServer { _ in
    } handler: { request in
      if request.path == "/held" { await gate.pass() }
      return HTTPResponse(text: "done")
    } _: { server, loop in
      let client = HTTPClient(to: server.address, on: loop)
      // Connected beforehand, so that the time runs out on the response.
      let quick = try await client.send(.get, "/")
      #expect(quick.status == 200)
      await #expect(throws: HTTPClientFailure.timeout) {
        try await client.send(.get, "/held", timeout: .milliseconds(10))
      }
      await gate.waitUntil(entered: 1)
      let call = Task { try await client.send(.get, "/held") }
      await gate.waitUntil(entered: 2)
      call.cancel()
      await #expect(throws: HTTPClientFailure.cancelled) { try await call.value }
      await gate.open()
    }
  }

  @Test("A server that is not there is named")
  func notConnected() async throws {
    let loop = try EventLoop()
    let server = try await HTTPServer(at: Self.anyPort, on: loop, handler: Self.echo)
    let address = server.address
    await server.shutdown(within: .zero)
    let client = HTTPClient(to: address, on: loop)
    await #expect(
      throws: HTTPClientFailure.notConnected("cannot connect to \(address): Connection refused")
    ) { try await client.send(.get, "/") }
    await loop.shutdown()
  }

  @Test("A kept connection that the server has closed is replaced")
  func staleConnection() async throws {
    try await withServer {
      $0.connectionsMax = 1
    } _: { server, loop in
      let client = HTTPClient(to: server.address, on: loop)
      let first = try await client.send(.get, "/")
      #expect(first.status == 200)
      let intruder = try await RawClient(to: server.address, on: loop)
      while await server.statistics.evicted < 1 { await Task.yield() }
      let second = try await client.send(.get, "/")
      #expect(second.status == 200)
      #expect(await intruder.receiveToEnd().isEmpty)
      #expect(await server.statistics.accepted == 3)
    }
  }

  @Test("The port in use is told before anything is served")
  func portInUse() async throws {
    try await withServer { server, loop in
      await #expect(throws: ListenFailure.self) {
        try await HTTPServer(at: server.address, on: loop, handler: Self.echo)
      }
    }
  }

  @Test("Many clients at once all get their own answer")
  func concurrency() async throws {
    try await withServer { server, loop in
      let client = HTTPClient(to: server.address, on: loop)
      let correct = try await withThrowingTaskGroup(of: Bool.self) { group in
        for number in 0..<32 {
          group.addTask {
            for round in 0..<20 {
              let path = "/\(number)/\(round)"
              guard try await client.send(.get, path).body == Array("GET \(path) ".utf8) else {
                return false
              }
            }
            return true
          }
        }
        return try await group.reduce(true) { $0 && $1 }
      }
      #expect(correct)
      #expect(await server.statistics.requests == 640)
      #expect(await server.statistics.accepted <= 640)
    }
  }
}
