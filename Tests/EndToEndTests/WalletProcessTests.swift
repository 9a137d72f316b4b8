import Foundation
import Kernel
import Mesh
import Service
import Testing
import Vault

/// `mesh-wallet` with its own directory, as a script calls it.
private struct WalletProgram {
  let directory: String

  private static let environment = [
    // Enough to be a wallet; what Argon2id costs in earnest is not tested here.
    "MESH_WALLET_PASSWORD": "correct horse", "MESH_WALLET_ARGON2_MEMORY_MB": "8",
  ]

  func run(_ arguments: [String], input: String = "") throws -> Programs.Outcome {
    try Programs.run(
      "mesh-wallet",
      arguments + ["--data-dir", directory],
      input: input,
      environment: Self.environment
    )
  }

  /// The answer of a call that succeeds.
  func answer(_ arguments: [String], input: String = "") throws -> JSON {
    let outcome = try run(arguments + ["--json"], input: input)
    try #require(outcome.status == 0, "\(arguments): \(outcome.errors)")
    return try JSON(parsing: Array(outcome.output.utf8))
  }

  /// Starts a call that somebody else ends.
  func start(_ arguments: [String]) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "\(Programs.directory)/mesh-wallet")
    process.arguments = arguments + ["--data-dir", directory]
    process.environment = ProcessInfo.processInfo.environment.merging(Self.environment) { $1 }
    process.standardOutput = Pipe()
    process.standardError = Pipe()
    try process.run()
    return process
  }
}

/// A network of processes with two wallets: Alice's, restored from her words, and Bob's new one.
private struct WalletScene {
  let network: ProcessNetwork
  let alice: WalletProgram
  let bob: WalletProgram
  let words: String

  init() throws {
    network = try ProcessNetwork()
    alice = WalletProgram(directory: network.place.path + "/alice")
    bob = WalletProgram(directory: network.place.path + "/bob")
    // As ProcessNetwork makes its owners.
    var seed = [UInt8](repeating: 5, count: 32)
    words = Mnemonic.words(of: SecretBytes(wiping: &seed)).joined(separator: " ")
    _ = try alice.answer(["keygen", "--restore"], input: words + "\n")
    _ = try bob.answer(["keygen"])
    for wallet in [alice, bob] { _ = try initialize(wallet) }
  }

  func initialize(_ wallet: WalletProgram) throws -> JSON {
    try wallet.answer([
      "init", "--genesis", network.place.path + "/genesis.mesh", "--validators", validators,
    ])
  }

  var validators: String {
    network.ports.sorted { $0.key < $1.key }
      .map { "\(network.keys[Int($0.key.number)])@127.0.0.1:\($0.value)" }
      .joined(separator: ",")
  }

  func address(_ wallet: WalletProgram) throws -> String {
    try #require(try wallet.answer(["show-address"])["address"]?.string)
  }
}

@Suite("mesh-wallet as a process", .timeLimit(.minutes(3)), .serialized)
struct WalletProcessTests {
  @Test("Alice sends 500 to Bob, Bob receives; receipts, history, view keys and words show it")
  func mainJob() throws {
    let scene = try WalletScene()
    defer { scene.network.remove() }
    let to = try scene.address(scene.bob)
    let receipt = scene.network.place.path + "/receipt"
    let sent = try scene.alice.answer([
      "send", "--to", to, "--amount", "500", "--asset", "TEST", "--memo", "rent", "--receipt",
      receipt,
    ])
    let hash = try #require(sent["certificate"]?.string)
    #expect(sent["phases_us"]?["votes"]?.integer(Int.self) ?? 0 > 0)
    #expect(try scene.alice.answer(["balance"])["balance"] == "949999")
    #expect(try scene.bob.answer(["balance"])["receivable"] == "50000")
    #expect(try scene.bob.answer(["receive", "--cert", hash])["received"] == "50000")
    #expect(try scene.bob.answer(["balance"])["balance"] == "50000")
    #expect(try scene.bob.run(["balance"]).output.contains("balance     500 TEST"))

    // Anyone, with the genesis alone; and the payee with her keys.
    let anyone = WalletProgram(directory: scene.network.place.path + "/nobody")
    let genesis = scene.network.place.path + "/genesis.mesh"
    let checked = try anyone.answer(["verify", receipt, "--genesis", genesis, "--to", to])
    #expect(checked["valid"] == true)
    #expect(checked["payments"]?[0]?["amount"] == nil)
    let opened = ["verify", receipt, "--open", "--to", to, "--cert", hash, "--amount"]
    #expect(try scene.bob.run(opened + ["500"]).status == 0)
    #expect(try scene.bob.run(opened + ["501"]).status == 1)
    #expect(
      try scene.alice.run(["verify", receipt, "--to", scene.address(scene.alice)]).status == 1
    )

    // From the words alone.
    let restored = WalletProgram(directory: scene.network.place.path + "/restored")
    _ = try restored.answer(["keygen", "--restore"], input: scene.words)
    _ = try scene.initialize(restored)
    #expect(try restored.answer(["balance"])["balance"] == "949999")
    let history = try restored.answer(["history"])
    #expect(history["entries"]?[0]?["certificate"]?.string == hash)
    #expect(history["entries"]?[0]?["sent"]?[0]?["amount"] == "50000")
    #expect(history["entries"]?[0]?["sent"]?[0]?["memo"] == "rent")

