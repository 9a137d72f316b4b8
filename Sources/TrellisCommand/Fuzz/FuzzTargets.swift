import EdDSA
import Kernel
import Simulation
import SmallNano

/// Every decoder that outsiders reach, in one table.
///
/// A new decoder adds its line.
enum FuzzTargets {
  static let all: [FuzzTarget] =
    [frameHeader, frame, block, vote, handshake]
    + MessageType.allCases.map(wire)
    + [address, amountRaw, amountSMN, hex, socketAddress]
    + [json, toml, configFile, commandLine, httpRequest, httpResponse, frameReader, ed25519]
    + [rangeProof, kernels, brainfuckCode, brainfuckEngines, lispReader, lispDatum]
    + mesh + meshWallet + tinyChain + tinyChainNode + tinyChainPeers

  // MARK: smallnano, bytes

  private static let parameters = NetworkParameters.dev
  private static let chain = NetworkParameters.dev.chainID

  private static let frameHeader = FuzzTarget(
    "smallnano-frame-header",
    seeds: samples.map { Array($0.frame(on: .dev).prefix(FrameHeader.size)) }
  ) { input in
    guard let header = try? FrameHeader(input, network: .dev) else { return .refused }
    var writer = ByteWriter()
    header.encode(into: &writer, network: .dev)
    return same(writer.bytes, Array(input.prefix(FrameHeader.size)))
  }

  private static let frame = FuzzTarget(
    "smallnano-frame",
    seeds: samples.map { $0.frame(on: .dev) },
    verdict: frameVerdict
  )

  private static func wire(_ type: MessageType) -> FuzzTarget {
    FuzzTarget(
      "smallnano-wire-\(type)",
      seeds: samples.filter { $0.type == type }.map { $0.frame(on: .dev) },
      verdict: frameVerdict
    )
  }

  /// The length field is set right, so that the body is looked at.
  @Sendable private static func frameVerdict(_ input: [UInt8]) -> FuzzVerdict {
    var frame = input
    let length = frame.count - FrameHeader.size
    if frame.count >= FrameHeader.size, length <= UInt16.max {
      frame[6] = UInt8(length & 255)
      frame[7] = UInt8(length >> 8)
    }
    guard let message = decoded(frame) else { return .refused }
    return same(message.frame(on: .dev), frame)
  }

  /// Nil if the frame is refused, which is always right.
  private static func decoded(_ frame: [UInt8]) -> WireMessage? {
    guard let header = try? FrameHeader(frame, network: .dev),
      frame.count == FrameHeader.size + header.bodyLength
    else { return nil }
    return try? WireMessage(header, body: Array(frame.dropFirst(FrameHeader.size)), on: chain)
  }

  private static let block = FuzzTarget(
    "smallnano-block",
    seeds: [encoded { sampleBlock.encode(into: &$0) }]
  ) { input in
    var reader = ByteReader(input)
    guard let block = try? Block(from: &reader, on: chain), (try? reader.finish()) != nil else {
      return .refused
    }
    return same(encoded { block.encode(into: &$0) }, input)
  }

  private static let vote = FuzzTarget(
    "smallnano-vote",
    seeds: [1, 2, 255].map { count in encoded { sampleVote(count).encode(into: &$0) } }
  ) { input in
    var reader = ByteReader(input)
    guard let vote = try? Vote(from: &reader), (try? reader.finish()) != nil else {
      return .refused
    }
    return same(encoded { vote.encode(into: &$0) }, input)
  }

  // MARK: smallnano, the handshake

