import EventLoop
import Glibc
import Kernel
import Service

/// Two miners and a node that follows them carry contracts of both machines; headers alone check it;
/// the miners part and meet; a repository becomes a chain.
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

  func close() async { await tools.close() }

  func tell() async throws -> any DevnetTable {
    let first = try await tools.start("miner-1", ["--mine"])
    let second = try await tools.start("miner-2", ["--mine"], peers: [first])
    let full = try await tools.start("node", [], peers: [first, second])
    try await devnet.wait("all three have one chain", for: .seconds(60)) {
      try await tools.isCommon(2, of: [first, second, full]) ? true : nil
    }
    await devnet.note("Two miners mine one chain, and a third node follows it.")

    try await tools.run(["wallet", "new", "alice"])
    try await tools.run(["wallet", "new", "bob"])
    let gift = ["wallet", "send", "alice", "50000000"]
    var steps = [try await transact("the faucet pays Alice", gift, by: "faucet", at: full)]
    let contracts = try await deploy(&steps, at: full)
    let sale = try await transact(
      "the till calls both",
      ["call", contracts.till, "(sell @alice 7)"],
      at: full
    )
    steps.append(sale)
    await devnet.note("The till has counted a sale and paid 7 tokens, in one transaction.")
    try await check(sale.id, contracts, at: full)
    await devnet.note(
      "A client with nothing but headers has checked their work, receipt and state."
    )

    let fork = try await forkAndHeal(first, second, &steps)

    await devnet.note("The node that follows is killed with -9.")
    await tools.kill(full)
    let tip = try await tools.tip(of: first)
    let before = loop.now
    _ = try await tools.start("node", [], peers: [first, second])
    try await tools.waitForHeight(tip.height, of: full)
    let restart = (loop.now - before).wholeMilliseconds
    try await check(sale.id, contracts, at: full)
    await devnet.note("It is back, and has caught up, \(restart) ms after its start.")

    let target = try await tools.tip(of: full).height
    let beforeNewcomer = loop.now
    let newcomer = try await tools.start("newcomer", [], peers: [full])
    try await tools.waitForHeight(target, of: newcomer)
    let sync = (loop.now - beforeNewcomer).wholeMilliseconds
    try await check(sale.id, contracts, at: newcomer)
    await devnet.note("A new node has \(target) blocks, headers first, \(sync) ms after its start.")

    let root = try await replayRepository()
    await devnet.note("A repository of three commits leads to the same state root twice.")
    await devnet.note("All is told.")
    return TinyChainTable(
      steps: steps,
      nodes: try await tools.usages(),
      fork: fork,
      height: target,
      restartMilliseconds: restart,
      syncMilliseconds: sync,
      repositoryRoot: root
    )
  }

  // MARK: Transactions

  private struct Contracts {
    let counter: String
    let token: String
    let till: String
  }

  private func deploy(
    _ steps: inout [TinyChainTable.Step],
    at node: TinyChainTools.Node
  ) async throws -> Contracts {
    let counter = try await deploy("counter.asm", TinyChainContracts.counter, [], at: node)
    let token = try await deploy(
      "token.lisp",
      TinyChainContracts.token,
      ["@alice", "1000"],
      at: node
    )
    let till = try await deploy(
      "till.lisp",
      TinyChainContracts.till,
      ["@\(counter.address)", "@\(token.address)"],
      at: node
    )
    steps += [counter.step, token.step, till.step]
    await devnet.note(
      "Alice has deployed a counter in Brainfuck, a token in Lisp, a till for both."
    )
    steps.append(
      try await transact(
        "Alice gives the till 100",
        ["call", token.address, "(transfer @\(till.address) 100)"],
        at: node
      )
    )
    return Contracts(counter: counter.address, token: token.address, till: till.address)
  }

  private func transact(
    _ what: String,
    _ arguments: [String],
    by account: String = "alice",
    at node: TinyChainTools.Node
  ) async throws -> TinyChainTable.Step {
    let before = loop.now
    let answer = try await tools.run(arguments + ["--from", account], at: node)
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
    _ arguments: [String],
    at node: TinyChainTools.Node
  ) async throws -> (address: String, step: TinyChainTable.Step) {
    let path = try await devnet.write(file, source)
    let step = try await transact(
      "Alice deploys \(file)",
      ["deploy", path] + arguments,
      at: node
    )
    return (step.output, step)
  }

  // MARK: Forks

  /// Cuts one miner off, lets both mine, and joins them again.
  ///
  /// A payment on each side, so that the one that turns round has one to bring along.
  private func forkAndHeal(
    _ first: TinyChainTools.Node,
    _ second: TinyChainTools.Node,
    _ steps: inout [TinyChainTable.Step]
  ) async throws -> TinyChainTable.Fork {
    try await tools.cut(second, true)
    await devnet.note("The second miner is cut off from the others.")
    let payments = [
      try await transact(
        "Alice pays Bob on one side",
        ["wallet", "send", "bob", "1000"],
        at: second
      ),
      try await transact(
        "the faucet pays Bob on the other",
        ["wallet", "send", "bob", "2000"],
        by: "faucet",
        at: first
      ),
    ]
    steps += payments
    let (left, right) = try await devnet.wait("one side has more work", for: .seconds(60)) {
      let (left, right) = (try await tools.tip(of: first), try await tools.tip(of: second))
      return left.work != right.work ? (left, right) : nil
    }
    await devnet.note(
      "Both have mined: one is at block \(left.height), the other at \(right.height)."
    )
    let before = loop.now
    try await tools.cut(second, false)
    try await devnet.wait("both payments are on one chain", for: .seconds(60)) {
      for payment in payments {
        for node in [first, second] where try await !tools.has(payment.id, at: node) {
          return nil as Bool?
        }
      }
      let height = max(left.height, right.height)
      return try await tools.isCommon(height, of: [first, second]) ? true : nil
    }
    let heal = (loop.now - before).wholeMilliseconds
    let undone = try await tools.undoneBlocks(of: [first, second])
    guard undone > 0 else { throw DevnetFailure("no side has turned round") }
    await devnet.note(
      "Joined, the lighter side has taken back its blocks, and its payment was mined again."
    )
    return TinyChainTable.Fork(undone: undone, healMilliseconds: heal)
  }

  // MARK: Checks

  private func check(
    _ id: String,
    _ contracts: Contracts,
    at node: TinyChainTools.Node
  ) async throws {
    let receipt = try await tools.verify(["receipt", id], at: node)
    guard receipt["status"] == 1, receipt["events"] == 1 else {
      throw DevnetFailure("the receipt of the sale shows \(receipt)")
    }
    // Page 1 begins with the counter's two cells.
    let page = try await tools.verify(["account", contracts.counter, "--page", "1"], at: node)
    guard page["value"]?.string?.hasPrefix("01") == true else {
      throw DevnetFailure("the counter's page shows \(page)")
    }
    let supply = try await tools.verify(
      ["account", contracts.token, "--entry", "supply"],
      at: node
    )
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
