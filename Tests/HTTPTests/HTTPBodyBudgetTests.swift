import EventLoop
import HTTP
import Kernel
import Testing

@Suite("Memory for bodies of requests", .timeLimit(.minutes(1)))
struct HTTPBodyBudgetTests {
  private static let large = 100_000
  private static let smallMax = 1_000

  /// A server with memory for two large bodies.
  private func withServer(
    patience: Duration = .seconds(600),
    _ change: (inout HTTPServerLimits) -> Void = { _ in },
    handler: @escaping HTTPServer.Handler = { HTTPResponse(text: "\($0.body.count) bytes") },
    _ body: (HTTPServer, EventLoop) async throws -> Void
  ) async throws {
    try await withTestServer {
      $0.message.bodyMax = Self.large
      $0.bodyBytesMax = 2 * Self.large
      $0.smallBodyMax = Self.smallMax
      $0.bodyPatience = patience
      change(&$0)
    } handler: {
      await handler($0)
    } _: {
      try await body($0, $1)
    }
  }

  private func head(_ length: Int, _ more: String = "") -> String {
    "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: \(length)\r\n\(more)\r\n"
  }

  private func text(_ length: Int) -> String { String(repeating: "a", count: length) }

  /// A client that has announced a large body and sends no more than its first byte.
  private func sender(to server: HTTPServer, on loop: EventLoop) async throws -> RawClient {
    let client = try await RawClient(to: server.address, on: loop)
    let before = await server.statistics
    await client.send(head(Self.large) + "a")
    while true {
      let now = await server.statistics
      if now.bodyBytes > before.bodyBytes || now.noRoom > before.noRoom { return client }
      await Task.yield()
    }
  }

  @Test("Who finds no memory for a body is told when to come again")
  func noRoom() async throws {
    try await withServer { server, loop in
      let first = try await sender(to: server, on: loop)
      let second = try await sender(to: server, on: loop)
      #expect(await server.statistics.bodyBytes == 2 * Self.large)
      let third = try await sender(to: server, on: loop)
      let answer = await third.receive(until: "at any time")
      #expect(answer.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
      #expect(answer.contains("\r\nretry-after: 601\r\n"))
      #expect(answer.contains("send this again in 601 s (up to 1000 bytes are taken at any time)"))
      #expect(answer.contains("connection: close"))
      #expect(await server.statistics.noRoom == 1)

      await first.send(text(Self.large - 1))
      #expect(await first.receive(until: "bytes").hasSuffix("\(Self.large) bytes"))
      while await server.statistics.bodyBytes > Self.large { await Task.yield() }
      let client = HTTPClient(to: server.address, on: loop)
      let again = try await client.send(.post, "/", body: Array(text(Self.large).utf8))
      #expect(again.status == 200)
      #expect(await second.isOpen)
    }
  }

