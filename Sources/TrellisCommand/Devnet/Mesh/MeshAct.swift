import BulletproofsPlus
import EdDSA
import EventLoop
import Glibc
import Kernel
import Mesh
import MeshNode
import Service

/// Alice pays Bob through four validators, one of which is killed; Carol tries to spend twice.
///
/// Three of the four make a quorum.
struct MeshAct: DevnetAct {
  let name = "mesh"
  private let devnet: Devnet
  let processes: MeshProcesses
  private var loop: EventLoop { devnet.loop }

  /// In whole tokens, of a hundred units each.
  private static let aliceTokens = 10_000
  private static let carolTokens = 100
  private static let fee = "0.01"
  private static let feeUnits: UInt64 = 1

  init(_ devnet: Devnet, validator: String, wallet: String) {
    self.devnet = devnet
    processes = MeshProcesses(devnet, validator: validator, wallet: wallet)
  }

  func examples() async -> String { await processes.examples() }

  func close() async { await processes.close() }

  func tell() async throws -> any DevnetTable {
    let carol = try Self.carol()
    let alice = try await processes.makeWallet("alice")
    _ = try await processes.makeWallet("bob")
    try await processes.makeValidators(4)
    try await processes.makeGenesis(
      "devnet",
      fee: Self.fee,
      [(alice, Self.aliceTokens), ("\(carol.account)", Self.carolTokens)]
    )
    for index in (0..<4).reversed() {
      try await processes.start(index)
      let pid = await processes.process(index)?.pid ?? 0
      await devnet.note("validator \(index) runs: process \(pid)")
    }
    _ = try await processes.introduce("alice")
    let bob = try await processes.introduce("bob")
    for name in ["alice", "bob"] { _ = try await processes.wallet(name, ["unlock"]) }
    await devnet.note("Alice has \(Self.aliceTokens) tokens; three of the four make a quorum.")

    var payments = [try await pay(1, 500, to: bob)]
    try await expectBalance("alice", 950_000 - Self.feeUnits)
    payments.append(try await receive(1))
    try await expectBalance("bob", 50_000)
    await devnet.note("Alice shows 9,500 less the fee, Bob 500.")

    await devnet.note("Validator 2 is killed with -9; Alice pays again.")
    await processes.kill(2)
    payments.append(try await pay(2, 250, to: bob))
    payments.append(try await receive(2))
    await devnet.note("The three that are left have settled it.")
    let caughtUp = try await restart(2)

    let proof = try await spendTwice(carol, to: bob)
    let nodes = try await audits()
    try await expectNoAmount([50_000, 25_000, 950_000 - Self.feeUnits])
    await devnet.note("The supply equation holds at all four; no file of theirs shows an amount.")
    await devnet.note("All is told.")
    return MeshTable(
      payments: payments,
      validators: nodes,
      caughtUpMilliseconds: caughtUp,
      equivocation: "\(proof.slot)"
    )
  }

  // MARK: Payments

  private func pay(_ number: Int, _ tokens: Int, to address: String) async throws
    -> MeshTable.Payment
  {
    await devnet.note("Payment \(number): Alice pays Bob \(tokens).")
    let answer = try await processes.wallet(
      "alice",
      ["send", "--to", address, "--amount", "\(tokens)"]
    )
    guard let hash = answer["certificate"]?.string, answer["settled"] == true else {
      throw DevnetFailure("send answered \(answer)")
    }
    return MeshTable.Payment(
      what: "\(number)  Alice pays Bob \(tokens)",
      certificate: hash,
      phases: answer["phases_us"] ?? [:]
    )
  }

  private func receive(_ number: Int) async throws -> MeshTable.Payment {
    let answer = try await processes.wallet("bob", ["receive", "--all"])
    guard let step = answer["transitions"]?.array?.first, let hash = step["certificate"]?.string
    else { throw DevnetFailure("receive answered \(answer)") }
    return MeshTable.Payment(
      what: "\(number)  Bob receives it",
      certificate: hash,
      phases: step["phases_us"] ?? [:]
    )
  }

  private func expectBalance(_ name: String, _ units: UInt64) async throws {
    let answer = try await processes.wallet(name, ["balance"])
    guard answer["balance"]?.decimal(UInt64.self) == units else {
      throw DevnetFailure("\(name) should have \(units) units, but balance answered \(answer)")
    }
  }

  // MARK: A crash

  /// Starts a validator again and waits until it has what the others have.
  private func restart(_ index: Int) async throws -> Int64 {
    let before = loop.now
    try await processes.start(index)
    let digest = try await processes.audit(0)["digest"]
    let processes = self.processes
    try await devnet.wait("validator \(index) has caught up") {
      try await processes.audit(index)["digest"] == digest ? true : nil
    }
    let milliseconds = (loop.now - before).wholeMilliseconds
    await devnet.note("Validator \(index) is back: \(milliseconds) ms after its start it has all.")
    return milliseconds
  }

  // MARK: A thief

  /// Carol's keys are ours: no wallet signs two transitions for one slot.
  private static func carol() throws -> AccountKeys {
    guard let seed = MasterSeed(.random(MasterSeed.size)) else {
      throw DevnetFailure("no seed for Carol")
    }
    return seed.account(0)
  }