  /// A stream of frames at a responder: it may complete with the one node whose signature is in
  /// the seeds, and never twice.
  private static let handshake = FuzzTarget(
    "smallnano-handshake",
    seeds: [handshakeStream]
  ) { input in
    var responder = sampleHandshake(.responder)
    var rest = input[...]
    var completions = 0
    var hasFailed = false
    while let header = try? FrameHeader(rest, network: .dev),
      rest.count >= FrameHeader.size + header.bodyLength
    {
      let body = Array(rest.dropFirst(FrameHeader.size).prefix(header.bodyLength))
      rest = rest.dropFirst(FrameHeader.size + header.bodyLength)
      guard let message = try? WireMessage(header, body: body, on: chain) else { break }
      do {
        let step = try responder.receive(message)
        if hasFailed { return .broken("went on after a failure") }
        guard let peer = step.peer else { continue }
        completions += 1
        if peer != sampleKey(1).publicKey { return .broken("completed with \(peer)") }
      } catch {
        hasFailed = true
      }
    }
    switch completions {
    case 0: return .refused
    case 1: return .accepted
    default: return .broken("completed \(completions) times")
    }
  }

  private static func sampleHandshake(_ role: Handshake.Role) -> Handshake {
    let isInitiator = role == .initiator
    return Handshake(
      role: role,
      chain: chain,
      key: sampleKey(isInitiator ? 1 : 2),
      cookie: sampleHash(isInitiator ? 101 : 102)
    )
  }

  /// What an honest initiator says.
  private static let handshakeStream: [UInt8] = {
    var initiator = sampleHandshake(.initiator)
    var responder = sampleHandshake(.responder)
    var said = initiator.opening
    var inbox = said
    while let message = inbox.first {
      inbox.removeFirst()
      guard let step = try? responder.receive(message) else { break }
      for reply in step.replies {
        guard let answer = try? initiator.receive(reply) else { break }
        said += answer.replies
        inbox += answer.replies
      }
    }
    return said.flatMap { $0.frame(on: .dev) }
  }()

  // MARK: Text

  private static let address = FuzzTarget(
    "smallnano-address",
    seeds: [Account.burn, parameters.genesisAccount].map { Array($0.address.utf8) }
  ) { input in
    guard let text = String(validating: input, as: UTF8.self) else { return .refused }
    guard let account = try? Account(address: text) else { return .refused }
    return same(Array(account.address.utf8), input)
  }

  private static let amountRaw = FuzzTarget(
    "smallnano-amount-raw",
    seeds: ["0", "1", "10000000000000000000000000000000", "\(UInt128.max)"].map { Array($0.utf8) }
  ) { input in
    guard let text = String(validating: input, as: UTF8.self) else { return .refused }
    guard let amount = Amount(rawText: text) else { return .refused }
    return same(Array(amount.description.utf8), input)
  }

  private static let amountSMN = FuzzTarget(
    "smallnano-amount-smn",
    seeds: ["0", "12.5", "10000000", "0.000000000000000000000001"].map { Array($0.utf8) }
  ) { input in
    guard let text = String(validating: input, as: UTF8.self) else { return .refused }
    guard let amount = Amount(smnText: text) else { return .refused }
    // `1.50` is read and `1.5` written: the value must come back, not the text.
    return reads(Amount(smnText: amount.smn) == amount)
  }

  private static let hex = FuzzTarget(
    "hex",
    seeds: ["", "00", "0123456789abcdefABCDEF"].map { Array($0.utf8) }
  ) { input in
    guard let text = String(validating: input, as: UTF8.self) else { return .refused }
    guard let bytes = [UInt8](hex: text) else { return .refused }
    return same(Array(bytes.hex.utf8), Array(text.lowercased().utf8))
  }

  private static let socketAddress = FuzzTarget(
    "socket-address",
    seeds: ["127.0.0.1:80", "[::1]:7176", "[2001:db8::ffff:1.2.3.4]:1"].map { Array($0.utf8) }
  ) { input in
    guard let text = String(validating: input, as: UTF8.self) else { return .refused }
    guard let address = SocketAddress(text) else { return .refused }
    return reads(SocketAddress(address.description) == address)
  }

  // MARK: Samples

  static func same(_ a: [UInt8], _ b: [UInt8]) -> FuzzVerdict {
    a == b ? .accepted : .broken("decodes, and encodes to \(a.hex)")
  }

  static func reads(_ back: Bool) -> FuzzVerdict {
    back ? .accepted : .broken("reads back as another value")
  }

