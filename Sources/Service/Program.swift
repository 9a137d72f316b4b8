/// A program: its name, its configuration and its tree of commands.
///
/// ```swift
/// @main enum SmallNano {
///   static func main() async { exit(await program.run()) }
/// }
/// ```
public struct Program: Sendable {
  public let version: String
  /// What every variable starts with: `SMALLNANO_`.
  let environmentPrefix: String
  /// All options of the configuration file.
  ///
  /// Every command can read them all; which of them it takes as flags, the command says.
  let configuration: [any DeclaredOption]
  let root: Command
  /// Why this machine cannot run the program as it is asked to; nil if it can.
  let problem: @Sendable () -> String?

  /// Declares a program.
  ///
  /// - Parameters:
  ///   - version: what --version says.
  ///   - environmentPrefix: what every variable starts with, down to the underscore.
  ///   - configuration: all options of the configuration file.
  ///   - root: the command named like the program, with all others below it.
  ///   - problem: why this machine cannot run the program as its environment asks, such as by
  ///     arithmetic that its processor lacks; asked before anything else, nil if it can.
  public init(
    version: String,
    environmentPrefix: String,
    configuration: [any DeclaredOption],
    root: Command,
    problem: @escaping @Sendable () -> String? = { nil }
  ) {
    precondition(environmentPrefix.hasSuffix("_"))
    self.version = version
    self.environmentPrefix = environmentPrefix
    self.configuration = configuration
    self.root = root
    self.problem = problem
  }

  var name: String { root.name }

  /// The configuration's options and those of the commands on the path, each once.
  func options(of path: [Command]) -> [any DeclaredOption] {
    var options = configuration
    var keys = Set(options.map(\.declaration.key))
    for option in path.flatMap(\.options) where keys.insert(option.declaration.key).inserted {
      options.append(option)
    }
    return options
  }

  /// What is wrong with a call, found without running anything.
  public func check(
    _ arguments: [String],
    environment: [String: String] = [:]
  ) throws(UsageFailure) {
    var parser = CommandLineParser(self)
    _ = try parser.resolve(arguments, environment: environment)
  }

  /// The text of --help for the command at the end of a path, the root for an empty one; nil if
  /// there is none.
  public func help(for names: [String]) -> String? {
    var path = [root]
    for name in names {
      guard let next = path[path.count - 1].subcommands.first(where: { $0.name == name }) else {
        return nil
      }
      path.append(next)
    }
    return HelpText(program: self, path: path).text
  }

  /// Runs what the command line asks for and returns the exit status.
  ///
  /// 0 after success, 2 for a `UsageFailure`, whatever a `CommandFailure` says, else 1. A failure is
  /// one line on standard error, and for a wrong call a second one that names the help to read.
  public func run(
    arguments: [String] = Array(CommandLine.arguments.dropFirst()),
    environment: [String: String] = Program.environment(),
    terminal: Terminal = .standard
  ) async -> Int32 {
    var parser = CommandLineParser(self)
    if let problem = problem() {
      terminal.printError("error: \(problem)\n")
      return UsageFailure.exitStatus
    }
    do {
      switch try parser.resolve(arguments, environment: environment) {
      case .help(let text), .version(let text):
        terminal.print(text)
      case .run(let run, let invocation):
        for warning in invocation.settings.warnings {
          terminal.printError("warning: \(warning)\n")
        }
        try await run(invocation)
      }
      return 0
    } catch let failure as UsageFailure {
      terminal.printError("error: \(failure)\nTry '\(parser.pathText) --help'.\n")
      return UsageFailure.exitStatus
    } catch let failure as CommandFailure {
      terminal.printError("error: \(failure)\n")
      return failure.status
    } catch {
      terminal.printError("error: \(error)\n")
      return 1
    }
  }

  /// The variables that this process was started with.
  ///
  /// From /proc, as `environ` is a global that any C library may change.
  public static func environment() -> [String: String] {
    let bytes = (try? PrivateFile.read("/proc/self/environ", bytesMax: 4 << 20)) ?? []
    var variables: [String: String] = [:]
    for entry in bytes.split(separator: 0) {
      guard let equals = entry.firstIndex(of: UInt8(ascii: "=")) else { continue }
      let name = String(decoding: entry[..<equals], as: UTF8.self)
      variables[name] = String(decoding: entry[(equals + 1)...], as: UTF8.self)
    }
    return variables
  }
}