    // A till that sees the income and spends nothing.
    let key = try #require(try scene.bob.answer(["export-view-key"])["view_key"]?.string)
    let till = WalletProgram(directory: scene.network.place.path + "/till")
    _ = try till.answer(["watch-only", "--view-key", key])
    _ = try scene.initialize(till)
    #expect(try till.answer(["balance"])["income"] == "50000")
    let refused = try till.run(["send", "--to", to, "--amount", "1", "--json"])
    #expect(refused.status == 1)
    #expect(refused.output.contains("\"watch_only\""))
  }

  @Test(
    "kill -9 at any moment of a payment: the next command finishes exactly it, or nothing began"
  )
  func killed() throws {
    let scene = try WalletScene()
    defer { scene.network.remove() }
    let to = try scene.address(scene.bob)
    var expected = try units(try scene.alice.answer(["balance"])["balance"])
    for delay in [5, 20, 30, 40, 50, 70, 90] as [UInt32] {
      let process = try scene.alice.start(["send", "--to", to, "--amount", "1"])
      usleep(delay * 1000)  // Any moment will do.
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      let answer = try scene.alice.answer(["resync"])
      let balance = try units(answer["balance"])
      let paid = expected - balance
      #expect(paid == 0 || paid == 101, "after \(delay) ms")
      if answer["resumed"]?.isNull == false { #expect(paid == 101) }
      expected = balance
    }
    _ = try scene.bob.answer(["receive", "--all"])
    let received = try units(try scene.bob.answer(["balance"])["balance"])
    #expect((1_000_000 - expected) % 101 == 0)
    #expect(received == (1_000_000 - expected) / 101 * 100)
  }

  private func units(_ value: JSON?) throws -> UInt64 {
    try #require(value?.decimal(UInt64.self))
  }

  /// Unlocks Alice's wallet, lets validators hang, and sends until the agent's time is over.
  ///
  /// - Returns: what `send` printed, and the agent's process.
  private func sendInVain(
    _ scene: WalletScene,
    hanging: [Int]
  ) throws -> (JSON, agent: pid_t) {
    let unlocked = try scene.alice.answer(["unlock", "--timeout", "2s"])
    // Connected to all, and the account is known to be at rest.
    _ = try scene.alice.answer(["balance"])
    for index in hanging {
      let process = try #require(scene.network.processes[index]?.process)
      kill(process.processIdentifier, SIGSTOP)
    }
    let outcome = try scene.alice.run([
      "send", "--to", scene.address(scene.bob), "--amount", "5", "--json",
    ])
    #expect(outcome.status == 3, "\(outcome.output)")
    let agent = try #require(unlocked["process"]?.integer(pid_t.self))
    return (try JSON(parsing: Array(outcome.output.utf8)), agent)
  }

  @Test(
    "Two validators hang amid a payment: it is stored, and after kill -9 the same one is finished"
  )
  func resumed() throws {
    let scene = try WalletScene()
    defer { scene.network.remove() }
    let (failure, agent) = try sendInVain(scene, hanging: [0, 1])
    #expect(failure["error"]?["code"] == "under_way")
    let text = try #require(failure["error"]?["message"]?.string)
    #expect(text.contains("2 of 3 votes"), "\(text)")
    kill(agent, SIGKILL)
    for index in [0, 1] {
      let process = try #require(scene.network.processes[index]?.process)
      kill(process.processIdentifier, SIGCONT)
    }
    let answer = try scene.alice.answer(["resync"])
    let hash = try #require(answer["resumed"]?.string)
    #expect(text.contains(hash))
    #expect(answer["balance"] == "999499")
    #expect(try scene.bob.answer(["receive"])["received"] == "500")
  }

  @Test(
    "Restored while the only one that voted is away: the place is freed by a ballot, as is told"
  )
  func recovered() throws {
    let scene = try WalletScene()
    defer { scene.network.remove() }
    let (failure, agent) = try sendInVain(scene, hanging: [0, 1, 2])
    #expect(failure["error"]?["message"]?.string?.contains("1 of 3 votes") == true)
    kill(agent, SIGKILL)
    // The three forget what was asked of them, the fourth has its vote on the disk.
    for index in 0..<4 { scene.network.end(index, with: SIGKILL) }
    for index in [2, 1, 0] { try scene.network.start(index) }
    let restored = WalletProgram(directory: scene.network.place.path + "/restored")
    _ = try restored.answer(["keygen", "--restore"], input: scene.words)
    _ = try scene.initialize(restored)
    let outcome = try restored.run([
      "send", "--to", scene.address(scene.bob), "--amount", "7", "--json",
    ])
    try #require(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("asking them for ballot 1"))
    let sent = try JSON(parsing: Array(outcome.output.utf8))
    #expect(sent["ballot"]?.integer(Int.self) ?? 0 >= 1)
    #expect(sent["balance"] == "999299")
    #expect(try scene.bob.answer(["receive"])["received"] == "700")
  }

  @Test("Two validators are too few: status 3, which are missing; with three it goes on")
  func tooFew() throws {
    let scene = try WalletScene()
    defer { scene.network.remove() }
    let to = try scene.address(scene.bob)
    scene.network.end(0, with: SIGKILL)
    scene.network.end(2, with: SIGKILL)
    let send = ["send", "--to", to, "--amount", "2", "--timeout", "1s", "--json"]
    let failed = try scene.alice.run(send)
    #expect(failed.status == 3)
    #expect(failed.output.contains("\"unreachable\""))
    #expect(failed.errors.contains("3 of the 4 validators are needed and 2 answer"))
    #expect(failed.errors.contains("validator 0") && failed.errors.contains("validator 2"))
    try scene.network.start(2)
    #expect(try scene.alice.answer(["send", "--to", to, "--amount", "2"])["balance"] == "999799")
  }

  @Test("Unlocked, commands need no password; locked, they do, and a wrong one is refused")
  func agent() throws {
    let scene = try WalletScene()
    defer { scene.network.remove() }
    let to = try scene.address(scene.bob)
    func run(_ arguments: [String], password: String?) throws -> Programs.Outcome {
      try Programs.run(
        "mesh-wallet",
        arguments + ["--data-dir", scene.alice.directory, "--json"],
        environment: ["MESH_WALLET_PASSWORD": password ?? ""]
      )
    }
    #expect(try run(["unlock"], password: "wrong").output.contains("\"wrong_password\""))
    let unlocked = try run(["unlock", "--agent-timeout", "5m"], password: "correct horse")
    #expect(unlocked.status == 0, "\(unlocked.errors)")
    defer { _ = try? run(["lock"], password: nil) }
    for amount in ["1", "2"] {
      let sent = try run(["send", "--to", to, "--amount", amount], password: nil)
      #expect(sent.status == 0, "\(sent.errors)")
    }
    #expect(try run(["unlock"], password: "correct horse").status == 1)
    // The keys themselves are asked for anew.
    #expect(try run(["export-view-key"], password: "wrong").status == 1)
    #expect(try run(["lock"], password: nil).status == 0)
    let silent = try run(["balance"], password: nil)
    #expect(
      silent.status == 1 && silent.output.contains("no line to read for 'Password'"),
      "\(silent.output)"
    )
    #expect(try run(["balance"], password: "correct horse").status == 0)
  }

  @Test("watch --exec runs a command for each payment, with what a shell may be given")
  func watch() throws {
    let scene = try WalletScene()
    defer { scene.network.remove() }
    let place = scene.network.place.path
    let fifo = place + "/told"
    try #require(mkfifo(fifo, 0o600) == 0)
    let watching = try scene.bob.start([
      "watch", "--exec",
      "read -r line; printf '%s%s %s' \"$MESH_WALLET_PASSWORD\" \"$MESH_AMOUNT\" \"$line\" > \(fifo)",
    ])
    defer { watching.terminate() }
    let memo = "$(touch \(place)/pwned)`touch \(place)/pwned`'\"\n"
    _ = try scene.alice.answer([
      "send", "--to", scene.address(scene.bob), "--amount", "3", "--memo", memo,
    ])
    // Blocks until the command writes.
    let reader = try #require(FileHandle(forReadingAtPath: fifo))
    let told = String(decoding: try #require(try reader.readToEnd()), as: UTF8.self)
    #expect(told.hasPrefix("300 {"))
    let json = try JSON(parsing: Array(told.dropFirst(4).utf8))
    #expect(json["memo"]?.string == memo)
    #expect(!FileManager.default.fileExists(atPath: place + "/pwned"))
  }

  @Test("What is wrong with a call is said before anybody is asked")
  func wrongCalls() throws {
    let place = try TemporaryPlace()
    defer { place.remove() }
    let wallet = WalletProgram(directory: place.path + "/w")
    func code(_ arguments: [String]) throws -> String? {
      let outcome = try wallet.run(arguments + ["--json"])
      #expect(outcome.status == 1)
      return try JSON(parsing: Array(outcome.output.utf8))["error"]?["code"]?.string
    }
    #expect(try code(["show-address"]) == "no_wallet")
    let made = try wallet.answer(["keygen"])
    #expect(made["words"]?.string?.split(separator: " ").count == 24)
    #expect(made["address"] == nil)
    #expect(try code(["keygen"]) == "wallet_exists")
    #expect(try code(["balance"]) == "not_configured")
    #expect(try code(["verify", "/dev/null"]) == "not_configured")
    let damaged = place.path + "/genesis"
    try "MESH".write(toFile: damaged, atomically: true, encoding: .utf8)
    #expect(try code(["init", "--genesis", damaged]) == "not_configured")
    #expect(try wallet.run(["send", "--amount", "1"]).status == 2)
    #expect(try wallet.run(["sned"]).errors.contains("did you mean send"))
    let help = try wallet.run(["send", "--help"]).output
    #expect(help.contains("mesh-wallet send --to tmesh1") && help.contains("--receipt"))
  }
}
