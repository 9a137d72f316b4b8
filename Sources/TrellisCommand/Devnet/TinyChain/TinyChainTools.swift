import EventLoop
import Glibc
import Kernel
import Service
import TinyChainNode

/// The program and its nodes.
actor TinyChainTools {
  /// A node by its name, wherever it listens.
  struct Node: Hashable, Sendable {
    let name: String
  }

  struct Tip: Sendable {
    let height: UInt32
    /// 64 hexadecimal digits: as text they compare as the numbers do.
    let work: String
  }

  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private struct Running {
    var process: DevnetProcess
    let port: UInt16
    let client: ChainClient
  }

  private let devnet: Devnet
  private let program: String
  private var running: [Node: Running] = [:]
  /// In the order of their first starts.
  private var nodes: [Node] = []

  /// Of the wallet.
  private var data: String { "\(devnet.directory)/tinychain" }
  private var passwordPath: String { "\(devnet.directory)/password" }

  /// The dev network but for its blocks, which come every second: a story has many.
  private static let launchFile = "network = \"dev\"\ninterval = 1\n"

  init(_ devnet: Devnet, program: String) {
    self.devnet = devnet
    self.program = program
    loop = devnet.loop
  }

  func close() async {
    for node in nodes { await running[node]?.client.close() }
  }

  // MARK: Nodes

  /// Starts a node, or starts it again on the data and the port it had.
  func start(_ name: String, _ more: [String], peers: [Node] = []) async throws -> Node {
    let node = Node(name: name)
    let launch = try await launchPath()
    let directory = "\(devnet.directory)/tinychain-\(name)"
    let portsPath = "\(directory)/ports.json"
    unlink(portsPath)
    let addresses = peers.compactMap { running[$0].map { "127.0.0.1:\($0.port)" } }
    var arguments = [
      "node", "run", "--data-dir", directory, "--launch-file", launch, "--port",
      "\(running[node]?.port ?? 0)", "--exit-with-parent",
    ]
    if !addresses.isEmpty { arguments += ["--peers", addresses.joined(separator: ",")] }
    let process = try await devnet.launch(
      "tinychain-\(name)",
      program,
      arguments + more,
      without: "TINYCHAIN_"
    )
    let devnet = self.devnet
    let port: UInt16 = try await devnet.wait("\(name) listens") {
      try await devnet.requireAlive(process)
      guard let bytes = try? PrivateFile.read(portsPath, bytesMax: 4096),
        let json = try? JSON(parsing: bytes)
      else { return nil }
      return json["api_port"]?.integer()
    }
    let client =
      running[node]?.client ?? ChainClient(to: SocketAddress(.loopbackV4, port: port), on: loop)
    running[node] = Running(process: process, port: port, client: client)
    if !nodes.contains(node) { nodes.append(node) }
    return node
  }

  func kill(_ node: Node) async {
    if let process = running[node]?.process { await devnet.kill(process) }
  }

  func usages() throws -> [(name: String, usage: ProcessUsage)] {
    try nodes.map { node in
      guard let usage = running[node]?.process.usage else {
        throw DevnetFailure("\(node.name) does not run")
      }
      return (node.name, usage)
    }
  }

  private func launchPath() async throws -> String {
    let path = "\(devnet.directory)/tinychain.toml"
    if access(path, F_OK) != 0 { _ = try await devnet.write("tinychain.toml", Self.launchFile) }
    return path
  }

  // MARK: Asking

  private func ask(_ node: Node, _ name: String, _ fields: JSON = [:]) async throws -> JSON {
    guard let client = running[node]?.client else {
      throw DevnetFailure("\(node.name) is not there")
    }
    return try await client.call(name, fields)
  }

  func tip(of node: Node) async throws -> Tip {
    let answer = try await ask(node, "get_tip")
    guard let height: UInt32 = answer["height"]?.integer(), let work = answer["work"]?.string else {
      throw DevnetFailure("\(node.name) answered \(answer)")
    }
    return Tip(height: height, work: work)
  }

  func waitForHeight(_ height: UInt32, of node: Node) async throws {
    try await devnet.wait("\(node.name) has block \(height)", for: .seconds(60)) {
      // A connection of before a restart ends with the first call on it.
      (try? await self.tip(of: node)).flatMap { $0.height >= height ? true : nil }
    }
  }

  /// Whether all have the same block at a height.
  func isCommon(_ height: UInt32, of nodes: [Node]) async throws -> Bool {
    var ids: Set<String> = []
    for node in nodes {
      let blocks = try await ask(node, "get_blocks", ["from": JSON(height), "count": 1])
      guard let id = blocks.array?.first?["id"]?.string else { return false }
      ids.insert(id)
    }
    return ids.count == 1
  }

  func has(_ transaction: String, at node: Node) async throws -> Bool {
    do {
      return try await ask(node, "chain_getReceipt", ["id": .string(transaction)])["status"] == 1
    } catch ChainClientFailure.refused(code: "no_transaction", message: _) {
      return false
    }
  }

  func cut(_ node: Node, _ isCut: Bool) async throws {
    _ = try await ask(node, "dev_cut", ["cut": .bool(isCut)])
  }

  /// What the nodes have taken back to turn to other branches, since they were started.
  func undoneBlocks(of nodes: [Node]) async throws -> UInt64 {
    var sum: UInt64 = 0
    for node in nodes {
      sum += try await ask(node, "get_tip")["undone_blocks"]?.integer() ?? 0
    }
    return sum
  }

  // MARK: The program

  /// Runs a command of the program to its end.
  @discardableResult
  func run(_ arguments: [String], at node: Node? = nil) async throws -> JSON {
    if access(passwordPath, F_OK) != 0 { _ = try await devnet.write("password", "devnet\n") }
    // Only what signs takes a password.
    let signs = arguments.contains("--from") || arguments.starts(with: ["wallet", "new"])
    let port = node.flatMap { running[$0]?.port }
    return try await devnet.answer(
      of: program,
      arguments + ["--data-dir", data, "--json"]
        + (port.map { ["--node", "127.0.0.1:\($0)"] } ?? [])
        + (signs ? ["--password-file", passwordPath] : []),
      without: "TINYCHAIN_"
    )
  }

  /// Has the program check something with headers alone.
  func verify(_ arguments: [String], at node: Node) async throws -> JSON {
    let launch = try await launchPath()
    return try await run(["verify"] + arguments + ["--launch-file", launch], at: node)
  }

  /// Runs git, whose answer nobody needs.
  func git(_ arguments: [String]) async throws {
    try await devnet.run("/usr/bin/env", ["git"] + arguments)
  }

  func examples() -> String {
    guard let node = nodes.first, let port = running[node]?.port else { return "" }
    let places = nodes.compactMap { node in
      running[node].map { "    \(node.name)  http://127.0.0.1:\($0.port)/api/, /metrics\n" }
    }
    return "  tinychain, logs in \(devnet.directory):\n" + places.joined() + """

          curl -s http://127.0.0.1:\(port)/api/get_tip
          curl -s -X GET http://127.0.0.1:\(port)/api/machine_eval -H "Content-Type: application/json" \\
            -d '{"from_acc":"","to_acc":"","data":"\(String(repeating: "+", count: 59))."}'
          \(program) wallet list --data-dir \(data) --node 127.0.0.1:\(port)

      """ + "\n"
  }
}
