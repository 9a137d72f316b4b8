import Kernel
import Testing
import TinyChain

@testable import TinyChainPeers

@Suite("Bodies of what nodes say to each other")
struct WireTests {
  static let ids = (0..<5).map { SHA256.hash([UInt8($0)]) }
  static let header = TestChain.first.tip.header
  static let requests: [PeerRequest] = [
    .hello(TestChain().hello), .headers(after: ids), .bodies(ids),
    .short(ShortBlock(header, salt: 9, transactions: ids)),
    .short(ShortBlock(header, salt: 9, transactions: [])),
    .complete(ids[0], [[1, 2], []]), .complete(ids[1], []), .offer(ids), .push([[1], [2, 3]]),
    .fetch(ids), .list, .peers,
  ]
  static let answers: [(PeerAnswer, PeerRequest.Kind)] = [
    (.hello(TestChain().hello), .hello), (.headers([]), .headers),
    (.headers([header, header]), .headers), (.bodies([[], nil, [1, 2, 3]]), .bodies),
    (.missing([]), .short), (.missing([0, 3, 30_000]), .short), (.ids(ids), .offer),
    (.ids([]), .list), (.transactions([[5], []]), .fetch), (.done, .push), (.done, .complete),
    (.addresses([SocketAddress(.loopbackV4, port: 7)]), .peers),
  ]

  @Test("A request is read as it was written", arguments: requests)
  func requestRoundTrip(_ request: PeerRequest) throws {
    #expect(try PeerRequest(path: request.path, body: request.body) == request)
  }

  @Test("An answer is read as it was written", arguments: answers)
  func answerRoundTrip(_ answer: PeerAnswer, _ kind: PeerRequest.Kind) throws {
    #expect(try PeerAnswer(to: kind, body: answer.body) == answer)
  }

