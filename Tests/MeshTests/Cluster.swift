import Kernel
import Testing

@testable import Mesh

/// Validators and wallets in one process, with messages in any order, for tests of the machines.
///
/// Small on purpose: no time but timers fired by hand, no faults but validators that are down and
/// crashes between inputs. What was not persisted before a crash is gone.
struct Cluster {
  enum Node: Hashable {
    case validator(Int)
    case wallet(Int)
  }

  struct Validator {
    var machine: MeshValidator
    var disk: MemoryStore
    var isUp = true
  }

  struct Wallet {
    var machine: MeshWallet
    var disk: WalletState
    let keys: AccountKeys
    var replies: [MeshWallet.Reply] = []
    var events: [MeshWallet.Event] = []
  }

  struct Letter {
    let from: Node
    let to: Node
    let message: MeshMessage
  }

  let fixture: Fixture
  var validators: [Validator] = []
  var wallets: [Wallet] = []
  var letters: [Letter] = []
  var jobs: [(Node, MeshWallet.Job?, MeshValidator.Job?, JobID)] = []
  var timers: Set<String> = []
  var walletTimers: [Int: Set<MeshWallet.Timer>] = [:]
  var validatorTimers: [Int: Set<MeshValidator.Timer>] = [:]
  var random: SplitMix64
  /// Of a wallet: which letters it may exchange.
  var isCut: (Letter) -> Bool = { _ in false }
  /// Votes seen by anyone, by validator, slot and ballot.
  var votes: [String: TransitionHash] = [:]
  var starts: UInt64 = 0

  init(_ fixture: Fixture, seed: UInt64) {
    self.fixture = fixture
    random = SplitMix64(seed: seed)
    for index in fixture.validators.indices {
      validators.append(Validator(machine: machine(index, MemoryStore()), disk: MemoryStore()))
    }
    for index in validators.indices { startValidator(index) }
    for keys in fixture.owners + fixture.strangers {
      let state = WalletState(account: keys.account, genesis: fixture.genesis, remembersAll: true)
      let wallet = Wallet(machine: self.wallet(keys, state), disk: state, keys: keys)
      wallets.append(wallet)
    }
    for index in wallets.indices { connectWallet(index) }
    run()
  }

  private mutating func freshSecret() -> SecretBytes {
    starts += 1
    var bytes = starts.littleEndianBytes + [UInt8](repeating: 1, count: 24)
    return SecretBytes(wiping: &bytes)
  }

  private mutating func machine(_ index: Int, _ store: MemoryStore) -> MeshValidator {
    MeshValidator(
      store: store,
      configuration: .init(
        genesis: fixture.genesis,
        key: fixture.validators[index],
        secret: freshSecret()
      )
    )
  }

  private mutating func wallet(_ keys: AccountKeys, _ state: WalletState) -> MeshWallet {
    MeshWallet(
      state: state,
      configuration: .init(genesis: fixture.genesis, keys: keys, secret: freshSecret())
    )
  }

  // MARK: Connections. A node's peer id is the place of the other: validators first, then wallets.

  private func id(_ node: Node) -> PeerID {
    switch node {
    case .validator(let index): PeerID(UInt64(index))
    case .wallet(let index): PeerID(UInt64(100 + index))
    }
  }

  private func node(_ id: PeerID) -> Node {
    id.number < 100 ? .validator(Int(id.number)) : .wallet(Int(id.number) - 100)
  }

  private mutating func startValidator(_ index: Int) {
    step(validator: index, .submitted(.start, RequestID(0)))
    for other in validators.indices where other != index && validators[other].isUp {
      let (mine, theirs) = (UInt16(index), UInt16(other))
      step(validator: index, .connected(id(.validator(other)), .validator(ValidatorIndex(theirs))))
      step(validator: other, .connected(id(.validator(index)), .validator(ValidatorIndex(mine))))
    }
    for wallet in wallets.indices {
      step(validator: index, .connected(id(.wallet(wallet)), .wallet))
      step(wallet: wallet, .connected(id(.validator(index)), ValidatorIndex(UInt16(index))))
    }
  }

