import EventLoop
import Kernel
import SmallNano
import SmallNanoNode

/// Three voters move money while they are killed and come back.
///
/// North and east hold 40 % of the weight each, south 20 %; it takes 67 % to confirm a payment.
struct SmallNanoAct: DevnetAct {
  let name = "smallnano"
  private let devnet: Devnet
  let nodes: SmallNanoProcesses
  private var loop: EventLoop { devnet.loop }
  private let parameters = NetworkParameters.dev

  private static let voters = ["north", "east", "south"]
  private static let newcomer = "west"
  /// The devnet's wallets guard nothing: its genesis key is published.
  private static let password: JSON = "devnet"

  init(_ devnet: Devnet, program: String) {
    self.devnet = devnet
    nodes = SmallNanoProcesses(devnet, program: program)
  }

  func examples() async -> String { await nodes.examples() }

  func close() async { await nodes.close() }

  /// Who is in the story.
  private struct Cast {
    let genesis: String
    /// One for each voter, in their order.
    let representatives: [String]
    let alice: String
    let bob: String

    var all: [String] { [genesis] + representatives + [alice, bob] }
  }

  func tell() async throws -> any DevnetTable {
    try await startVoters()
    let cast = try await makeWallets()
    try await fund(cast)
    var payments: [SmallNanoTable.Payment] = []
    payments += try await firstPayment(cast)
    payments += try await paymentAcrossACrash(cast)
    payments += try await paymentThatWaits(cast)
    let newcomer = try await bootstrap(cast)
    await devnet.note("All is told.")
    return try await table(cast, payments, newcomer)
  }

  // MARK: Figures

  /// Pays Bob from Alice again and again, each time after all three have confirmed the last.
  ///
  /// - Parameter count: of payments.
  /// - Returns: for each payment, the times at the three voters, north's first, which took the call.
  /// - Throws: `DevnetFailure` if a payment does not confirm in time.
  func latencies(payments count: Int) async throws -> [[Duration]] {
    try await startVoters()
    let cast = try await makeWallets()
    try await fund(cast)
    var latencies: [[Duration]] = []
    for number in 1...count {
      let payment = try await pay("\(number)", smn(1), cast, watching: Self.voters)
      latencies.append(
        payment.confirmations.compactMap { _, confirmation in
          guard case .confirmed(let microseconds) = confirmation else { return nil }
          return .microseconds(microseconds)
        }
      )
      if number % 50 == 0 { await devnet.note("\(number) of \(count) payments are confirmed.") }
    }
    return latencies
  }

  // MARK: Before

  private func startVoters() async throws {
    for name in Self.voters {
      let node = try await nodes.start(name)
      await devnet.note(
        "\(name) runs: process \(node.process.pid), peers at \(node.peeringAddress),"
          + " RPC at \(node.rpc.address)"
      )
    }
    for name in Self.voters { try await waitForPeers(of: name, Self.voters.count - 1) }
    await devnet.note("Each has found the two others.")
  }

  private func waitForPeers(of name: String, _ count: Int) async throws {
    try await devnet.wait("\(name) has \(count) peers") {
      let peers = try await call(name, "peers")["peers"]?.object?.members.count ?? 0
      return peers >= count ? peers : nil
    }
  }

  private func makeWallets() async throws -> Cast {
    let seed = NetworkParameters.devGenesisSeed.hex
    let restored = try await call(
      "north",
      "wallet_restore",
      ["seed": JSON(seed), "password": Self.password]
    )
    guard restored["accounts"]?.array?.contains(JSON(parameters.genesisAccount.address)) == true
    else { throw DevnetFailure("the published seed did not bring back the genesis account") }
    // A restored key votes only once its owner says that it votes nowhere else.
    _ = try await call("north", "wallet_vote_here", ["confirm": "true"])
    var representatives = [try await newAccount("north")]
    for name in ["east", "south"] {
      let created = try await call(name, "wallet_create", ["password": Self.password])
      if let first = created["accounts"]?.array?.first?.string {
        representatives.append(first)
      } else {
        representatives.append(try await newAccount(name))
      }
    }
    for (name, representative) in zip(Self.voters, representatives) {
      _ = try await call(
        name,
        "wallet_representative_set",
        ["representative": JSON(representative)]
      )
    }
    return Cast(
      genesis: parameters.genesisAccount.address,
      representatives: representatives,
      alice: try await newAccount("north"),
      bob: try await newAccount("east")
    )
  }

  private func newAccount(_ name: String) async throws -> String {
    guard let account = try await call(name, "account_create")["account"]?.string else {
      throw DevnetFailure("\(name) made no account")
    }
    return account
  }