  @Test(
    "Of a request that ends early nothing is read that is written otherwise",
    arguments: requests
  )
  func truncatedRequest(_ request: PeerRequest) {
    for count in 0..<request.body.count {
      let body = Array(request.body.prefix(count))
      guard let read = try? PeerRequest(path: request.path, body: body) else { continue }
      #expect(read.body == body)
    }
    #expect(throws: DecodingFailure.self) {
      try PeerRequest(path: request.path, body: request.body + [0])
    }
  }

  @Test(
    "Of an answer that ends early nothing is read that is written otherwise",
    arguments: answers
  )
  func truncatedAnswer(_ answer: PeerAnswer, _ kind: PeerRequest.Kind) {
    for count in 0..<answer.body.count {
      let body = Array(answer.body.prefix(count))
      guard let read = try? PeerAnswer(to: kind, body: body) else { continue }
      #expect(read.body == body)
    }
    #expect(throws: DecodingFailure.self) { try PeerAnswer(to: kind, body: answer.body + [0]) }
  }

  @Test(
    "A request with more than its cap is refused",
    arguments: [
      .headers(after: Array(repeating: ids[0], count: PeerLimits.locatorMax + 1)),
      .bodies(Array(repeating: ids[0], count: PeerLimits.bodiesMax + 1)),
      .offer(Array(repeating: ids[0], count: PeerLimits.offersMax + 1)),
      .fetch(Array(repeating: ids[0], count: PeerLimits.offersMax + 1)),
      .push(Array(repeating: [], count: PeerLimits.offersMax + 1)),
      .complete(ids[0], Array(repeating: [], count: PeerLimits.blockTransactionsMax + 1)),
      .push([[UInt8](repeating: 0, count: PeerLimits.bodyBytesMax)]),
    ] as [PeerRequest]
  )
  func requestCaps(_ request: PeerRequest) throws {
    let failure = try #require(throws: DecodingFailure.self) {
      try PeerRequest(path: request.path, body: request.body)
    }
    guard case .tooLong = failure.problem else {
      Issue.record("refused for another reason: \(failure)")
      return
    }
  }

  @Test("A short block with more ids than a block holds is refused")
  func shortCap() {
    let most = PeerLimits.blockTransactionsMax
    func request(_ count: Int) -> PeerRequest {
      .short(ShortBlock(Self.header, salt: 0, transactions: Array(repeating: .zero, count: count)))
    }
    #expect(throws: Never.self) { try PeerRequest(path: .short, body: request(most).body) }
    #expect(throws: DecodingFailure.self) {
      try PeerRequest(path: .short, body: request(most + 1).body)
    }
  }

  @Test(
    "An answer with more than its cap is refused",
    arguments: [
      (.headers(Array(repeating: header, count: PeerLimits.headersMax + 1)), .headers),
      (.bodies(Array(repeating: nil, count: PeerLimits.bodiesMax + 1)), .bodies),
      (.ids(Array(repeating: ids[0], count: PeerLimits.offersMax + 1)), .offer),
      (.transactions(Array(repeating: [], count: PeerLimits.offersMax + 1)), .fetch),
      (
        .addresses(
          Array(
            repeating: SocketAddress(.loopbackV4, port: 1),
            count: PeerLimits.addressesMax + 1
          )
        ), .peers
      ),
    ] as [(PeerAnswer, PeerRequest.Kind)]
  )
  func answerCaps(_ answer: PeerAnswer, _ kind: PeerRequest.Kind) throws {
    let failure = try #require(throws: DecodingFailure.self) {
      try PeerAnswer(to: kind, body: answer.body)
    }
    #expect(failure.problem == .tooLong("items"))
  }

  @Test(
    "What no node writes is refused",
    arguments: [
      (.headers, []), (.bodies, []), (.txs, []), (.short, []), (.hello, []),
      (.peers, [0, 0, 0, 0]),  // no items are expected
      (.txs, [1, 0, 0, 0, 4]),  // no such kind
      (.txs, [2, 0, 0, 0, 0, 0]),  // a kind of two bytes
      (.txs, [1, 0, 0, 0, 0]),  // an offer of nothing
      (.txs, [1, 0, 0, 0, 3, 0, 0, 0, 0]),  // a list of something
      (.short, [1, 0, 0, 0, 2]),
      (.headers, [255, 255, 255, 255]),  // a length beyond the body
      (.bodies, [31, 0, 0, 0] + [UInt8](repeating: 0, count: 31)),  // an id too short
    ] as [(PeerRequest.Path, [UInt8])]
  )
  func malformed(_ path: PeerRequest.Path, _ body: [UInt8]) {
    #expect(throws: DecodingFailure.self) { try PeerRequest(path: path, body: body) }
  }

  @Test("Indices that do not ascend, and bodies that are neither there nor not, are refused")
  func malformedAnswers() {
    for indices in [[1, 1], [2, 1]] {
      let body = PeerAnswer.missing(indices).body
      #expect(throws: DecodingFailure.self) { try PeerAnswer(to: .short, body: body) }
    }
    for body: [UInt8] in [[1, 0, 0, 0, 2], [2, 0, 0, 0, 0, 0], [0, 0, 0, 0]] {
      #expect(throws: DecodingFailure.self) { try PeerAnswer(to: .bodies, body: body) }
    }
  }

  @Test("The largest block there can be fits into an answer")
  func largestBlock() {
    let body = [UInt8](repeating: 0, count: Block.bytesMax - Header.size)
    let bytes = PeerAnswer.bodies([body]).body
    #expect(bytes.count <= PeerLimits.bodyBytesMax)
    #expect(throws: Never.self) { try PeerAnswer(to: .bodies, body: bytes) }
  }

  @Test("Short ids depend on the header and on the salt, and have 48 bits")
  func shortIDs() {
    var other = Self.header
    other.nonce += 1
    let id = Self.ids[0]
    let values = [
      ShortID(of: Self.header, salt: 1)(id), ShortID(of: Self.header, salt: 2)(id),
      ShortID(of: other, salt: 1)(id),
    ]
    #expect(Set(values).count == 3)
    #expect(values.allSatisfy { $0 < 1 << 48 })
  }
}
