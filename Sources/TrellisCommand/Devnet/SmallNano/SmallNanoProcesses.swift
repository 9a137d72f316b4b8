import EventLoop
import Glibc
import Kernel
import Service
import SmallNanoNode

/// The nodes of smallnano's act, by name.
actor SmallNanoProcesses {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private let devnet: Devnet
  private let program: String
  /// In the order of their first start; the dead ones too.
  private(set) var all: [SmallNanoProcess] = []

  init(_ devnet: Devnet, program: String) {
    self.devnet = devnet
    self.program = program
    loop = devnet.loop
  }

  /// The node of this name as it was last started.
  func node(_ name: String) -> SmallNanoProcess {
    guard let node = all.first(where: { $0.name == name }) else {
      preconditionFailure("the story names only nodes that it has started")
    }
    return node
  }

  /// Starts a node, or starts it again on the data it had, and waits until it answers.
  @discardableResult
  func start(_ name: String, launchFile: String? = nil) async throws -> SmallNanoProcess {
    let data = "\(devnet.directory)/\(name)"
    var peers: [String] = []
    for node in all where await devnet.isRunning(node.process) { peers.append(node.peeringAddress) }
    // A node writes it when it listens; what an earlier run wrote is no longer true.
    unlink(SmallNanoProcess.portsPath(data))
    let process = try await devnet.launch(
      name,
      program,
      SmallNanoProcess.arguments(dataDirectory: data, peers: peers, launchFile: launchFile),
      without: "SMALLNANO_"
    )
    let ports = try await devnet.wait("\(name) listens") {
      try await devnet.requireAlive(process)
      guard let bytes = try? PrivateFile.read(SmallNanoProcess.portsPath(data), bytesMax: 4096),
        let json = try? JSON(parsing: bytes)
      else { return nil as SmallNanoProcess.Ports? }
      return SmallNanoProcess.Ports(json)
    }
    let address = SocketAddress(IPAddress(v4: 0x7f00_0001), port: ports.rpc)
    let node = SmallNanoProcess(
      name: name,
      dataDirectory: data,
      process: process,
      ports: ports,
      rpc: RPCClient(to: address, token: try RPCClient.token(in: data), on: loop)
    )
    if let index = all.firstIndex(where: { $0.name == name }) {
      all[index] = node
    } else {
      all.append(node)
    }
    try await devnet.wait("\(name) answers") {
      do throws(RPCClientFailure) {
        return try await node.rpc.call("version")
      } catch {
        guard case .noAnswer = error else { throw error }
        return nil as JSON?
      }
    }
    return node
  }

  func kill(_ name: String) async { await devnet.kill(node(name).process) }

  func close() async {
    for node in all { await node.rpc.close() }
  }

  func examples() -> String {
    var text = ""
    for node in all {
      text += "  \(node.name): RPC http://\(node.rpc.address), metrics at /metrics, "
      text += "log \(node.process.logPath)\n"
    }
    guard let first = all.first else { return text }
    let url = "http://\(first.rpc.address)"
    return text + """

        curl -s \(url) -d '{"action":"confirmation_quorum"}'
        curl -s \(url) -d '{"action":"representatives_online","weight":"true"}'
        curl -s \(url) -H "Authorization: Bearer $(cat \(first.dataDirectory)/rpc_token)" \\
          -d '{"action":"wallet_balances"}'
        \(program) account list --data-dir \(first.dataDirectory) --rpc \(first.rpc.address)

      """
  }
}
