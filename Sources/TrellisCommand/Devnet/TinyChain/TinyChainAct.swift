import EventLoop
import Glibc
import Kernel
import Service

/// A dev node carries contracts of both machines; headers alone check it; a repository becomes a chain.
struct TinyChainAct: DevnetAct {
  let name = "tinychain"
  private let devnet: Devnet
  private let tools: TinyChainTools
  private var loop: EventLoop { devnet.loop }

  init(_ devnet: Devnet, program: String) {
    self.devnet = devnet
    tools = TinyChainTools(devnet, program: program)
  }

  func examples() async -> String { await tools.examples() }

  func close() async {}

  func tell() async throws -> any DevnetTable {
    try await tools.start()
    try await tools.run(["wallet", "new", "alice"])
    let gift = ["wallet", "send", "alice", "50000000"]
    var steps = [try await transact("the faucet pays Alice", gift, by: "faucet")]

    let counter = try await deploy("counter.asm", TinyChainContracts.counter, [])
    let token = try await deploy("token.lisp", TinyChainContracts.token, ["@alice", "1000"])
    let till = try await deploy(
      "till.lisp",
      TinyChainContracts.till,
      ["@\(counter.address)", "@\(token.address)"]
    )
    steps += [counter.step, token.step, till.step]
    await devnet.note(
      "Alice has deployed a counter in Brainfuck, a token in Lisp, a till for both."
    )
    steps.append(
      try await transact(
        "Alice gives the till 100",
        ["call", token.address, "(transfer @\(till.address) 100)"]
      )
    )
    let sale = try await transact("the till calls both", ["call", till.address, "(sell @alice 7)"])
    steps.append(sale)
    await devnet.note("The till has counted a sale and paid 7 tokens, in one transaction.")

    try await checkWithHeaders(sale.id, counter.address, token.address)
    await devnet.note("A client with nothing but headers has checked the receipt and the state.")

    await devnet.note("The node is killed with -9.")
    await tools.kill()
    let before = loop.now
    try await tools.start()
    try await checkWithHeaders(sale.id, counter.address, token.address)
    let restart = (loop.now - before).wholeMilliseconds
    await devnet.note("It is back, and what was confirmed is there: \(restart) ms after its start.")

    let root = try await replayRepository()
    await devnet.note("A repository of three commits leads to the same state root twice.")
    guard let usage = await tools.process?.usage else {
      throw DevnetFailure("the dev node does not run")
    }
    await devnet.note("All is told.")
    return TinyChainTable(
      steps: steps,
      usage: usage,
      restartMilliseconds: restart,
      repositoryRoot: root
    )
  }

  // MARK: Transactions

  private func transact(
    _ what: String,
    _ arguments: [String],
    by account: String = "alice"
  ) async throws -> TinyChainTable.Step {
    let before = loop.now
    let answer = try await tools.run(arguments + ["--from", account])
    guard answer["status"] == 1, let id = answer["id"]?.string,
      let height: UInt64 = answer["height"]?.integer(),
      let gas: UInt64 = answer["gas_used"]?.integer()
    else { throw DevnetFailure("\(what): the node answered \(answer)") }
    return TinyChainTable.Step(
      what: what,
      id: id,
      height: height,
      gas: gas,
      output: answer["output"]?.string ?? "",
      microseconds: (loop.now - before).wholeNanoseconds / 1000
    )
  }

  private func deploy(
    _ file: String,
    _ source: String,
    _ arguments: [String]
  ) async throws -> (address: String, step: TinyChainTable.Step) {
    let path = try await devnet.write(file, source)
    let step = try await transact("Alice deploys \(file)", ["deploy", path] + arguments)
    return (step.output, step)
  }

  // MARK: Checks

