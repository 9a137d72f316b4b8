import EdDSA
import EventLoop
import Kernel
import Service
import SmallNano
import Storage
import Synchronization
import TestSupport

@testable import SmallNanoNode

/// A node without a network: the machine over a ledger file, each input committed at once.
///
/// It votes with the dev network's genesis key, so every block is confirmed before its reply.
actor TestNode {
  private let store: SQLiteLedgerStore
  private var machine: SmallNanoMachine
  private var now = SystemClock.now
  private var subscribers: [AsyncStream<SmallNanoMachine.Event>.Continuation] = []
  private(set) var voters: [Account] = []
  /// Keys that it takes only after the operator's word, as a network with money does.
  private var refused: Set<Account> = []

  init(path: String) throws {
    store = try SQLiteLedgerStore(path: path, parameters: .dev)
    machine = SmallNanoMachine(
      store: store,
      configuration: SmallNanoMachine.Configuration(
        parameters: .dev,
        node: PublicKey(.zero),
        seed: 1
      )
    )
  }

  func submit(_ command: SmallNanoMachine.Command) throws -> SmallNanoMachine.Reply {
    var command = command
    switch command {
    case .admitVoter(let account): refused.remove(account)
    case .setVoters(let keys):
      let offered = keys.map { Account($0.publicKey) }.sorted()
      voters = offered.filter { !refused.contains($0) }
      if !refused.isEmpty { return .voters(voters, refused: offered.filter(refused.contains)) }
      command = .setVoters(keys + [Self.genesisKey])
    default: break
    }
    var reply: SmallNanoMachine.Reply?
    var inputs: [Input<SmallNanoMachine>] = [.submitted(command, RequestID(1))]
    while let input = inputs.popLast() {
      now = now + .milliseconds(20)
      for effect in machine.handle(input, now: now) {
        switch effect {
        case .persist: try store.commit()
        case .reply(let answer, _): reply = answer
        case .report(let event): for each in subscribers { each.yield(event) }
        case .setTimer(.votes, _): inputs.append(.fired(.votes))
        default: break
        }
      }
    }
    guard let reply else { throw BlockRejection.notReady }
    return reply
  }

  func refuse(_ account: Account) {
    refused.insert(account)
  }

  func subscribe(_ continuation: AsyncStream<SmallNanoMachine.Event>.Continuation) {
    subscribers.append(continuation)
  }

  static let genesisKeys: DeterministicKeys = {
    var seed = NetworkParameters.devGenesisSeed.bytes
    guard let keys = DeterministicKeys(master: SecretBytes(wiping: &seed)) else {
      preconditionFailure("a hash has 32 bytes")
    }
    return keys
  }()

  static let genesisKey = genesisKeys.key(0)
}

/// A node in a directory of its own, with what a wallet and an RPC need around it.
struct TestHouse {
  let directory: TemporaryDirectory
  let node: TestNode
  let loop: EventLoop
  let workers: Workers
  let access: NodeAccess
  let isStopped: StopFlag

  final class StopFlag: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .relaxed) }

    func set() {
      flag.store(true, ordering: .relaxed)
    }
  }

  init(in directory: TemporaryDirectory = TemporaryDirectory()) async throws {
    self.directory = directory
    let path = directory.file("ledger.sqlite")
    let node = try TestNode(path: path)
    self.node = node
    loop = try EventLoop(name: "test")
    workers = try Workers(count: 2, queueMax: 256)
    let isStopped = StopFlag()
    self.isStopped = isStopped
    access = NodeAccess(
      parameters: .dev,
      node: PublicKey(.zero),
      ledgerPath: path,
      dataDirectory: directory.path,
      startedAt: SystemClock.now,
      version: "0.0.0-test",
      workers: workers,
      log: Log(level: .error),
      metrics: Metrics(),
      submit: { try await node.submit($0) },
      events: {
        let (stream, continuation) = AsyncStream.makeStream(
          of: SmallNanoMachine.Event.self,
          bufferingPolicy: .bufferingNewest(1024)
        )
        Task { await node.subscribe(continuation) }
        return stream
      },
      peers: { [] },
      stop: { isStopped.set() }
    )
    _ = try await node.submit(.start)
    _ = try await node.submit(.setVoters([]))
  }

  func wallet(_ change: (inout Wallet.Options) -> Void = { _ in }) throws -> Wallet {
    var options = Wallet.Options(path: directory.file("wallet"))
    options.cost = .least
    change(&options)
    return try Wallet(access: access, on: loop, options: options)
  }

  /// A wallet that owns the whole supply, at account 0.
  func genesisWallet(_ change: (inout Wallet.Options) -> Void = { _ in }) async throws -> Wallet {
    let wallet = try wallet(change)
    var seed = NetworkParameters.devGenesisSeed.bytes
    try await wallet.restore(seed: SecretBytes(wiping: &seed), password: .text("p"))
    return wallet
  }

  /// The wallet that `genesisWallet` made in this directory before.
  func unlockedGenesis() async throws -> Wallet {
    let wallet = try wallet()
    try await wallet.unlock(password: .text("p"))
    return wallet
  }

  func close() async {
    await workers.shutdown()
    await loop.shutdown()
  }

  static func smn(_ count: UInt128) -> Amount { Amount(raw: count * Amount.rawPerSMN) }
}

extension SecretBytes {
  static func text(_ text: String) -> SecretBytes {
    var bytes = Array(text.utf8)
    return SecretBytes(wiping: &bytes)
  }
}

/// Runs a test's body in a house that is closed whatever happens.
func inHouse<Result>(
  _ directory: TemporaryDirectory = TemporaryDirectory(),
  _ body: (TestHouse) async throws -> Result
) async throws -> Result {
  let house = try await TestHouse(in: directory)
  do {
    let result = try await body(house)
    await house.close()
    return result
  } catch {
    await house.close()
    throw error
  }
}
