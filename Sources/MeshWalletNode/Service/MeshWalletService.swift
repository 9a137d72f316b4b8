public import EventLoop
public import Kernel
public import Mesh
import MeshNode
public import Service
import Synchronization

/// An unlocked wallet at work: its machine, its state on disk and its connections.
///
/// The command line runs one for a single command; the agent keeps one for as long as the wallet is
/// unlocked. Commands that move money, or fetch, take turns; the machine's own order is safe in any
/// case, but who is answered would be unclear.
public actor MeshWalletService {
  /// Hears what happens on the way to an answer; each is one object with the member `event`.
  public typealias Tell = @Sendable (JSON) -> Void

  public nonisolated let loop: EventLoop
  public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  public nonisolated let configuration: WalletConfiguration
  public nonisolated let keys: WalletKeys
  let driver: Driver<MeshWallet>
  /// Held for as long as the wallet is open: one process writes its state.
  private var directory: DataDirectory?
  private let network: MeshNetwork
  private let networkLoop: EventLoop
  private let workers: Workers
  private let host: WalletHost

  /// Validators that have shown who they are.
  private(set) var connected: [PeerID: ValidatorIndex] = [:]
  /// The machine has looked at the account's state since the start.
  var hasSynced = false
  var isSubscribed = false
  private var areProofsPrepared = false
  /// Why the state can no longer be written.
  private(set) var stateFailure: String?
  /// How far the transition at hand has come.
  var progress: PaymentProgress?
  /// When what happened to transitions that this process made or finished.
  var marks: [TransitionHash: PaymentMarks] = [:]

  private var observers: [(number: Int, tell: Tell)] = []
  private var lastObserver = 0
  private var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
  private var lastWaiter = 0
  /// How often something has happened for which somebody may wait.
  private(set) var changes: UInt64 = 0
  private enum Turn { case command }
  /// As many commands may wait as the agent has callers.
  private var turns = Turns<Turn>(waitingMax: 64)

  /// Transitions whose moments are remembered.
  static let marksMax = 16

  /// Opens the state; nobody is called before `start`.
  ///
  /// - Parameters:
  ///   - configuration: where and with whom.
  ///   - keys: opened from the wallet's file.
  ///   - log: for what goes wrong beside the commands.
  /// - Throws: `WalletProblem`, or what a file or SQLite says.
  public init(_ configuration: WalletConfiguration, keys: WalletKeys, log: Log) throws {
    self.configuration = configuration
    self.keys = keys
    do throws(FileFailure) {
      directory = try DataDirectory(configuration.directory)
    } catch {
      throw WalletProblem(.inUse, "\(error.description): wait for it, or stop it")
    }
    loop = try EventLoop(name: "wallet")
    networkLoop = try EventLoop(name: "network")
    // One proves while the other checks votes.
    workers = try Workers(count: 2, queueMax: 64, name: "work")
    let state: WalletState
    let store: WalletStore
    do {
      store = try WalletStore(
        at: configuration.statePath,
        keys: keys,
        genesis: configuration.genesis
      )
      state = try store.load()
    } catch let problem as WalletProblem {
      throw problem
    } catch {
      throw WalletProblem(
        .stateFailed,
        "\(error). If it is damaged, move \(configuration.statePath) away: the wallet finds its "
          + "balance and its payments again at the validators"
      )
    }
    network = MeshNetwork(
      MeshNetwork.Settings(
        genesis: configuration.genesis,
        identity: .wallet,
        validators: configuration.validators,
        agent: "mesh-wallet \(Self.version)"
      ),
      on: networkLoop,
      workers: workers,
      log: log,
      metrics: Metrics()
    )
    host = WalletHost(store: store, network: network)
    driver = Driver(
      MeshWallet(
        state: state,
        configuration: MeshWallet.Configuration(
          genesis: configuration.genesis,
          holding: keys,
          secret: .random(32)
        )
      ),
      host: host,
      on: loop,
      workers: workers
    )
    if let pending = state.pending { progress = PaymentProgress(pending.transition.hash) }
  }

  public static let version = "0.1.0"

  /// Calls the validators from now on.
  public func start() async throws {
    host.observe { [weak self] notice in self?.assumeIsolated { $0.take(notice) } }
    let driver = self.driver
    try await network.start(
      MeshSink(
        connected: { [weak self] peer, who in
          guard case .validator(let validator) = who else { return }
          driver.connected(peer, validator)
          self?.post { $0.connected[peer] = validator }
        },
        disconnected: { [weak self] peer in
          driver.disconnected(peer)
          self?.post { $0.connected[peer] = nil }
        },
        deliver: { driver.deliver($0, from: $1, cost: $2) }
      )
    )
  }

  /// Makes the tables of proofs, once, while the validators are called.
  func prepareProofs() {
    guard !areProofsPrepared else { return }
    areProofsPrepared = true
    // Should no worker take it, the first proof does it.
    Task { [workers] in try? await workers.run { _ in TransitionPlan.warmUp() } }
  }

  /// Takes leave of the validators.
  ///
  /// What is under way is durable and goes on with the next command.
  ///
  /// - Parameter grace: how long those who do not answer are waited for.
  public func stop(grace: Duration = .milliseconds(250)) async {
    await driver.stop()
    directory = nil
    let left = Race<Void>()
    let network = self.network
    let timer = loop.schedule(after: grace) { left.finish(.success(())) }
    Task {
      await network.stop()
      left.finish(.success(()))
    }
    // It ends in no other way.
    try? await left.result()
    loop.cancel(timer)
    await workers.shutdown()
    await networkLoop.shutdown()
  }

  /// From another thread, onto this actor's loop.
  private nonisolated func post(
    _ change: @escaping @Sendable (isolated MeshWalletService) -> Void
  ) {
    loop.execute { [self] in
      assumeIsolated {
        change($0)
        $0.wakeAll()
      }
    }
  }

  // MARK: What happens

  private func take(_ notice: WalletHost.Notice) {
    switch notice {
    case .committed(let changes, let start):
      for operation in changes.flatMap(\.operations) { note(operation, since: start) }
    case .event(let event):
      note(event)
      if let json = json(of: event) { tellAll(json) }
    case .failed(let reason): stateFailure = reason
    }
    wakeAll()
  }

  private func note(_ operation: WalletChange.Operation, since start: Instant) {
    switch operation {
    case .setPending(let pending?):
      progress = PaymentProgress(pending.transition.hash)
      mark(pending.transition.hash) { $0.built = start }
    case .setPending(nil): progress = nil
    case .settle(let certificate, _):
      progress = nil
      mark(certificate.hash) {
        $0.quorum = start
        $0.stored = loop.now
      }
    case .putCertificate, .putIncoming, .markClaimed, .setRemembersAll: break
    }
  }

  private func mark(_ hash: TransitionHash, _ change: (inout PaymentMarks) -> Void) {
    if marks[hash] == nil, marks.count >= Self.marksMax { marks = [:] }
    change(&marks[hash, default: PaymentMarks()])
  }

  private func note(_ event: MeshWallet.Event) {
    switch event {
    case .voted(let validator, let votes, _):
      progress?.votes = votes
      progress?.voters.insert(validator)
    case .recovering(_, let ballot):
      progress?.ballot = ballot
      progress?.votes = 0
    case .settled(let hash): mark(hash) { $0.settled = loop.now }
    case .rejected, .certified, .received, .equivocation: break
    }
  }

  // MARK: Observers

  func observe(_ tell: @escaping Tell) -> Int {
    lastObserver += 1
    observers.append((lastObserver, tell))
    return lastObserver
  }

  func forget(_ observer: Int) {
    observers.removeAll { $0.number == observer }
  }

  private func tellAll(_ json: JSON) {
    for observer in observers { observer.tell(json) }
  }

  // MARK: Waiting

  /// Suspends until something has happened that was not counted in `seen`, or the deadline is there.
  ///
  /// - Parameters:
  ///   - seen: `changes`, from before the caller looked whether it must wait.
  ///   - deadline: when to give up.
  /// - Returns: false if the deadline had passed before.
  func change(after seen: UInt64, until deadline: Instant) async -> Bool {
    guard loop.now < deadline else { return false }
    lastWaiter += 1
    let number = lastWaiter
    let timer = loop.schedule(at: deadline) { self.wake(number) }
    await withCheckedContinuation { continuation in
      let isLate = changes != seen || loop.now >= deadline
      if isLate { continuation.resume() } else { waiters[number] = continuation }
    }
    loop.cancel(timer)
    return true
  }

  private func wake(_ number: Int) {
    waiters.removeValue(forKey: number)?.resume()
  }

  private func wakeAll() {
    changes += 1
    let waiting = waiters
    waiters = [:]
    for waiter in waiting.values { waiter.resume() }
  }

  /// Does something while no other command does.
  func inTurn<Result: Sendable>(
    _ body: () async throws -> Result
  ) async throws -> Result {
    guard await withCheckedContinuation({ turns.take(.command, $0) }) else {
      throw WalletProblem(.busy, "too many commands wait for this wallet: try again")
    }
    defer { turns.end(.command) }
    return try await body()
  }

  /// Asks the machine; nil if it has not answered by the deadline, and may yet.
  func ask(
    _ command: MeshWallet.Command,
    until deadline: Instant
  ) async throws -> MeshWallet.Reply? {
    let race = Race<MeshWallet.Reply?>()
    let driver = self.driver
    let timer = loop.schedule(at: deadline) { race.finish(.success(nil)) }
    Task(executorPreference: loop) {
      do {
        race.finish(.success(try await driver.submit(command)))
      } catch {
        race.finish(.failure(error))
      }
    }
    defer { loop.cancel(timer) }
    do {
      return try await race.result()
    } catch {
      throw WalletProblem(.stateFailed, stateFailure ?? "\(error)")
    }
  }
}

