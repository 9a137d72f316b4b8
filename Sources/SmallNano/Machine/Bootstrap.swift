import Kernel

/// Catching up: which account's blocks to fetch from whom.
///
/// A frontier scan walks one peer's accounts in order and compares; what is missing is pulled in
/// ascending order from several peers at once; what is there but unconfirmed is asked about. All that
/// arrives is in the ledger for good, so a killed node scans again and finds less to do.
struct Bootstrap: Sendable {
  struct Pull: Hashable, Sendable {
    let account: Account
    let start: Height
    /// The peer's confirmed block, to ask about once it is here.
    let target: Frontier?
  }

  struct Scan: Sendable {
    let peer: PeerID
    var cursor: Account
    let deadline: Instant
    var foundWork: Bool
  }

  /// Between steps while there is something to do.
  static let interval = Duration.seconds(1)
  /// Between scans that found nothing.
  static let idleInterval = Duration.seconds(120)
  static let answerTimeout = Duration.seconds(5)
  /// Accounts waiting to be pulled: 4,096 × 160 bytes.
  static let pullsMax = 4096
  static let pullsInFlightMax = 4
  /// Blocks asked for at once.
  static let pullCount: UInt8 = 255

  var scan: Scan?
  private(set) var pulls: [Pull] = []
  private var queued: Set<Account> = []
  var inFlight: [(peer: PeerID, pull: Pull, deadline: Instant)] = []
  var nextScanAt: Instant?

  mutating func enqueue(_ pull: Pull) {
    guard pulls.count < Self.pullsMax, queued.insert(pull.account).inserted else { return }
    pulls.append(pull)
  }

  mutating func popFirst() -> Pull? {
    guard !pulls.isEmpty else { return nil }
    let pull = pulls.removeFirst()
    queued.remove(pull.account)
    return pull
  }

  /// What a lost peer was asked goes to others.
  mutating func forget(_ peer: PeerID) {
    if scan?.peer == peer { scan = nil }
    for lost in inFlight where lost.peer == peer { enqueue(lost.pull) }
    inFlight.removeAll { $0.peer == peer }
  }

  mutating func expire(now: Instant) {
    if let scan, scan.deadline <= now { self.scan = nil }
    for late in inFlight where late.deadline <= now { enqueue(late.pull) }
    inFlight.removeAll { $0.deadline <= now }
  }
}

extension SmallNanoMachine {
  /// A peer came: look whether it knows more.
  mutating func wakeBootstrap() {
    bootstrap.nextScanAt = nil
  }

  mutating func continueBootstrap() {
    effects.append(.setTimer(.bootstrap, after: Bootstrap.interval))
    bootstrap.expire(now: now)
    pullNext()
    guard bootstrap.scan == nil, !peers.isEmpty else { return }
    guard bootstrap.nextScanAt.map({ $0 <= now }) ?? true else { return }
    ask(from: .burn, foundWork: false)
  }

  private mutating func ask(from cursor: Account, foundWork: Bool) {
    guard !peers.isEmpty else {
      bootstrap.scan = nil
      return
    }
    let peer = peers[Int(random.next(upperBound: UInt64(peers.count)))].id
    bootstrap.scan = Bootstrap.Scan(
      peer: peer,
      cursor: cursor,
      deadline: now + Bootstrap.answerTimeout,
      foundWork: foundWork
    )
    bootstrap.nextScanAt = now + Bootstrap.idleInterval
    let request = FrontierRequest(start: cursor, count: UInt16(Frontier.countMax))
    effects.append(.send(.frontierRequest(request), to: peer))
  }

  mutating func receive(_ frontiers: [Frontier], from peer: PeerID) {
    guard let scan = bootstrap.scan, scan.peer == peer else { return }
    var previous: Account?
    var foundWork = scan.foundWork
    for frontier in frontiers.prefix(Frontier.countMax) {
      guard frontier.account >= scan.cursor, previous.map({ $0 < frontier.account }) ?? true else {
        break  // out of order: what follows would be asked for again
      }
      previous = frontier.account
      if compare(frontier) { foundWork = true }
    }
    pullNext()
    // Each answer is a page; an empty one is the end. Pages hold only confirmed accounts, so a short
    // page is not the end by itself.
    if let last = previous, let next = last.successor,
      bootstrap.pulls.count < Bootstrap.pullsMax / 2
    {
      ask(from: next, foundWork: foundWork)
    } else {
      bootstrap.scan = nil
      bootstrap.nextScanAt = now + (foundWork ? Bootstrap.interval : Bootstrap.idleInterval)
    }
  }

  /// True if the peer knows what is not here or not confirmed here.
  private mutating func compare(_ frontier: Frontier) -> Bool {
    let state = ledger.store.account(frontier.account)
    let slot = Slot(account: frontier.account, height: frontier.height)
    guard (state?.confirmedHeight ?? Height(0)) < frontier.height else { return false }
    if let state, state.height >= frontier.height {
      activate(slot, even: true)
    } else {
      let start = (state?.height ?? Height(0)).next
      bootstrap.enqueue(Bootstrap.Pull(account: frontier.account, start: start, target: frontier))
    }
    return true
  }

  /// Keeps several pulls under way, each with another peer where there are enough.
  mutating func pullNext() {
    let totals = ledger.store.totals
    guard totals.blocks - totals.confirmedBlocks < Self.unconfirmedMax / 2 else { return }
    while bootstrap.inFlight.count < Bootstrap.pullsInFlightMax, !peers.isEmpty {
      let busy = bootstrap.inFlight.map(\.peer)
      let free = peers.map(\.id).filter { !busy.contains($0) }
      guard !free.isEmpty, let pull = bootstrap.popFirst() else { return }
      let peer = free[Int(random.next(upperBound: UInt64(free.count)))]
      bootstrap.inFlight.append((peer, pull, now + Bootstrap.answerTimeout))
      let request = PullRequest(
        account: pull.account,
        start: pull.start,
        count: Bootstrap.pullCount
      )
      effects.append(.send(.pullRequest(request), to: peer))
    }
  }

  mutating func receive(_ response: PullResponse, from peer: PeerID) {
    guard
      let index = bootstrap.inFlight.firstIndex(where: {
        $0.peer == peer && $0.pull.account == response.account
      })
    else { return }
    let pull = bootstrap.inFlight.remove(at: index).pull
    var progressed = false
    for block in response.blocks {
      guard block.value.account == pull.account else { break }
      switch process(block, from: peer) {
      case nil, .gapSource?, .gapPrevious?: progressed = true
      case .alreadyKnown?, .settled?, .fork?: break
      default: bootstrap.nextScanAt = now + Bootstrap.idleInterval
      }
    }
    let height = ledger.store.account(pull.account)?.height ?? Height(0)
    if progressed, height >= pull.start, height < response.head {
      bootstrap.enqueue(
        Bootstrap.Pull(account: pull.account, start: height.next, target: pull.target)
      )
    }
    if let target = pull.target, height >= target.height {
      activate(Slot(account: target.account, height: target.height), even: true)
    }
    pullNext()
  }
}