  private func checkWithHeaders(_ id: String, _ counter: String, _ token: String) async throws {
    let receipt = try await tools.run(["verify", "receipt", id])
    guard receipt["status"] == 1, receipt["events"] == 1 else {
      throw DevnetFailure("the receipt of the sale shows \(receipt)")
    }
    // Page 1 begins with the counter's two cells.
    let page = try await tools.run(["verify", "account", counter, "--page", "1"])
    guard page["value"]?.string?.hasPrefix("01") == true else {
      throw DevnetFailure("the counter's page shows \(page)")
    }
    let supply = try await tools.run(["verify", "account", token, "--entry", "supply"])
    guard supply["value"]?.string != nil else {
      throw DevnetFailure("the token's supply shows \(supply)")
    }
  }

  /// A bare repository with two proposals, replayed twice from its first commit.
  private func replayRepository() async throws -> String {
    let repository = "\(devnet.directory)/social.git"
    try await tools.git(["init", "--quiet", "--bare", "--initial-branch=main", repository])
    let url = "file://\(repository)"
    let counter = "\(devnet.directory)/counter.asm"
    try await tools.run(["git", "propose", "send", url, "alice", "1000", "--from", "faucet"])
    try await tools.run(["git", "propose", "deploy", url, counter, "--from", "faucet"])
    var roots: [String] = []
    for _ in 0..<2 {
      let answer = try await tools.run(["git", "replay", url])
      guard let root = answer["state_root"]?.string else {
        throw DevnetFailure("git replay answered \(answer)")
      }
      roots.append(root)
    }
    guard roots[0] == roots[1] else {
      throw DevnetFailure("two replays lead to different states: \(roots)")
    }
    return roots[0]
  }
}

/// The program and its node.
actor TinyChainTools {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private let devnet: Devnet
  private let program: String
  private(set) var process: DevnetProcess?
  private var port: UInt16 = 0

  private var data: String { "\(devnet.directory)/tinychain" }
  private var passwordPath: String { "\(devnet.directory)/password" }

  init(_ devnet: Devnet, program: String) {
    self.devnet = devnet
    self.program = program
    loop = devnet.loop
  }

  /// Starts the dev node, or starts it again on the data and the port it had.
  func start() async throws {
    let portsPath = "\(data)/ports.json"
    unlink(portsPath)
    let process = try await devnet.launch(
      "tinychain",
      program,
      ["dev", "--data-dir", data, "--port", "\(port)", "--exit-with-parent"],
      without: "TINYCHAIN_"
    )
    self.process = process
    let devnet = self.devnet
    port = try await devnet.wait("the dev node listens") {
      try await devnet.requireAlive(process)
      guard let bytes = try? PrivateFile.read(portsPath, bytesMax: 4096),
        let json = try? JSON(parsing: bytes)
      else { return nil as UInt16? }
      return json["api_port"]?.integer()
    }
  }

  func kill() async {
    if let process { await devnet.kill(process) }
  }

  /// Runs a command of the program to its end.
  @discardableResult
  func run(_ arguments: [String]) async throws -> JSON {
    if access(passwordPath, F_OK) != 0 { _ = try await devnet.write("password", "devnet\n") }
    // Only what signs takes a password.
    let signs = arguments.contains("--from") || arguments.starts(with: ["wallet", "new"])
    return try await devnet.answer(
      of: program,
      arguments + ["--data-dir", data, "--json"]
        + (signs ? ["--password-file", passwordPath] : []),
      without: "TINYCHAIN_"
    )
  }

  /// Runs git, whose answer nobody needs.
  func git(_ arguments: [String]) async throws {
    try await devnet.run("/usr/bin/env", ["git"] + arguments)
  }

  func examples() -> String {
    """
      tinychain: API http://127.0.0.1:\(port)/api/, metrics at /metrics, log \
    \(devnet.directory)/tinychain.log

        curl -s -X GET http://127.0.0.1:\(port)/api/machine_eval -H "Content-Type: application/json" \\
          -d '{"from_acc":"","to_acc":"","data":"\(String(repeating: "+", count: 59))."}'
        \(program) wallet list --data-dir \(data)

    """ + "\n"
  }
}