  private mutating func connectWallet(_ wallet: Int) {
    for index in validators.indices where validators[index].isUp {
      step(validator: index, .connected(id(.wallet(wallet)), .wallet))
      step(wallet: wallet, .connected(id(.validator(index)), ValidatorIndex(UInt16(index))))
    }
    step(wallet: wallet, .submitted(.resync, RequestID(0)))
  }

  /// Stops a validator; its letters are lost.
  mutating func stop(_ index: Int) {
    validators[index].isUp = false
    letters.removeAll { $0.from == .validator(index) || $0.to == .validator(index) }
    jobs.removeAll { $0.0 == .validator(index) }
    for other in validators.indices where validators[other].isUp {
      step(validator: other, .disconnected(id(.validator(index))))
    }
    for wallet in wallets.indices { step(wallet: wallet, .disconnected(id(.validator(index)))) }
  }

  mutating func start(_ index: Int) {
    validators[index].machine = machine(index, validators[index].disk)
    validators[index].isUp = true
    startValidator(index)
  }

  /// Crashes a wallet and starts it from its disk, or from its words alone.
  mutating func restart(wallet index: Int, fromWords: Bool = false) {
    let node = Node.wallet(index)
    letters.removeAll { $0.from == node || $0.to == node }
    jobs.removeAll { $0.0 == node }
    walletTimers[index] = []
    for each in validators.indices where validators[each].isUp {
      step(validator: each, .disconnected(id(node)))
    }
    if fromWords {
      wallets[index].disk = WalletState(
        account: wallets[index].keys.account,
        genesis: fixture.genesis,
        remembersAll: false
      )
    }
    wallets[index].machine = wallet(wallets[index].keys, wallets[index].disk)
    wallets[index].replies = []
    connectWallet(index)
  }

  /// Puts a wallet that only looks in the place of another.
  mutating func watch(_ index: Int, with keys: WalletKeys) {
    restart(wallet: index, fromWords: true)
    letters.removeAll { $0.from == .wallet(index) || $0.to == .wallet(index) }
    wallets[index].machine = MeshWallet(
      state: wallets[index].disk,
      configuration: .init(genesis: fixture.genesis, holding: keys, secret: freshSecret())
    )
    connectWallet(index)
  }

  // MARK: Steps

  mutating func step(validator index: Int, _ input: Input<MeshValidator>) {
    guard validators[index].isUp else { return }
    let now = Instant(milliseconds: 1_000_000)
    var isPersisted = false
    for effect in validators[index].machine.handle(input, now: now) {
      switch effect {
      case .persist(let change):
        #expect(!isPersisted)
        isPersisted = true
        validators[index].disk.apply(change)
      case .send(let message, let peer):
        noteVote(message.value, index)
        letters.append(Letter(from: .validator(index), to: node(peer), message: message.value))
      case .start(let job, let id): jobs.append((.validator(index), nil, job, id))
      case .setTimer(let timer, _): validatorTimers[index, default: []].insert(timer)
      case .cancelTimer(let timer): validatorTimers[index]?.remove(timer)
      case .broadcast, .disconnect, .reply, .report: break
      }
    }
  }

  /// No vote before its lock is durable, and never two in one ballot.
  private mutating func noteVote(_ message: MeshMessage, _ index: Int) {
    guard case .response(.vote(let vote), _) = message else { return }
    let key = "\(vote.validator) \(vote.slot) \(vote.ballot)"
    #expect(votes[key] == nil || votes[key] == vote.transition)
    votes[key] = vote.transition
    let isSettled = validators[index].disk.settled(vote.slot) == vote.transition
    let lock = validators[index].disk.lock(vote.slot)
    #expect(isSettled || lock?.vote(for: vote.transition, in: vote.ballot) != nil)
  }

