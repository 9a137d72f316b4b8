import EventLoop
import Glibc
import Kernel
import Service
import SmallNano
import SmallNanoNode

/// Why the story ended early: the step, and what went wrong in it.
struct DevnetFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}

/// The nodes, started and ended in one place.
///
/// On the loop's thread, which is the one whose end would kill the children.
actor Devnet {
  nonisolated let loop: EventLoop
  nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

  private let program: String
  private let directory: String
  private let say: @Sendable (String) -> Void
  private let startedAt: Instant
  /// By name, in the order of their first start; the dead ones too.
  private(set) var nodes: [DevnetNode] = []
  private var running: Set<pid_t> = []

  /// A node answers its first call well within this; a loaded machine may take its time.
  static let patience = Duration.seconds(60)

  init(
    program: String,
    directory: String,
    on loop: EventLoop,
    say: @escaping @Sendable (String) -> Void
  ) {
    self.program = program
    self.directory = directory
    self.loop = loop
    self.say = say
    startedAt = loop.now
  }

  /// Tells a story, stays up if asked, and ends every process, whatever happened.
  func run(
    signals: AsyncStream<Signal>,
    staysUp: Bool,
    story: @escaping @Sendable (DevnetStory) async throws -> Void
  ) async -> Result<Void, any Error> {
    let result: Result<Void, any Error>
    do {
      try await withThrowingTaskGroup(of: Bool.self) { group in
        group.addTask(executorPreference: loop) {
          try await story(DevnetStory(self))
          return staysUp
        }
        group.addTask {
          for await signal in signals { throw Interruption(signal: signal) }
          return true
        }
        // The first task to end is the story; the signals end only by throwing.
        if try await group.next() == true {
          note("The nodes stay up until Ctrl-C. Try:\n\n\(examples())")
          _ = try await group.next()
        }
        group.cancelAll()
      }
      result = .success(())
    } catch let interruption as Interruption {
      say("\n")
      let status = 128 + interruption.signal.rawValue
      let isEnd = staysUp && interruption.signal == .interrupt
      result = isEnd ? .success(()) : .failure(CommandFailure("interrupted", status: status))
    } catch {
      result = .failure(CommandFailure("\(error)"))
    }
    await stopAll()
    return result
  }

  private struct Interruption: Error {
    let signal: Signal
  }

  // MARK: Telling

  /// A line of the story, with the seconds since it began.
  func note(_ text: String) {
    let tenths = (loop.now - startedAt).wholeMilliseconds / 100
    let seconds = "\(tenths / 10).\(tenths % 10)"
    say(String(repeating: " ", count: max(0, 6 - seconds.count)) + seconds + "  \(text)\n")
  }

  private func examples() -> String {
    var text = ""
    for node in nodes {
      text += "  \(node.name): RPC http://\(node.rpc.address), metrics at /metrics, "
      text += "log \(node.logPath)\n"
    }
    guard let first = nodes.first else { return text }
    let url = "http://\(first.rpc.address)"
    return text + """

        curl -s \(url) -d '{"action":"confirmation_quorum"}'
        curl -s \(url) -d '{"action":"representatives_online","weight":"true"}'
        curl -s \(url) -H "Authorization: Bearer $(cat \(first.dataDirectory)/rpc_token)" \\
          -d '{"action":"wallet_balances"}'
        \(program) account list --data-dir \(first.dataDirectory) --rpc \(first.rpc.address)

      """
  }

  // MARK: Processes

  /// The node of this name as it was last started.
  func node(_ name: String) -> DevnetNode {
    guard let node = nodes.first(where: { $0.name == name }) else {
      preconditionFailure("the story names only nodes that it has started")
    }
    return node
  }

  /// Writes a file beside the nodes' directories.
  func write(_ name: String, _ text: String) throws -> String {
    let path = "\(directory)/\(name)"
    try PrivateFile.write(Array(text.utf8), to: path)
    return path
  }

  var liveNodes: [DevnetNode] { nodes.filter { running.contains($0.process.pid) } }

  /// Starts a node, or starts it again on the data it had, and waits until it answers.
  @discardableResult
  func start(_ name: String, launchFile: String? = nil) async throws -> DevnetNode {
    let data = "\(directory)/\(name)"
    let peers = liveNodes.map(\.peeringAddress)
    // A node writes it when it listens; what an earlier run wrote is no longer true.
    unlink(DevnetNode.portsPath(data))
    let environment = Program.environment().filter { !$0.key.hasPrefix("SMALLNANO_") }
    let process = try ChildProcess(
      program,
      DevnetNode.arguments(dataDirectory: data, peers: peers, launchFile: launchFile),
      environment: environment,
      log: DevnetNode.logPath(data)
    )
    running.insert(process.pid)
    let ports = try await wait("\(name) listens") {
      if let end = process.ended() {
        self.running.remove(process.pid)
        throw DevnetFailure("it ended with \(end):\n\(DevnetNode.logTail(data))")
      }
      guard let bytes = try? PrivateFile.read(DevnetNode.portsPath(data), bytesMax: 4096),
        let json = try? JSON(parsing: bytes)
      else { return nil as DevnetNode.Ports? }
      return DevnetNode.Ports(json)
    }
    let address = SocketAddress(IPAddress(v4: 0x7f00_0001), port: ports.rpc)
    let node = DevnetNode(
      name: name,
      dataDirectory: data,
      process: process,
      ports: ports,
      rpc: RPCClient(to: address, token: try RPCClient.token(in: data), on: loop)
    )
    if let index = nodes.firstIndex(where: { $0.name == name }) {
      nodes[index] = node
    } else {
      nodes.append(node)
    }
    try await wait("\(name) answers") {
      do throws(RPCClientFailure) {
        return try await node.rpc.call("version")
      } catch {
        guard case .noAnswer = error else { throw error }
        return nil as JSON?
      }
    }
    return node
  }

  /// Ends a node as a power cut would.
  func kill(_ name: String) async {
    let process = node(name).process
    process.signal(SIGKILL)
    await reap(process)
  }

  /// Ends every process: politely, then not.
  ///
  /// Not cancelled with the story.
  private func stopAll() async {
    for node in nodes { await node.rpc.close() }
    for pid in running { Glibc.kill(pid, SIGTERM) }
    let deadline = loop.now + .seconds(5)
    while !running.isEmpty, loop.now < deadline {
      collectEnded()
      if !running.isEmpty { await pause(.milliseconds(10)) }
    }
    for pid in running { Glibc.kill(pid, SIGKILL) }
    while !running.isEmpty {
      collectEnded()
      if !running.isEmpty { await pause(.milliseconds(2)) }
    }
  }

  private func reap(_ process: ChildProcess) async {
    while running.contains(process.pid) {
      collectEnded()
      if running.contains(process.pid) { await pause(.milliseconds(1)) }
    }
  }

  private func collectEnded() {
    for pid in running where waitpid(pid, nil, WNOHANG) != 0 { running.remove(pid) }
  }

  /// A sleep that a cancelled task takes too: what ends processes must not spin.
  private func pause(_ duration: Duration) async {
    await withCheckedContinuation { continuation in
      _ = loop.schedule(after: duration) { continuation.resume() }
    }
  }

  // MARK: Waiting

  /// Asks again and again until there is an answer.
  ///
  /// - Parameters:
  ///   - what: said if it does not come: "east answers".
  ///   - patience: how long to go on.
  ///   - interval: between two questions.
  ///   - question: nil for "not yet".
  /// - Returns: the answer.
  /// - Throws: `DevnetFailure` when time is up, or what the question throws.
  @discardableResult
  func wait<Answer: Sendable>(
    _ what: String,
    for patience: Duration = Devnet.patience,
    every interval: Duration = .milliseconds(20),
    until question: () async throws -> Answer?
  ) async throws -> Answer {
    let deadline = loop.now + patience
    while true {
      do {
        if let answer = try await question() { return answer }
      } catch let cancellation as CancellationError {
        throw cancellation
      } catch {
        throw DevnetFailure("waited until \(what), but \(error)")
      }
      guard loop.now < deadline else {
        throw DevnetFailure(
          "waited \(patience.components.seconds) s until \(what), in vain\n\(logs())"
        )
      }
      try await loop.sleep(for: interval)
    }
  }

  /// What each node said last, for a failure.
  private func logs() -> String {
    nodes.map { "  \($0.name):\n\(DevnetNode.logTail($0.dataDirectory))" }.joined(separator: "\n")
  }
}