  /// Genesis gives away more than 99 % in steps below a third of the weight.
  ///
  /// While money travels it votes for nobody; if a third did, nothing could confirm its arrival.
  private func fund(_ cast: Cast) async throws {
    let permille = parameters.supply.raw / 1000
    let (north, east, south) = (
      cast.representatives[0], cast.representatives[1], cast.representatives[2]
    )
    let gifts: [(to: String, UInt128)] = [
      (south, 199), (north, 200), (east, 200), (north, 194), (east, 199), (cast.alice, 5),
    ]
    var expected: [String: UInt128] = [:]
    for (account, share) in gifts {
      _ = try await send(permille * share, from: cast.genesis, to: account)
      expected[account, default: 0] += permille * share
      try await waitForBalances([account: expected[account] ?? 0], at: Self.voters)
    }
    await devnet.note(
      "Genesis has given away 99.7 %: north and east now vote with 40 % each, south with 20 %."
    )
    await devnet.note("Alice, on north, has \(Amount(raw: permille * 5).smn) smn.")
  }

  // MARK: The three payments

  private func firstPayment(_ cast: Cast) async throws -> [SmallNanoTable.Payment] {
    await devnet.note("Payment 1: Alice pays Bob, who is on east, 25 smn.")
    let payment = try await pay("1", smn(25), cast, watching: Self.voters)
    let receipt = try await bobReceives(1, totalling: 25, cast, watching: Self.voters)
    await devnet.note("Bob's node received it by itself; every node shows both confirmed.")
    return [payment, receipt]
  }

  private func paymentAcrossACrash(_ cast: Cast) async throws -> [SmallNanoTable.Payment] {
    await devnet.note("Payment 2: 40 smn, and south (20 %) is killed with -9 in the middle of it.")
    let alive = ["north", "east"]
    async let paid = pay("2", smn(40), cast, watching: alive)
    // Long enough for the call to reach north, too short for votes to have come back.
    try await loop.sleep(for: .milliseconds(1))
    await nodes.kill("south")
    let payment = try await paid
    let receipt = try await bobReceives(2, totalling: 65, cast, watching: alive)
    await devnet.note("It is confirmed by the 80 % that are left.")

    let before = loop.now
    try await restart("south")
    try await waitForConfirmation(of: payment.hash, at: "south")
    try await waitForConfirmation(of: receipt.hash, at: "south")
    let caughtUp = (loop.now - before).wholeMilliseconds
    await devnet.note("South is back: \(caughtUp) ms after its start it has caught up.")
    return [
      payment.adding("south", .caughtUp(milliseconds: caughtUp)),
      receipt.adding("south", .caughtUp(milliseconds: caughtUp)),
    ]
  }

  private func paymentThatWaits(_ cast: Cast) async throws -> [SmallNanoTable.Payment] {
    await devnet.note("East (40 %) is killed. Payment 3: 35 smn, with 60 % of the weight up.")
    await nodes.kill("east")
    let alive = ["north", "south"]
    let before = loop.now
    let hash = try await send(smn(35), from: cast.alice, to: cast.bob)
    // Long against the ten milliseconds that it took before.
    try await loop.sleep(for: .seconds(3))
    for name in alive where try await isConfirmed(hash, at: name) {
      throw DevnetFailure("\(name) confirmed payment 3 with 60 % of the weight")
    }
    await devnet.note("After 3 s it waits, as it must: 60 % are not 67 %.")

    let restarted = loop.now
    try await restart("east")
    async let north = confirmation(of: hash, at: "north", since: before)
    async let east = confirmation(of: hash, at: "east", since: before)
    async let south = confirmation(of: hash, at: "south", since: before)
    let payment = SmallNanoTable.Payment(
      number: "3",
      what: "Alice pays Bob 35 smn, one voter down",
      hash: hash,
      confirmations: try await [("north", north), ("east", east), ("south", south)]
    )
    let waited = (loop.now - restarted).wholeMilliseconds
    await devnet.note("East is back, and \(waited) ms after its start payment 3 is confirmed.")
    let receipt = try await bobReceives(3, totalling: 100, cast, watching: Self.voters)
    await devnet.note("Bob has all of it: nothing was lost.")
    return [payment, receipt]
  }

