import Kernel
import Testing

@testable import SmallNano

@Suite("Wire messages")
struct WireMessageTests {
  @Test("A random message of each type comes back from its frame", arguments: MessageType.allCases)
  func roundTrip(type: MessageType) throws {
    var random = SplitMix64(seed: UInt64(type.rawValue))
    for _ in 0..<50 {
      let message = WireMessage.random(type, using: &random)
      let frame = message.frame(on: .dev)
      #expect(message.type == type)
      #expect(try WireMessage.decode(frame) == message)
    }
  }

  @Test(
    "Every truncation and every extension of a body is refused",
    arguments: MessageType.allCases
  )
  func wrongLength(type: MessageType) throws {
    var random = SplitMix64(seed: 100 + UInt64(type.rawValue))
    for _ in 0..<5 {
      let frame = WireMessage.random(type, using: &random).frame(on: .dev)
      let header = try FrameHeader(frame, network: .dev)
      let body = Array(frame.dropFirst(FrameHeader.size))
      // Telemetry ends in a text of any length, so its body is cut where the header says.
      guard type != .telemetry else {
        for length in [0, 43, 44, 109] {
          #expect(throws: FrameFailure.wrongLength(.telemetry, length)) {
            _ = try FrameHeader(
              Self.header(type, flags: .none, length: length),
              network: .dev
            )
          }
        }
        continue
      }
      let decoded = (0..<min(body.count, 2000)).filter { length in
        (try? WireMessage(header, body: Array(body[..<length]), on: devChain)) != nil
      }
      #expect(decoded.isEmpty)
      #expect(throws: DecodingFailure(.trailingBytes, at: body.count)) {
        _ = try WireMessage(header, body: body + [0], on: devChain)
      }
    }
  }

  @Test(
    "A changed byte is refused or makes another message, never the same one",
    arguments: MessageType.allCases
  )
  func changedByte(type: MessageType) {
    var random = SplitMix64(seed: 200 + UInt64(type.rawValue))
    for _ in 0..<3 {
      let message = WireMessage.random(type, using: &random)
      let frame = message.frame(on: .dev)
      for index in frame.indices.prefix(600) {
        var changed = frame
        changed[index] ^= UInt8.random(in: 1...255, using: &random)
        guard let other = try? WireMessage.decode(changed) else { continue }
        // Compared outside #expect, which would describe each of thousands of messages.
        if other == message || other.frame(on: .dev) != changed {
          Issue.record("byte \(index) of \(frame.hex) changed to \(changed[index])")
        }
      }
    }
  }

  @Test("A vote with a flag is refused by name: short ids are not spoken yet")
  func voteFlag() throws {
    var body = voteBody()
    body[96] = 1
    #expect(throws: DecodingFailure(.unknown("vote flag"), at: 97)) { try decodeVote(body) }
  }

  @Test("A vote of an unknown kind is refused")
  func voteKind() throws {
    var body = voteBody()
    body[97] = 3
    #expect(throws: DecodingFailure(.unknown("vote kind"), at: 98)) { try decodeVote(body) }
  }

  @Test("A settled vote of a later round is refused")
  func settledRound() throws {
    var body = voteBody()
    body[97] = VoteKind.settled.rawValue
    #expect(try decodeVote(body).round == .zero)
    body[98] = 1
    let failure = DecodingFailure(.notCanonical("round of a settled vote"), at: 100)
    #expect(throws: failure) { try decodeVote(body) }
  }

  @Test("A vote without hashes is refused")
  func noHashes() throws {
    let body = Array(voteBody().prefix(108)) + [0]
    #expect(throws: DecodingFailure(.notCanonical("count"), at: 109)) { try decodeVote(body) }
  }

  @Test("A vote that lists a hash twice is refused")
  func repeatedHash() throws {
    var body = voteBody()
    body.replaceSubrange(141..<173, with: body[109..<141])
    #expect(throws: DecodingFailure(.notCanonical("repeated hash"), at: 173)) {
      try decodeVote(body)
    }
  }

  @Test("A count beyond the bytes that follow is refused before anything is allocated")
  func countWithoutHashes() throws {
    var body = voteBody()
    body[108] = 255
    #expect(throws: DecodingFailure(.truncated, at: 109)) { try decodeVote(body) }
  }

  @Test("Frontiers and receivables out of order are refused")
  func order() throws {
    let frontiers = [2, 1].map { number in
      Frontier(account: Account(Bytes32(words: (number, 0, 0, 0))), height: .open, hash: .zero)
    }
    #expect(throws: DecodingFailure(.notCanonical("order of accounts"), at: 106)) {
      _ = try WireMessage.decode(WireMessage.frontierResponse(frontiers).frame(on: .dev))
    }
    let key = ReceivableKey(destination: .burn, hash: .zero)
    let entry = ReceivableEntry(key: key, source: .burn, amount: Amount(raw: 1))
    #expect(throws: DecodingFailure(.notCanonical("order of receivables"), at: 178)) {
      _ = try WireMessage.decode(WireMessage.receivablesResponse([entry, entry]).frame(on: .dev))
    }
  }

  @Test("A pull response with a gap, another account or blocks it does not hold is refused")
  func pullOrder() throws {
    var random = SplitMix64(seed: 7)
    let account = Account(randomBytes32(&random))
    func block(_ height: UInt64, of owner: Account) -> Block {
      .random(account: owner, height: Height(height), using: &random)
    }
    let wrong: [(first: UInt64, head: UInt64, blocks: [Block])] = [
      (1, 9, [block(2, of: account), block(4, of: account)]),
      (1, 9, [block(3, of: account), block(2, of: account)]),
      (1, 9, [block(2, of: account), block(2, of: account)]),
      (1, 9, [block(2, of: .burn)]),
      (3, 9, [block(2, of: account)]),
      (1, 9, [block(10, of: account)]),
      (1, .max, [block(.max, of: account), block(.max, of: account)]),
    ]
    for (first, head, blocks) in wrong {
      let response = UncheckedPullResponse(
        account: account,
        firstHeld: Height(first),
        head: Height(head),
        blocks: blocks
      )
      let frame = WireMessage.pullResponse(response).frame(on: .dev)
      let end = 49 + 224 * blocks.count
      #expect(throws: DecodingFailure(.notCanonical("order of blocks"), at: end)) {
        _ = try WireMessage.decode(frame)
      }
    }
  }

  @Test("A version text that could break a log line is refused")
  func telemetryText() {
    func telemetry(_ version: String) -> Telemetry? {
      Telemetry(
        blocks: 0,
        confirmedBlocks: 0,
        accounts: 0,
        peers: 0,
        pruningDepth: 0,
        uptimeSeconds: 0,
        version: version
      )
    }
    #expect(telemetry("0.1 (linux)") != nil)
    for text in ["", "a\nb", "\u{1b}[31m", "ä", String(repeating: "x", count: 65)] {
      #expect(telemetry(text) == nil)
    }
  }

  @Test("What the machine says and what the checker passes have one encoding")
  func peerMessageFrame() {
    let hashes = [BlockHash(Bytes32(words: (1, 2, 3, 4)))]
    let frame = PeerMessage.blockRequest(hashes).frame(on: .dev)
    #expect(frame == WireMessage.blockRequest(hashes).frame(on: .dev))
    #expect(frame.hex.hasPrefix("534eff020c00" + "2100" + "01"))
  }

  /// Two hashes, 173 bytes.
  private func voteBody() -> [UInt8] {
    let vote = Vote(
      representative: .burn,
      kind: .normal,
      round: .zero,
      timestamp: 1,
      hashes: [1, 2].map { BlockHash(Bytes32(words: ($0, 0, 0, 0))) },
      signature: .zero
    )
    var writer = ByteWriter()
    vote.encode(into: &writer)
    return writer.bytes
  }

  @discardableResult
  private func decodeVote(_ body: [UInt8]) throws -> Vote {
    var reader = ByteReader(body)
    let vote = try Vote(from: &reader)
    try reader.finish()
    return vote
  }

  static func header(_ type: MessageType, flags: FrameFlags, length: Int) -> [UInt8] {
    [
      0x53, 0x4e, 0xff, 2, type.rawValue, flags.rawValue, UInt8(length & 255), UInt8(length >> 8),
    ]
  }
}

