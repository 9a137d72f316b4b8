import EventLoop
import Glibc
import Kernel
import MeshWalletNode
import Service

private let isDetached = Option<Bool>(
  "detached",
  .boolean,
  default: false,
  scope: .commandLine,
  help: "As `unlock` starts it: the password on standard input, one line of answer, then silence"
)

/// `mesh-wallet unlock`.
let unlockCommand = Command(
  "unlock",
  summary: "Keep the wallet unlocked for a while, so that commands need no password",
  discussion: """
    Starts an agent: a process that holds the keys and the connections to the validators, and answers \
    at a socket in the data directory that only you can reach. Keys never leave it. Commands then need \
    neither the time that trying a password takes nor that of connecting.
    """,
  examples: [
    .init("mesh-wallet unlock", "For 15 minutes, or what wallet.toml says"),
    .init("mesh-wallet unlock --agent-timeout 2h --password-file pw", "In a script"),
  ],
  options: CommonOptions.network + [WalletOptions.agentTimeout],
  run: WalletCall.run { call in
    let socket = WalletConfiguration.socketPath(in: call.directory)
    let loop = try EventLoop(name: "client")
    guard try await !AgentClient.isThere(at: socket, on: loop) else {
      throw WalletProblem(
        .walletExists,
        "the wallet is unlocked already; mesh-wallet lock locks it"
      )
    }
    // What is wrong is said before a password is asked for.
    _ = try WalletDirectory.read(in: call.directory)
    _ = try WalletConfiguration(call.settings)
    let password = try call.password()
    var arguments = Array(CommandLine.arguments.dropFirst())
    guard let place = arguments.firstIndex(of: "unlock") else {
      preconditionFailure("the command that runs")
    }
    arguments[place] = "agent"
    arguments.append("--detached")
    var environment = Program.environment()
    environment["MESH_WALLET_PASSWORD"] = nil
    let line = try AgentProcess.start(arguments, environment: environment, password: password)
    switch AgentMessage(line: Array(line.utf8)) {
    case .answer(let answer)?:
      call.show(
        answer,
        "unlocked for \(call.settings[WalletOptions.agentTimeout].wholeMilliseconds / 1000) s by "
          + "process \(answer.text("process"))\n"
      )
    case .failure(let problem)?: throw problem
    case .event?, nil: throw WalletProblem(.agentFailed, "the agent ended without a word")
    }
  }
)

/// `mesh-wallet lock`.
let lockCommand = Command(
  "lock",
  summary: "End the agent: the next command asks for the password again",
  options: CommonOptions.files,
  run: WalletCall.run { call in
    let socket = WalletConfiguration.socketPath(in: call.directory)
    let loop = try EventLoop(name: "client")
    let answer = try await AgentClient.perform(.lock, at: socket, on: loop) { _ in }
    call.show(
      answer ?? ["locked": true],
      answer == nil ? "the wallet was locked already\n" : "locked\n"
    )
  }
)

/// `mesh-wallet agent`.
let agentCommand = Command(
  "agent",
  summary: "Be the agent, in the foreground: for a supervisor; `unlock` starts one beside you",
  examples: [.init("mesh-wallet agent --password-file pw --agent-timeout 168h", "In a container")],
  options: CommonOptions.network + [WalletOptions.agentTimeout, isDetached],
  run: runAgent
)

@Sendable private func runAgent(_ invocation: Invocation) async throws {
  guard invocation[isDetached] else {
    return try await WalletCall.run { call in
      try await serve(call, password: try call.password()) { answer in
        call.show(answer, "unlocked; process \(answer.text("process"))\n")
      }
    }(invocation)
  }
  // The answer and the problem are lines for `unlock`.
  do {
    let call = try WalletCall(invocation)
    try await serve(call, password: try call.secretLine("")) { answer in
      Terminal.standard.print(String(decoding: AgentMessage.answer(answer).line, as: UTF8.self))
      AgentProcess.detach()
    }
  } catch {
    let problem = error as? WalletProblem ?? WalletProblem(.agentFailed, "\(error)")
    Terminal.standard.print(String(decoding: AgentMessage.failure(problem).line, as: UTF8.self))
  }
}

private func serve(
  _ call: WalletCall,
  password: String,
  ready: (JSON) -> Void
) async throws {
  let control = try EventLoop(name: "control")
  let signals = try await Signal.stream(of: [.interrupt, .terminate], on: control)
  let configuration = try WalletConfiguration(call.settings)
  let keys = try WalletDirectory.read(in: call.directory).open(password: call.secret(password))
  let service = try MeshWalletService(
    configuration,
    keys: keys,
    log: Log(level: call.settings[WalletOptions.logLevel])
  )
  try await service.start()
  let server = AgentServer(service)
  try await server.start(
    at: configuration.socketPath,
    timeout: call.settings[WalletOptions.agentTimeout]
  )
  let listener = Task {
    for await _ in signals { await server.end() }
  }
  Task { await service.warmUp() }
  ready(["unlocked": true, "process": JSON(getpid())])
  await server.untilLocked()
  listener.cancel()
  await service.stop()
}
