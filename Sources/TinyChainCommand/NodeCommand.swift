import EventLoop
import Glibc
import Kernel
import Service
import TinyChainNode

/// `tinychain node run`.
let nodeCommand = Command(
  "node",
  summary: "A node among others, which mine one chain",
  subcommands: [
    Command(
      "run",
      summary: "Run a node until SIGINT or SIGTERM",
      discussion: """
        Peers and the API are on port 5100. The same command twice is two nodes: the second takes \
        the next free port and a data directory of its own, and the first as its peer. On the first \
        run it writes config.toml, with every setting and its meaning, into the data directory.
        """,
      examples: [
        .init("tinychain node run --mine", "Mine the dev network; once more, and they sync"),
        .init("tinychain node run --peers 192.0.2.7", "Follow a node elsewhere"),
        .init("tinychain node run --network main --launch-file main.toml", "Join the main network"),
      ],
      options: NodeOptions.all + [NodeOptions.exitWithParent],
      run: runNode
    )
  ] + nodeControlCommands
)

@Sendable private func runNode(_ call: Invocation) async throws {
  let control = try EventLoop(name: "control")
  if call[NodeOptions.exitWithParent] { try await control.dieWithParent() }
  let signals = try await Signal.stream(of: [.interrupt, .terminate], on: control)
  let place: NodePlace
  let configuration: NodeConfiguration
  let log: Log
  let node: MinedNode
  do {
    let option = NodeOptions.dataDirectory
    place = try NodePlace(call[option], isFixed: call.settings.source(of: option) != .standard)
    let settings = try NodeOptions.withFile(call.settings, in: place.directory.path)
    // The wallet is the user's, whichever of the nodes this is.
    let wallet = try Keystore(path: call[option] + "/keystore")
    configuration = try NodeConfiguration(settings, wallet: wallet)
    try writeFirstConfiguration(in: place.directory)
    log = Log(level: configuration.logLevel)
    for path in place.taken { log.info("this directory is another node's", ["data": path]) }
    node = try await MinedNode(configuration, place, log: log)
  } catch let failure as UsageFailure {
    throw failure
  } catch {
    // An address in use, a directory another process holds, a file of another network: each says
    // what to do, and none is this program's fault.
    throw CommandFailure("\(error)", status: UsageFailure.exitStatus)
  }
  let listener = Task {
    for await signal in signals {
      log.info("stopping", ["signal": "\(signal)"])
      node.askToStop()
      return
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
private let stopMax = Duration.milliseconds(1_900)

private func writeFirstConfiguration(in directory: DataDirectory) throws {
  let path = directory.file(NodeOptions.fileName)
  guard access(path, F_OK) != 0 else { return }
  try PrivateFile.write(Array(NodeOptions.defaultFile.utf8), to: path, mode: 0o644)
}
