import EventLoop
import Kernel
import Mesh
import MeshNode
import QUIC
import Service
import Testing

@Suite("The network of MESH and strangers", .timeLimit(.minutes(1)))
struct HostilityTests {
  /// A validator with index 1 that answers what network it is in, and nothing else.
  private func withValidator(
    _ net: TestNet,
    _ change: (inout MeshNetwork.Settings) -> Void = { _ in },
    _ body: (RawClient, NetworkEnd, SocketAddress) async throws -> Void
  ) async throws {
    try await withLoop { loop in
      var settings = MeshNetwork.Settings(
        genesis: net.genesis,
        identity: .validator(net.validators[1], ValidatorIndex(1)),
        validators: [:],
        listen: SocketAddress(.loopbackV4, port: 0),
        agent: "validator 1"
      )
      change(&settings)
      let info = NetworkInfo(epoch: .zero, logHead: 7, genesis: net.genesis.encoded)
      let validator = try NetworkEnd(settings, on: loop) { request in
        request == .network ? [.network(info)] : []
      }
      let address = try #require(try await validator.start())
      let client = RawClient(on: loop)
      try await client.connect(to: address)
      try await body(client, validator, address)
      await client.close()
      await validator.stop()
    }
  }

  private static func frame(_ type: UInt8, _ payload: [UInt8], length: UInt32? = nil) -> [UInt8] {
    let length = length ?? UInt32(1 + payload.count)
    return (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * UInt32($0))) } + [type] + payload
  }

  private static func anonymous(_ net: TestNet) -> Handshake {
    .anonymous(network: net.genesis.id, agent: "raw")
  }

  // MARK: Handshakes

  private enum Impostor: CaseIterable {
    case otherNetwork, otherKey, otherExporter, otherSide, noSuchValidator, higherIndex, ownKey

    var code: CloseCode {
      switch self {
      case .otherNetwork: .wrongNetwork
      case .otherKey, .noSuchValidator, .ownKey: .identityMismatch
      case .otherExporter, .otherSide: .handshakeFailed
      case .higherIndex: .protocolViolation
      }
    }

    func handshake(_ net: TestNet, _ exporter: Bytes32) throws -> Handshake {
      var (key, index, side) = (net.validators[0], 0, Handshake.Side.client)
      var (network, exporter) = (net.genesis.id, exporter)
      switch self {
      case .otherNetwork: network = NetworkID(.zero)
      case .otherKey: key = net.validators[2]
      case .otherExporter: exporter = .zero
      case .otherSide: side = .server
      case .noSuchValidator: index = 4
      case .higherIndex: (key, index) = (net.validators[2], 2)
      case .ownKey: (key, index) = (net.validators[1], 1)
      }
      return .signed(
        by: key,
        as: ValidatorIndex(UInt16(index)),
        network: network,
        features: [],
        logHead: 0,
        agent: "impostor",
        side: side,
        exporter: exporter
      )
    }
  }

  @Test("Who is not what it says is told why and let go", arguments: Impostor.allCases)
  private func impostors(_ impostor: Impostor) async throws {
    let net = try TestNet()
    try await withValidator(net) { client, validator, _ in
      let exporter = try #require(await client.exporter)
      await client.say(.handshake(try impostor.handshake(net, exporter)))
      #expect(await client.closeCode() == UInt64(impostor.code.rawValue))
      #expect(await validator.connectedCount == 0)
    }
  }

  @Test("The right validator is let in; a newer connection of it takes the place of the older")
  func rightValidator() async throws {
    let net = try TestNet()
    try await withValidator(net) { client, validator, address in
      for client in [client, RawClient(on: client.loop)] {
        if await !client.isOpen { try await client.connect(to: address) }
        let handshake = Handshake.signed(
          by: net.validators[0],
          as: ValidatorIndex(0),
          network: net.genesis.id,
          features: [],
          logHead: 0,
          agent: "validator 0",
          side: .client,
          exporter: try #require(await client.exporter)
        )
        await client.say(.handshake(handshake))
      }
      #expect(await client.closeCode() == 0)
      await validator.waitFor { $0.connectedCount == 2 && $0.peers.count == 1 }
    }
  }

  @Test("Who says nothing is let go when the time for it is over")
  func silence() async throws {
    try await withValidator(try TestNet(), { $0.handshakeTimeout = .milliseconds(50) }) {
      client,
      _,
      _ in
      #expect(await client.closeCode() == UInt64(CloseCode.timeout.rawValue))
    }
  }

  @Test("Who speaks another protocol does not get as far as a connection")
  func otherProtocol() async throws {
    try await withValidator(try TestNet()) { client, _, address in
      let other = RawClient(on: client.loop)
      try await other.connect(to: address, protocolName: "smallnano/1")
      #expect(await other.exporter == nil)
      await other.close()
    }
  }

  // MARK: The control stream

  @Test(
    "Each bad frame of the control stream closes the connection with its code",
    arguments: [
      (frame(0x02, [], length: 0), CloseCode.protocolViolation),
      (frame(0x02, [], length: (1 << 20) + 1), .frameTooLarge),
      (frame(0x02, [], length: .max), .frameTooLarge),
      // More than a control frame, less than a frame.
      (frame(0x02, [], length: 5000), .frameTooLarge),
      (frame(0x02, [UInt8](repeating: 0, count: 15)), .protocolViolation),
      (frame(0x02, [UInt8](repeating: 0, count: 17)), .protocolViolation),
      (frame(0x06, []), .unknownType),
      (frame(0xef, []), .unknownType),
      (frame(0x36, []), .handshakeRequired),
      (frame(0x3a, []), .handshakeRequired),
      (frame(0x01, [2, 0]), .unsupportedVersion),
      (frame(0x01, [1, 0, 9]), .protocolViolation),
      // An anonymous validator.
      (frame(0x01, [1, 0, 1, 0xff] + [UInt8](repeating: 0, count: 100)), .protocolViolation),
    ]
  )
  private func badControlFrames(bytes: [UInt8], code: CloseCode) async throws {
    try await withValidator(try TestNet()) { client, validator, _ in
      await client.say(bytes)
      #expect(await client.closeCode() == UInt64(code.rawValue))
      #expect(await validator.connectedCount == 0)
    }
  }

  @Test(
    "A second handshake, a request or the end of the control stream closes a greeted connection"
  )
  func badAfterGreeting() async throws {
    let net = try TestNet()
    let again = Frame.control(.handshake(Self.anonymous(net))).encoded
    for bytes in [again, Self.frame(0x36, []), nil] {
      try await withValidator(net) { client, validator, _ in
        await client.say(.handshake(Self.anonymous(net)))
        await validator.waitFor { $0.connectedCount == 1 }
        if let bytes { await client.say(bytes) } else { await client.finishControl() }
        #expect(await client.closeCode() == UInt64(CloseCode.protocolViolation.rawValue))
        await validator.waitFor { $0.peers.isEmpty }
      }
    }
  }

  @Test("Before the handshake a PING is answered, and what a later version may say is skipped")
  func earlyPing() async throws {
    try await withValidator(try TestNet()) { client, _, _ in
      await client.say(Self.frame(0xf7, [1, 2, 3]))
      await client.say(.ping(Ping(nonce: 5, sentMs: 6)))
      let pong = Frame.control(.pong(Pong(ping: Ping(nonce: 5, sentMs: 6), logHead: 7))).encoded
      await client.waitToHear { $0.suffix(pong.count) == pong[...] }
    }
  }

  // MARK: Requests

  @Test(
    "Each bad request closes the connection with its code",
    arguments: [
      ([], CloseCode.protocolViolation),
      ([1, 0, 0, 0], .protocolViolation),
      (frame(0x36, [0]), .protocolViolation),
      (frame(0x36, []) + frame(0x36, []), .protocolViolation),
      (frame(0x36, [], length: 9), .protocolViolation),
      (frame(0x36, [], length: 0), .protocolViolation),
      (frame(0x36, [], length: 1 << 21), .frameTooLarge),
      (frame(0x10, [UInt8](repeating: 0, count: 1 << 20)), .frameTooLarge),
      // One acknowledgement, and nothing of it.
      (frame(0x10, [0, 0, 0, 0, 1]), .protocolViolation),
      (frame(0x13, [1, 0]), .protocolViolation),
      (frame(0x40, []), .unknownType),
      (frame(0x3a, []), .protocolViolation),
      (frame(0x02, [UInt8](repeating: 0, count: 16)), .protocolViolation),
    ]
  )
  private func badRequests(bytes: [UInt8], code: CloseCode) async throws {
    let net = try TestNet()
    try await withValidator(net) { client, validator, _ in
      await client.say(.handshake(Self.anonymous(net)))
      await validator.waitFor { $0.connectedCount == 1 }
      _ = await client.request(bytes)
      #expect(await client.closeCode() == UInt64(code.rawValue))
    }
  }

  @Test("Requests sent right behind the handshake are answered; without it they wait")
  func earlyRequest() async throws {
    let net = try TestNet()
    try await withValidator(net) { client, validator, _ in
      async let answer = client.ask(.network)
      // Nothing of it reaches the machine before the handshake.
      _ = await client.request(Self.frame(0xf1, [9]))
      #expect(await validator.requests.isEmpty)
      await client.say(.handshake(Self.anonymous(net)))
      #expect(await answer?.type == .networkInfo)
    }
  }

  @Test("More than 64 requests in flight are refused; the connection goes on")
  func tooMany() async throws {
    let net = try TestNet()
    try await withValidator(net) { client, validator, _ in
      await client.say(.handshake(Self.anonymous(net)))
      await validator.waitFor { $0.connectedCount == 1 }
      // The validator of these tests never answers for its digest.
      let digest = Frame.request(.digest).encoded
      let asking = (0..<64).map { _ in Task { await client.request(digest) } }
      await validator.waitFor { $0.requests.count == 64 }
      #expect(
        await client.request(digest)
          == .failure(.closed("stream aborted by the other end with code 8"))
      )
      #expect(await client.isOpen)
      await client.close()
      for task in asking { _ = await task.value }
    }
  }

  @Test("A wallet may not ask what is for validators")
  func notForWallets() async throws {
    let net = try TestNet()
    try await withValidator(net) { client, validator, _ in
      await client.say(.handshake(Self.anonymous(net)))
      let answer = await client.ask(.sync(SyncRequest(from: 1)))
      #expect(answer?.type == .error)
      #expect(await client.ask(.network)?.type == .networkInfo)
      #expect(await validator.requests == [.network])
    }
  }

  @Test("A fifth subscription on one connection is refused")
  func subscriptions() async throws {
    let net = try TestNet()
    try await withValidator(net) { client, validator, _ in
      await client.say(.handshake(Self.anonymous(net)))
      let subscribe = Frame.request(.subscribe(Subscription(accounts: [net.owners[0].account])))
        .encoded
      let asking = (0..<4).map { _ in Task { await client.request(subscribe) } }
      await validator.waitFor { $0.requests.count == 4 }
      #expect(
        await client.request(subscribe)
          == .failure(.closed("stream aborted by the other end with code 8"))
      )
      await client.close()
      for task in asking { _ = await task.value }
    }
  }

  @Test("Requests for votes beyond an address's share are refused, on new connections too")
  func shares() async throws {
    let net = try TestNet()
    let slot = Slot(account: net.owners[0].account, sequence: .first)
    let request = BallotRequest.signed(
      slot: slot,
      ballot: Ballot(1),
      by: net.owners[0].signing,
      on: net.genesis.id
    )
    try await withValidator(net, { $0.votesPerSecond = 1 }) { client, validator, address in
      await client.say(.handshake(Self.anonymous(net)))
      let ballot = Frame.request(.ballot(request)).encoded
      // Two are taken and wait for their answers.
      let asking = (0..<2).map { _ in Task { await client.request(ballot) } }
      await validator.waitFor { $0.requests.count == 2 }
      let other = RawClient(on: client.loop)
      try await other.connect(to: address)
      await other.say(.handshake(Self.anonymous(net)))
      guard case .error(let farewell)? = await other.ask(.ballot(request)) else {
        Issue.record("no error")
        return
      }
      #expect(farewell.code == .rateLimited)
      await other.close()
      await client.close()
      for task in asking { _ = await task.value }
    }
  }

  @Test("Five messages that prove nothing end the connection with GOAWAY and its code")
  func offences() async throws {
    let net = try TestNet()
    let request = BallotRequest(
      slot: Slot(account: net.owners[0].account, sequence: .first),
      ballot: Ballot(1),
      signature: .zero
    )
    try await withValidator(net) { client, validator, _ in
      await client.say(.handshake(Self.anonymous(net)))
      for _ in 0..<4 { #expect(await client.ask(.ballot(request))?.type == .error) }
      #expect(await client.ask(.network)?.type == .networkInfo)
      _ = await client.ask(.ballot(request))
      #expect(await client.closeCode() == UInt64(CloseCode.rateLimited.rawValue))
      #expect(await validator.requests == [.network])
    }
  }
}
