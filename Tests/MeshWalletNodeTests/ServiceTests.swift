import EventLoop
import Kernel
import Mesh
import Service
import Synchronization
import TestSupport
import Testing
import Vault

@testable import MeshWalletNode

/// The lines of several tests share two cores: one network at a time.
@Suite("A wallet among real validators", .serialized, .timeLimit(.minutes(2)))
struct ServiceTests {
  @Test("Alice pays Bob, Bob receives, both see it, and the receipt shows it to the two alone")
  func payment() async throws {
    let net = try await TestNetwork()
    let (a, b) = (TemporaryDirectory(), TemporaryDirectory())
    let alice = try await net.owner(0, in: a)
    let bob = try await net.owner(1, in: b)
    let sent = try await alice.pay(net.address(1), 500, memo: "rent \u{1b}[2J")
    #expect(sent["balance"] == "9497")
    #expect(sent["fee"] == "3")
    #expect(sent["settled"] == true)
    #expect(sent["signers"]?.array?.count ?? 0 >= 3)
    for phase in ["prove", "votes", "certificate", "settled", "to_certificate"] {
      #expect(sent["phases_us"]?[phase]?.integer(Int64.self) ?? -1 >= 0, "\(phase)")
    }
    #expect(try await bob.perform(.balance)["receivable"] == "500")
    let received = try await bob.perform(.receive(nil, wantsReceipt: false))
    #expect(received["received"] == "500")
    #expect(received["transitions"]?[0]?["payments"]?[0]?["memo"] == "rent \u{1b}[2J")
    #expect(received["transitions"]?[0]?["phases_us"]?["votes"]?.integer(Int64.self) != nil)
    #expect(try await bob.perform(.balance)["balance"] == "500")
    #expect(try await bob.perform(.receive(nil, wantsReceipt: false))["received"] == "0")

    let bytes = try #require([UInt8](hex: sent["receipt"]?.string ?? ""))
    for service in [alice, bob] {
      let opened = try await service.perform(.openReceipt(bytes))
      #expect(opened["payments"]?[0]?["amount"] == "500")
    }
    let receipt = try Receipt(bytes)
    #expect(receipt.payments(with: nil, on: net.genesis).map(\.amount) == [nil])
    await alice.stop()
    await bob.stop()
    await net.stopAll()
  }

  @Test("A hundred payments leave the service as able as it was")
  func manyPayments() async throws {
    let net = try await TestNetwork()
    let place = TemporaryDirectory()
    let alice = try await net.owner(0, in: place)
    for _ in 0..<100 { _ = try await alice.pay(net.address(1), 1) }
    #expect(try await alice.perform(.balance)["balance"] == "9600")
    await alice.stop()
  }

  @Test("Restored from its seed alone, a wallet shows its balance and its payments")
  func restore() async throws {
    let net = try await TestNetwork()
    let first = TemporaryDirectory()
    let alice = try await net.owner(0, in: first)
    let payment = try await alice.pay(net.address(1), 500, memo: "rent")
    _ = try await alice.pay(net.address(1), 20)
    await alice.stop()
    let second = TemporaryDirectory()
    let words = Mnemonic.words(of: net.seeds[0]).joined(separator: " ")
    let seed = try Mnemonic.seed(of: words)
    let file = try WalletFile(seed: seed, password: .text("p"), cost: .least)
    try WalletDirectory.write(file, in: second.path, isFresh: false)
    let restored = try await net.wallet(
      try WalletDirectory.read(in: second.path).open(password: .text("p")),
      in: second
    )
    #expect(try await restored.perform(.balance)["balance"] == "9474")
    let history = try await restored.perform(.history(10))
    #expect(history["complete"] == true)
    let entries = try #require(history["entries"]?.array)
    #expect(entries.map { $0["sent"]?[0]?["amount"] } == ["20", "500"])
    #expect(entries.last?["certificate"] == payment["certificate"])
    #expect(entries.last?["sent"]?[0]?["memo"] == "rent")
    #expect(entries.last?["sent"]?[0]?["to"]?.string == net.address(1))
    // And pays on, without a copy's danger.
    #expect(try await restored.pay(net.address(1), 1)["balance"] == "9470")
    await restored.stop()
    await net.stopAll()
  }

