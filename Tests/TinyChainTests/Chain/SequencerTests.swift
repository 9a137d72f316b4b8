import Kernel
import Testing

@testable import TinyChain

@Suite("Sequencers")
struct SequencerTests {
  @Test("The instant one lets time stand still, not go back, and knows no work")
  func instant() throws {
    let sequencer = InstantSequencer()
    let test = TestChain()
    let tip = test.chain.tip.header
    let early = sequencer.draft(after: tip, at: 5, for: Address(3))
    #expect(early.time == tip.time)
    #expect(early.producer == Address(3))
    let late = sequencer.draft(after: tip, at: tip.time + 9, for: .zero)
    #expect(late.time == tip.time + 9)
    var header = test.chain.executed([], under: late).header
    #expect(throws: Never.self) { try sequencer.check(header, after: tip, at: tip.time + 9) }
    header.nonce = 1
    #expect(throws: Rejection.wrongWork) { try sequencer.check(header, after: tip, at: 0) }
    (header.nonce, header.bits) = (0, 1)
    #expect(throws: Rejection.wrongWork) { try sequencer.check(header, after: tip, at: 0) }
    header.time = tip.time - 1
    #expect(throws: Rejection.wrongTime) { try sequencer.check(header, after: tip, at: 0) }
    #expect(sequencer.finalHeight(below: header) == 1)
    #expect(sequencer.prefers(header, over: tip))
    #expect(!sequencer.prefers(tip, over: tip))
  }

  /// Through the protocol alone.
  private func accepts<S: Sequencer>(_ sequencer: S, _ past: S.Past, nonce: UInt64 = 0) throws {
    let tree = TestTree()
    let (parent, now) = (tree.tree.genesis, tree.now)
    var header = sequencer.draft(after: past, at: now, for: Address(4))
    (header.height, header.parent, header.nonce) = (1, parent.id, nonce)
    try sequencer.check(header, after: past, at: now)
    #expect(header.producer == Address(4))
    #expect(throws: Rejection.wrongWork) {
      header.nonce = 1 - nonce
      try sequencer.check(header, after: past, at: now)
    }
    #expect(sequencer.finalHeight(below: past) == 0)
  }

  @Test("Each of the three accepts its own draft, and not with another nonce")
  func drafts() throws {
    let tree = TestTree().tree
    try accepts(InstantSequencer(), tree.genesis.header)
    try accepts(GitSequencer(), tree.genesis.header)
    let past = try #require(tree.lineage(of: tree.genesis.id))
    try accepts(tree.sequencer, past, nonce: 1)
    #expect(!tree.sequencer.prefers(past, over: past))
  }

  private func file(
    _ path: String,
    _ content: [UInt8]?,
    isAdded: Bool = true,
    mode: UInt32 = 0o100644
  ) -> GitSequencer.File {
    .init(path: Array(path.utf8), isAdded: isAdded, mode: mode, content: content)
  }

  @Test("A commit's transactions are the files it adds under txs/, by path; of others it says why")
  func files() {
    let test = TestChain()
    let first = test.signed(.transfer, to: Address(9), value: 1)
    let second = test.signed(.transfer, to: Address(9), value: 2) { $0.nonce = 1 }
    let high = Array(first.bytes.dropLast(33)) + [255] + Array(first.bytes.suffix(32))
    let (accepted, refused) = GitSequencer.transactions(in: [
      file("txs/b", second.bytes), file("txs/a", first.bytes), file("README", first.bytes),
      file("txs2/a", first.bytes), file("txs/c", first.bytes, isAdded: false),
      file("txs/d", first.bytes, mode: 0o120000), file("txs/e", first.bytes, mode: 0o160000),
      file("txs/f", first.bytes, mode: 0o100755), file("txs/g", nil),
      file("txs/h", [UInt8](repeating: 0, count: GitSequencer.fileMax + 1)), file("txs/i", [1]),
      file("txs/j", high),
      .init(path: Array("txs/".utf8) + [255, 0, 10], isAdded: true, mode: 0o100644, content: []),
    ])
    #expect(accepted == [first, second])
    let reasons: [GitSequencer.Refusal] = [
      .elsewhere, .notAdded, .notPlain, .notPlain, .notPlain, .tooLong, .tooLong,
      .rejected(.malformed), .rejected(.highS), .rejected(.malformed), .elsewhere,
    ]
    #expect(refused.map(\.reason) == reasons)
  }

  @Test("The same commits make the same chain; other commits another")
  func replay() throws {
    func chain(_ commits: [[UInt8]]) -> Chain {
      let test = TestChain()
      var chain = test.chain
      for (index, commit) in commits.enumerated() {
        let sent = test.signed(.transfer, to: Address(9), value: 1) { $0.nonce = UInt64(index) }
        let treasury = chain.parameters.treasury
        let draft = GitSequencer().draft(after: chain.tip.header, at: 77, for: treasury)
        var block = chain.executed([sent, sent], under: draft)
        #expect(block.skipped.map(\.reason) == [.nonceTooLow])
        block.name = GitSequencer.name(commit: commit, parent: chain.tip.id)
        #expect(block.header.time == UInt64(index) + 1)
        #expect(throws: Never.self) {
          try GitSequencer().check(block.header, after: chain.tip.header, at: 0)
        }
        chain.append(block)
      }
      return chain
    }
    let line: [[UInt8]] = [[1], [2], [3]]
    #expect(chain(line).tip.id == chain(line).tip.id)
    #expect(chain(line).state.tree.root == chain(line).state.tree.root)
    #expect(chain(line).tip.id != chain([[1], [2], [4]]).tip.id)
    #expect(chain(line).state.tree.root == chain([[1], [2], [4]]).state.tree.root)
  }

  @Test("A push goes on where it was, a force-push from where both lines part")
  func lines() {
    #expect(GitSequencer.common([], [[1]]) == 0)
    #expect(GitSequencer.common([[1], [2]], [[1], [2], [3]]) == 2)
    #expect(GitSequencer.common([[1], [2], [3]], [[1], [4]]) == 1)
    #expect(GitSequencer.common([[1], [2]], [[1]]) == 1)
  }
}
