import EventLoop
public import Kernel
import Mesh
import Service

/// What each command does, and answers as JSON.
extension MeshWalletService {
  /// Carries out a command.
  ///
  /// - Parameters:
  ///   - command: not `lock`, which is the agent's own.
  ///   - tell: hears of progress until this returns.
  /// - Returns: the answer, an object.
  /// - Throws: `WalletProblem`.
  public func perform(_ command: WalletCommand, tell: @escaping Tell = { _ in }) async throws
    -> JSON
  {
    let observer = observe(tell)
    defer { forget(observer) }
    let deadline = loop.now + configuration.timeout
    switch command {
    case .balance: return try await inTurn { try await balance(until: deadline, tell) }
    case .send(let to, let amount, let memo, let wantsReceipt):
      let payee = try payee(to, amount, memo)
      return try await inTurn { try await send(payee, wantsReceipt, until: deadline, tell) }
    case .receive(let hash, let wantsReceipt):
      return try await inTurn { try await receive(hash, wantsReceipt, until: deadline, tell) }
    case .history(let count):
      return try await inTurn { try await history(count, until: deadline, tell) }
    case .resync: return try await inTurn { try await resync(until: deadline, tell) }
    case .watch: return try await watch(tell)
    case .openReceipt(let bytes):
      let receipt = try Receipt(bytes)
      var random = SystemRandomNumberGenerator()
      try receipt.verify(on: configuration.genesis, using: &random)
      return receipt.json(with: keys, on: configuration.genesis)
    case .lock: throw WalletProblem(.badCommand, "no agent runs: the wallet is locked already")
    }
  }

  /// Connects and looks at the account's state, so that the first payment need not wait for it.
  public func warmUp() async {
    prepareProofs()
    // Whoever needs the validators next is told what is wrong.
    _ = try? await inTurn { try await prepare(until: loop.now + configuration.timeout) { _ in } }
  }

  // MARK: Getting ready

  /// Sees that a quorum is connected and the machine is at rest.
  ///
  /// - Returns: an earlier payment that was finished by the way.
  func prepare(until deadline: Instant, _ tell: Tell) async throws -> SettlementCertificate? {
    try await reachQuorum(until: deadline, tell)
    var resumed: SettlementCertificate?
    if !hasSynced {
      if let pending = progress?.hash {
        tell(["event": "resuming", "certificate": JSON(pending.description)])
      }
      switch try await ask(.resync, until: deadline) {
      case nil: throw stillUnderWay()
      case .failed(.busy)?: break
      case .failed(.overtaken)?: hasSynced = true
      case .failed(let failure)?: throw WalletProblem(failure)
      case .certified(let certificate)?:
        hasSynced = true
        resumed = certificate
      case .synced?, .status?: hasSynced = true
      }
    }
    _ = try await rest(until: deadline)
    return resumed
  }

  private func reachQuorum(until deadline: Instant, _ tell: Tell) async throws {
    let needed = configuration.genesis.validators.quorum
    var told = -1
    while true {
      let seen = changes
      guard Set(connected.values).count < needed else { return }
      if Set(connected.values).count != told {
        told = Set(connected.values).count
        tell(["event": "connecting", "validators": JSON(told), "needed": JSON(needed)])
      }
      guard await change(after: seen, until: deadline) else { throw unreachable() }
    }
  }

  /// Waits until the machine has nothing under way.
  func rest(until deadline: Instant) async throws -> MeshWallet.Status {
    while true {
      let seen = changes
      guard case .status(let status)? = try await ask(.status, until: deadline) else {
        throw stillUnderWay()
      }
      if let failure = status.failure { throw WalletProblem(failure) }
      if status.isIdle { return status }
      guard await change(after: seen, until: deadline) else { throw stillUnderWay() }
    }
  }

  // MARK: Balance

  private func balance(until deadline: Instant, _ tell: Tell) async throws -> JSON {
    let resumed = try await prepare(until: deadline, tell)
    // What a slow validator would add comes with the next look.
    _ = try await ask(.look, until: min(deadline, loop.now + Self.lookMax))
    let status = try await rest(until: deadline)
    var answer = heading()
    if keys.full == nil {
      let incoming = await driver.inspect { $0.state.incoming.map(\.payment.amount) }
      answer["income"] = .decimal(incoming.reduce(0) { $0 &+ $1.units })
      answer["payments"] = JSON(incoming.count)
    } else {
      answer["balance"] = .decimal(status.balance.units)
      answer["receivable"] = .decimal(status.claimable.units)
      answer["sequence"] = .decimal(status.nextSequence.number)
    }
    if let resumed { answer["resumed"] = JSON(resumed.hash.description) }
    return .object(answer)
  }

