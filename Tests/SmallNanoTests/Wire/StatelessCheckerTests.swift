import Kernel
import Testing

@testable import SmallNano

@Suite("The stateless checker")
struct StatelessCheckerTests {
  private let parameters = NetworkParameters.dev
  private let checker = StatelessChecker(.dev)

  /// What the checker says, message by message; nil is good.
  private func failures(_ messages: [WireMessage], seed: UInt64 = 1) -> [CheckFailure?] {
    var random = SplitMix64(seed: seed)
    return checker.check(messages, using: &random).map { result in
      switch result {
      case .success: nil
      case .failure(let failure): failure
      }
    }
  }

  /// A signed open block with work.
  private func block(_ number: UInt64, height: UInt64 = 2) throws -> Block {
    let key = testKey(number)
    var block = Block(
      account: Account(key.publicKey),
      previous: BlockHash(Bytes32(words: (number, 7, 7, 7))),
      representative: Account(key.publicKey),
      balance: Amount(raw: 1 << 80),
      link: Bytes32(words: (1, 1, 1, 1)),
      height: Height(height),
      on: devChain
    ).signed(by: key)
    block.work = try #require(
      WorkGenerator(path: .portable)?.search(
        root: block.root,
        threshold: parameters.workThresholds.receive,
        from: number
      )
    )
    return block
  }

  private func vote(_ number: UInt64) -> Vote {
    Vote.signed(
      kind: .final,
      round: Round(3),
      timestamp: number,
      hashes: [BlockHash(Bytes32(words: (number, 0, 0, 0)))],
      by: testKey(number),
      on: devChain
    ).value
  }

  private func hello(_ number: UInt64) -> RepresentativeHello {
    RepresentativeHello.signed(
      node: testKey(99).publicKey,
      timestamp: number,
      by: testKey(number),
      on: devChain
    ).value
  }

  @Test("Good blocks, votes, hellos and questions pass and come out verified")
  func good() throws {
    let block = try block(1)
    let request = PullRequest(account: block.account, start: .open, count: 1)
    let messages: [WireMessage] = [
      .publish(block), .vote(vote(2)), .representativeHello(hello(3)), .pullRequest(request),
      .pullResponse(
        UncheckedPullResponse(
          account: block.account,
          firstHeld: .open,
          head: Height(2),
          blocks: [block]
        )
      ),
    ]
    var random = SplitMix64(seed: 1)
    let results = checker.check(messages, using: &random)
    #expect(try results.map { try WireMessage($0.get()) } == messages)
    guard case .success(.publish(let verified)) = results[0] else {
      return #expect(Bool(false))
    }
    #expect(verified.value == block)
  }

  @Test("One bad signature among many is the only one refused, whichever it is")
  func oneBad() throws {
    let block = try block(1)
    let good: [WireMessage] =
      [.publish(block)] + (2...20).map { .vote(vote($0)) } + [.representativeHello(hello(21))]
    #expect(failures(good).allSatisfy { $0 == nil })
    for index in [0, 7, 20] {
      var messages = good
      switch messages[index] {
      case .publish(var block):
        block.signature = vote(2).signature
        messages[index] = .publish(block)
      case .vote(let vote):
        messages[index] = .vote(
          Vote(
            representative: vote.representative,
            kind: vote.kind,
            round: vote.round.next,
            timestamp: vote.timestamp,
            hashes: vote.hashes,
            signature: vote.signature
          )
        )
      case .representativeHello(let hello):
        messages[index] = .representativeHello(
          RepresentativeHello(
            representative: hello.representative,
            node: testKey(98).publicKey,
            timestamp: hello.timestamp,
            signature: hello.signature
          )
        )
      default: Issue.record("unexpected sample")
      }
      let expected: CheckFailure =
        switch index {
        case 0: .block(.badSignature)
        case 20: .badSignature(.representativeHello)
        default: .badSignature(.vote)
        }
      let said = failures(messages, seed: UInt64(index))
      #expect(said[index] == expected)
      #expect(said[index]?.blame == .sender)
      #expect(said.enumerated().allSatisfy { $0.offset == index || $0.element == nil })
    }
  }

  @Test("A block without work is refused before its signature is looked at")
  func insufficientWork() throws {
    var block = try block(1)
    while WorkThresholds.dev.receive <= PortableWork(root: block.root).value(of: block.work) {
      block.work &+= 1
    }
    block.signature = .zero
    #expect(failures([.publish(block)]) == [.block(.insufficientWork)])
  }

  @Test("The burn account opens nothing")
  func burnAccount() {
    let block = Block(
      account: .burn,
      previous: .zero,
      representative: .burn,
      balance: Amount(raw: 1),
      link: Bytes32(words: (1, 0, 0, 0)),
      height: .open,
      on: devChain
    )
    #expect(failures([.publish(block)]) == [.block(.burnAccount)])
  }

  @Test("A bad block makes its whole pull response bad")
  func pullResponse() throws {
    let first = try block(1)
    var second = try block(1, height: 3)
    second.signature = first.signature
    let response = UncheckedPullResponse(
      account: first.account,
      firstHeld: .open,
      head: Height(3),
      blocks: [first, second]
    )
    #expect(failures([.pullResponse(response), .publish(first)]) == [.block(.badSignature), nil])
  }

  @Test("The genesis block passes as it is defined, and in no other form")
  func genesis() {
    var forged = parameters.genesisBlock
    forged.work = 1
    let said = failures([.publish(parameters.genesisBlock), .publish(forged)])
    #expect(said == [nil, .block(.malformed)])
  }

  @Test("Signatures of another chain are not valid here")
  func otherChain() {
    let other = ChainID(Bytes32(words: (1, 2, 3, 4)))
    let vote = Vote.signed(
      kind: .normal,
      round: .zero,
      timestamp: 1,
      hashes: [.zero],
      by: testKey(1),
      on: other
    )
    let hello = RepresentativeHello.signed(
      node: testKey(2).publicKey,
      timestamp: 1,
      by: testKey(1),
      on: other
    )
    let said = failures([.vote(vote.value), .representativeHello(hello.value)])
    #expect(said == [.badSignature(.vote), .badSignature(.representativeHello)])
  }

  @Test("The connection's own messages are not the machine's")
  func notForTheMachine() {
    var random = SplitMix64(seed: 1)
    for type in [MessageType.handshake, .handshakeAck, .keepalive, .telemetry] {
      let said = failures([WireMessage.random(type, using: &random)])
      #expect(said == [.notForTheMachine(type)])
    }
  }
}
