import EventLoop
import Glibc
import Kernel
import Testing
import Transport

@Suite("TCP", .timeLimit(.minutes(1)))
struct ConnectionTests {
  private static let loopback = SocketAddress(.loopbackV4, port: 0)

  private func withLoop<Result>(_ body: (EventLoop) async throws -> Result) async throws -> Result {
    let loop = try EventLoop()
    do {
      let result = try await body(loop)
      await loop.shutdown()
      return result
    } catch {
      await loop.shutdown()
      throw error
    }
  }

  @Test(
    "Bytes come back from an echo over IPv4 and IPv6",
    arguments: ["127.0.0.1:0", "[::1]:0"]
  )
  func echo(text: String) async throws {
    let address = try #require(SocketAddress(text))
    try await withLoop { loop in
      let server = Party(on: loop, .init(echoes: true))
      let client = Party(on: loop)
      let bound = try await server.listen(at: address)
      #expect(bound.ip == address.ip)
      #expect(bound.port != 0)
      try await client.connect(to: bound)
      await client.withEnd { #expect($0.connection.send([1, 2, 3]) == .accepted) }
      await client.waitForEnd { $0.received == [1, 2, 3] }
      let local = await client.withEnd { end in
        #expect(end.connection.remote == bound)
        #expect(end.connection.bytesSent == 3)
        #expect(end.connection.bytesReceived == 3)
        #expect(end.timesDrained == 1)
        return end.connection.local
      }
      await server.withEnd { #expect($0.connection.remote == local) }
      await client.withEnd { $0.connection.close(.local("done")) }
      await client.withEnd { #expect($0.closeReason == .local("done")) }
      await server.waitForEnd { $0.hasRemoteFinished }
      await server.withEnd { $0.connection.close(.remote) }
    }
  }

  @Test("[::] takes IPv4 callers too and knows them by their IPv4 address")
  func dualStack() async throws {
    try await withLoop { loop in
      let server = Party(on: loop)
      let bound = try await server.listen(at: SocketAddress(.anyV6, port: 0))
      try await Party(on: loop).connect(to: SocketAddress(.loopbackV4, port: bound.port))
      await server.withEnd { #expect($0.connection.remote.ip == .loopbackV4) }
      try await Party(on: loop).connect(to: SocketAddress(.loopbackV6, port: bound.port))
    }
  }

  @Test("A port in use is an error that names the address and what to do")
  func portInUse() async throws {
    try await withLoop { loop in
      let first = Party(on: loop)
      let bound = try await first.listen(at: Self.loopback)
      let failure = await #expect(throws: ListenFailure.self) {
        try await Party(on: loop).listen(at: bound)
      }
      #expect(failure?.code == EADDRINUSE)
      let text = try #require(failure).description
      #expect(text.contains("cannot listen at \(bound): another process listens there"))
      #expect(text.contains("choose another port"))
      // Given up, it can be taken again at once.
      await first.stopListening()
      #expect(try await Party(on: loop).listen(at: bound) == bound)
    }
  }

  @Test("An address that no interface has cannot be listened at")
  func foreignAddress() async throws {
    try await withLoop { loop in
      let address = try #require(SocketAddress("192.0.2.1:0"))
      let failure = await #expect(throws: ListenFailure.self) {
        try await Party(on: loop).listen(at: address)
      }
      #expect(failure?.code == EADDRNOTAVAIL)
    }
  }

  @Test("A refused connection is told as such")
  func refused() async throws {
    try await withLoop { loop in
      let server = Party(on: loop)
      let bound = try await server.listen(at: Self.loopback)
      await server.stopListening()
      let failure = await #expect(throws: ConnectFailure.self) {
        try await Party(on: loop).connect(to: bound)
      }
      #expect(failure?.description == "cannot connect to \(bound): Connection refused")
    }
  }

  @Test("A peer that does not answer is given up after the timeout")
  func connectTimeout() async throws {
    // A listener that accepts nothing, with its queue filled: further callers get no answer.
    let full = FullListener()
    try await withLoop { loop in
      let failure = await #expect(throws: ConnectFailure.self) {
        try await Party(on: loop).connect(to: full.address, timeout: .milliseconds(30))
      }
      #expect(failure?.problem.hasPrefix("no answer within") == true)
    }
  }