  /// How long a listing by the validators is waited for.
  static var lookMax: Duration { .seconds(5) }
  /// How long the acknowledgements of a certificate are waited for, which is final before.
  static var settleMax: Duration { .seconds(5) }

  private func resync(until deadline: Instant, _ tell: Tell) async throws -> JSON {
    hasSynced = false
    let resumed = try await prepare(until: deadline, tell)
    if let resumed { _ = await settled(resumed.hash, until: deadline) }
    let status = try await rest(until: deadline)
    var answer = heading()
    if keys.full != nil {
      answer["sequence"] = .decimal(status.nextSequence.number)
      answer["balance"] = .decimal(status.balance.units)
    }
    answer["resumed"] = resumed.map { JSON($0.hash.description) } ?? .null
    return .object(answer)
  }

  // MARK: Paying

  private func payee(_ to: String, _ amount: Amount, _ memo: String?) throws -> Payee {
    guard keys.spending != nil else { throw WalletProblem(WalletFailure.watchOnly) }
    let address: Address
    do throws(AddressFailure) {
      address = try Address(to, on: configuration.genesis)
    } catch {
      throw WalletProblem(badAddress: error, on: configuration.genesis)
    }
    guard amount > .zero else { throw WalletProblem(.badAmount, "the amount is zero") }
    let memoBytes = memo?.utf8.count ?? 0
    guard memoBytes <= Memo.bytesMax else {
      throw WalletProblem(
        .badMemo,
        "a memo has at most \(Memo.bytesMax) bytes of UTF-8, and this has \(memoBytes)"
      )
    }
    return Payee(address: address, amount: amount, memo: memo.map { .text($0) } ?? .none)
  }

  private func send(
    _ payee: Payee,
    _ wantsReceipt: Bool,
    until deadline: Instant,
    _ tell: Tell
  ) async throws -> JSON {
    let begun = loop.now
    prepareProofs()
    let resumed = try await prepare(until: deadline, tell)
    if let resumed {
      tell(["event": "resumed", "certificate": JSON(resumed.hash.description)])
    }
    let started = loop.now
    let certificate: SettlementCertificate
    switch try await ask(.send([payee]), until: deadline) {
    case .certified(let made)?: certificate = made
    case .failed(.plan(.insufficientFunds))?:
      throw insufficientFunds(payee.amount, try await rest(until: deadline))
    case .failed(let failure)?: throw WalletProblem(failure)
    case .synced?, .status?, nil: throw stillUnderWay()
    }
    let isSettled = await settled(certificate.hash, until: min(deadline, loop.now + Self.settleMax))
    var answer = await outcome(certificate, isSettled, wantsReceipt)
    answer["to"] = JSON(payee.address.description)
    answer["amount"] = .decimal(payee.amount.units)
    answer["phases_us"] = phases(certificate.hash, begun: begun, started: started)
    if let resumed { answer["resumed"] = JSON(resumed.hash.description) }
    return .object(answer)
  }

  private func receive(
    _ source: TransitionHash?,
    _ wantsReceipt: Bool,
    until deadline: Instant,
    _ tell: Tell
  ) async throws -> JSON {
    guard keys.spending != nil else { throw WalletProblem(WalletFailure.watchOnly) }
    _ = try await prepare(until: deadline, tell)
    if source == nil {
      _ = try await ask(.look, until: min(deadline, loop.now + Self.lookMax))
    }
    var steps: [JSON] = []
    var received: UInt64 = 0
    while true {
      let begun = loop.now
      _ = try await rest(until: deadline)
      let started = loop.now
      let command = source.map { MeshWallet.Command.receiveFrom($0) } ?? .receive
      let reply = try await ask(command, until: deadline)
      if case .failed(.plan(.nothingToDo))? = reply { break }
      guard case .certified(let certificate)? = reply else {
        if case .failed(let failure)? = reply { throw WalletProblem(failure) }
        throw stillUnderWay()
      }
      let isSettled = await settled(
        certificate.hash,
        until: min(deadline, loop.now + Self.settleMax)
      )
      var step = await outcome(certificate, isSettled, wantsReceipt)
      let claims = Set(certificate.signed.body.claims)
      let incoming = await driver.inspect { machine in
        machine.state.incoming.filter { claims.contains($0.reference) }
      }
      step["phases_us"] = phases(certificate.hash, begun: begun, started: started)
      step["payments"] = .array(incoming.map { $0.json })
      received &+= incoming.reduce(0) { $0 &+ $1.payment.amount.units }
      steps.append(.object(step))
      if source != nil { break }
    }
    var answer = heading()
    answer["received"] = .decimal(received)
    answer["transitions"] = .array(steps)
    return .object(answer)
  }

