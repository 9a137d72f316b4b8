import Kernel
import SmallNano
import Testing

/// One block that breaks one rule.
struct BrokenRule: Sendable, CustomTestStringConvertible {
  let rejection: BlockRejection
  let testDescription: String
  let block: @Sendable (LedgerFixture) throws -> Block

  init(
    _ rejection: BlockRejection,
    _ description: String,
    _ block: @escaping @Sendable (LedgerFixture) throws -> Block
  ) {
    self.rejection = rejection
    testDescription = description
    self.block = block
  }

  private static let alice = LedgerFixture.alice
  private static let bob = LedgerFixture.bob
  private static let nowhere = BlockHash(Bytes32(words: (1, 2, 3, 4)))

  /// Each code once, in `LedgerFixture.story`.
  static let all: [BrokenRule] = [
    BrokenRule(.malformed, "no block has height 0") {
      $0.block(of: alice, height: Height(0), balance: 800)
    },
    BrokenRule(.burnAccount, "the burn account opens") {
      $0.block(of: .burn, balance: 100, link: nowhere.bytes)
    },
    BrokenRule(.insufficientWork, "less work than any kind needs") {
      $0.block(of: alice, balance: 800, link: bob.bytes, work: 0...(1 << 62 - 1))
    },
    BrokenRule(.alreadyKnown, "Alice's head again") { try $0.block(alice, 3).block },
    BrokenRule(.settled, "another block below what is confirmed") {
      $0.block(of: alice, height: .open, previous: .zero, balance: 500, link: nowhere.bytes)
    },
    BrokenRule(.gapPrevious, "on top of a block that nobody has") {
      $0.block(of: alice, previous: nowhere, balance: 800, link: bob.bytes)
    },
    BrokenRule(.gapSource, "receives a send that nobody has") {
      $0.block(of: alice, balance: 950, link: nowhere.bytes)
    },
    BrokenRule(.fork, "a second block at height 3") {
      let below = try $0.block(alice, 2).hash
      return $0.block(
        of: alice,
        height: Height(3),
        previous: below,
        balance: 850,
        link: bob.bytes
      )
    },
    BrokenRule(.heightNotNext, "skips a height") {
      $0.block(of: alice, height: Height(5), balance: 800, link: bob.bytes)
    },
    BrokenRule(.balanceRule, "changes nothing") { $0.block(of: alice, balance: 900) },
    BrokenRule(.belowMinimum, "leaves less than the minimum") {
      $0.block(of: alice, balance: 9, link: bob.bytes)
    },
    BrokenRule(.receivableMissing, "receives a send to someone else") {
      let toBob = try $0.block(alice, 2).hash
      return $0.block(of: alice, balance: 1000, link: toBob.bytes)
    },
    BrokenRule(.receivableAmount, "receives more than was sent") {
      $0.block(of: bob, balance: 101, link: try $0.block(alice, 2).hash.bytes)
    },
    BrokenRule(.insufficientWorkForKind, "sends with the work of a receive") {
      $0.block(of: alice, balance: 800, link: bob.bytes, work: 1 << 62...(1 << 63 - 1))
    },
    BrokenRule(.epochNotAllowed, "an epoch block") {
      $0.block(of: alice, balance: 900, link: LedgerFixture.parameters.epochKey.bytes)
    },
  ]
}

@Suite("Rules of blocks")
struct BlockValidationTests {
  @Test(
    "Each broken rule is reported by its code and leaves the ledger as it was",
    arguments: BrokenRule.all
  )
  func brokenRule(_ rule: BrokenRule) throws {
    var fixture = try LedgerFixture.story()
    let before = fixture
    let block = try rule.block(fixture)
    #expect(throws: rule.rejection) { try fixture.submit(block) }
    #expect(fixture.store == before.store)
    #expect(fixture.change == before.change)
  }