  @Test("A reader that does not read stops the writer, whose memory stays bounded")
  func backpressure() async throws {
    try await withLoop { loop in
      let server = Party(on: loop, .init(reads: false))
      let client = Party(on: loop, .init(outboundMax: 100_000))
      try await client.connect(to: try await server.listen(at: Self.loopback))
      var accepted = 0
      var sent: UInt64 = 0
      var quietTurns = 0
      // The kernel takes some as long as its own buffers have room, and then no more.
      while quietTurns < 200 {
        let (count, sentNow) = await client.withEnd { end in
          var count = 0
          while count < 1_000_000,
            end.connection.send(Array(repeating: 1, count: 1000)) == .accepted
          { count += 1000 }
          #expect(end.connection.pendingBytes <= 100_000)
          return (count, end.connection.bytesSent)
        }
        quietTurns = count == 0 && sent == sentNow ? quietTurns + 1 : 0
        accepted += count
        sent = sentNow
        try #require(accepted < 100 << 20)
      }
      await server.withEnd { #expect($0.received.isEmpty) }
      // One request, one chunk of at most 64 KiB, and silence again.
      await server.withEnd { $0.connection.requestRead() }
      await server.waitForEnd { $0.chunks == 1 }
      for _ in 0..<50 { await loop.run {} }
      await server.withEnd {
        #expect($0.chunks == 1)
        #expect($0.received.count <= 65_536)
      }
      // Read on, and all of it arrives.
      let total = accepted
      while await server.withEnd({ $0.received.count }) < total {
        let chunks = await server.withEnd { end in
          end.connection.requestRead()
          return end.chunks
        }
        await server.waitForEnd { $0.chunks > chunks }
      }
      await server.withEnd { #expect($0.received.count == total) }
    }
  }

  @Test("Large and small messages arrive whole and in order, and a closed half ends after them")
  func transferAndHalfClose() async throws {
    try await withLoop { loop in
      let server = Party(on: loop, .init(finishesWhenRemoteDoes: true))
      let client = Party(on: loop, .init(outboundMax: 16 << 20))
      try await client.connect(to: try await server.listen(at: Self.loopback))
      let expected = await client.withEnd { end in
        var random = SplitMix64(seed: 5)
        var expected: [UInt8] = []
        while expected.count < 8 << 20 {
          let size = Int.random(
            in: 1...(Bool.random(using: &random) ? 100 : 300_000),
            using: &random
          )
          let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: size), count: size)
          #expect(end.connection.send(bytes) == .accepted)
          expected += bytes
        }
        end.connection.finish()
        #expect(end.connection.send([1]) == .closed)
        return expected
      }
      await server.waitForEnd { $0.closeReason != nil }
      await server.withEnd {
        #expect($0.received == expected)
        #expect($0.hasRemoteFinished)
        #expect($0.closeReason == .remote)
      }
      await client.waitForEnd { $0.closeReason == .remote }
    }
  }