  /// Waits for a quorum's acknowledgements.
  private func settled(_ hash: TransitionHash, until deadline: Instant) async -> Bool {
    while true {
      let seen = changes
      if marks[hash]?.settled != nil { return true }
      guard await change(after: seen, until: deadline) else { return false }
    }
  }

  /// What every own transition's answer tells.
  private func outcome(
    _ certificate: SettlementCertificate,
    _ isSettled: Bool,
    _ wantsReceipt: Bool
  ) async -> JSON.Object {
    var answer = heading()
    answer["certificate"] = JSON(certificate.hash.description)
    answer["sequence"] = .decimal(certificate.slot.sequence.number)
    answer["fee"] = .decimal(certificate.signed.body.fee.units)
    answer["signers"] = .array(certificate.signerIndices.map { JSON($0.number) })
    answer["ballot"] = JSON(certificate.ballot.number)
    answer["settled"] = JSON(isSettled)
    answer["balance"] = .decimal(await driver.inspect { $0.state.balance.value })
    if wantsReceipt { answer["receipt"] = JSON(Receipt(certificate).encoded.hex) }
    return answer
  }

  /// Microseconds between the stations of a payment; `connect` is all before it was begun.
  private func phases(_ hash: TransitionHash, begun: Instant, started: Instant) -> JSON {
    let marks = marks[hash] ?? PaymentMarks()
    func between(_ from: Instant?, _ to: Instant?) -> JSON {
      guard let from, let to else { return .null }
      return JSON((to - from).wholeNanoseconds / 1000)
    }
    return [
      "connect": between(begun, started), "prove": between(started, marks.built),
      "votes": between(marks.built, marks.quorum),
      "certificate": between(marks.quorum, marks.stored),
      "settled": between(marks.stored, marks.settled),
      "to_certificate": between(started, marks.stored),
    ]
  }

  // MARK: Looking

  private func history(_ count: Int, until deadline: Instant, _ tell: Tell) async throws -> JSON {
    _ = try await prepare(until: deadline, tell)
    _ = try await ask(.look, until: min(deadline, loop.now + Self.lookMax))
    let isWhole = try await ask(.completeHistory, until: deadline) != nil
    let state = await driver.inspect { $0.state }
    var answer = heading()
    let history = WalletHistory(state, keys: keys, genesis: configuration.genesis)
    answer["entries"] = .array(history.entries(newest: count))
    answer["complete"] = JSON(isWhole && history.isComplete)
    return .object(answer)
  }

  private func watch(_ tell: Tell) async throws -> JSON {
    let deadline = loop.now + configuration.timeout
    try await inTurn {
      _ = try await prepare(until: deadline, tell)
      if !isSubscribed {
        _ = try await ask(.subscribe, until: deadline)
        isSubscribed = true
      }
    }
    var watching = heading()
    watching["event"] = "watching"
    tell(.object(watching))
    while stateFailure == nil {
      try Task.checkCancellation()
      _ = await change(after: changes, until: loop.now + .seconds(1))
    }
    throw WalletProblem(.stateFailed, stateFailure ?? "the wallet's state failed")
  }

  /// What stands in every answer: how to read its amounts, and whose it is.
  func heading() -> JSON.Object {
    let genesis = configuration.genesis
    var heading = JSON.Object()
    heading["network"] = JSON(genesis.name)
    heading["symbol"] = JSON(genesis.asset.symbol)
    heading["decimals"] = JSON(genesis.asset.decimals)
    let address = Address(
      account: keys.account,
      viewKey: keys.incoming.publicKey,
      genesis: genesis
    )
    heading["address"] = JSON(address.description)
    return heading
  }
}