  /// Two transitions for one slot, each shown to two validators, then to one that knows the other.
  private func spendTwice(
    _ carol: AccountKeys,
    to bobText: String
  ) async throws -> EquivocationProof {
    await devnet.note("Carol signs two payments of all that she has, and shows each to two.")
    let genesis = try GenesisFile.read(processes.genesisPath)
    let bob = try Address(bobText, on: genesis)
    let slot = Slot(account: carol.account, sequence: .first)
    var random = SystemRandomNumberGenerator()
    let built = try [carol.address(on: genesis), bob].map { payee in
      try TransitionPlan(
        slot: slot,
        previous: carol.account.origin(on: genesis.id),
        balance: Opening(value: UInt64(Self.carolTokens) * 100, blinding: .zero),
        claims: [],
        payees: [Payee(address: payee, amount: Amount(9_000))]
      ).build(with: carol, on: genesis, using: &random).transition
    }
    let asker = try ValidatorAsker(
      genesis,
      await processes.addresses,
      on: try EventLoop(name: "thief")
    )
    try await asker.start()
    let proof: EquivocationProof
    do {
      proof = try await askForTwo(built, asker)
    } catch {
      await asker.stop()
      throw error
    }
    await asker.stop()
    guard proof.network == genesis.id, proof.slot == slot,
      Set([proof.a.hash, proof.b.hash]) == Set(built.map(\.hash)),
      [proof.a, proof.b].allSatisfy({ side in
        Ed25519.isValid(
          side.signature,
          of: SignedBody.message(slot: slot, hash: side.hash, on: genesis.id),
          by: carol.account.key
        )
      })
    else { throw DevnetFailure("the equivocation proof does not prove Carol's fault") }
    await devnet.note(
      "Neither gets a quorum; the proof of \(EquivocationProof.size) bytes holds both signatures."
    )
    return proof
  }

  private func askForTwo(
    _ built: [Transition],
    _ asker: ValidatorAsker
  ) async throws -> EquivocationProof {
    try await devnet.wait("all validators know Carol") {
      await asker.isConnected(to: 4) ? true : nil
    }
    for index in 0..<4 {
      let request = VoteRequest(submission: .transition(built[index / 2]))
      let response = await asker.ask(.vote(request), of: ValidatorIndex(UInt16(index)))
      guard case .vote? = response else {
        throw DevnetFailure("validator \(index) did not vote for Carol: \(text(response))")
      }
    }
    let second = VoteRequest(submission: .transition(built[1]))
    let response = await asker.ask(.vote(second), of: ValidatorIndex(0))
    guard case .reject(let reject)? = response, reject.code == .conflict else {
      throw DevnetFailure("validator 0 did not refuse Carol's other payment: \(text(response))")
    }
    for case .equivocation(let proof) in reject.attachments { return proof }
    throw DevnetFailure("validator 0 refused Carol's other payment without a proof")
  }

  private func text(_ response: Response?) -> String {
    switch response {
    case .reject(let reject)?: "refused by rule \(reject.code.rawValue)"
    case .error(let farewell)?: "error: \(farewell.reason)"
    case let other?: "a \(other.type)"
    case nil: "no answer"
    }
  }

  // MARK: At the end

  private func audits() async throws -> [MeshTable.Validator] {
    let processes = self.processes
    var validators: [MeshTable.Validator] = []
    for index in 0..<4 {
      // Evidence is passed on at once, but not before it is asked for here.
      let audit = try await devnet.wait("validator \(index) knows of Carol") {
        let audit = try await processes.audit(index)
        return audit["evidence"]?.array?.isEmpty == false ? audit : nil
      }
      guard audit["supply_intact"] == true, let digest = audit["digest"]?.string,
        let usage = await processes.process(index)?.usage
      else { throw DevnetFailure("validator \(index) is not sound: \(audit)") }
      validators.append(
        MeshTable.Validator(
          index: index,
          digest: digest,
          certificates: audit["log"]?.integer(UInt64.self) ?? 0,
          isSupplyIntact: audit["supply_intact"] == true,
          usage: usage,
          diskBytes: TemporaryDirectory.fileBytes(in: await processes.directory(index))
        )
      )
    }
    guard Set(validators.map(\.digest)).count == 1 else {
      throw DevnetFailure("the state digests differ: \(validators.map(\.digest))")
    }
    return validators
  }

  /// Looks through all that the validators stored, as bytes of either order and as digits.
  private func expectNoAmount(_ amounts: [UInt64]) async throws {
    for index in 0..<4 {
      let directory = await processes.directory(index)
      let ledger = ValidatorDirectory(directory).ledgerPath
      for file in [ledger, ledger + "-wal"] {
        guard let bytes = try? PrivateFile.read(file, bytesMax: 64 << 20) else {
          if file == ledger { throw DevnetFailure("there is no \(ledger)") }
          continue
        }
        for amount in amounts {
          let little = withUnsafeBytes(of: amount.littleEndian) { Array($0) }
          for pattern in [little, little.reversed(), Array("\(amount)".utf8)]
          where Self.contains(bytes, pattern) {
            throw DevnetFailure("\(file) shows the amount \(amount)")
          }
        }
      }
    }
  }

  private static func contains(_ bytes: [UInt8], _ pattern: [UInt8]) -> Bool {
    guard let first = pattern.first, bytes.count >= pattern.count else { return false }
    return bytes.withUnsafeBufferPointer { bytes in
      (0...bytes.count - pattern.count).contains { start in
        bytes[start] == first
          && bytes[start..<start + pattern.count].elementsEqual(pattern)
      }
    }
  }
}
