import EdDSA
import Kernel
import Testing

@testable import SmallNano

/// One machine by hand: what a step persists and sends.
@Suite("SmallNanoMachine") struct SmallNanoMachineTests {
  struct Network {
    let genesis: SecretKey
    let parameters: NetworkParameters

    init() throws {
      var seed = [UInt8](repeating: 7, count: 32)
      genesis = try #require(SecretKey(seed: SecretBytes(wiping: &seed)))
      parameters = NetworkParameters(
        network: .dev,
        genesisAccount: Account(genesis.publicKey),
        epochKey: genesis.publicKey,
        supply: Amount(raw: 1000),
        workThresholds: WorkThresholds(send: 0, receive: 0),
        minimumBalance: Amount(raw: 1),
        quorumFloorPercent: 75,
        peeringPort: 0,
        rpcPort: 0
      )
    }

    func send(_ amount: UInt128, on head: Block, to link: UInt64 = 5) -> Block {
      Block(
        account: head.account,
        previous: head.hash,
        representative: head.representative,
        balance: head.balance - Amount(raw: amount),
        link: Bytes32(words: (link, 0, 0, 1)),
        height: head.height.next,
        on: parameters.chainID
      ).signed(by: genesis)
    }
  }

  let network: Network
  let now = Instant(milliseconds: 50_000_000)
  let request = RequestID(1)

  init() throws {
    network = try Network()
  }

  func machine(_ store: MemoryStore = MemoryStore()) -> SmallNanoMachine {
    var machine = SmallNanoMachine(
      store: store,
      configuration: .init(
        parameters: network.parameters,
        node: PublicKey(.zero),
        seed: 1
      )
    )
    _ = machine.handle(.submitted(.start, request), now: now)
    return machine
  }

  func voting(_ store: MemoryStore = MemoryStore()) -> SmallNanoMachine {
    var machine = machine(store)
    _ = machine.handle(.submitted(.setVoters([network.genesis]), request), now: now)
    _ = machine.handle(.connected(PeerID(1), PublicKey(.zero)), now: now)
    return machine
  }

  func process(
    _ block: Block,
    by machine: inout SmallNanoMachine,
    at time: Instant? = nil
  ) -> [Effect<SmallNanoMachine>] {
    machine.handle(.submitted(.process(Verified(checked: block)), request), now: time ?? now)
  }

  @Test("What is persisted stands before all that leaves") func persistFirst() throws {
    var machine = voting()
    let effects = process(network.send(10, on: network.parameters.genesisBlock), by: &machine)
    guard case .persist(let change)? = effects.first else {
      Issue.record("the first effect is no write")
      return
    }
    #expect(change.operations.contains { if case .putVoteRecord = $0 { true } else { false } })
    #expect(effects.dropFirst().allSatisfy { if case .persist = $0 { false } else { true } })
  }