  @Test("No 100-continue is said for a body that finds no memory")
  func noContinue() async throws {
    try await withServer { server, loop in
      let held = [
        try await sender(to: server, on: loop), try await sender(to: server, on: loop),
      ]
      let client = try await RawClient(to: server.address, on: loop)
      await client.send(head(Self.large, "expect: 100-continue\r\n"))
      #expect(await client.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 503 "))
      for client in held { #expect(await client.isOpen) }
    }
  }

  @Test("Many slow senders take no more than there is, and keep no small call out")
  func manySlowSenders() async throws {
    try await withServer { server, loop in
      var senders: [RawClient] = []
      for _ in 0..<60 {
        senders.append(try await sender(to: server, on: loop))
        #expect(await server.statistics.bodyBytes <= 2 * Self.large)
      }
      let client = HTTPClient(to: server.address, on: loop)
      for _ in 0..<50 {
        let small = try await client.send(.post, "/", body: Array(text(Self.smallMax).utf8))
        #expect(small.body == Array("1000 bytes".utf8))
      }
      #expect(await server.statistics.noRoom == 58)
      #expect(await server.statistics.bodyBytes == 2 * Self.large)
    }
  }

  @Test("When memory is short, the body that has been on its way for longest makes room")
  func slowestMakesRoom() async throws {
    try await withServer(patience: .zero) { server, loop in
      let first = try await sender(to: server, on: loop)
      let second = try await sender(to: server, on: loop)
      let client = HTTPClient(to: server.address, on: loop)
      let answer = try await client.send(.post, "/", body: Array(text(Self.large).utf8))
      #expect(answer.status == 200)
      #expect(await first.receive(until: "at any time").hasPrefix("HTTP/1.1 503 "))
      #expect(await server.statistics.noRoom == 1)
      await second.send(text(Self.large - 1))
      #expect(await second.receive(until: "bytes").hasPrefix("HTTP/1.1 200 "))
    }
  }

  @Test("Nobody is sent away for a body that finds no room even so")
  func notEnough() async throws {
    let gate = Gate()
    try await withServer(patience: .zero) { _ in
    } handler: { _ in
      await gate.pass()
      return HTTPResponse(text: "done")
    } _: { server, loop in
      let client = HTTPClient(to: server.address, on: loop)
      // In flight: half of the memory and one byte more.
      async let call = client.send(.post, "/", body: Array(text(Self.large).utf8))
      await gate.waitUntil(entered: 1)
      async let other = client.send(.post, "/", body: Array(text(Self.smallMax + 1).utf8))
      await gate.waitUntil(entered: 2)
      let slow = try await RawClient(to: server.address, on: loop)
      await slow.send(head(50_000) + "a")
      while await server.statistics.bodyBytes < 151_001 { await Task.yield() }
      let answer = try await client.send(.post, "/", body: Array(text(Self.large).utf8))
      #expect(answer.status == 503)
      #expect(await slow.isOpen)
      #expect(await server.statistics.bodyBytes == 151_001)
      await gate.open()
      let (first, second) = try await (call, other)
      #expect(first.status == 200 && second.status == 200)
    }
  }

  @Test("A body counts until its call has ended, even one that came in one piece")
  func untilTheEnd() async throws {
    let gate = Gate()
    try await withServer { _ in
    } handler: { request in
      await gate.pass()
      return HTTPResponse(text: "\(request.body.count)")
    } _: { server, loop in
      let client = HTTPClient(to: server.address, on: loop)
      async let call = client.send(.post, "/", body: Array(text(2_000).utf8))
      await gate.waitUntil(entered: 1)
      #expect(await server.statistics.bodyBytes == 2_000)
      await gate.open()
      _ = try await call
      while await server.statistics.bodyBytes > 0 { await Task.yield() }
    }
  }

  @Test("The memory is free again when the sender goes away, is late, or has no place any more")
  func givenBack() async throws {
    try await withServer { server, loop in
      let client = try await sender(to: server, on: loop)
      await client.close()
      while await server.statistics.bodyBytes > 0 { await Task.yield() }
    }
    try await withServer {
      $0.bodyTimeout = .milliseconds(10)
    } _: { server, loop in
      let client = try await RawClient(to: server.address, on: loop)
      await client.send(head(Self.large) + "a")
      #expect(await client.receiveToEnd().isEmpty)
      while await server.statistics.bodyBytes > 0 { await Task.yield() }
    }
    try await withServer {
      $0.connectionsMax = 1
    } _: { server, loop in
      let client = try await sender(to: server, on: loop)
      let other = try await RawClient(to: server.address, on: loop)
      #expect(await client.receiveToEnd().isEmpty)
      while await server.statistics.bodyBytes > 0 { await Task.yield() }
      #expect(await other.isOpen)
    }
  }

  @Test("A call that outlasts its connection has its memory until it ends")
  func cancelled() async throws {
    let gate = Gate()
    try await withServer { _ in
    } handler: { _ in
      await gate.pass()
      return HTTPResponse(text: "late")
    } _: { server, loop in
      let client = try await sender(to: server, on: loop)
      await client.send(text(Self.large - 1))
      await gate.waitUntil(entered: 1)
      await server.shutdown(within: .zero)
      #expect(await server.statistics.open == 0)
      #expect(await server.statistics.bodyBytes == Self.large)
      await gate.open()
      while await server.statistics.bodyBytes > 0 { await Task.yield() }
    }
  }
}
