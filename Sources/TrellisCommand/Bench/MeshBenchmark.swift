import EventLoop
import Kernel
import Mesh
import MeshNode
import Relay
import Service

private let payments = Option<Int>(
  "payments",
  .integer(1...10_000),
  default: 100,
  scope: .commandLine,
  help: "How many payments of one wallet, one after the other"
)
private let load = Option<Int>(
  "load",
  .integer(64...20_000),
  default: 2_000,
  scope: .commandLine,
  help: "How many payments of as many accounts, at once"
)

private let accounts = Option<Int>(
  "accounts",
  .integer(1...Limits.allocations),
  default: 100_000,
  scope: .commandLine,
  help: "How many accounts of a genesis"
)

private let only = Option<MeshBenchmark.Part?>(
  "only",
  .optional(.choice),
  default: nil,
  scope: .commandLine,
  help: "Measure this alone"
)

let meshBenchCommand = Command(
  "mesh",
  summary: "Latency of an unlocked wallet's payments, and what validators bear",
  discussion: """
    Latency is from the call until the certificate is stored, proof included, as the wallet tells it; \
    beside it the whole command from a script. Under load, payments of many accounts are made ahead \
    and sent at once; a validator's rate is by its own processor time, since the sender shares the \
    processors, and stands beside the signatures and proofs of the same transitions checked in \
    batches of 64 in one thread, than which it cannot be faster.
    """,
  examples: [
    .init("trellis bench mesh", "All figures"),
    .init("trellis bench mesh --payments 20 --load 256", "In half a minute"),
  ],
  options: [only, payments, load, accounts, meshValidator, meshWallet]
) { call in
  let validator = try NeighbourProgram.meshValidator.path(given: call[meshValidator])
  let wallet = try NeighbourProgram.meshWallet.path(given: call[meshWallet])
  let signals: [Signal] = [.interrupt, .terminate, .hangup]
  let (paymentCount, loadCount, accountCount) = (call[payments], call[load], call[accounts])
  for part in call[only].map({ [$0] }) ?? MeshBenchmark.Part.allCases {
    let loop = try EventLoop(name: "bench")
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let devnet = Devnet(directory: directory.path, on: loop) { Terminal.standard.printError($0) }
    let act = MeshAct(devnet, validator: validator, wallet: wallet)
    let benchmark = MeshBenchmark(devnet: devnet, processes: act.processes)
    try await devnet.run(
      [act],
      signals: try await Signal.stream(of: signals, on: loop),
      staysUp: false
    ) {
      switch part {
      case .making: try benchmarkPaymentMaking()
      case .latency: try await benchmark.measureLatency(payments: paymentCount)
      case .votes: try await benchmark.measureVotes(loadCount)
      case .one: try await benchmark.measureLoad(loadCount, validators: 1)
      case .four: try await benchmark.measureLoad(loadCount, validators: 4)
      case .accounts: try await benchmark.measureAccounts(accountCount)
      }
    }.get()
    await loop.shutdown()
  }
}

/// One network of validators, made, measured and thrown away.
struct MeshBenchmark: Sendable {
  enum Part: String, CaseIterable, Sendable {
    /// Of a payment, what its payer's own processor does.
    case making
    /// Of one unlocked wallet's payments, with four validators.
    case latency
    /// One validator, asked for votes alone.
    case votes
    /// One validator, payments from the vote to the claim.
    case one
    /// The same with four.
    case four
    /// One validator with a genesis of many accounts.
    case accounts
  }

  let devnet: Devnet
  let processes: MeshProcesses

  // MARK: One wallet

  /// Between the two ends, one way, in milliseconds; and lost datagrams.
  private static let delays: [Int64] = [5, 12, 25, 45]
  private static let lossPerMillion: UInt32 = 10_000

  func measureLatency(payments count: Int) async throws {
    let alice = try await processes.makeWallet("alice")
    _ = try await processes.makeWallet("bob")
    try await processes.makeValidators(4)
    try await processes.makeGenesis("bench", fee: "0", [(alice, 1_000_000)])
    for index in (0..<4).reversed() { try await processes.start(index) }
    try await devnet.loop.sleep(for: .seconds(2))
    if let usage = await processes.process(0)?.usage {
      report("validator, idle, RSS", "\(usage.residentBytes) bytes")
    }
    _ = try await processes.introduce("alice")
    let bob = try await processes.introduce("bob")

    let cold = try await pay(bob, from: "alice")
    report(
      "cold: connect, prove, votes, certificate",
      "\(decimal(cold.connect)) + \(decimal(cold.toCertificate)) ms (without the password's time)"
    )
    _ = try await processes.wallet("alice", ["unlock"])
    try await reportPayments(count, from: "alice", to: bob, "on loopback")

    var relays: [DatagramRelay] = []
    var places: [String] = []
    for (index, address) in await processes.addresses.sorted(by: { $0.key < $1.key }) {
      let place = Int(index.number)
      let relay = try await openRelay(
        to: SocketAddress(.loopbackV4, port: address.port),
        LinkConditions(
          delay: .milliseconds(Self.delays[place % Self.delays.count]),
          lossPerMillion: Self.lossPerMillion
        ),
        seed: UInt64(place)
      )
      relays.append(relay)
      places.append("\(await processes.keys[place])@127.0.0.1:\(relay.address.port)")
    }
    _ = try await processes.wallet("alice", ["lock"])
    _ = try await processes.wallet(
      "alice",
      ["unlock", "--validators", places.joined(separator: ",")]
    )
    try await reportPayments(max(1, count / 4), from: "alice", to: bob, "5/12/25/45 ms, 1 % lost")
    withExtendedLifetime(relays) {}
  }

