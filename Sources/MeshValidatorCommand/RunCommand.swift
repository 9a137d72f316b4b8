import EventLoop
import Glibc
import Kernel
import MeshNode
import Service

private let follow = Option(
  "follow",
  .boolean,
  default: false,
  scope: .commandLine,
  help: "With a key that has lost its database: make a new one, catch up, and never vote"
)

/// `mesh-validator run`.
let runCommand = Command(
  "run",
  summary: "Run the validator until SIGINT or SIGTERM",
  discussion: """
    It needs the key and the database of `init`, and the network's genesis file. The ports it \
    listens at stand in ports.json in the data directory while it runs. SIGHUP reads log_level again.
    """,
  examples: [
    Command.Example("mesh-validator run", "Run as config.toml says"),
    Command.Example(
      "mesh-validator run --data-dir v1 --genesis genesis.mesh --listen-port 0 --http-port 0",
      "Run on any free ports"
    ),
    Command.Example("mesh-validator run --log-level debug", "See each step of each handshake"),
  ],
  options: ValidatorOptions.all + [follow, ValidatorOptions.exitWithParent],
  run: runValidator
)

@Sendable private func runValidator(_ call: Invocation) async throws {
  let control = try EventLoop(name: "control")
  if call[ValidatorOptions.exitWithParent] { try await control.dieWithParent() }
  var configuration = try ValidatorConfiguration(try ValidatorOptions.withFile(call.settings))
  configuration.follows = call[follow]
  let log = Log(level: configuration.logLevel)
  let signals = try await Signal.stream(of: [.interrupt, .terminate, .hangup], on: control)
  let node: ValidatorNode
  do {
    node = try await ValidatorNode(configuration, log: log)
  } catch {
    // An address in use, a directory another process holds, a key without its database: each says
    // what to do, and none is this program's fault.
    throw CommandFailure("\(error)", status: UsageFailure.exitStatus)
  }
  let listener = Task {
    for await signal in signals {
      switch signal {
      case .interrupt, .terminate:
        log.info("stopping", ["signal": "\(signal)"])
        node.askToStop()
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
      // All that was answered is on the disk; what is left is courtesy.
      log.error("the validator did not stop in time; it ends now", [:])
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

/// SIGHUP: what the log shows follows the file at once; all else needs a restart.
private func reload(_ settings: Settings, into log: Log) {
  do {
    let level = try ValidatorOptions.withFile(settings)[ValidatorOptions.logLevel]
    log.level = level
    log.info(
      "configuration read again; all but log_level needs a restart",
      ["log_level": level.rawValue]
    )
  } catch {
    log.error("configuration not read; nothing changed", ["problem": "\(error)"])
  }
}