  @Test("Too few validators: which do not answer, and how many are needed")
  func unreachable() async throws {
    let net = try await TestNetwork()
    await net.stop(1)
    await net.stop(3)
    let place = TemporaryDirectory()
    let wallet = try await net.wallet(
      .spending(net.account(0)),
      in: place,
      timeout: .milliseconds(700)
    )
    let failure = await problem { try await wallet.perform(.balance) }
    #expect(failure?.code == .unreachable)
    let text = failure?.description ?? ""
    #expect(text.contains("3 of the 4 validators are needed and 2 answer"))
    #expect(text.contains("validator 1 (127.0.0.1:"))
    #expect(text.contains("validator 3 (127.0.0.1:"))
    #expect(!text.contains("validator 0"))
    await wallet.stop()
    await net.stopAll()
  }

  @Test("What cannot be paid is refused with figures, and nothing is signed")
  func refusals() async throws {
    let net = try await TestNetwork()
    let place = TemporaryDirectory()
    let alice = try await net.owner(0, in: place)
    let poor = await problem { try await alice.pay(net.address(1), 9_999) }
    #expect(poor?.code == .insufficientFunds)
    #expect(poor?.description.contains("99.99 TST and the fee of 0.03 TST") == true)
    #expect(poor?.description.contains("the 100 TST that the account holds") == true)
    let long = await problem {
      try await alice.pay(net.address(1), 1, memo: String(repeating: "m", count: 502))
    }
    #expect(long?.code == .badMemo)
    #expect(await problem { try await alice.pay(net.address(1), 0) }?.code == .badAmount)
    #expect(await problem { try await alice.pay("tmesh1qqqq", 1) }?.code == .badAddress)
    let other = try Genesis(
      name: "elsewhere",
      createdMs: 2,
      fees: net.genesis.fees,
      asset: net.genesis.asset,
      validators: net.genesis.validators,
      allocations: net.genesis.allocations
    )
    let foreign = net.account(1).address(on: other).description
    let elsewhere = await problem { try await alice.pay(foreign, 1) }
    #expect(elsewhere?.code == .otherNetwork)
    #expect(elsewhere?.description.contains("wallet-test") == true)
    let unknown = await problem {
      try await alice.perform(.receive(TransitionHash(.zero), wantsReceipt: false))
    }
    #expect(unknown?.code == .noSuchPayment)
    #expect(try await alice.perform(.balance)["sequence"] == "0")
    await alice.stop()
    await net.stopAll()
  }

  @Test("View keys show what their level shows, and spend nothing")
  func watching() async throws {
    let net = try await TestNetwork()
    let places = (0..<4).map { _ in TemporaryDirectory() }
    let alice = try await net.owner(0, in: places[0])
    let bob = try await net.owner(1, in: places[1])
    for units in [500, 20] as [UInt64] { _ = try await alice.pay(net.address(1), units) }
    _ = try await bob.perform(.receive(nil, wantsReceipt: false))
    _ = try await bob.pay(net.address(0), 100)
    let keys = net.account(1)
    let income = try await net.wallet(
      .income(keys.account, keys.view.incoming),
      in: places[2]
    )
    let seen = try await income.perform(.balance)
    #expect(seen["income"] == "520")
    #expect(seen["balance"] == nil)
    let payments = try await income.perform(.history(10))["entries"]?.array ?? []
    #expect(payments.compactMap { $0["amount"]?.string }.sorted() == ["20", "500"])
    #expect(payments.allSatisfy { $0["kind"] == "income" })
    let full = try await net.wallet(.full(keys.account, keys.view), in: places[3])
    #expect(try await full.perform(.balance)["balance"] == "417")
    let entries = try await full.perform(.history(10))["entries"]?.array ?? []
    #expect(entries.first?["sent"]?[0]?["amount"] == "100")
    #expect(entries.last?["received"]?.array?.count == 2)
    for watcher in [income, full] {
      #expect(await problem { try await watcher.pay(net.address(0), 1) }?.code == .watchOnly)
      let receive = await problem {
        try await watcher.perform(.receive(nil, wantsReceipt: false))
      }
      #expect(receive?.code == .watchOnly)
    }
    for service in [alice, bob, income, full] { await service.stop() }
    await net.stopAll()
  }