/// The first of several ends of one thing.
private final class Race<Value: Sendable>: Sendable {
  private enum State: Sendable {
    case open
    case waiting(CheckedContinuation<Value, any Error>)
    case ended(Result<Value, any Error>)
  }

  private let state = Mutex(State.open)

  func finish(_ result: Result<Value, any Error>) {
    let waiting: CheckedContinuation<Value, any Error>? = state.withLock { state in
      switch state {
      case .open:
        state = .ended(result)
        return nil
      case .waiting(let continuation):
        state = .ended(result)
        return continuation
      case .ended: return nil
      }
    }
    waiting?.resume(with: result)
  }

  func result() async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      let ended: Result<Value, any Error>? = state.withLock { state in
        if case .ended(let result) = state { return result }
        state = .waiting(continuation)
        return nil
      }
      if let ended { continuation.resume(with: ended) }
    }
  }
}

/// How far a transition has come that waits for its certificate.
struct PaymentProgress: Sendable {
  let hash: TransitionHash
  var votes = 0
  var voters: Set<ValidatorIndex> = []
  var ballot = Ballot.zero

  init(_ hash: TransitionHash) { self.hash = hash }
}

/// When a transition passed its stations.
struct PaymentMarks: Sendable {
  /// Proved and signed.
  var built: Instant?
  /// The last vote that was needed has come.
  var quorum: Instant?
  /// Its certificate is durable.
  var stored: Instant?
  /// A quorum has applied it.
  var settled: Instant?
}