  private func openRelay(
    to address: SocketAddress,
    _ conditions: LinkConditions,
    seed: UInt64
  ) async throws -> sending DatagramRelay {
    try DatagramRelay(
      from: SocketAddress(.loopbackV4, port: 0),
      to: address,
      conditions,
      seed: seed,
      on: devnet.loop
    )
  }

  private struct Payment {
    let connect: Double
    let prove: Double
    let votes: Double
    let toCertificate: Double
    let command: Double
  }

  /// In milliseconds.
  private func pay(_ address: String, from name: String) async throws -> Payment {
    let before = devnet.loop.now
    let answer = try await processes.wallet(name, ["send", "--to", address, "--amount", "1"])
    let command = Double((devnet.loop.now - before).wholeNanoseconds) / 1e6
    guard let phases = answer["phases_us"],
      let total: Int64 = phases["to_certificate"]?.integer()
    else { throw DevnetFailure("send answered \(answer)") }
    func phase(_ name: String) -> Double {
      let time: Int64 = phases[name]?.integer() ?? 0
      return Double(time) / 1e3
    }
    return Payment(
      connect: phase("connect"),
      prove: phase("prove"),
      votes: phase("votes"),
      toCertificate: Double(total) / 1e3,
      command: command
    )
  }

  private func reportPayments(
    _ count: Int,
    from name: String,
    to address: String,
    _ how: String
  ) async throws {
    var payments: [Payment] = []
    for _ in 0..<count { payments.append(try await pay(address, from: name)) }
    func text(_ milliseconds: (Payment) -> Double) -> String {
      var figure = Figure(per: 1)
      for payment in payments { figure.append(.nanoseconds(Int64(milliseconds(payment) * 1e6))) }
      return
        "p50 \(decimal(figure.median / 1e6)) ms, p99 \(decimal(figure.quantile(0.99) / 1e6)) ms"
    }
    report("\(count) payments to certificate, \(how)", text(\.toCertificate))
    report("  of it, building and proving", text(\.prove))
    report("  of it, votes of a quorum", text(\.votes))
    report("  the whole command", text(\.command))
  }

  // MARK: Many accounts

  /// In flight at once over each of the senders' connections, of 64 allowed.
  private static let perConnection = 48
  private static let connections = 4
  private static let tokens = 10

  /// Validators that run, payments for them, and who is to send these.
  private struct Field {
    let load: MeshLoad
    let quorum: Int
    let askers: [ValidatorAsker]
  }