  private func bootstrap(_ cast: Cast) async throws -> SmallNanoTable.Newcomer {
    let wanted = try await count("north")
    let launchFile = try await launchFile(confirmedBlocks: wanted.confirmed)
    await devnet.note(
      "A fourth node, \(Self.newcomer), starts with an empty ledger and a list of today's weights."
    )
    let before = loop.now
    try await nodes.start(Self.newcomer, launchFile: launchFile)
    try await devnet.wait("\(Self.newcomer) has confirmed \(wanted.confirmed) blocks") {
      let count = try await count(Self.newcomer)
      return count.confirmed >= wanted.confirmed ? count : nil
    }
    for account in cast.all {
      let theirs = try await call("north", "account_info", ["account": JSON(account)])
      let ours = try await call(Self.newcomer, "account_info", ["account": JSON(account)])
      for field in ["confirmation_height_frontier", "confirmed_balance"]
      where theirs[field] != ours[field] {
        throw DevnetFailure("\(Self.newcomer) has another \(field) of \(account) than north")
      }
    }
    let newcomer = SmallNanoTable.Newcomer(
      name: Self.newcomer,
      blocks: wanted.confirmed,
      milliseconds: (loop.now - before).wholeMilliseconds
    )
    await devnet.note(
      "\(newcomer.milliseconds) ms after its start it has all \(wanted.confirmed) blocks, confirmed."
    )
    return newcomer
  }

  /// The weights that a fresh node tallies with until it has them from its own ledger.
  ///
  /// In an empty ledger all weight is still with genesis, which has given it away since.
  private func launchFile(confirmedBlocks: UInt64) async throws -> String {
    let answer = try await call("north", "representatives")
    let weights = answer["representatives"]?.object?.members ?? []
    let lines = weights.map { "\($0.key) = \"\($0.value.string ?? "")\"\n" }.joined()
    return try await devnet.write(
      "launch.toml",
      """
      network = "dev"
      genesis_account = "\(parameters.genesisAccount.address)"
      epoch_key = "\(parameters.epochKey)"
      confirmed_blocks = \(confirmedBlocks)

      [weights]
      \(lines)
      """
    )
  }

  // MARK: Steps

  private func pay(
    _ number: String,
    _ amount: UInt128,
    _ cast: Cast,
    watching names: [String]
  ) async throws -> SmallNanoTable.Payment {
    let before = loop.now
    let hash = try await send(amount, from: cast.alice, to: cast.bob)
    return SmallNanoTable.Payment(
      number: number,
      what: "Alice pays Bob \(Amount(raw: amount).smn) smn",
      hash: hash,
      confirmations: try await confirmations(of: hash, at: names, since: before)
    )
  }

  /// Bob's node receives by itself once the payment is confirmed; this waits for the block it makes.
  private func bobReceives(
    _ number: UInt64,
    totalling total: UInt128,
    _ cast: Cast,
    watching names: [String]
  ) async throws -> SmallNanoTable.Payment {
    let before = loop.now
    let bob: JSON = ["account": JSON(cast.bob)]
    let hash = try await devnet.wait("Bob receives payment \(number)", every: .microseconds(500)) {
      do throws(RPCClientFailure) {
        let info = try await nodes.node("east").rpc.call("account_info", bob)
        // One block of his for each payment.
        return info["block_count"] == .decimal(number) ? info["frontier"]?.string : nil
      } catch {
        guard error.code == "account_not_found" else { throw error }
        return nil
      }
    }
    let receipt = SmallNanoTable.Payment(
      number: "\(number)",
      what: "Bob receives it",
      hash: hash,
      confirmations: try await confirmations(of: hash, at: names, since: before)
    )
    try await waitForBalances([cast.bob: smn(total)], at: names)
    return receipt
  }

  private func restart(_ name: String) async throws {
    try await nodes.start(name)
    _ = try await call(name, "wallet_unlock", ["password": Self.password])
  }

  private func send(_ amount: UInt128, from: String, to: String) async throws -> String {
    let answer = try await call(
      "north",
      "send",
      ["source": JSON(from), "destination": JSON(to), "amount": .decimal(amount)]
    )
    guard let hash = answer["block"]?.string else {
      throw DevnetFailure("send answered \(answer)")
    }
    return hash
  }

  private func waitForBalances(_ balances: [String: UInt128], at names: [String]) async throws {
    for name in names {
      for (account, amount) in balances.sorted(by: { $0.key < $1.key }) {
        try await devnet.wait("\(name) shows \(amount) raw for \(account), confirmed") {
          let balance = try await call(name, "account_balance", ["account": JSON(account)])
          return balance["balance"] == .decimal(amount) ? balance : nil
        }
      }
    }
  }

  // MARK: Confirmations