  static func encoded(_ write: (inout ByteWriter) -> Void) -> [UInt8] {
    var writer = ByteWriter()
    write(&writer)
    return writer.bytes
  }

  static func sampleHash(_ number: UInt64) -> Bytes32 {
    var random = SplitMix64(seed: number)
    return Bytes32(words: (random.next(), random.next(), random.next(), random.next()))
  }

  static func sampleKey(_ number: UInt64) -> SecretKey {
    var seed = sampleHash(number).bytes
    guard let key = SecretKey(seed: &seed) else { preconditionFailure("a seed has 32 bytes") }
    return key
  }

  private static func sampleAddress(_ number: UInt32) -> SocketAddress {
    SocketAddress(IPAddress(v4: 0x0102_0300 + number), port: 7176)
  }

  private static var sampleBlock: Block { sampleBlock(height: 2) }

  private static func sampleBlock(height: UInt64) -> Block {
    Block(
      account: Account(sampleHash(1)),
      previous: BlockHash(sampleHash(2)),
      representative: Account(sampleHash(3)),
      balance: Amount(raw: 1 << 100),
      link: sampleHash(4),
      height: Height(height),
      work: 5,
      on: chain
    )
  }

  private static func sampleVote(_ count: Int) -> Vote {
    Vote.signed(
      kind: .normal,
      round: Round(3),
      timestamp: 1_700_000_000_000,
      hashes: (0..<count).map { BlockHash(sampleHash(UInt64($0))) },
      by: sampleKey(1),
      on: chain
    ).value
  }

  static let samples: [WireMessage] = {
    let account = Account(sampleHash(1))
    let slot = Slot(account: account, height: .open)
    let key = ReceivableKey(destination: account, hash: BlockHash(sampleHash(2)))
    let telemetry = Telemetry(
      blocks: 1,
      confirmedBlocks: 1,
      accounts: 1,
      peers: 3,
      pruningDepth: 1000,
      uptimeSeconds: 60,
      version: "smallnano 0.1"
    )
    return [
      .handshake(HandshakeHello(cookie: sampleHash(1), chain: chain)),
      .handshakeAck(
        HandshakeAck(cookie: sampleHash(1), node: PublicKey(sampleHash(2)), signature: .zero)
      ),
      .keepalive(Keepalive([])),
      .keepalive(Keepalive((1...8).map(sampleAddress))),
      .publish(sampleBlock),
      .vote(sampleVote(1)),
      .vote(sampleVote(12)),
      .pullRequest(PullRequest(account: account, start: .open, count: 255)),
      .pullResponse(
        UncheckedPullResponse(
          account: account,
          firstHeld: .open,
          head: Height(9),
          blocks: (2...5).map { sampleBlock(height: $0) }
        )
      ),
      .pullResponse(
        UncheckedPullResponse(account: account, firstHeld: Height(0), head: Height(0), blocks: [])
      ),
      .telemetryRequest,
      telemetry.map { .telemetry($0) } ?? .telemetryRequest,
      .frontierRequest(FrontierRequest(start: account, count: 900)),
      .frontierResponse(
        (1...3).map { number in
          Frontier(
            account: Account(Bytes32(words: (0, 0, 0, number << 56))),
            height: .open,
            hash: BlockHash(sampleHash(number))
          )
        }
      ),
      .confirmRequest([
        ConfirmTarget(slot: slot, hash: .zero),
        ConfirmTarget(slot: slot, hash: BlockHash(sampleHash(2))),
      ]),
      .blockRequest([BlockHash(sampleHash(1)), BlockHash(sampleHash(2))]),
      .representativeHello(
        RepresentativeHello.signed(
          node: sampleKey(2).publicKey,
          timestamp: 1,
          by: sampleKey(1),
          on: chain
        ).value
      ),
      .receivablesRequest(ReceivablesRequest(start: key, count: 580)),
      .receivablesResponse([
        ReceivableEntry(key: key, source: account, amount: Amount(raw: 1))
      ]),
    ]
  }()
}
