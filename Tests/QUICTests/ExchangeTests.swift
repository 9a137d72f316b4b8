import EventLoop
import Kernel
import QUIC
import Testing
import Transport

@Suite("QUIC requests", .timeLimit(.minutes(1)))
struct ExchangeTests {
  @Test("Requests and answers cross over IPv4 and IPv6", arguments: ["127.0.0.1:0", "[::1]:0"])
  func exchange(text: String) async throws {
    let address = try #require(SocketAddress(text))
    try await withLoop { loop in
      let server = Peer(on: loop)
      let client = Peer(on: loop)
      let bound = try await server.open(at: address)
      try await client.open(at: address, accepts: false)
      _ = try await client.call(bound)
      #expect(await client.request([1, 2, 255]) == .success([2, 3, 0]))
      #expect(await client.request([]) == .success([]))
      await client.close()
      #expect(await client.closed() == .local(code: 0x0a, "done"))
      #expect(await server.closed() == .remote(code: 0x0a, "done"))
      await server.close()
    }
  }

  @Test("A thousand requests at once share the streams that the other end permits")
  func manyStreams() async throws {
    try await withLoop { loop in
      let server = Peer(on: loop)
      let client = Peer(on: loop)
      let bound = try await server.open()
      try await client.open(accepts: false)
      _ = try await client.call(bound)
      await withTaskGroup(of: Bool.self) { group in
        for number in 0..<1000 {
          group.addTask {
            let request = (0..<(number % 50 * 40 + 1)).map {
              UInt8(truncatingIfNeeded: $0 + number)
            }
            return await client.request(request) == .success(request.map { $0 &+ 1 })
          }
        }
        for await isRight in group { #expect(isRight) }
      }
      await client.with { #expect($0.connection?.streamCount == 0) }
      await server.waitFor { $0.connection?.streamCount == 0 && $0.requests == 1000 }
      await client.close()
      await server.close()
    }
  }

  @Test("Both ends may ask on one connection")
  func bothWays() async throws {
    try await withLoop { loop in
      let server = Peer(on: loop)
      let client = Peer(on: loop)
      let bound = try await server.open()
      try await client.open(accepts: false)
      _ = try await client.call(bound)
      await server.waitFor { $0.isEstablished }
      #expect(await server.request([7]) == .success([8]))
      #expect(await client.request([9]) == .success([10]))
      await client.close()
      await server.close()
    }
  }

  @Test("A megabyte arrives whole, through windows of 64 KiB")
  func large() async throws {
    try await withLoop { loop in
      var configuration = QUICConfiguration(protocolName: Peer.protocolName)
      configuration.limits.streamWindow = 64 << 10
      configuration.limits.connectionWindow = 3 << 20
      let server = Peer(on: loop)
      let client = Peer(on: loop)
      let bound = try await server.open(configuration)
      try await client.open(configuration, accepts: false)
      _ = try await client.call(bound)
      let request = (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 >> 5) }
      async let first = client.request(request)
      async let second = client.request(request)
      let answer = QUICMessage.success(request.map { $0 &+ 1 })
      #expect(await first == answer)
      #expect(await second == answer)
      await client.close()
      await server.close()
    }
  }

  @Test("Messages that never become whole hold no more than the connection's window")
  func halves() async throws {
    try await withLoop { loop in
      var configuration = QUICConfiguration(protocolName: Peer.protocolName)
      configuration.limits.connectionWindow = 256 << 10
      var messages = Peer.messages
      messages.bytesMax = 128 << 10
      let server = Peer(on: loop, messages: messages)
      let client = Peer(on: loop)
      let bound = try await server.open(configuration)
      try await client.open(accepts: false)
      _ = try await client.call(bound)
      await client.with { end in
        for _ in 0..<8 { end.openStream()?.send(count: 100 << 10) }
      }
      func sent() async -> UInt64 { await client.with { $0.sent } }
      while await sent() < 256 << 10 { try await loop.sleep(for: .milliseconds(1)) }
      // A round trip later it is still no more.
      _ = await client.request([], on: 0, Peer.brief)
      #expect(await sent() == 256 << 10)
      // What is given up makes room, for those behind and for a whole request.
      await client.with { end in
        for stream in end.streams.prefix(7) { stream.close(.local("given up"), code: 1) }
      }
      #expect(await client.request([1]) == .success([2]))
      await client.close()
      await server.close()
    }
  }

  @Test("Nothing is left of a connection that has ended, whatever was under way on it")
  func leavesNothing() async throws {
    try await withLoop { loop in
      let server = Peer(on: loop, answering: .never)
      let client = Peer(on: loop)
      let bound = try await server.open()
      try await client.open(accepts: false)
      _ = try await client.call(bound)
      await client.with { end in
        // One that goes on, one aborted whose abort nobody has heard, one waiting for its answer.
        end.openStream()?.send(count: 5000)
        end.openStream()?.send(count: 5000)
        end.streams[1].close(.local("aborted"), code: 1)
      }
      async let unanswered = client.request([1])
      await server.waitFor { $0.requests == 1 }
      await client.with { $0.connection?.close(code: 3, "enough") }
      #expect(await unanswered == .failure(.closed("enough (code 3)")))
      #expect(await server.closed() == .remote(code: 3, "enough"))
      let isGone = (await client.forget(), await server.forget())
      // The turn at hand may still hold it.
      for _ in 0..<3 { await loop.run {} }
      #expect(isGone.0())
      #expect(isGone.1())
      await client.close()
      await server.close()
    }
  }

  @Test("Both ends export the same keying material, and another connection has other")
  func exporter() async throws {
    try await withLoop { loop in
      let server = Peer(on: loop)
      let client = Peer(on: loop)
      let bound = try await server.open()
      try await client.open(accepts: false)
      var exported: [[UInt8]] = []
      for index in 0..<2 {
        _ = try await client.call(bound)
        let ours = await client.with(index) {
          $0.connection?.exportKey(label: "EXPORTER-test", count: 32)
        }
        await server.waitFor(index) { $0.isEstablished }
        let theirs = await server.with(index) {
          $0.connection?.exportKey(label: "EXPORTER-test", count: 32)
        }
        let other = await server.with(index) {
          $0.connection?.exportKey(label: "EXPORTER-toast", count: 32)
        }
        #expect(ours == theirs)
        #expect(ours != other)
        exported.append(try #require(ours))
      }
      #expect(exported[0] != exported[1])
      #expect(exported[0].count == 32)
      await client.close()
      await server.close()
    }
  }

  @Test("A request over the limit is refused, and the connection goes on")
  func tooLong() async throws {
    try await withLoop { loop in
      var limits = Peer.messages
      limits.bytesMax = 1000
      let server = Peer(on: loop, messages: limits)
      let client = Peer(on: loop)
      let bound = try await server.open()
      try await client.open(accepts: false)
      _ = try await client.call(bound)
      #expect(
        await client.request([UInt8](repeating: 0, count: 1001))
          == .failure(.closed("stream aborted by the other end with code 2"))
      )
      await server.with { #expect($0.failures == [.tooLong(1000)]) }
      #expect(
        await client.request([UInt8](repeating: 0, count: 1000))
          == .success([UInt8](repeating: 1, count: 1000))
      )
      await client.close()
      await server.close()
    }
  }

  @Test("An answer over the limit is refused")
  func answerTooLong() async throws {
    try await withLoop { loop in
      let server = Peer(on: loop, answering: .bytes(5000))
      let client = Peer(on: loop)
      let bound = try await server.open()
      try await client.open(accepts: false)
      _ = try await client.call(bound)
      var limits = Peer.messages
      limits.bytesMax = 4999
      #expect(await client.request([1], on: 0, limits) == .failure(.tooLong(4999)))
      limits.bytesMax = 5000
      #expect(
        await client.request([1], on: 0, limits) == .success([UInt8](repeating: 1, count: 5000))
      )
      await client.close()
      await server.close()
    }
  }

  @Test("A request without an answer ends in time, and its stream is free again")
  func noAnswer() async throws {
    try await withLoop { loop in
      let server = Peer(on: loop, answering: .never)
      let client = Peer(on: loop)
      let bound = try await server.open()
      try await client.open(accepts: false)
      _ = try await client.call(bound)
      var limits = Peer.messages
      limits.timeout = .milliseconds(50)
      #expect(await client.request([1], on: 0, limits) == .failure(.timeout))
      await server.waitFor { $0.connection?.streamCount == 0 }
      await client.close()
      await server.close()
    }
  }
}
