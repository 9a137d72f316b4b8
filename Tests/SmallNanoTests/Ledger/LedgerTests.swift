import Kernel
import SmallNano
import Testing

@Suite("Ledger")
struct LedgerTests {
  typealias Fixture = LedgerFixture
  private let alice = Fixture.alice
  private let bob = Fixture.bob
  private let carol = Fixture.carol
  private let genesis = Fixture.genesis

  // MARK: Opening

  @Test("An empty store gets genesis, confirmed, and a store with a ledger keeps its own")
  func genesisOnce() throws {
    let empty = Ledger(store: MemoryStore(), parameters: Fixture.parameters)
    #expect(empty.genesisChange != nil)
    #expect(empty.store.account(genesis)?.isConfirmed == true)
    #expect(empty.weight(of: genesis) == Fixture.parameters.supply)

    let fixture = try Fixture.story()
    let again = Ledger(store: fixture.ledger.store, parameters: Fixture.parameters)
    #expect(again.genesisChange == nil)
    #expect(again.store as? MemoryStore == fixture.store)
    #expect(again.store.account(genesis)?.balance == Amount(raw: 999_000))
  }

  @Test("The change says all that was applied to the store")
  func changeIsComplete() throws {
    let fixture = try Fixture.story()
    var replayed = MemoryStore()
    replayed.apply(try #require(fixture.ledger.genesisChange))
    replayed.apply(fixture.change)
    #expect(replayed == fixture.store)
  }

  // MARK: Confirming

  @Test("A block is confirmed after its predecessors and the sends it receives")
  func dependenciesFirst() throws {
    var fixture = try Fixture.story()
    let send = try fixture.block(alice, 2)
    let opened = try fixture.receive(send)
    let back = try fixture.send(50, from: bob, to: alice)
    let received = try fixture.receive(back)
    let confirmed = fixture.confirm(received)
    #expect(
      confirmed.map(\.hash)
        == [send.hash, try fixture.block(alice, 3).hash, opened.hash, back.hash, received.hash]
    )
    #expect(fixture.ledger.store.receivable(try #require(send.receivable).key) == nil)
    #expect(fixture.ledger.store.account(alice)?.confirmed?.confirmedAt == 5)
  }

  @Test("A long history is confirmed in steps of the given size")
  func bounded() throws {
    var fixture = try Fixture.story()
    let received = try fixture.receive(try fixture.block(alice, 2))
    var steps: [Int] = []
    var isComplete = false
    while !isComplete {
      let step = fixture.ledger.confirm(
        received.hash,
        at: Instant(milliseconds: 0),
        limit: 1,
        into: &fixture.change
      )
      steps.append(step.confirmed.count)
      isComplete = step.isComplete
    }
    #expect(steps == [1, 1])
    #expect(fixture.ledger.store.account(bob)?.isConfirmed == true)
  }

  @Test("Weight follows confirmed balances only, and moves with a change of representative")
  func weights() throws {
    var fixture = try Fixture.story()
    #expect(fixture.ledger.weight(of: alice) == Amount(raw: 1000))
    #expect(fixture.ledger.weight(of: carol) == .zero)
    fixture.confirm(try fixture.block(alice, 3))
    #expect(fixture.ledger.weight(of: alice) == .zero)
    #expect(fixture.ledger.weight(of: carol) == Amount(raw: 900))
    #expect(fixture.ledger.representatives.map(\.representative) == [genesis, carol])
  }

  @Test("A representative below 0.01 % of the supply has weight, but no place in memory")
  func smallRepresentative() throws {
    var fixture = try Fixture.story()
    fixture.confirm(try fixture.receive(try fixture.send(99, from: genesis, to: bob)))
    #expect(fixture.ledger.weight(of: bob) == Amount(raw: 99))
    #expect(!fixture.ledger.representatives.contains { $0.representative == bob })
  }

  @Test("Confirming what is not in the chain does nothing")
  func confirmUnknown() throws {
    var fixture = try Fixture.story()
    let before = fixture.store
    let result = fixture.ledger.confirm(
      .zero,
      at: Instant(milliseconds: 0),
      limit: 1,
      into: &fixture.change
    )
    #expect(result.confirmed.isEmpty)
    #expect(result.isComplete)
    #expect(fixture.store == before)
  }

  // MARK: Rolling back

