import Kernel
import Secp256k1
import TinyChain

@testable import TinyChainPeers

/// Blocks to be had without work: any nonce but zero is one.
struct TestChain {
  static let network: NetworkParameters = {
    var network = NetworkParameters.dev
    network.name = "test"
    let rule = WorkRule(.simulated, .asert(halfLife: 3_600), interval: 15, limit: .max >> 8)
    network.work = rule
    network.work?.start = (UInt256.max >> 16).compact
    return network
  }()
  static let first = Chain(network)
  /// Long after every block of a test.
  static let now = Instant(milliseconds: (network.genesisTime + 10_000_000) * 1_000)

  private(set) var chain = Self.first
  private(set) var tree: HeaderTree
  private(set) var blocks: [ExecutedBlock] = []
  private let store: MemoryStore
  private var nonce: UInt64

  init(nonce: UInt64 = 1) {
    guard let rule = Self.network.work else { preconditionFailure("it is mined") }
    store = MemoryStore(NodeRecords(Self.first))
    tree = HeaderTree(Self.network, rule, source: store)
    self.nonce = nonce
  }

  var headers: [Header] { blocks.map(\.header) }
  var tip: Header { chain.tip.header }
  var hello: Hello {
    Hello(
      genesis: Self.first.tip.id,
      nonce: 7,
      port: 5_100,
      tip: chain.tip.id,
      work: tree.best.work.bigEndianBytes
    )
  }

  /// Adds a block; `change` may break a rule, and then the chain does not go on.
  @discardableResult
  mutating func mine(
    _ transactions: [SignedTransaction] = [],
    after seconds: UInt64 = 15,
    _ change: (inout Header) -> Void = { _ in }
  ) -> Block {
    let time = tip.time + seconds
    guard let past = tree.lineage(of: chain.tip.id) else { preconditionFailure("its tip") }
    let draft = tree.sequencer.draft(after: past, at: time, for: .zero)
    var block = chain.executed(transactions, under: draft)
    nonce += 1
    block.header.nonce = nonce
    let plain = block.header
    change(&block.header)
    guard block.header == plain else { return block.block }
    add(block.header)
    store.note(NodeChange([.moved(undone: [], applied: [block])]))
    tree.markExecuted(block.id)
    tree.settle()
    chain.append(block)
    blocks.append(block)
    return block.block
  }

  /// Adds headers alone, which follow the tip or each other.
  mutating func mineHeaders(_ count: Int, after seconds: UInt64) -> [Header] {
    (0..<count).map { _ in
      guard let past = tree.lineage(of: tree.best.id) else { preconditionFailure("its best") }
      let time = past.tip.header.time + seconds
      var header = tree.sequencer.draft(after: past, at: time, for: .zero)
      (header.height, header.parent) = (past.tip.header.height + 1, past.tip.id)
      nonce += 1
      header.nonce = nonce
      add(header)
      tree.settle()
      return header
    }
  }

  private mutating func add(_ header: Header) {
    do throws(Rejection) {
      guard let entry = try tree.add(header, id: header.id, now: header.time) else { return }
      store.note(NodeChange([.headers([entry]), .best(tree.best.id)]))
    } catch {
      preconditionFailure("made by the rules: \(error)")
    }
  }

  /// A payment by the faucet.
  static func payment(
    _ nonce: UInt64,
    value: UInt64 = 5,
    price: UInt64 = 100,
    tip: UInt64 = 1
  ) -> SignedTransaction {
    var payment = Transaction(.transfer, to: Address(endOf: .zero), value: value)
    payment.chainID = first.id
    (payment.nonce, payment.gasLimit) = (nonce, 30_000)
    (payment.maxPrice, payment.tip) = (price, tip)
    return SignedTransaction(payment, by: NetworkParameters.faucetKey)
  }
}

/// A machine with its store, whose jobs are done at once; the test speaks for its peers.
struct TestNode {
  private(set) var machine: PeerMachine
  private(set) var store: MemoryStore
  private(set) var now: Instant
  private var requests: UInt64 = 0
  /// What the machine asked of its peers and nobody has answered.
  private(set) var questions: [(peer: PeerID, request: PeerRequest, number: UInt64)] = []

  /// What came of one input.
  struct Outcome {
    var changes: [NodeChange] = []
    var asked: [(peer: PeerID, request: PeerRequest)] = []
    var answers: [PeerAnswer] = []
    var ended: [(peer: PeerID, reason: String)] = []
    var replies: [PeerMachine.Reply] = []
    var events: [PeerMachine.Event] = []

    var misbehaviours: [Misbehaviour] {
      events.compactMap { if case .misbehaved(_, let it) = $0 { it } else { nil } }
    }
    var bans: Int { events.count { if case .banned = $0 { true } else { false } } }
    var operations: [NodeChange.Operation] { changes.flatMap(\.operations) }
    /// But for bans.
    var storesNothing: Bool {
      operations.allSatisfy { if case .banned = $0 { true } else { false } }
    }
    var storedHeaders: Int {
      operations.reduce(0) { if case .headers(let new) = $1 { $0 + new.count } else { $0 } }
    }
  }