  @Test("The table above provokes every code that the rules can give")
  func tableIsComplete() {
    let elsewhere: Set<BlockRejection> = [.badSignature, .backlogFull, .notReady]
    let provoked = BrokenRule.all.map(\.rejection)
    #expect(Set(provoked) == Set(BlockRejection.allCases).subtracting(elsewhere))
    #expect(provoked.count == Set(provoked).count)
  }

  @Test(
    "A fork's other side is judged as if the slot were free; other rules hold as ever",
    arguments: BrokenRule.all
  )
  func candidates(_ rule: BrokenRule) throws {
    let fixture = try LedgerFixture.story()
    let block = try rule.block(fixture)
    let stateless: Set<BlockRejection> = [.malformed, .burnAccount, .insufficientWork]
    if rule.rejection == .fork {
      #expect(fixture.ledger.candidateRejection(of: block) == nil)
    } else if !stateless.contains(rule.rejection) {
      #expect(fixture.ledger.candidateRejection(of: block) == rule.rejection)
    }
  }

  @Test("A block that no ledger could hold is malformed")
  func malformed() throws {
    let fixture = try LedgerFixture.story()
    let (alice, bob) = (LedgerFixture.alice, LedgerFixture.bob)
    let some = Bytes32(words: (1, 2, 3, 4))
    let blocks = [
      fixture.block(of: alice, height: .open, balance: 50, link: some),
      fixture.block(of: alice, previous: .zero, balance: 50, link: some),
      fixture.block(of: bob, balance: 50),
      fixture.block(of: alice, balance: 1_000_001, link: some),
      fixture.block(of: alice, height: Height(1 << 63), balance: 800, link: some),
    ]
    for block in blocks {
      #expect(block.statelessRejection(parameters: LedgerFixture.parameters) == .malformed)
    }
  }

  @Test("A send moves at least the minimum")
  func minimumSend() throws {
    var fixture = try LedgerFixture.story()
    #expect(throws: BlockRejection.belowMinimum) {
      try fixture.send(9, from: LedgerFixture.alice, to: LedgerFixture.bob)
    }
    try fixture.send(10, from: LedgerFixture.alice, to: LedgerFixture.bob)
  }

  @Test("A send is received once")
  func receivedOnce() throws {
    var fixture = try LedgerFixture.story()
    let send = try fixture.block(LedgerFixture.alice, 2)
    try fixture.receive(send)
    #expect(throws: BlockRejection.receivableMissing) { try fixture.receive(send) }
    fixture.confirm(try fixture.block(LedgerFixture.bob, 1))
    #expect(throws: BlockRejection.receivableMissing) { try fixture.receive(send) }
  }

  @Test("A change that links somewhere, or a receive that links nowhere, breaks the balance rule")
  func links() throws {
    var fixture = try LedgerFixture.story()
    let alice = LedgerFixture.alice
    let change = fixture.block(
      of: alice,
      representative: LedgerFixture.bob,
      balance: 900,
      link: alice.bytes
    )
    #expect(throws: BlockRejection.balanceRule) { try fixture.submit(change) }
    let receive = fixture.block(of: alice, balance: 901)
    #expect(throws: BlockRejection.balanceRule) { try fixture.submit(receive) }
  }

  @Test("A block on top of another account's is not next")
  func foreignPrevious() throws {
    var fixture = try LedgerFixture.story()
    let block = fixture.block(
      of: LedgerFixture.bob,
      height: Height(4),
      previous: try fixture.block(LedgerFixture.alice, 3).hash,
      balance: 800,
      link: LedgerFixture.carol.bytes
    )
    #expect(throws: BlockRejection.heightNotNext) { try fixture.submit(block) }
  }

  @Test("Work is BLAKE2b of nonce and root, eight bytes, little-endian")
  func workVector() {
    // hashlib.blake2b(nonce + bytes(range(32)), digest_size=8) of Python 3.
    let root = Bytes32(UInt8(0)..<32)
    #expect(
      root.map { Work.value(nonce: 0x0123_4567_89ab_cdef, root: $0) } == 0x8b21_cd19_03b9_d44b
    )
  }
}