  @Test("The only voter confirms by its own normal and final vote") func aloneConfirms() {
    var machine = voting()
    let block = network.send(10, on: network.parameters.genesisBlock)
    let effects = process(block, by: &machine)
    #expect(
      effects.contains {
        if case .report(.confirmed(let confirmed)) = $0 {
          confirmed.hash == block.hash
        } else {
          false
        }
      }
    )
    #expect(machine.confirmedHeight(of: block.account) == block.height)
    // Its promises went with the slot.
    #expect(machine.ledger.store.voteRecords(at: block.slot).isEmpty)
  }

  @Test("Without an unlocked key nothing is voted on or confirmed") func observerOnly() {
    var machine = machine()
    let block = network.send(10, on: network.parameters.genesisBlock)
    _ = process(block, by: &machine)
    #expect(machine.confirmedHeight(of: block.account) == .open)
    #expect(machine.ledger.store.voteRecords(at: block.slot).isEmpty)
  }

  @Test("A second block for a settled slot is refused by name") func settledSlot() {
    var machine = voting()
    _ = process(network.send(10, on: network.parameters.genesisBlock), by: &machine)
    let rival = network.send(20, on: network.parameters.genesisBlock)
    let effects = process(rival, by: &machine)
    #expect(
      effects.contains {
        if case .reply(.rejected(.settled), _) = $0 { true } else { false }
      }
    )
  }

  @Test("A fork of an open slot becomes a candidate, and the settled one wins with a rollback")
  func rollback() throws {
    var machine = machine()
    _ = machine.handle(.connected(PeerID(1), PublicKey(.zero)), now: now)
    let first = network.send(10, on: network.parameters.genesisBlock)
    let child = network.send(5, on: first)
    let rival = network.send(20, on: network.parameters.genesisBlock, to: 6)
    for block in [first, child, rival] { _ = process(block, by: &machine) }
    let vote = Vote.signed(
      kind: .settled,
      round: .zero,
      timestamp: now.milliseconds,
      hashes: [rival.hash],
      by: network.genesis,
      on: network.parameters.chainID
    )
    let effects = machine.handle(.received(.vote(vote), from: PeerID(1)), now: now)
    var removed: [BlockHash] = []
    for case .report(.rolledBack(let block)) in effects { removed.append(block.hash) }
    #expect(removed == [child.hash, first.hash])
    #expect(machine.ledger.store.block(at: rival.slot)?.hash == rival.hash)
    #expect(machine.confirmedHeight(of: rival.account) == rival.height)
    #expect(machine.ledger.store.totals.sum == network.parameters.supply)
  }

  @Test("A final for a child does not confirm its predecessor") func finalNeedsPredecessor() {
    var machine = machine()
    _ = machine.handle(.connected(PeerID(1), PublicKey(.zero)), now: now)
    let first = network.send(10, on: network.parameters.genesisBlock)
    let child = network.send(5, on: first)
    for block in [first, child] { _ = process(block, by: &machine) }
    func final(_ block: Block) -> PeerMessage {
      .vote(
        Vote.signed(
          kind: .final,
          round: .zero,
          timestamp: now.milliseconds,
          hashes: [block.hash],
          by: network.genesis,
          on: network.parameters.chainID
        )
      )
    }
    _ = machine.handle(.received(final(child), from: PeerID(1)), now: now)
    #expect(machine.confirmedHeight(of: child.account) == .open)
    _ = machine.handle(.received(final(first), from: PeerID(1)), now: now)
    #expect(machine.confirmedHeight(of: child.account) == child.height)
  }

  @Test("After a restart a voter keeps its promise and never votes for the rival")
  func restartKeepsPromise() throws {
    // 60 % of the weight is elsewhere, so the slot stays open after this node's vote.
    var voter = voting()
    let block = network.send(10, on: network.parameters.genesisBlock)
    let rival = network.send(20, on: network.parameters.genesisBlock, to: 6)
    var record = VoteRecord(
      representative: Account(network.genesis.publicKey),
      slot: block.slot,
      round: .zero
    )
    record.latestNormal = RoundHash(round: .zero, hash: rival.hash)
    voter.ledger.store.apply(
      LedgerChange([.putVoteRecord(record), .putCandidate(rival)])
    )
    let store = try #require(voter.ledger.store as? MemoryStore)
    var restarted = voting(store)
    let effects = process(block, by: &restarted)
    for case .broadcast(.vote(let vote), _) in effects {
      #expect(!vote.value.hashes.contains(block.hash) || vote.value.round > .zero)
    }
    #expect(restarted.ledger.store.block(at: block.slot)?.hash != block.hash)
  }

  @Test("A hostile confirm request is answered once for a slot named many times, and traps nothing")
  func repeatedTargets() {
    var machine = voting()
    let block = network.send(10, on: network.parameters.genesisBlock)
    _ = process(block, by: &machine)
    let target = ConfirmTarget(slot: block.slot, hash: .zero)
    let huge = ConfirmTarget(
      slot: Slot(account: block.account, height: Height(.max)),
      hash: BlockHash(.zero)
    )
    let targets = [ConfirmTarget](repeating: target, count: 60) + [huge]
    let effects = machine.handle(
      .received(.confirmRequest(targets), from: PeerID(1)),
      now: now
    )
    var settled: [BlockHash] = []
    for case .send(.vote(let vote), _) in effects { settled += vote.value.hashes }
    #expect(settled == [block.hash])
  }

  @Test("A hello for our key from another node ends our voting, loudly") func voterElsewhere() {
    var machine = voting()
    let hello = RepresentativeHello.signed(
      node: PublicKey(Bytes32(words: (9, 9, 9, 9))),
      timestamp: now.milliseconds,
      by: network.genesis,
      on: network.parameters.chainID
    )
    let effects = machine.handle(.received(.hello(hello), from: PeerID(1)), now: now)
    #expect(
      effects.contains { if case .report(.voterElsewhere) = $0 { true } else { false } }
    )
    let block = network.send(10, on: network.parameters.genesisBlock)
    _ = process(block, by: &machine)
    #expect(machine.confirmedHeight(of: block.account) == .open)
  }
}