  private func prepare(_ count: Int, validators: Int) async throws -> Field {
    guard let seed = MasterSeed(.random(MasterSeed.size)) else {
      throw DevnetFailure("no seed for the accounts")
    }
    let payers = MeshLoad.payers(count, of: seed)
    try await processes.makeValidators(validators)
    try await processes.makeGenesis(
      "bench",
      fee: "0",
      payers.map { ("\($0.account)", Self.tokens) }
    )
    for index in (0..<validators).reversed() {
      try await processes.start(
        index,
        options: ["--votes-per-second", "1000000", "--log-level", "error"]
      )
    }
    let genesis = try GenesisFile.read(processes.genesisPath)
    let load = try MeshLoad(
      payers,
      units: UInt64(Self.tokens) * 100,
      seed: seed,
      on: genesis
    ) { Terminal.standard.printError("made \($0) of \(count) payments ...\n") }
    let addresses = await processes.addresses
    let askers = try await withThrowingTaskGroup(of: ValidatorAsker.self) { group in
      for number in 0..<Self.connections {
        group.addTask {
          let asker = try ValidatorAsker(
            genesis,
            addresses,
            on: try EventLoop(name: "load-\(number)")
          )
          try await asker.start()
          try await devnet.wait("the validators answer") {
            await asker.isConnected(to: validators) ? true : nil
          }
          return asker
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    return Field(load: load, quorum: genesis.validators.quorum, askers: askers)
  }

  /// One validator and distinct requests for votes, of which none is settled: the bound is what their
  /// signatures and proofs cost, and nothing else costs as much.
  func measureVotes(_ count: Int) async throws {
    let field = try await prepare(count, validators: 1)
    let requests = field.load.pairs.map {
      Request.vote(VoteRequest(submission: .transition($0.send)))
    }
    let bound = try field.load.bound()
    let before = try await processorTime(1)
    let start = devnet.loop.now
    let votes = try await withThrowingTaskGroup(of: Int.self) { group in
      let lanes = field.askers.count * Self.perConnection
      for lane in 0..<lanes {
        let asker = field.askers[lane % field.askers.count]
        group.addTask {
          var votes = 0
          for place in stride(from: lane, to: requests.count, by: lanes) {
            guard case .vote? = await asker.ask(requests[place], of: ValidatorIndex(0)) else {
              throw DevnetFailure("no vote for payment \(place)")
            }
            votes += 1
          }
          return votes
        }
      }
      return try await group.reduce(0, +)
    }
    let time = devnet.loop.now - start
    let each = Double(try await processorTime(1) - before) * 1e6 / Double(votes)
    for asker in field.askers { await asker.stop() }
    report(
      "one validator, \(votes) votes",
      "\(decimal(Double(votes) * 1e9 / Double(time.wholeNanoseconds))) a second"
    )
    report("  of its processor, each", "\(decimal(each / 1e3)) us")
    report("  votes a second and core", decimal(1e9 / each))
    report("  signature + proof read + verified, by 64", bound.text)
    report("  bound / vote", "\(decimal(bound.sum / each * 100)) %")
  }

  func measureLoad(_ count: Int, validators: Int) async throws {
    let field = try await prepare(count, validators: validators)
    let (load, askers) = (field.load, field.askers)
    let before = try await processorTime(validators)
    let start = devnet.loop.now
    let sends = try await settle(load.pairs.map(\.send), quorum: field.quorum, askers)
    let afterSends = try await processorTime(validators)
    let sent = devnet.loop.now
    _ = try await settle(load.pairs.map(\.receive), quorum: field.quorum, askers)
    let after = try await processorTime(validators)
    let end = devnet.loop.now
    for asker in askers { await asker.stop() }

    func perSecond(_ duration: Duration) -> String {
      decimal(Double(count) * 1e9 / Double(duration.wholeNanoseconds))
    }
    let what = validators == 1 ? "one validator" : "\(validators) validators"
    report("\(what), \(sends.count) sends settled", "\(perSecond(sent - start)) a second")
    report("\(what), sends and receives settled", "\(perSecond(end - start)) payments a second")
    let each = Double(afterSends - before) * 1e6 / Double(count * validators)
    let both = Double(after - before) * 1e6 / Double(count * validators)
    report("  of a validator's processor, each send", "\(decimal(each / 1e3)) us")
    report("  of a validator's processor, both", "\(decimal(both / 1e3)) us")
    if validators == 1 { report("  payments a second and core, both", decimal(1e9 / both)) }
  }

  /// Milliseconds of all validators.
  private func processorTime(_ count: Int) async throws -> UInt64 {
    var sum: UInt64 = 0
    for index in 0..<count {
      guard let usage = await processes.process(index)?.usage else {
        throw DevnetFailure("validator \(index) does not run")
      }
      sum += usage.processorMilliseconds
    }
    return sum
  }

  /// Gets votes for each transition, and hands the certificate to every validator.
  private func settle(
    _ transitions: [Transition],
    quorum: Int,
    _ askers: [ValidatorAsker]
  ) async throws -> [SettlementCertificate] {
    let validators = await processes.count
    return try await withThrowingTaskGroup(of: [SettlementCertificate].self) { group in
      // Each asker has a connection to each validator.
      let lanes = askers.count * Self.perConnection
      for lane in 0..<lanes {
        let asker = askers[lane % askers.count]
        let own = stride(from: lane, to: transitions.count, by: lanes).map { transitions[$0] }
        group.addTask {
          var certificates: [SettlementCertificate] = []
          for transition in own {
            certificates.append(try await settle(transition, validators, quorum, asker))
          }
          return certificates
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
  }

  private func settle(
    _ transition: Transition,
    _ validators: Int,
    _ quorum: Int,
    _ asker: ValidatorAsker
  ) async throws -> SettlementCertificate {
    let request = Request.vote(VoteRequest(submission: .transition(transition)))
    var votes: [ValidatorVote] = []
    for response in await asker.askAll(request, validators) {
      if case .vote(let vote)? = response { votes.append(vote) }
    }
    guard votes.count >= quorum, let certificate = SettlementCertificate(votes, for: transition)
    else { throw DevnetFailure("\(votes.count) of \(validators) voted for \(transition.hash)") }
    let acks = await asker.askAll(.settle(certificate), validators).count { response in
      if case .settled? = response { true } else { false }
    }
    guard acks >= quorum else {
      throw DevnetFailure("\(acks) of \(validators) took the certificate of \(transition.hash)")
    }
    return certificate
  }
}