  @Test("An agent answers at its socket, tells what happens, and ends when it is told to lock")
  func agent() async throws {
    let net = try await TestNetwork()
    let place = TemporaryDirectory()
    let service = try await net.owner(0, in: place)
    let server = AgentServer(service)
    let socket = service.configuration.socketPath
    let loop = try EventLoop(name: "caller")
    #expect(try await AgentClient.perform(.balance, at: socket, on: loop) { _ in } == nil)
    try await server.start(at: socket, timeout: .seconds(60))
    #expect(place.mode(of: "agent.sock") == 0o600)
    let events = Mutex<[String]>([])
    let answer = try await AgentClient.perform(
      .send(to: net.address(1), amount: Amount(7), memo: nil, wantsReceipt: false),
      at: socket,
      on: loop
    ) { event in
      events.withLock { $0.append(event["event"]?.string ?? "?") }
    }
    #expect(answer?["balance"] == "9990")
    #expect(events.withLock { $0 }.filter { $0 == "vote" }.count >= 3)
    #expect(events.withLock { $0 }.contains("settled"))
    let refused = await problem {
      try await AgentClient.perform(
        .send(to: "nobody", amount: Amount(7), memo: nil, wantsReceipt: false),
        at: socket,
        on: loop
      ) { _ in }
    }
    #expect(refused?.code == .badAddress)
    let locked = Task { await server.untilLocked() }
    let lock = Task {
      try await AgentClient.perform(.lock, at: socket, on: loop) { _ in }
    }
    await locked.value
    #expect(!place.has("agent.sock"))
    await service.stop()
    #expect(try await AgentClient.perform(.balance, at: socket, on: loop) { _ in } == nil)
    // The answer to `lock` counts at the end of the connection, here that of the server.
    withExtendedLifetime(server) {}
    lock.cancel()
    await net.stopAll()
  }

  @Test("Who watches hears of a payment as it is made")
  func watch() async throws {
    let net = try await TestNetwork()
    let (a, b) = (TemporaryDirectory(), TemporaryDirectory())
    let alice = try await net.owner(0, in: a)
    let bob = try await net.owner(1, in: b)
    let (heard, teller) = AsyncStream.makeStream(of: JSON.self)
    let watching = Task { try await bob.perform(.watch) { teller.yield($0) } }
    var events = heard.makeAsyncIterator()
    while let event = await events.next(), event["event"] != "watching" {}
    let sent = try await alice.pay(net.address(1), 42, memo: "beer")
    while let event = await events.next() {
      guard event["event"] == "received" else { continue }
      #expect(event["certificate"] == sent["certificate"])
      #expect(event["amount"] == "42")
      #expect(event["memo"] == "beer")
      break
    }
    watching.cancel()
    _ = await watching.result
    await alice.stop()
    await bob.stop()
    await net.stopAll()
  }

  @Test("One process uses a wallet's state, and a state is of one account and one network")
  func exclusion() async throws {
    let net = try await TestNetwork()
    let place = TemporaryDirectory()
    let alice = try await net.owner(0, in: place)
    let configuration = await net.configuration(place.path)
    let log = Log(level: .error)
    let keys = WalletKeys.spending(net.account(0))
    #expect(
      problem { try MeshWalletService(configuration, keys: keys, log: log) } == .inUse
    )
    await alice.stop()
    #expect(problem { try MeshWalletService(configuration, keys: keys, log: log) } == nil)
    await net.stopAll()
  }
}