@Suite("Frame headers")
struct FrameHeaderTests {
  @Test(
    "Each wrong field is named",
    arguments: [
      (0, 0x54, FrameFailure.wrongMagic),
      (1, 0x00, .wrongMagic),
      (2, 0x01, .wrongNetwork(1)),
      (2, 0x33, .wrongNetwork(0x33)),
      (3, 0x03, .wrongVersion(3)),
      (4, 0x00, .unknownType(0)),
      (4, 0x10, .unknownType(16)),
      (5, 0x01, .unknownFlags(.publish, 1)),
      (6, 0xe1, .wrongLength(.publish, 225)),
      (7, 0xff, .wrongLength(.publish, 0xffe0)),
    ] as [(Int, UInt8, FrameFailure)]
  )
  func wrongField(offset: Int, byte: UInt8, failure: FrameFailure) throws {
    var header = WireMessageTests.header(.publish, flags: .none, length: 224)
    #expect(try FrameHeader(header, network: .dev).bodyLength == 224)
    header[offset] = byte
    #expect(throws: failure) { _ = try FrameHeader(header, network: .dev) }
  }

  @Test("A header cut anywhere is refused")
  func truncated() {
    let header = WireMessageTests.header(.publish, flags: .none, length: 224)
    for length in 0..<FrameHeader.size {
      #expect(throws: FrameFailure.truncated) {
        _ = try FrameHeader(header[..<length], network: .dev)
      }
    }
  }

  @Test("Each type takes exactly the lengths its layout allows", arguments: MessageType.allCases)
  func lengths(type: MessageType) {
    let size = type.bodySize(flags: .none)
    for length in 0...Int(UInt16.max) {
      let bytes = WireMessageTests.header(type, flags: .none, length: length)
      let accepted = (try? FrameHeader(bytes, network: .dev)) != nil
      let expected =
        length >= size.min && length <= size.max
        && (size.entry == 0 || (length - size.fixed) % size.entry == 0)
      if accepted != expected { Issue.record("\(type) of \(length) bytes: \(accepted)") }
    }
    #expect(size.max <= Int(UInt16.max))
  }

  @Test("Only telemetry has a flag: the request, without a body")
  func telemetryRequest() throws {
    #expect(WireMessage.telemetryRequest.frame(on: .dev).hex == "534eff0208010000")
    #expect(throws: FrameFailure.wrongLength(.telemetry, 45)) {
      _ = try FrameHeader(
        WireMessageTests.header(.telemetry, flags: .request, length: 45),
        network: .dev
      )
    }
    for type in MessageType.allCases where type != .telemetry {
      let size = type.bodySize(flags: .none).min
      #expect(throws: FrameFailure.unknownFlags(type, 1)) {
        let bytes = WireMessageTests.header(type, flags: .request, length: size)
        _ = try FrameHeader(bytes, network: .dev)
      }
    }
  }

  @Test("A frame of another network is refused by name")
  func otherNetwork() {
    let frame = WireMessage.telemetryRequest.frame(on: .main)
    #expect(throws: FrameFailure.wrongNetwork(1)) { _ = try FrameHeader(frame, network: .dev) }
    #expect("\(FrameFailure.wrongNetwork(1))" == "the peer is of the main network")
  }
}