  mutating func step(wallet index: Int, _ input: Input<MeshWallet>) {
    for effect in wallets[index].machine.handle(input, now: Instant(milliseconds: 1_000_000)) {
      switch effect {
      case .persist(let change): wallets[index].disk.apply(change)
      case .send(let message, let peer):
        if case .request(.vote(let request), _) = message.value,
          case .transition(let transition) = request.submission
        {
          #expect(wallets[index].disk.pending?.transition.hash == transition.hash)
        }
        letters.append(Letter(from: .wallet(index), to: node(peer), message: message.value))
      case .start(let job, let id): jobs.append((.wallet(index), job, nil, id))
      case .setTimer(let timer, _): walletTimers[index, default: []].insert(timer)
      case .cancelTimer(let timer): walletTimers[index]?.remove(timer)
      case .reply(let reply, _): wallets[index].replies.append(reply)
      case .report(let event): wallets[index].events.append(event)
      case .broadcast, .disconnect: break
      }
    }
  }

  /// Delivers one letter at random, through the wire and the checker; or runs a job.
  mutating func advance() -> Bool {
    if !jobs.isEmpty, letters.isEmpty || random.next() % 4 == 0 {
      let (node, walletJob, validatorJob, id) = jobs.removeFirst()
      switch node {
      case .wallet(let index):
        if let walletJob { step(wallet: index, .finished(walletJob.run(), id)) }
      case .validator(let index):
        if let validatorJob { step(validator: index, .finished(validatorJob.run(), id)) }
      }
      return true
    }
    guard !letters.isEmpty else { return false }
    let letter = letters.remove(at: Int(random.next() % UInt64(letters.count)))
    guard !isCut(letter) else { return true }
    let bytes = letter.message.frame.encoded
    guard
      let frame = try? Frame(type: bytes[4], payload: Array(bytes[Frame.headerSize...])),
      frame == letter.message.frame
    else {
      Issue.record("a \(letter.message.type) message does not come back")
      return true
    }
    guard case .success(let checked) = fixture.check(letter.message) else {
      Issue.record("a \(letter.message.type) message of an honest node is refused")
      return true
    }
    switch letter.to {
    case .validator(let index): step(validator: index, .received(checked, from: id(letter.from)))
    case .wallet(let index): step(wallet: index, .received(checked, from: id(letter.from)))
    }
    return true
  }

  /// Until nothing is under way.
  mutating func run() {
    var steps = 0
    while advance() {
      steps += 1
      guard steps < 20_000 else {
        Issue.record("it never ends")
        return
      }
    }
  }

  /// Fires what is set, then runs; a few times, so that retries of retries come.
  mutating func runTimers(_ rounds: Int = 3) {
    for _ in 0..<rounds {
      for index in wallets.indices {
        for timer in [MeshWallet.Timer.grace, .retry]
        where walletTimers[index]?.remove(timer) != nil {
          step(wallet: index, .fired(timer))
        }
      }
      for index in validators.indices where validators[index].isUp {
        for timer in [MeshValidator.Timer.ping, .gaps]
        where validatorTimers[index]?.remove(timer) != nil {
          step(validator: index, .fired(timer))
        }
      }
      run()
    }
  }

  mutating func command(_ index: Int, _ command: MeshWallet.Command) {
    wallets[index].replies = []
    step(wallet: index, .submitted(command, RequestID(1)))
  }

  func payee(_ index: Int, _ units: UInt64) -> Payee {
    Payee(address: wallets[index].keys.address(on: fixture.genesis), amount: Amount(units))
  }

  func balance(_ index: Int) -> UInt64 { wallets[index].machine.state.balance.value }

  func certified(_ index: Int) -> SettlementCertificate? {
    for case .certified(let certificate) in wallets[index].replies { return certificate }
    return nil
  }

  /// Equal states everywhere, and no money made.
  func expectAgreement(sourceLocation: SourceLocation = #_sourceLocation) {
    let up = validators.filter(\.isUp)
    let digests = Set(up.map { $0.machine.ledger.digest() }.map(\.digest))
    #expect(digests.count == 1, sourceLocation: sourceLocation)
    for validator in up {
      #expect(validator.machine.ledger.isSupplyIntact(), sourceLocation: sourceLocation)
      #expect(
        validator.machine.ledger.store.totals.bufferCount == 0,
        sourceLocation: sourceLocation
      )
      #expect(
        validator.machine.ledger.store as? MemoryStore == validator.disk,
        sourceLocation: sourceLocation
      )
    }
  }
}