  @Test("What was asked for after the other half closed still arrives")
  func answerAfterHalfClose() async throws {
    try await withLoop { loop in
      let server = Party(on: loop)
      let client = Party(on: loop)
      try await client.connect(to: try await server.listen(at: Self.loopback))
      await client.withEnd { $0.connection.finish() }
      await server.waitForEnd { $0.hasRemoteFinished }
      await server.withEnd {
        #expect($0.connection.send([4, 2]) == .accepted)
        $0.connection.finish()
      }
      await client.waitForEnd { $0.closeReason == .remote }
      await client.withEnd { #expect($0.received == [4, 2]) }
    }
  }

  @Test("A hang-up that nobody asked to hear waits, with the bytes before it")
  func hangupWhilePaused() async throws {
    try await withLoop { loop in
      let server = Party(on: loop, .init(reads: false))
      let client = Party(on: loop)
      try await client.connect(to: try await server.listen(at: Self.loopback))
      await server.withEnd { $0.connection.finish() }
      await client.withEnd {
        _ = $0.connection.send([1, 2])
        $0.connection.finish()
      }
      await client.waitForEnd { $0.closeReason == .remote }
      for _ in 0..<50 { await loop.run {} }
      await server.withEnd {
        #expect($0.closeReason == nil)
        $0.connection.requestRead()
      }
      await server.waitForEnd { $0.received == [1, 2] }
      await server.withEnd { $0.connection.requestRead() }
      await server.waitForEnd { $0.closeReason == .remote }
    }
  }

  @Test("An idle connection ends, its timeout counted from the last traffic")
  func idle() async throws {
    try await withLoop { loop in
      let server = Party(on: loop, .init(echoes: true, idleTimeout: .milliseconds(30)))
      let client = Party(on: loop)
      try await client.connect(to: try await server.listen(at: Self.loopback))
      await server.withEnd { _ in }
      try await loop.sleep(for: .milliseconds(10))
      await client.withEnd { _ = $0.connection.send([0]) }
      await server.waitForEnd { $0.closeReason != nil }
      await server.withEnd {
        #expect($0.closeReason == .idle)
        #expect(($0.quietBeforeClose ?? .zero) >= .milliseconds(30))
      }
      // On a busy machine the byte comes when the other end has closed, and is answered by a reset.
      await client.waitForEnd { $0.hasRemoteFinished || $0.closeReason != nil }
    }
  }

  @Test("A deadline ends the connection with its reason, unless it is cleared")
  func deadline() async throws {
    try await withLoop { loop in
      let server = Party(on: loop)
      let client = Party(on: loop)
      try await client.connect(to: try await server.listen(at: Self.loopback))
      await client.withEnd {
        $0.connection.setDeadline(after: .milliseconds(1), missing: "mercy")
        $0.connection.clearDeadline()
      }
      await server.withEnd {
        $0.connection.setDeadline(after: .milliseconds(5), missing: "handshake")
      }
      await server.waitForEnd { $0.closeReason != nil }
      await server.withEnd { #expect("\($0.closeReason ?? .remote)" == "no handshake in time") }
      await client.waitForEnd { $0.hasRemoteFinished }
      await client.withEnd { #expect($0.closeReason == nil) }
    }
  }

  @Test("A reset is a failure with the system's words")
  func reset() async throws {
    try await withLoop { loop in
      let server = Party(on: loop, .init(reads: false))
      let client = Party(on: loop)
      try await client.connect(to: try await server.listen(at: Self.loopback))
      await client.withEnd { _ = $0.connection.send([1]) }
      await client.waitForEnd { $0.timesDrained == 1 }
      // Closing with unread bytes in the kernel resets the connection.
      await server.withEnd { $0.connection.close(.local("test")) }
      await client.waitForEnd { $0.closeReason != nil }
      await client.withEnd { #expect($0.closeReason == .failed("Connection reset by peer")) }
    }
  }
}

/// A listening socket whose queue is full, so that the kernel drops further callers' packets.
private final class FullListener {
  let address: SocketAddress
  private let descriptors: [Int32]

  init() {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var storage = sockaddr_in()
    storage.sin_family = sa_family_t(AF_INET)
    storage.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    var descriptors = [listener]
    withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        precondition(bind(listener, address, size) == 0)
        precondition(listen(listener, 0) == 0)
        precondition(getsockname(listener, address, &size) == 0)
        for _ in 0..<8 {
          let caller = socket(
            AF_INET,
            Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue),
            0
          )
          _ = Glibc.connect(caller, address, size)
          descriptors.append(caller)
        }
      }
    }
    self.descriptors = descriptors
    address = SocketAddress(.loopbackV4, port: UInt16(bigEndian: storage.sin_port))
  }

  deinit {
    for descriptor in descriptors { close(descriptor) }
  }
}
