import EventLoop
import Glibc
import Kernel
import Service
import SmallNanoNode

/// What stands under `smallnano node`.
let nodeCommand = Command(
  "node",
  summary: "The node",
  subcommands: [
    Command(
      "run",
      summary: "Run a node until SIGINT or SIGTERM",
      discussion: """
        On the first run it writes config.toml, with every setting and its meaning, into the data \
        directory. The ports it listens at stand in ports.json there while it runs.
        """,
      examples: [
        Command.Example("smallnano node run", "Run a node of the dev network"),
        Command.Example(
          "smallnano node run --data-dir /tmp/n2 --peering-port 0 --rpc-port 0",
          "Run a second one on any free ports"
        ),
        Command.Example(
          "smallnano node run --network main --launch-file main.toml",
          "Join the main network"
        ),
      ],
      options: NodeOptions.all + [NodeOptions.exitWithParent],
      run: runNode
    )
  ] + nodeControlCommands
)

@Sendable private func runNode(_ call: Invocation) async throws {
  let control = try EventLoop(name: "control")
  if call[NodeOptions.exitWithParent] { try await control.dieWithParent() }
  let settings = try NodeOptions.withFile(call.settings)
  let configuration = try NodeConfiguration(settings)
  try writeFirstConfiguration(in: configuration.dataDirectory)
  let log = Log(level: configuration.logLevel)
  let signals = try await Signal.stream(of: [.interrupt, .terminate, .hangup], on: control)
  let node: Node
  do {
    node = try await Node(configuration, log: log, makeFront: NodeFront.standard)
  } catch {
    // An address in use, a directory another process holds, a file of another network: each says
    // what to do, and none is this program's fault.
    throw CommandFailure("\(error)", status: UsageFailure.exitStatus)
  }
  let listener = Task {
    for await signal in signals {
      switch signal {
      case .interrupt, .terminate:
        log.info("stopping", ["signal": "\(signal)"])
        node.access.stop()
        return
      case .hangup:
        reload(call.settings, into: log)
      }
    }
  }
  let failure = await node.untilAskedToStop()
  listener.cancel()
  control.execute {
    control.schedule(after: stopMax) {
      // All that was replied is on the disk; what is left is courtesy.
      log.error("the node did not stop in time; it ends now", [:])
      log.flush()
      exit(1)
    }
  }
  await node.stop()
  await control.shutdown()
  if let failure { throw CommandFailure("\(failure)") }
}

/// Under the two seconds that an operator is promised.
private let stopMax = Duration.milliseconds(1900)

private func writeFirstConfiguration(in directory: String) throws {
  let directory = try DataDirectory(directory)
  let path = directory.file(NodeOptions.fileName)
  guard access(path, F_OK) != 0 else { return }
  try PrivateFile.write(Array(NodeOptions.defaultFile.utf8), to: path, mode: 0o644)
}

/// SIGHUP: what the log shows follows the file at once; all else needs a restart.
private func reload(_ settings: Settings, into log: Log) {
  do {
    let level = try NodeOptions.withFile(settings)[NodeOptions.logLevel]
    log.level = level
    log.info(
      "configuration read again; all but log_level needs a restart",
      ["log_level": level.rawValue]
    )
  } catch {
    log.error("configuration not read; nothing changed", ["problem": "\(error)"])
  }
}
