import EventLoop
import Glibc
import Kernel
import Mesh
import MeshWalletNode
import Service
import Vault

/// What every command takes.
enum CommonOptions {
  static let json = Option<Bool>(
    "json",
    .boolean,
    default: false,
    scope: .commandLine,
    help: "Answer in JSON"
  )

  /// Of commands that read files alone.
  static let files: [any DeclaredOption] = [WalletOptions.dataDirectory, json]
  static let secrets: [any DeclaredOption] = files + [SecretInput.passwordFile]
  /// Of commands that ask validators.
  static let network: [any DeclaredOption] =
    secrets + [
      WalletOptions.genesis, WalletOptions.validators, WalletOptions.timeout,
      WalletOptions.logLevel,
    ]
}

/// One call of a command: its settings, where its wallet is, and how it answers.
struct WalletCall {
  let call: Invocation
  let settings: Settings
  let isJSON: Bool

  init(_ call: Invocation) throws {
    self.call = call
    settings = try WalletOptions.withFile(call.settings)
    isJSON = call[CommonOptions.json]
  }

  var directory: String { settings[WalletOptions.dataDirectory] }

  /// Status of a failure that may pass: the validators did not answer.
  static let temporaryStatus: Int32 = 3

  /// A command's body: its problem becomes the program's, and in JSON an answer.
  static func run(
    _ body: @escaping @Sendable (WalletCall) async throws -> Void
  ) -> Command.Run {
    { call in
      do {
        try await body(try WalletCall(call))
      } catch let failure as any Error & CustomStringConvertible {
        guard let (code, status) = Self.verdict(on: failure) else { throw failure }
        if call[CommonOptions.json] {
          let error: JSON = ["error": ["code": JSON(code), "message": JSON("\(failure)")]]
          Terminal.standard.print(error.text + "\n")
        }
        throw CommandFailure(failure.description, status: status)
      }
    }
  }

  private static func verdict(on failure: any Error) -> (code: String, status: Int32)? {
    switch failure {
    case let problem as WalletProblem:
      switch problem.code {
      case .unreachable, .underWay: (problem.code.rawValue, temporaryStatus)
      default: (problem.code.rawValue, 1)
      }
    case is FileFailure: (WalletProblem.Code.fileFailed.rawValue, 1)
    case let failure as CommandFailure: ("failed", failure.status)
    // A wrong call explains itself, with the help to read.
    default: nil
    }
  }

  func show(_ answer: JSON, _ text: @autoclosure () -> String) {
    Terminal.standard.print(isJSON ? answer.text + "\n" : text())
  }

  // MARK: Secrets

  private var input: SecretInput { SecretInput(given: settings[WalletOptions.password]) }

  func password() throws -> String { try input.password(call) }

  func newPassword() throws -> SecretBytes { try secret(input.newPassword(call)) }

  func secretLine(_ prompt: String) throws -> String { try input.line(prompt) }

  func secret(_ text: String) -> SecretBytes {
    var bytes = Array(text.utf8)
    return SecretBytes(wiping: &bytes)
  }

  /// Opens the wallet's keys: takes as long as a password shall take to try.
  func openKeys() throws -> WalletKeys {
    let file = try WalletDirectory.read(in: directory)
    return try file.open(password: try secret(password()))
  }

  var cost: PasswordCost {
    let megabytes = settings[WalletOptions.argonMemory]
    return PasswordCost(passes: WalletFile.standardCost.passes, memoryKiB: megabytes << 10)
  }

  // MARK: Commands of the wallet

  /// Lets the agent carry a command out, or, if the wallet is locked, this process.
  func perform(_ command: WalletCommand, tell: MeshWalletService.Tell? = nil) async throws -> JSON {
    let progress = ProgressView()
    defer { progress.end() }
    let tell = tell ?? { progress.show($0) }
    let socket = WalletConfiguration.socketPath(in: directory)
    let loop = try EventLoop(name: "client")
    if let answer = try await AgentClient.perform(command, at: socket, on: loop, tell: tell) {
      return answer
    }
    let configuration = try WalletConfiguration(settings)
    let keys = try openKeys()
    let deadline = loop.now + Self.inUseMax
    while true {
      do {
        let log = Log(level: settings[WalletOptions.logLevel])
        let service = try MeshWalletService(configuration, keys: keys, log: log)
        return try await perform(command, by: service, tell)
      } catch let problem as WalletProblem where problem.code == .inUse && loop.now < deadline {
        // Another command that ends soon, or an agent that begins.
        try await loop.sleep(for: .milliseconds(50))
      }
      if let answer = try await AgentClient.perform(command, at: socket, on: loop, tell: tell) {
        return answer
      }
    }
  }

  /// How long another command may hold the wallet.
  private static let inUseMax = Duration.seconds(5)

  private func perform(
    _ command: WalletCommand,
    by service: MeshWalletService,
    _ tell: @escaping MeshWalletService.Tell
  ) async throws -> JSON {
    try await service.start()
    do {
      let answer = try await service.perform(command, tell: tell)
      await service.stop()
      return answer
    } catch {
      await service.stop()
      throw error
    }
  }
}