  init(
    _ records: NodeRecords = NodeRecords(TestChain.first),
    nonce: UInt64 = 42,
    now: Instant = TestChain.now
  ) {
    self.now = now
    store = MemoryStore(records)
    machine = PeerMachine(
      store: store,
      chain: records.chain,
      leaves: records.leaves,
      pool: records.pool.map(\.bytes),
      bans: records.bans,
      configuration: .init(TestChain.network, nonce: nonce, port: 5_100, seed: nonce)
    )
    feed(.submitted(.start, RequestID(0)))
  }

  /// The same node after a crash.
  func restarted(after time: Duration = .zero) -> TestNode {
    TestNode(store.records, now: now + time)
  }

  var tip: Bytes32 { machine.chain.tip.id }

  @discardableResult
  mutating func feed(_ input: Input<PeerMachine>) -> Outcome {
    var outcome = Outcome()
    var inputs = [input]
    while let input = inputs.popLast() {
      for (index, effect) in machine.handle(input, now: now).enumerated() {
        switch effect {
        case .persist(let change):
          precondition(index == 0)
          outcome.changes.append(change)
        case .send(.request(let request, let number), let peer):
          questions.append((peer, request, number))
          outcome.asked.append((peer, request))
        case .send(.answer(let answer, _), _): outcome.answers.append(answer)
        case .send, .broadcast: preconditionFailure("no such message")
        case .disconnect(let peer, let reason):
          outcome.ended.append((peer, reason.description))
          questions.removeAll { $0.peer == peer }
        case .setTimer, .cancelTimer: break
        case .start(let job, let id): inputs.append(.finished(job.run(), id))
        case .reply(let reply, _): outcome.replies.append(reply)
        case .report(let event): outcome.events.append(event)
        }
      }
    }
    return outcome
  }

  @discardableResult
  mutating func connect(
    _ number: UInt64,
    _ hello: Hello? = nil,
    isOutbound: Bool = true,
    from host: IPAddress? = nil
  ) -> Outcome {
    let ip = host ?? IPAddress(v4: 0x0808_0000 + UInt32(number))
    let link = PeerLink(address: SocketAddress(ip, port: 5_100), isOutbound: isOutbound)
    let outcome = feed(.connected(PeerID(number), link))
    guard var hello else { return outcome }
    if hello.nonce == 7 { hello.nonce = 1_000 + number }
    return answer(.hello(hello), number)
  }

  mutating func ask(_ request: PeerRequest, by number: UInt64) -> Outcome {
    requests += 1
    return feed(.received(.request(request, number: requests), from: PeerID(number)))
  }

  /// Answers what the machine has asked this peer first of all, of this kind.
  @discardableResult
  mutating func answer(_ answer: PeerAnswer, _ number: UInt64, to kind: PeerRequest.Kind? = nil)
    -> Outcome
  {
    let place = questions.firstIndex {
      $0.peer.number == number && (kind == nil || $0.request.kind == kind)
    }
    guard let place else { preconditionFailure("nothing was asked of peer \(number)") }
    let question = questions.remove(at: place)
    return feed(.received(.answer(answer, number: question.number), from: question.peer))
  }

  mutating func submit(_ command: PeerMachine.Command) -> Outcome {
    requests += 1
    return feed(.submitted(command, RequestID(requests)))
  }

  /// Lets time pass, a second at a time.
  mutating func wait(_ seconds: Int) -> Outcome {
    var whole = Outcome()
    for _ in 0..<seconds {
      now = now + .seconds(1)
      let outcome = feed(.fired(.tick))
      whole.asked += outcome.asked
      whole.ended += outcome.ended
      whole.events += outcome.events
    }
    return whole
  }

  func asked(_ number: UInt64, _ kind: PeerRequest.Kind) -> [PeerRequest] {
    questions.filter { $0.peer.number == number && $0.request.kind == kind }.map(\.request)
  }

  /// Takes all blocks of a chain from one peer.
  mutating func follow(_ chain: TestChain, from number: UInt64 = 1) {
    connect(number, chain.hello)
    serve(chain, number)
  }

  /// Answers all that is asked of a peer, as one that has this chain.
  mutating func serve(_ chain: TestChain, _ number: UInt64) {
    let bodies = Dictionary(
      uniqueKeysWithValues: chain.blocks.map { ($0.id, $0.transactions.map(\.bytes)) }
    )
    while let question = questions.first(where: { $0.peer.number == number }) {
      let reply: PeerAnswer
      switch question.request {
      case .headers(let locator):
        reply = .headers(chain.tree.headers(after: locator, limit: PeerLimits.headersMax))
      case .bodies(let ids): reply = .bodies(ids.map { bodies[$0].map(PeerMachine.joined) })
      case .hello: reply = .hello(chain.hello)
      case .list, .offer: reply = .ids([])
      case .peers: reply = .addresses([])
      case .short: reply = .missing([])
      case .complete, .push: reply = .done
      case .fetch: reply = .transactions([])
      }
      answer(reply, number, to: question.request.kind)
    }
  }
}