  @Test("A rollback takes successors and, across accounts, what was received, youngest first")
  func rollback() throws {
    var fixture = try Fixture.story()
    let before = fixture.store
    let first = try fixture.send(200, from: alice, to: bob)  // height 4
    let opened = try fixture.receive(first)
    let back = try fixture.send(50, from: bob, to: alice)
    let received = try fixture.receive(back)
    let onward = try fixture.send(30, from: alice, to: carol)
    let carols = try fixture.receive(onward)
    let burned = try fixture.send(20, from: bob, to: .burn)
    let removed = fixture.ledger.rollback(first.block.slot, into: &fixture.change)
    #expect(
      removed.map(\.hash)
        == [carols, onward, received, burned, back, opened, first].map(\.hash)
    )
    #expect(fixture.store == before)
  }

  @Test("A rollback that would take a confirmed block does nothing")
  func confirmedStays() throws {
    var fixture = try Fixture.story()
    fixture.confirm(try fixture.receive(try fixture.block(alice, 2)))
    let before = fixture.store
    for height in [1, 2] as [UInt64] {
      let slot = Slot(account: alice, height: Height(height))
      #expect(fixture.ledger.rollback(slot, into: &fixture.change).isEmpty)
    }
    #expect(fixture.store == before)
  }

  @Test("A rollback of an empty slot or an unknown account does nothing")
  func nothingToRollBack() throws {
    var fixture = try Fixture.story()
    let before = fixture.store
    for slot in [
      Slot(account: alice, height: Height(4)), Slot(account: carol, height: .open),
      Slot(account: alice, height: Height(.max)),
    ] {
      #expect(fixture.ledger.rollback(slot, into: &fixture.change).isEmpty)
    }
    #expect(fixture.store == before)
  }

  @Test("After a rollback a send can be received again")
  func unmarked() throws {
    var fixture = try Fixture.story()
    let received = try fixture.receive(try fixture.block(alice, 2))
    _ = fixture.ledger.rollback(received.block.slot, into: &fixture.change)
    #expect(fixture.ledger.store.account(bob) == nil)
    #expect(try fixture.receive(try fixture.block(alice, 2)).hash == received.hash)
  }

  // MARK: Forks

  @Test("A fork's other side may receive what the slot's occupant received")
  func sameReceivable() throws {
    var fixture = try Fixture.story()
    let send = try fixture.block(alice, 2)
    try fixture.receive(send)
    let other = fixture.block(
      of: bob,
      height: .open,
      previous: .zero,
      representative: carol,
      balance: 100,
      link: send.hash.bytes
    )
    #expect(fixture.ledger.candidateRejection(of: other) == nil)
    _ = fixture.ledger.rollback(other.slot, into: &fixture.change)
    #expect(try fixture.submit(other).kind == .open)
  }

  @Test("A fork's other side may not receive what would go with the slot's occupant")
  func dependentSource() throws {
    var fixture = try Fixture.story()
    let opened = try fixture.receive(try fixture.send(200, from: alice, to: bob))
    let back = try fixture.send(50, from: bob, to: alice)
    let other = fixture.block(
      of: alice,
      height: Height(4),
      previous: try fixture.block(alice, 3).hash,
      balance: 950,
      link: back.hash.bytes
    )
    #expect(fixture.ledger.candidateRejection(of: other) == .gapSource)
    // Bob's money from elsewhere would be fine.
    _ = fixture.ledger.rollback(opened.block.slot, into: &fixture.change)
    try fixture.receive(try fixture.block(alice, 2))
    let independent = try fixture.send(50, from: bob, to: alice)
    let good = fixture.block(
      of: alice,
      height: Height(4),
      previous: try fixture.block(alice, 3).hash,
      balance: 950,
      link: independent.hash.bytes
    )
    #expect(fixture.ledger.candidateRejection(of: good) == nil)
  }

  @Test("A fork's other side may not receive again what a block below it received")
  func receivedBelow() throws {
    var fixture = try Fixture.story()
    let send = try fixture.block(alice, 2)
    let opened = try fixture.receive(send)
    try fixture.send(20, from: bob, to: carol)
    let again = fixture.block(
      of: bob,
      height: Height(2),
      previous: opened.hash,
      balance: 200,
      link: send.hash.bytes
    )
    #expect(fixture.ledger.candidateRejection(of: again) == .receivableMissing)
  }

  // MARK: Scans

  @Test("Scans go in key order from any key, whatever was added and removed")
  func scans() {
    var random = SplitMix64(seed: 1)
    var store = MemoryStore()
    var model: Set<UInt64> = []
    for _ in 0..<4000 {
      let number = UInt64.random(in: 0..<1500, using: &random)
      let account = Fixture.account(number)
      if Bool.random(using: &random) {
        model.insert(number)
        let state = AccountState(
          head: .zero,
          height: .open,
          balance: .zero,
          representative: account
        )
        store.apply(LedgerChange([.putAccount(account, state)]))
      } else {
        model.remove(number)
        store.apply(LedgerChange([.removeAccount(account)]))
      }
    }
    for start in stride(from: UInt64(0), through: 1500, by: 17) {
      let expected = model.filter { $0 >= start }.sorted().prefix(40).map(Fixture.account)
      let scanned = store.accounts(from: Fixture.account(start), limit: 40).map(\.account)
      #expect(scanned == expected)
      #expect(
        store.unconfirmedAccounts(from: Fixture.account(start), limit: 40).count == scanned.count
      )
    }
  }
}
