import EdDSA
import Kernel

@testable import SmallNano

let devChain = NetworkParameters.dev.chainID

func randomBytes32(_ random: inout SplitMix64) -> Bytes32 {
  Bytes32(words: (random.next(), random.next(), random.next(), random.next()))
}

func testKey(_ number: UInt64) -> SecretKey {
  var random = SplitMix64(seed: number)
  var seed = randomBytes32(&random).bytes
  guard let key = SecretKey(seed: &seed) else { preconditionFailure("a seed has 32 bytes") }
  return key
}

func v4(_ text: String, _ port: UInt16 = 7176) -> SocketAddress {
  guard let ip = IPAddress(text) else { preconditionFailure("not an address: \(text)") }
  return SocketAddress(ip, port: port)
}

extension WireMessage {
  /// A random message that its encoder may write.
  static func random(_ type: MessageType, using random: inout SplitMix64) -> WireMessage {
    func bytes32() -> Bytes32 { randomBytes32(&random) }
    func hash() -> BlockHash { BlockHash(bytes32()) }
    func account() -> Account { Account(bytes32()) }
    func signature() -> Signature { Signature(Bytes64(low: bytes32(), high: bytes32())) }
    func height() -> Height { Height(UInt64.random(in: 1...UInt64.max, using: &random)) }
    func count(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    switch type {
    case .handshake:
      return .handshake(HandshakeHello(cookie: bytes32(), chain: ChainID(bytes32())))
    case .handshakeAck:
      return .handshakeAck(
        HandshakeAck(cookie: bytes32(), node: PublicKey(bytes32()), signature: signature())
      )
    case .keepalive:
      let addresses = (0..<count(0...8)).map { _ in
        SocketAddress(
          IPAddress(high: random.next(), low: random.next()),
          port: UInt16(truncatingIfNeeded: random.next())
        )
      }
      return .keepalive(Keepalive(addresses))
    case .publish:
      return .publish(.random(account: account(), height: height(), using: &random))
    case .vote:
      let kind = VoteKind.allCases[count(0...2)]
      return .vote(
        Vote(
          representative: account(),
          kind: kind,
          round: kind == .settled ? .zero : Round(UInt16(truncatingIfNeeded: random.next())),
          timestamp: random.next(),
          hashes: (0..<count(1...(random.next() & 7 == 0 ? 255 : 5))).map { _ in hash() },
          signature: signature()
        )
      )
    case .pullRequest:
      return .pullRequest(
        PullRequest(account: account(), start: height(), count: UInt8(count(1...255)))
      )
    case .pullResponse:
      let owner = account()
      let first = UInt64.random(in: 1...1 << 40, using: &random)
      let start = first + UInt64.random(in: 0...10, using: &random)
      let blocks = (0..<count(0...4)).map { index in
        Block.random(account: owner, height: Height(start + UInt64(index)), using: &random)
      }
      return .pullResponse(
        UncheckedPullResponse(
          account: owner,
          firstHeld: Height(first),
          head: Height(start + 4),
          blocks: blocks
        )
      )
    case .telemetry:
      guard random.next() & 3 != 0 else { return .telemetryRequest }
      let telemetry = Telemetry(
        blocks: random.next(),
        confirmedBlocks: random.next(),
        accounts: random.next(),
        peers: UInt32(truncatingIfNeeded: random.next()),
        pruningDepth: random.next(),
        uptimeSeconds: random.next(),
        version: String(repeating: "v", count: count(1...64))
      )
      return telemetry.map { .telemetry($0) } ?? .telemetryRequest
    case .frontierRequest:
      return .frontierRequest(FrontierRequest(start: account(), count: UInt16(count(1...900))))
    case .frontierResponse:
      let accounts = (0..<count(0...20)).map { _ in account() }.sorted()
      return .frontierResponse(
        accounts.map { Frontier(account: $0, height: height(), hash: hash()) }
      )
    case .confirmRequest:
      return .confirmRequest(
        (0..<count(1...64)).map { _ in
          ConfirmTarget(slot: Slot(account: account(), height: height()), hash: hash())
        }
      )
    case .blockRequest:
      return .blockRequest((0..<count(1...64)).map { _ in hash() })
    case .representativeHello:
      return .representativeHello(
        RepresentativeHello(
          representative: account(),
          node: PublicKey(bytes32()),
          timestamp: random.next(),
          signature: signature()
        )
      )
    case .receivablesRequest:
      let start = ReceivableKey(destination: account(), hash: hash())
      return .receivablesRequest(ReceivablesRequest(start: start, count: UInt16(count(1...580))))
    case .receivablesResponse:
      let keys = (0..<count(0...20)).map { _ in
        ReceivableKey(destination: account(), hash: hash())
      }
      return .receivablesResponse(
        keys.sorted().map { key in
          let raw = UInt128(random.next()) << 64 | UInt128(random.next()) | 1
          return ReceivableEntry(key: key, source: account(), amount: Amount(raw: raw))
        }
      )
    }
  }

  /// Reads a whole frame of the dev network, as a connection does.
  static func decode(_ frame: [UInt8]) throws -> WireMessage {
    let header = try FrameHeader(frame, network: .dev)
    guard frame.count == FrameHeader.size + header.bodyLength else {
      throw FrameFailure.wrongLength(header.type, frame.count)
    }
    return try WireMessage(header, body: Array(frame.dropFirst(FrameHeader.size)), on: devChain)
  }
}

extension Block {
  static func random(account: Account, height: Height, using random: inout SplitMix64) -> Block {
    Block(
      account: account,
      previous: BlockHash(randomBytes32(&random)),
      representative: Account(randomBytes32(&random)),
      balance: Amount(raw: UInt128(random.next())),
      link: randomBytes32(&random),
      height: height,
      work: random.next(),
      signature: Signature(
        Bytes64(low: randomBytes32(&random), high: randomBytes32(&random))
      ),
      on: devChain
    )
  }
}