  /// Milliseconds until each node shows the block confirmed.
  private func confirmations(
    of hash: String,
    at names: [String],
    since start: Instant
  ) async throws -> [(String, SmallNanoTable.Confirmation)] {
    try await withThrowingTaskGroup(of: (String, SmallNanoTable.Confirmation).self) { group in
      for name in names {
        group.addTask(executorPreference: loop) {
          (name, try await confirmation(of: hash, at: name, since: start))
        }
      }
      var found: [(String, SmallNanoTable.Confirmation)] = []
      for try await confirmation in group { found.append(confirmation) }
      return names.compactMap { name in found.first { $0.0 == name } }
    }
  }

  private func confirmation(
    of hash: String,
    at name: String,
    since start: Instant
  ) async throws -> SmallNanoTable.Confirmation {
    try await waitForConfirmation(of: hash, at: name)
    return .confirmed(microseconds: (loop.now - start).wholeNanoseconds / 1000)
  }

  /// Asked again half a millisecond after each answer.
  private func waitForConfirmation(of hash: String, at name: String) async throws {
    try await devnet.wait("\(name) has confirmed \(hash)", every: .microseconds(500)) {
      try await isConfirmed(hash, at: name) ? true : nil
    }
  }

  private func isConfirmed(_ hash: String, at name: String) async throws -> Bool {
    do throws(RPCClientFailure) {
      let info = try await nodes.node(name).rpc.call("block_info", ["hash": JSON(hash)])
      return info["confirmed"] == "true"
    } catch {
      guard error.code == "block_not_found" else { throw DevnetFailure("\(name): \(error)") }
      return false
    }
  }

  // MARK: The table

  private func table(
    _ cast: Cast,
    _ payments: [SmallNanoTable.Payment],
    _ newcomer: SmallNanoTable.Newcomer
  ) async throws -> SmallNanoTable {
    var nodes: [SmallNanoTable.Node] = []
    for node in await self.nodes.all {
      guard let usage = node.usage else { throw DevnetFailure("\(node.name) does not run") }
      let count = try await count(node.name)
      nodes.append(
        SmallNanoTable.Node(
          name: node.name,
          weight: try await weight(of: node.name, cast),
          usage: usage,
          diskBytes: node.diskBytes,
          blocks: count.blocks,
          confirmed: count.confirmed,
          supply: try await supply(at: node.name, cast)
        )
      )
    }
    let table = SmallNanoTable(
      payments: payments,
      nodes: nodes,
      newcomer: newcomer,
      supply: parameters.supply
    )
    if let fault = table.fault { throw DevnetFailure(fault) }
    return table
  }

  /// What all accounts hold and what is under way to them.
  private func supply(at name: String, _ cast: Cast) async throws -> Amount {
    var sum = Amount.zero
    for account in cast.all {
      let balance = try await call(
        name,
        "account_balance",
        ["account": JSON(account), "include_only_confirmed": "false"]
      )
      for field in ["balance", "receivable"] {
        guard let amount = balance[field]?.string.flatMap({ Amount(rawText: $0) }),
          let next = sum.adding(amount)
        else { throw DevnetFailure("\(name) shows no balance of \(account)") }
        sum = next
      }
    }
    return sum
  }

  /// In hundredths of a percent; nil for a node without a representative.
  private func weight(of name: String, _ cast: Cast) async throws -> Int? {
    guard let index = Self.voters.firstIndex(of: name) else { return nil }
    let account = JSON(cast.representatives[index])
    let answer = try await call("north", "account_weight", ["account": account])
    guard let weight = answer["weight"]?.string.flatMap({ Amount(rawText: $0) }) else {
      throw DevnetFailure("north shows no weight of \(name)")
    }
    return Int(weight.raw / (parameters.supply.raw / 10_000))
  }

  private func count(_ name: String) async throws -> (blocks: UInt64, confirmed: UInt64) {
    let count = try await call(name, "block_count")
    guard let blocks: UInt64 = count["count"]?.decimal(),
      let confirmed: UInt64 = count["cemented"]?.decimal()
    else { throw DevnetFailure("\(name) counts no blocks") }
    return (blocks, confirmed)
  }

  @discardableResult
  private func call(_ name: String, _ action: String, _ fields: JSON = [:]) async throws -> JSON {
    do throws(RPCClientFailure) {
      return try await nodes.node(name).rpc.call(action, fields)
    } catch {
      throw DevnetFailure("\(name) refuses \(action): \(error)")
    }
  }

  private func smn(_ count: UInt128) -> UInt128 { count * Amount.rawPerSMN }
}
